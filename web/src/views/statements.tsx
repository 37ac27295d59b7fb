import { useState } from "preact/hooks";

import type { ApiError } from "../model/api";
import * as format from "../model/format";
import type { Live } from "../model/live";
import type { Repetition, Statement, Statements } from "../model/types";
import { usePolled, useRoute, type Polled } from "./hooks";
import { Failure, Figure, Notice, Section } from "./parts";
import { Repeated, RepeatedMark, repetitionOf, useRepetitions } from "./repetitions";
import { Table, type Column } from "./table";

const EVERY_MS = 5000;

const seconds = (value: number | null) => format.duration(value);
const keyOf = (statement: Statement) => `${statement.database}/${statement.fingerprint}`;
export const pageOf = (statement: Statement) =>
  `#/statements/${encodeURIComponent(statement.database)}/${encodeURIComponent(statement.fingerprint)}`;

const columns = (repetitions: Repetition[]): Column<Statement>[] => [
  {
    title: "Statement",
    cell: (row) => {
      const repetition = repetitionOf(repetitions, row.database, row.fingerprint);
      return (
        <>
          <a href={pageOf(row)}>
            <code>{row.text}</code>
          </a>
          {repetition && " "}
          {repetition && <RepeatedMark repetition={repetition} />}
        </>
      );
    },
    by: (row) => row.text,
    wide: true,
  },
  { title: "Database", cell: (row) => row.database, by: (row) => row.database },
  { title: "Total", cell: (row) => seconds(row.total_seconds), by: (row) => row.total_seconds, numeric: true },
  { title: "Calls", cell: (row) => format.count(row.calls), by: (row) => row.calls, numeric: true },
  { title: "Mean", cell: (row) => seconds(row.mean_seconds), by: (row) => row.mean_seconds ?? 0, numeric: true },
  { title: "p95", cell: (row) => seconds(row.p95_seconds), by: (row) => row.p95_seconds ?? 0, numeric: true },
  { title: "p99", cell: (row) => seconds(row.p99_seconds), by: (row) => row.p99_seconds ?? 0, numeric: true },
  {
    title: "From memory",
    cell: (row) => format.percent(row.calls > 0 ? row.cache_hits / row.calls : null),
    by: (row) => row.cache_hits / Math.max(1, row.calls),
    numeric: true,
  },
  { title: "Errors", cell: (row) => format.count(row.errors), by: (row) => row.errors, numeric: true },
];

/** Those that took most time. */
export function useStatements(live: Live, most: number): Polled<Statements> {
  return usePolled(live, EVERY_MS, (signal) => live.api.data<Statements>(`/api/v1/statements?limit=${most}`, signal));
}

/** All statements, or the one that the address names. */
export function StatementsPage({ live }: { live: Live }) {
  const [, , database, fingerprint] = useRoute().split("/").map(decodeURIComponent);
  const { value, error } = useStatements(live, 100);
  const repetitions = useRepetitions(live).value?.repetitions ?? [];
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  if (!value.enabled) return <NotCounted />;
  const { statements } = value;
  if (fingerprint === undefined) {
    return (
      <>
        <Repeated repetitions={repetitions} />
        <All statements={statements} repetitions={repetitions} error={error} />
      </>
    );
  }
  const chosen = statements.find((each) => each.database === database && each.fingerprint === fingerprint);
  return chosen ? (
    <>
      <One statement={chosen} />
      <Repeated
        repetitions={repetitions.filter((each) => each.database === database && each.fingerprint === fingerprint)}
      />
    </>
  ) : (
    <Notice title="This statement is not among the hundred that took most time.">
      <p>
        <a href="#/statements">All statements</a>
      </p>
    </Notice>
  );
}

function NotCounted() {
  return (
    <Notice title="Statements are not counted.">
      <p>
        Which of them are slow cannot be said, since <code>statements.enabled</code> is off. The overview has what all
        of them take together.
      </p>
    </Notice>
  );
}

function All(props: { statements: Statement[]; repetitions: Repetition[]; error: ApiError | null }) {
  const { statements, repetitions, error } = props;
  const [wanted, setWanted] = useState("");
  const shown = statements.filter((each) => each.text.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <Section title="The hundred that took most time" id="statements" note="since the start; values are left out">
      {error && <Failure error={error} has />}
      <label class="search">
        Search
        <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
      </label>
      <Table
        caption="Statements"
        columns={columns(repetitions)}
        rows={shown}
        keyOf={keyOf}
        sortedBy="Total"
        empty={wanted ? "No statement has that in it." : "No statement has been counted yet."}
      />
    </Section>
  );
}

function One({ statement }: { statement: Statement }) {
  const at = (time: string) => new Date(time).toLocaleString("en-GB");
  return (
    <>
      <p>
        <a href="#/statements">All statements</a>
      </p>
      <Section title="Statement" id="statement" note={`in ${statement.database}`}>
        <pre class="text" tabIndex={0} aria-label="Text of the statement">
          <code>{statement.text}</code>
        </pre>
        <dl class="figures">
          <Figure name="Calls" value={format.count(statement.calls)} note={`${format.some(statement.rows, "row")}`} />
          <Figure name="Total" value={seconds(statement.total_seconds)} />
          <Figure name="Mean" value={seconds(statement.mean_seconds)} />
          <Figure name="Half are faster than" value={seconds(statement.p50_seconds)} note="p50" />
          <Figure name="95 of 100 are faster than" value={seconds(statement.p95_seconds)} note="p95" />
          <Figure name="99 of 100 are faster than" value={seconds(statement.p99_seconds)} note="p99" />
          <Figure name="Waited for a backend" value={seconds(statement.wait_seconds)} note="in all" />
          <Figure
            name="From memory"
            value={format.count(statement.cache_hits)}
            note={`saved ${seconds(statement.saved_seconds)}`}
          />
          <Figure name="Errors" value={format.count(statement.errors)} />
        </dl>
        <p class="note">
          First seen {at(statement.first_seen)}, last seen {at(statement.last_seen)}. Fingerprint{" "}
          {statement.fingerprint}.
        </p>
      </Section>
    </>
  );
}
