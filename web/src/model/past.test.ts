import { expect, test } from "vitest";

import { sampleBetween } from "./history";
import { joined, momentsOf, newestP95, p95At, pathOf, RANGES, type Past } from "./past";
import { overviewWith } from "./sample_overview";

const column = (values: (number | null)[]) => ({ mean: values, least: values, most: values });

const PAST: Past = {
  resolution_seconds: 10,
  points: 4,
  newest: 1030,
  series: {
    queries: column([null, 5, null, 7]),
    clients_active: column([null, 1, null, 2]),
    hit_ratio: null,
  },
};

test("points have their times, and what Forebay did not remember yet is left out", () => {
  const moments = momentsOf(PAST);
  expect(moments.map((moment) => moment.time)).toEqual([1010, 1020, 1030]);
  expect(moments.map((moment) => moment.queries)).toEqual([5, null, 7]);
  expect(moments.map((moment) => moment.hitRate)).toEqual([null, null, null]);
});

test("nothing that is remembered is no moment", () => {
  expect(momentsOf({ ...PAST, series: {} })).toEqual([]);
});

test("what came live follows what was remembered, and no moment comes twice", () => {
  const live = [1029, 1030, 1031].map((time) =>
    sampleBetween(overviewWith({ time: time - 1 }), overviewWith({ time, traffic: { queries: 3 } })),
  );
  const all = joined(momentsOf(PAST), live, 300, null);
  expect(all.map((moment) => moment.time)).toEqual([1010, 1020, 1029, 1030, 1031]);
  expect(joined(momentsOf(PAST), live, 5, null).map((moment) => moment.time)).toEqual([1029, 1030, 1031]);
});

test("a percentile is that of its own second, and there is none where there were no calls", () => {
  const percentiles = {
    resolution_seconds: 1,
    points: 3,
    newest: 1031.2,
    series: { call_p95_ms: column([1, null, 3]) },
  };
  expect([1029.1, 1029.7, 1030.7, 1031.7].map((time) => p95At(percentiles, time))).toEqual([null, 1, null, 3]);
  expect(p95At(null, 1030)).toBeNull();
  const live = [sampleBetween(overviewWith({ time: 1028.7 }), overviewWith({ time: 1029.7 }))];
  expect(joined([], live, 300, percentiles).map((moment) => moment.p95Ms)).toEqual([1]);
});

test("the newest percentile is not one of long ago", () => {
  const of = (values: (number | null)[]) => ({
    resolution_seconds: 1,
    points: values.length,
    newest: 1000,
    series: { call_p95_ms: column(values) },
  });
  expect(newestP95(of([4, 5, null]))).toBe(5);
  expect(newestP95(of([4, null, null, null, null, null]))).toBeNull();
  expect([newestP95(null), newestP95({ ...PAST, series: {} })]).toEqual([null, null]);
});

test("the address names what is wanted", () => {
  expect(pathOf(RANGES[1]!)).toMatch(/^\/api\/v1\/history\?series=queries,.*hit_ratio.*&seconds=3600$/);
});
