import { expect, test } from "vitest";

import { History, SPAN_SECONDS, sampleBetween } from "./history";
import { overviewWith } from "./sample_overview";

test("rates are of the time between two overviews, by the server's clock", () => {
  const before = overviewWith({
    traffic: { queries: 100, query_us: 1000 },
    cache: { hits: 10, misses: 10 },
    errors: 3,
  });
  const after = overviewWith({
    time: 1002,
    traffic: { queries: 300, query_us: 401_000, backend_assignments: 50, wait_us: 100_000 },
    cache: { hits: 70, misses: 30, saved_us: 3_000_000 },
    errors: 13,
  });
  const sample = sampleBetween(before, after);
  expect([sample.begin, sample.time]).toEqual([1000, 1002]);
  expect(sample.queries).toBe(100);
  expect(sample.errors).toBe(5);
  expect(sample.latencyMs).toBe(2);
  expect(sample.waitMs).toBe(2);
  expect(sample.memoryShare).toBe(0);
  expect(sample.hitRate).toBe(0.75);
  expect(sample.savedSeconds).toBe(1.5);
});

test("latency is of what servers answered; what comes from memory takes nothing from it", () => {
  const before = overviewWith();
  const after = overviewWith({ time: 1001, traffic: { queries: 1000, cached_queries: 990, query_us: 20_000 } });
  expect(sampleBetween(before, after).latencyMs).toBe(2);
  const all = overviewWith({ time: 1001, traffic: { queries: 1000, cached_queries: 1000 } });
  expect(sampleBetween(before, all).latencyMs).toBeNull();
});

test("mean and percentile are of the same calls, whatever queries they came in", () => {
  const buckets: [number, number, number][] = [[4000, 4200, 40]];
  const after = overviewWith({
    time: 1001,
    traffic: { queries: 10, query_us: 160_000 },
    calls: { count: 40, total_us: 160_000, buckets },
  });
  const { latencyMs, p95Ms } = sampleBetween(overviewWith(), after);
  expect([latencyMs, p95Ms]).toEqual([4, 4.1]);
});

test("who waited in vain has waited: the mean is of all who asked for a backend", () => {
  const after = overviewWith({
    time: 1001,
    traffic: { backend_assignments: 1, failed_checkouts: 3, wait_us: 8_000_000 },
  });
  expect(sampleBetween(overviewWith(), after).waitMs).toBe(2000);
});

test("where nothing happened there is no mean and no rate of hits", () => {
  const sample = sampleBetween(overviewWith(), overviewWith({ time: 1001 }));
  expect([sample.latencyMs, sample.waitMs, sample.hitRate]).toEqual([null, null, null]);
});

test("what came while nobody looked is nothing of now", () => {
  const history = new History();
  history.add(overviewWith({ traffic: { queries: 0 } }));
  history.add(overviewWith({ time: 1001, traffic: { queries: 100 } }));
  history.add(overviewWith({ time: 4600, traffic: { queries: 1_000_000 } }));
  expect([history.recent(5), history.recent(60), history.samples.length]).toEqual([null, null, 1]);
  history.add(overviewWith({ time: 4601, traffic: { queries: 1_000_100 } }));
  expect([history.recent(5)?.queries, history.recent(60)?.queries]).toEqual([100, 100]);
});

test("a clock that is set back begins anew", () => {
  const history = new History();
  history.add(overviewWith({ time: 5000, traffic: { queries: 0 } }));
  history.add(overviewWith({ time: 5001, traffic: { queries: 100 } }));
  history.add(overviewWith({ time: 1000, traffic: { queries: 200 } }));
  expect(history.recent(60)).toBeNull();
  history.add(overviewWith({ time: 1001, traffic: { queries: 203 } }));
  expect([history.recent(60)?.queries, history.samples.length]).toEqual([3, 1]);
});

test("another process begins anew: its counters are compared with none of the former one's", () => {
  const history = new History();
  history.add(overviewWith({ traffic: { queries: 1_000_000 } }));
  history.add(overviewWith({ time: 1001, traffic: { queries: 1_000_100 } }));
  expect(history.samples).toHaveLength(1);
  history.add(overviewWith({ time: 1005, traffic: { queries: 5 }, process: { start_time: 1004 } }));
  expect(history.samples).toHaveLength(0);
  history.add(overviewWith({ time: 1006, traffic: { queries: 15 }, process: { start_time: 1004 } }));
  expect(history.samples.map((sample) => sample.queries)).toEqual([10]);
});

test("five minutes are kept", () => {
  const history = new History();
  for (let second = 0; second < 400; second += 1) history.add(overviewWith({ time: 1000 + second }));
  expect(history.samples).toHaveLength(SPAN_SECONDS);
  expect(history.samples.at(-1)?.time).toBe(1399);
});

test("a mean over several seconds gives each query the same weight", () => {
  const history = new History();
  history.add(overviewWith());
  history.add(overviewWith({ time: 1001, traffic: { queries: 1, query_us: 1_000_000 } }));
  history.add(overviewWith({ time: 1002, traffic: { queries: 1000, query_us: 1_999_000 } }));
  expect(history.recent(60)?.latencyMs).toBeCloseTo(1.999);
  expect(history.recent(1)?.latencyMs).toBeCloseTo(1);
});

test("a rate over several seconds gives each second the same weight, however many came with one overview", () => {
  const history = new History();
  history.add(overviewWith());
  history.add(overviewWith({ time: 1001, traffic: { queries: 10 } }));
  history.add(overviewWith({ time: 1010, traffic: { queries: 910 } }));
  expect(history.recent(60)?.queries).toBe(91);
});

test("of less than a minute as much is told as there is, and of more no more", () => {
  const history = new History();
  expect(history.recent(5)).toBeNull();
  for (let second = 0; second <= 100; second += 1)
    history.add(overviewWith({ time: 1000 + second, traffic: { queries: second < 50 ? 0 : 60 } }));
  expect(history.recent(60)?.queries).toBe(1);
  expect(history.recent(5)?.queries).toBe(0);
});
