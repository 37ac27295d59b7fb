import type { Overview } from "./types";

/** What happened between two overviews. Rates are per second; null where nothing happened that it could be of. */
export interface Sample {
  time: number; // seconds since 1970, of the later one
  queries: number;
  transactions: number;
  served: number; // queries that servers answered
  queryMs: number | null; // mean of those
  checkouts: number; // backends that were lent
  waitMs: number | null; // mean, of a checkout
  hits: number;
  misses: number;
  hitRate: number | null; // 0 to 1
  savedSeconds: number; // per second
  cpu: number; // processors
  active: number;
  idle: number;
  waiting: number;
}

export const SPAN_SECONDS = 300;

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

export function sampleBetween(before: Overview, after: Overview): Sample {
  const seconds = after.time - before.time;
  const more = (value: (overview: Overview) => number) => Math.max(0, value(after) - value(before));
  const queries = more((overview) => overview.traffic.queries);
  const hits = more((overview) => overview.cache.hits);
  const misses = more((overview) => overview.cache.misses);
  const served = more((overview) => overview.traffic.queries - overview.traffic.cached_queries);
  const queryUs = ratio(
    more((overview) => overview.traffic.query_us),
    served,
  );
  const checkouts = more((overview) => overview.traffic.backend_assignments);
  const waitUs = ratio(
    more((overview) => overview.traffic.wait_us),
    checkouts,
  );
  return {
    time: after.time,
    queries: queries / seconds,
    transactions: more((overview) => overview.traffic.transactions) / seconds,
    served: served / seconds,
    queryMs: queryUs === null ? null : queryUs / 1000,
    checkouts: checkouts / seconds,
    waitMs: waitUs === null ? null : waitUs / 1000,
    hits: hits / seconds,
    misses: misses / seconds,
    hitRate: ratio(hits, hits + misses),
    savedSeconds: more((overview) => overview.cache.saved_us) / 1e6 / seconds,
    cpu: more((overview) => overview.process.cpu_seconds) / seconds,
    active: after.clients.active,
    idle: after.clients.idle,
    waiting: after.clients.waiting,
  };
}

/** The last five minutes, and what came last. */
export class History {
  samples: Sample[] = [];
  latest: Overview | null = null;

  add(overview: Overview): void {
    const before = this.latest;
    this.latest = overview;
    if (before === null) return;
    if (before.process.start_time !== overview.process.start_time) {
      this.samples = []; // another process, which counts from nothing
      return;
    }
    if (overview.time <= before.time) return;
    const from = overview.time - SPAN_SECONDS;
    this.samples = [...this.samples.filter((sample) => sample.time > from), sampleBetween(before, overview)];
  }

  /** Of the last `seconds`; null before there is anything. */
  recent(seconds: number): Sample | null {
    const last = this.samples.at(-1);
    if (!last) return null;
    const chosen = this.samples.filter((sample) => sample.time > last.time - seconds);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const of = (value: (sample: Sample) => number) => mean(chosen.map(value));
    /** A mean of means, each with the weight of what it is the mean of. */
    const weighted = (value: (sample: Sample) => number | null, weight: (sample: Sample) => number) => {
      const there = chosen.filter((sample) => value(sample) !== null);
      const all = there.reduce((sum, sample) => sum + weight(sample), 0);
      return ratio(
        there.reduce((sum, sample) => sum + (value(sample) ?? 0) * weight(sample), 0),
        all,
      );
    };
    const hits = of((sample) => sample.hits);
    const misses = of((sample) => sample.misses);
    return {
      ...last,
      queries: of((sample) => sample.queries),
      transactions: of((sample) => sample.transactions),
      served: of((sample) => sample.served),
      queryMs: weighted(
        (sample) => sample.queryMs,
        (sample) => sample.served,
      ),
      waitMs: weighted(
        (sample) => sample.waitMs,
        (sample) => sample.checkouts,
      ),
      checkouts: of((sample) => sample.checkouts),
      hits,
      misses,
      hitRate: ratio(hits, hits + misses),
      savedSeconds: of((sample) => sample.savedSeconds),
      cpu: of((sample) => sample.cpu),
    };
  }
}
