import { expect, test } from "vitest";

import { History, SPAN_SECONDS, sampleBetween } from "./history";
import { overviewWith } from "./sample_overview";

test("rates are of the time between two overviews, by the server's clock", () => {
  const before = overviewWith({ traffic: { queries: 100, query_us: 1000 }, cache: { hits: 10, misses: 10 } });
  const after = overviewWith({
    time: 1002,
    traffic: { queries: 300, query_us: 401_000, backend_assignments: 50, wait_us: 100_000 },
    cache: { hits: 70, misses: 30, saved_us: 3_000_000 },
  });
  const sample = sampleBetween(before, after);
  expect(sample.queries).toBe(100);
  expect(sample.queryMs).toBe(2);
  expect(sample.waitMs).toBe(2);
  expect(sample.hitRate).toBe(0.75);
  expect(sample.savedSeconds).toBe(1.5);
});

test("latency is of what servers answered; what comes from memory takes nothing from it", () => {
  const before = overviewWith();
  const after = overviewWith({ time: 1001, traffic: { queries: 1000, cached_queries: 990, query_us: 20_000 } });
  expect(sampleBetween(before, after).queryMs).toBe(2);
  const all = overviewWith({ time: 1001, traffic: { queries: 1000, cached_queries: 1000 } });
  expect(sampleBetween(before, all).queryMs).toBeNull();
});

test("where nothing happened there is no mean and no rate of hits", () => {
  const sample = sampleBetween(overviewWith(), overviewWith({ time: 1001 }));
  expect([sample.queryMs, sample.waitMs, sample.hitRate]).toEqual([null, null, null]);
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
  expect(history.recent(60)?.queryMs).toBeCloseTo(1.999);
  expect(history.recent(1)?.queryMs).toBeCloseTo(1);
});
