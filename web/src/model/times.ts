/** How many times of which length: lowest and highest of a bucket in microseconds, and how many were in between. */
export interface Times {
  count: number;
  total_us: number;
  buckets: [number, number, number][]; // in ascending order; none is empty
}

/** What was counted in between, of one process. */
export function timesBetween(before: Times, after: Times): Times {
  const earlier = new Map(before.buckets.map(([lowest, , count]) => [lowest, count]));
  const buckets = after.buckets
    .map(([lowest, highest, count]): Times["buckets"][0] => [lowest, highest, count - (earlier.get(lowest) ?? 0)])
    .filter(([, , count]) => count > 0);
  return { count: after.count - before.count, total_us: after.total_us - before.total_us, buckets };
}

export function meanMs(times: Times): number | null {
  return times.count > 0 ? times.total_us / times.count / 1000 : null;
}

/** What this share of all did not exceed, as Forebay computes it: the middle of the bucket. */
export function percentileMs(times: Times, share: number): number | null {
  const rank = Math.max(1, Math.ceil(share * times.count));
  let passed = 0;
  const found = times.buckets.find(([, , count]) => (passed += count) >= rank);
  return found ? (found[0] + found[1]) / 2 / 1000 : null;
}
