import { useState } from "preact/hooks";

import type { ApiError } from "../model/api";
import * as format from "../model/format";
import type { Live } from "../model/live";
import type { Repetition, Statement, Statements } from "../model/types";
import { usePolled, useRoute, type Polled } from "./hooks";
import { Failure, Mark, Notice, Section } from "./parts";
import { Repeated, RepeatedMark, repetitionOf, useRepetitions } from "./repetitions";
import { StatementPage } from "./statement";
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
          {row.plan && row.plan.findings > 0 && " "}
          {row.plan && row.plan.findings > 0 && <Mark status="attention" word="can be mended" />}
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

/** What Forebay is to choose the statements of the table by, when it is sorted by a column; of others it stays. */
const ORDERS: Record<string, string> = {
  Total: "total",
  Calls: "calls",
  Mean: "mean",
  p95: "slowest",
  p99: "slowest",
  "From memory": "hits",
  Errors: "errors",
};
const WORDS: Record<string, string> = {
  total: "that took most time",
  calls: "that were called most often",
  mean: "that took longest on average",
  slowest: "with the slowest calls",
  hits: "that memory answered most often",
  errors: "that failed most often",
};

/** Those that took most time, or the first in another order of the API. */
export function useStatements(live: Live, most: number, order = "total"): Polled<Statements> {
  const path = `/api/v1/statements?limit=${most}&order=${order}`;
  return usePolled(
    live,
    EVERY_MS,
    (signal) => live.api.data<Statements>(path, signal),
    Object.keys(WORDS).indexOf(order),
  );
}

/** All statements, or the one that the address names. */
export function StatementsPage({ live }: { live: Live }) {
  const [, , database, fingerprint] = useRoute().split("/").map(decodeURIComponent);
  if (database !== undefined && fingerprint !== undefined)
    return (
      <StatementPage key={`${database}/${fingerprint}`} live={live} database={database} fingerprint={fingerprint} />
    );
  return <List live={live} />;
}

function List({ live }: { live: Live }) {
  const [order, setOrder] = useState("total");
  const { value, error } = useStatements(live, 100, order);
  const repetitions = useRepetitions(live).value?.repetitions ?? [];
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  if (!value.enabled) return <NotCounted />;
  return (
    <>
      <Repeated repetitions={repetitions} />
      <All
        statements={value.statements}
        repetitions={repetitions}
        error={error}
        words={WORDS[order]!}
        onOrder={(title) => setOrder(ORDERS[title] ?? order)}
      />
    </>
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

interface AllProps {
  statements: Statement[];
  repetitions: Repetition[];
  error: ApiError | null;
  words: string; // which these are
  onOrder: (title: string) => void;
}

function All({ statements, repetitions, error, words, onOrder }: AllProps) {
  const [wanted, setWanted] = useState("");
  const shown = statements.filter((each) => each.text.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <Section title={`The hundred ${words}`} id="statements" note="since the start; values are left out">
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
        onOrder={onOrder}
        empty={wanted ? "No statement has that in it." : "No statement has been counted yet."}
      />
    </Section>
  );
}
