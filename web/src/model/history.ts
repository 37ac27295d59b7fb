import { meanMs, percentileMs, timesBetween } from "./times";
import type { Overview } from "./types";

/** What happened between two overviews. Rates are per second; null where nothing happened that it could be of. */
export interface Sample {
  begin: number; // seconds since 1970, of the earlier one
  time: number; // of the later one
  queries: number;
  errors: number;
  memoryShare: number | null; // of the queries, those that memory alone answered
  latencyMs: number | null; // mean of calls of servers; of queries, where statements are not counted
  p95Ms: number | null; // of calls of servers
  waitMs: number | null; // mean, of a checkout
  hits: number;
  hitRate: number | null; // 0 to 1
  hitP95Ms: number | null; // of answers from memory
  savedSeconds: number; // per second
  cpu: number; // processors
  memoryBytes: number; // of the process
  active: number;
  idle: number;
  waiting: number;
}

export const SPAN_SECONDS = 300;
const RECENT_SECONDS = 60;
/** They come each second, but not while the computer sleeps or the stream is lost. */
const GAP_SECONDS = 10;

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function milliseconds(micros: number | null): number | null {
  return micros === null ? null : micros / 1000;
}

/** Of one process, whose counters never fall. */
export function sampleBetween(before: Overview, after: Overview): Sample {
  const seconds = after.time - before.time;
  const more = (value: (overview: Overview) => number) => value(after) - value(before);
  const queries = more((overview) => overview.traffic.queries);
  const cached = more((overview) => overview.traffic.cached_queries);
  const hits = more((overview) => overview.cache.hits);
  const misses = more((overview) => overview.cache.misses);
  const calls = timesBetween(before.calls, after.calls);
  const queryUs = more((overview) => overview.traffic.query_us);
  const waitUs = more((overview) => overview.traffic.wait_us);
  return {
    begin: before.time,
    time: after.time,
    queries: queries / seconds,
    errors: more((overview) => overview.errors) / seconds,
    memoryShare: ratio(cached, queries),
    latencyMs: after.calls.count > 0 ? meanMs(calls) : milliseconds(ratio(queryUs, queries - cached)),
    p95Ms: percentileMs(calls, 0.95),
    waitMs: milliseconds(
      ratio(
        waitUs,
        more((overview) => overview.traffic.backend_assignments + overview.traffic.failed_checkouts),
      ),
    ),
    hits: hits / seconds,
    hitRate: ratio(hits, hits + misses),
    hitP95Ms: percentileMs(timesBetween(before.hits, after.hits), 0.95),
    savedSeconds: more((overview) => overview.cache.saved_us) / 1e6 / seconds,
    cpu: more((overview) => overview.process.cpu_seconds) / seconds,
    memoryBytes: after.process.resident_bytes,
    active: after.clients.active,
    idle: after.clients.idle,
    waiting: after.clients.waiting,
  };
}

/** Whether both are of one process, by one clock. Another process counts from nothing. */
function follows(before: Overview, after: Overview): boolean {
  return before.process.start_time === after.process.start_time && before.time < after.time;
}

/** The last five minutes, and what came last. */
export class History {
  samples: Sample[] = [];
  latest: Overview | null = null;
  private overviews: Overview[] = []; // of the last minute, and the one before

  add(overview: Overview): void {
    const before = this.latest;
    if (before !== null && overview.time === before.time) return;
    this.latest = overview;
    if (before !== null && !follows(before, overview)) {
      this.samples = [];
      this.overviews = [];
    } else if (before !== null && overview.time - before.time > GAP_SECONDS) {
      this.overviews = []; // what came meanwhile is nothing of now
    } else if (before !== null) {
      const from = overview.time - SPAN_SECONDS;
      this.samples = [...this.samples.filter((sample) => sample.time > from), sampleBetween(before, overview)];
    }
    this.overviews.push(overview);
    const begin = this.beginOf(RECENT_SECONDS);
    this.overviews = this.overviews.filter((each) => each.time >= begin);
  }

  /** Of the last `seconds`, up to a minute; null before there is anything. */
  recent(seconds: number): Sample | null {
    const begin = this.beginOf(seconds);
    const first = this.overviews.find((each) => each.time >= begin);
    const last = this.overviews.at(-1);
    return first && last && first !== last ? sampleBetween(first, last) : null;
  }

  /** When the last overview came that is so old, or the first of all. */
  private beginOf(seconds: number): number {
    const wanted = (this.overviews.at(-1)?.time ?? 0) - seconds;
    return this.overviews.filter((each) => each.time <= wanted).at(-1)?.time ?? this.overviews[0]?.time ?? 0;
  }
}
