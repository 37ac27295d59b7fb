import { Fragment } from "preact";
import { useState } from "preact/hooks";

import { ApiError } from "../model/api";
import * as format from "../model/format";
import type { Live } from "../model/live";
import { pastOf, type PastPoint } from "../model/plan";
import type { Range } from "../model/past";
import type { Sample, Statement, StatementDetails } from "../model/types";
import { Chart, type Line } from "./chart";
import { usePolled } from "./hooks";
import { Failure, Figure, Notice, Section } from "./parts";
import { Plans } from "./plan";
import { Repeated } from "./repetitions";

const EVERY_MS = 5000;
const HOUR: Range = { title: "1 h", seconds: 3600, everyMs: EVERY_MS };
const CALLS: Line<PastPoint>[] = [{ name: "calls", colour: "--line-1", value: (point) => point.callsPerSecond }];
const MEAN: Line<PastPoint>[] = [{ name: "mean", colour: "--line-3", value: (point) => point.meanSeconds }];

/** Everything of one statement. */
export function StatementPage(props: { live: Live; database: string; fingerprint: string }) {
  return (
    <>
      <p>
        <a href="#/statements">All statements</a>
      </p>
      <Details {...props} />
    </>
  );
}

function Details({ live, database, fingerprint }: { live: Live; database: string; fingerprint: string }) {
  const path = `/api/v1/statements/${fingerprint}-${encodeURIComponent(database)}`;
  const [asked, setAsked] = useState(0); // how often; so that the answer is shown at once
  const { value, error } = usePolled(
    live,
    EVERY_MS,
    (signal) => live.api.data<StatementDetails>(path, signal),
    asked,
  );
  const [failed, setFailed] = useState<ApiError | null>(null);
  if (value === null && error?.code === "no_statement") {
    return (
      <Notice title="This statement is not counted any more.">
        <p>Statements make room for others that cost more, and have other names after a start.</p>
      </Notice>
    );
  }
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  const explain = (body: Record<string, unknown>) => {
    live.api.post(`${path}/explain`, body).then(
      () => (setFailed(null), setAsked(asked + 1)),
      (why: unknown) => setFailed(why instanceof ApiError ? why : new ApiError(0, "unknown", String(why))),
    );
  };
  const past = pastOf(value.explained.past);
  return (
    <>
      {error && <Failure error={error} has />}
      <Figures statement={value} />
      <p class="done" role="status">
        {asked > 0 && failed === null ? "The server has been asked." : ""}
      </p>
      <Plans details={value} failed={failed} explain={value.may_explain ? explain : null} />
      <Section title="The last hour" id="past" note="calls that servers answered">
        <div class="charts">
          <Chart title="Calls per second" lines={CALLS} samples={past} range={HOUR} format={format.compact} />
          <Chart title="Time of a call" lines={MEAN} samples={past} range={HOUR} format={format.duration} />
        </div>
      </Section>
      {value.sample && <Values sample={value.sample} />}
      <Repeated repetitions={value.repetitions} />
    </>
  );
}

/** For administrators, where they are kept. */
function Values({ sample }: { sample: Sample }) {
  const at = new Date(sample.at).toLocaleString("en-GB");
  return (
    <Section title="Values of the slowest call" id="values" note={`${format.duration(sample.seconds)}, ${at}`}>
      <dl class="pairs">
        {sample.values.map((value, index) => (
          <Fragment key={index}>
            <dt>${index + 1}</dt>
            <dd>
              {value.masked ? <i>{value.text}</i> : <code>{value.text ?? "NULL"}</code>}
              {value.cut && " …"}
            </dd>
          </Fragment>
        ))}
      </dl>
      {sample.left_out > 0 && <p class="note">And {format.count(sample.left_out)} more.</p>}
    </Section>
  );
}

function Figures({ statement }: { statement: Statement }) {
  const at = (time: string) => new Date(time).toLocaleString("en-GB");
  return (
    <Section title="Statement" id="statement" note={`in ${statement.database}`}>
      <pre class="text" tabIndex={0} aria-label="Text of the statement">
        <code>{statement.text}</code>
      </pre>
      <dl class="figures">
        <Figure name="Calls" value={format.count(statement.calls)} note={`${format.some(statement.rows, "row")}`} />
        <Figure name="Total" value={format.duration(statement.total_seconds)} />
        <Figure name="Mean" value={format.duration(statement.mean_seconds)} />
        <Figure name="Half are faster than" value={format.duration(statement.p50_seconds)} note="p50" />
        <Figure name="95 of 100 are faster than" value={format.duration(statement.p95_seconds)} note="p95" />
        <Figure name="99 of 100 are faster than" value={format.duration(statement.p99_seconds)} note="p99" />
        <Figure name="Waited for a backend" value={format.duration(statement.wait_seconds)} note="in all" />
        <Figure
          name="From memory"
          value={format.count(statement.cache_hits)}
          note={`saved ${format.duration(statement.saved_seconds)}`}
        />
        <Figure
          name="Errors"
          value={format.count(statement.errors)}
          {...(statement.errors > 0 && { note: `after ${format.duration(statement.error_seconds)}` })}
        />
      </dl>
      <p class="note">
        First seen {at(statement.first_seen)}, last seen {at(statement.last_seen)}. Fingerprint{" "}
        {statement.fingerprint}.
      </p>
    </Section>
  );
}
