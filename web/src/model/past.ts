import type { Sample } from "./history";

/** A sample of which not all is known. */
export type Moment = { time: number } & { [Key in Exclude<keyof Sample, "begin" | "time">]: Sample[Key] | null };

/** GET /api/v1/history?series=…&seconds=… */
export interface Past {
  resolution_seconds: number;
  points: number;
  newest: number; // when the last point began; seconds since 1970
  series: Record<string, Record<"mean" | "least" | "most", (number | null)[]> | null>;
}

/** What the charts show, by the names that Forebay keeps it under. */
const NAMES = {
  queries: "queries",
  errors: "errors",
  callMs: "call_ms",
  queryMs: "query_ms",
  p95Ms: "call_p95_ms",
  waitMs: "wait_ms",
  hits: "hits",
  hitRate: "hit_ratio",
  cpu: "cpu",
  memoryBytes: "resident_bytes",
  active: "clients_active",
  idle: "clients_idle",
  waiting: "clients_waiting",
} as const;

export interface Range {
  title: string;
  seconds: number;
  everyMs: number; // that it is asked for
}

/** The first is that of the live figures, and is asked for once. */
export const RANGES: Range[] = [
  { title: "5 min", seconds: 300, everyMs: 600_000 },
  { title: "1 h", seconds: 3600, everyMs: 10_000 },
  { title: "24 h", seconds: 86_400, everyMs: 60_000 },
  { title: "7 d", seconds: 604_800, everyMs: 60_000 },
];

export function pathOf(range: Range): string {
  return `/api/v1/history?series=${Object.values(NAMES).join(",")}&seconds=${range.seconds}`;
}

export function momentsOf(past: Past): Moment[] {
  const moments: Moment[] = [];
  for (let at = 0; at < past.points; at += 1) {
    const value = (name: keyof typeof NAMES) => past.series[NAMES[name]]?.mean[at] ?? null;
    moments.push({
      time: past.newest - (past.points - 1 - at) * past.resolution_seconds,
      queries: value("queries"),
      errors: value("errors"),
      memoryShare: null,
      latencyMs: past.series[NAMES.callMs] ? value("callMs") : value("queryMs"),
      p95Ms: value("p95Ms"),
      waitMs: value("waitMs"),
      hits: value("hits"),
      hitRate: value("hitRate"),
      hitP95Ms: null,
      savedSeconds: null,
      cpu: value("cpu"),
      memoryBytes: value("memoryBytes"),
      active: value("active"),
      idle: value("idle"),
      waiting: value("waiting"),
    });
  }
  // What was before Forebay began to remember is not a part of the chart.
  const first = moments.findIndex((moment) => moment.active !== null);
  return first < 0 ? [] : moments.slice(first);
}

/** What Forebay remembered from before the page was opened, and what came since; no longer than `seconds`. */
export function joined(past: Moment[], live: Sample[], seconds: number): Moment[] {
  const begin = live[0]?.time ?? Infinity;
  const all = [...past.filter((moment) => moment.time < begin - 0.5), ...live];
  const from = (all.at(-1)?.time ?? 0) - seconds;
  return all.filter((moment) => moment.time > from);
}
