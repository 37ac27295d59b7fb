import { useMemo, useState } from "preact/hooks";

import * as format from "../model/format";
import { lights, worstOf, type Light } from "../model/health";
import type { Sample } from "../model/history";
import type { Live } from "../model/live";
import { joined, momentsOf, pathOf, RANGES, type Past, type Range } from "../model/past";
import { aboutLink } from "../model/recommendations";
import type { Health, Overview, Pool, Setting } from "../model/types";
import { Chart, type Line } from "./chart";
import { usePolled } from "./hooks";
import { Failure, Figure, Mark, Section } from "./parts";
import { LinkSection, NextSection } from "./recommendations";
import { pageOf, useStatements } from "./statements";

const EVERY_MS = 3000;
const MINUTE = 60;

export function OverviewPage({ live }: { live: Live }) {
  const health = usePolled(live, EVERY_MS, (signal) => live.api.health<Health>("/health/detailed", signal)).value;
  const pools = usePolled(live, EVERY_MS, (signal) => live.api.data<Pool[]>("/api/v1/pools", signal)).value;
  const settings = usePolled(live, 10 * EVERY_MS, (signal) =>
    live.api.data<Setting[]>("/api/v1/config", signal),
  ).value;
  const overview = live.latest;
  if (overview === null) return <p class="empty">The first figures come within a second or two.</p>;
  const recent = live.history.recent(MINUTE);
  return (
    <>
      <HealthSection all={lights(overview, health, pools, settings)} isLive={live.isLive} />
      <Figures overview={overview} latest={live.history.recent(5)} recent={recent} />
      {live.link.state === "lost" ? <LinkSection advice={aboutLink(live.link.why)} /> : <NextSection live={live} />}
      <SlowSection live={live} />
      <Charts live={live} />
      <ProcessSection overview={overview} recent={recent} health={health} />
    </>
  );
}

const VERDICTS = {
  good: "All is well",
  attention: "Something wants attention",
  bad: "Something is wrong",
  unknown: "Not all is known yet",
};

function HealthSection({ all, isLive }: { all: Light[]; isLive: boolean }) {
  const known = all.filter((light) => light.status !== "unknown");
  const verdict = isLive ? worstOf(known) : "unknown";
  const word = isLive ? VERDICTS[verdict] : "Not known now; this is how it was";
  return (
    <Section title="Health" id="health" note={<Mark status={verdict} word={word} />}>
      <ul class="lights">
        {all.map((light) => (
          <li key={light.name} class={light.status}>
            <a href={light.page}>
              <span class="name">{light.name}</span>
              <Mark status={light.status} word={light.word} />
              <span class="why">{light.text}</span>
            </a>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Figures(props: { overview: Overview; latest: Sample | null; recent: Sample | null }) {
  const { overview, latest, recent } = props;
  const { clients, cache } = overview;
  return (
    <Section title="Now" id="now" note="of the last five seconds">
      {/* Which seconds exactly: whoever holds the figures against a count of his own has to know. */}
      <dl class="figures" data-begin={latest?.begin} data-end={latest?.time}>
        <Figure
          id="throughput"
          name="Throughput"
          value={`${format.compact(latest?.queries ?? null)}/s`}
          note={`queries; ${format.count(overview.traffic.queries)} since the start`}
        />
        <Figure
          id="latency"
          name="Latency"
          value={format.milliseconds(latest?.latencyMs ?? null)}
          note={latencyNote(latest, recent)}
        />
        <Figure
          id="hit-rate"
          name="Hit rate"
          value={format.percent(latest?.hitRate ?? null)}
          note={hitNote(cache.hits, latest)}
        />
        <Figure
          id="saved"
          name="Time saved"
          value={format.duration(cache.saved_us / 1e6)}
          note={`of the server's since the start; now ${format.duration(latest?.savedSeconds ?? null)} each second`}
        />
        <Figure
          id="wait"
          name="Pool wait"
          value={format.milliseconds(latest?.waitMs ?? null)}
          note={`mean per checkout; ${format.some(clients.waiting, "client")} waiting`}
        />
        <Figure
          id="clients"
          name="Clients"
          value={format.count(clients.all)}
          note={`${format.count(clients.active)} active, on ${format.some(overview.backends, "backend")}`}
        />
      </dl>
    </Section>
  );
}

/** What is answered from memory is in neither mean nor percentile: both are of the servers' answers. */
function latencyNote(latest: Sample | null, recent: Sample | null): string {
  const minute = `${format.milliseconds(recent?.latencyMs ?? null)} in the last minute`;
  if (latest?.memoryShare === 1) return `all came from memory; ${minute}`;
  const p95 = latest?.p95Ms ?? null;
  const tail = p95 === null ? "" : `; 95 % under ${format.milliseconds(p95)}`;
  return `mean of servers' answers${tail}; ${minute}`;
}

/** Of what the cache was asked: writes, and reads that are not to be kept, are not looked for there. */
function hitNote(hits: number, latest: Sample | null): string {
  const share = latest?.memoryShare ?? null;
  const all = share === null ? "" : `, now ${format.percent(share)} of all queries`;
  return `of what the cache was asked; ${format.count(hits)} answered from memory since the start${all}`;
}

/** What takes the server's time; left out where statements are not counted. */
function SlowSection({ live }: { live: Live }) {
  const { value } = useStatements(live, 5);
  if (value === null || value.statements.length === 0) return null;
  return (
    <Section title="What takes most time" id="slow" note={<a href="#/statements">all statements</a>}>
      <ol class="slow">
        {value.statements.slice(0, 5).map((each) => (
          <li key={pageOf(each)}>
            <a href={pageOf(each)}>
              <code>{each.text}</code>
            </a>
            <span>
              <b>{format.duration(each.total_seconds + each.error_seconds)}</b> in{" "}
              {format.some(each.calls - each.cache_hits, "call")} of a server, mean{" "}
              {format.duration(each.mean_seconds)}, p95 {format.duration(each.p95_seconds)}
              {each.errors > 0 && `, and ${format.some(each.errors, "error")}`}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

const THROUGHPUT: Line[] = [
  { name: "queries", colour: "--line-1", value: (sample) => sample.queries },
  { name: "errors", colour: "--line-3", value: (sample) => sample.errors },
  { name: "from memory", colour: "--line-2", value: (sample) => sample.hits },
];
const LATENCY: Line[] = [
  { name: "mean", colour: "--line-1", value: (sample) => sample.latencyMs },
  { name: "95 % under", colour: "--line-2", value: (sample) => sample.p95Ms },
  { name: "wait for a backend", colour: "--line-3", value: (sample) => sample.waitMs },
];
const HITS: Line[] = [{ name: "hit rate", colour: "--line-2", value: (sample) => sample.hitRate }];
const CLIENTS: Line[] = [
  { name: "active", colour: "--line-1", value: (sample) => sample.active },
  { name: "waiting", colour: "--line-3", value: (sample) => sample.waiting },
  { name: "idle", colour: "--line-4", value: (sample) => sample.idle },
];
const PROCESSOR: Line[] = [{ name: "processor", colour: "--line-1", value: (sample) => sample.cpu }];
const MEMORY: Line[] = [{ name: "memory", colour: "--line-3", value: (sample) => sample.memoryBytes }];

function Charts({ live }: { live: Live }) {
  const [range, setRange] = useState(RANGES[0]!);
  return (
    <Section
      title="Over time"
      id="charts"
      note={
        <span class="ranges" role="group" aria-label="How far back">
          {RANGES.map((each) => (
            <button type="button" key={each.title} aria-pressed={each === range} onClick={() => setRange(each)}>
              {each.title}
            </button>
          ))}
        </span>
      }
    >
      <RangeOfCharts live={live} range={range} key={range.title} />
    </Section>
  );
}

/** Begins with what Forebay remembers; the shortest goes on with each second that comes. */
function RangeOfCharts({ live, range }: { live: Live; range: Range }) {
  const { value, error } = usePolled(live, range.everyMs, (signal) => live.api.data<Past>(pathOf(range), signal));
  const past = useMemo(() => (value === null ? [] : momentsOf(value)), [value]);
  const isLive = range === RANGES[0];
  const now = isLive ? live.history.samples : null;
  const samples = useMemo(() => (now === null ? past : joined(past, now, range.seconds)), [past, now]);
  return (
    <>
      {error && <Failure error={error} has={value !== null} />}
      <div class="charts">
        <Chart title="Throughput, per second" lines={THROUGHPUT} format={format.compact} {...{ samples, range }} />
        <Chart title="Latency of servers" lines={LATENCY} format={format.milliseconds} {...{ samples, range }} />
        <Chart title="Answers from memory" lines={HITS} format={format.percent} most={1} {...{ samples, range }} />
        <Chart title="Clients" lines={CLIENTS} format={format.compact} {...{ samples, range }} />
        <Chart
          title="Forebay’s processor time, of one"
          lines={PROCESSOR}
          format={format.percent}
          {...{ samples, range }}
        />
        <Chart title="Forebay’s memory" lines={MEMORY} format={format.bytes} {...{ samples, range }} />
      </div>
      {!isLive && value !== null && (
        <p class="note">
          Each point is of {format.duration(value.resolution_seconds)}: a short peak is a part of its mean.
        </p>
      )}
    </>
  );
}

function ProcessSection({
  overview,
  recent,
  health,
}: {
  overview: Overview;
  recent: Sample | null;
  health: Health | null;
}) {
  const { process, time } = overview;
  return (
    <Section title="Process" id="process" note={health ? `Forebay ${health.version}` : undefined}>
      <dl class="figures small">
        <Figure name="Up for" value={format.duration(time - process.start_time)} />
        <Figure name="Processor" value={format.percent(recent?.cpu ?? null)} note="of one, in the last minute" />
        <Figure name="Memory" value={format.bytes(process.resident_bytes)} />
        <Figure name="Threads" value={format.count(process.threads)} note={`${process.client_threads} for clients`} />
        <Figure name="Open files" value={format.count(process.open_files)} />
      </dl>
    </Section>
  );
}
