import { expect, test } from "vitest";

import { sampleBetween } from "./history";
import { joined, momentsOf, pathOf, RANGES, type Past } from "./past";
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
  const all = joined(momentsOf(PAST), live, 300);
  expect(all.map((moment) => moment.time)).toEqual([1010, 1020, 1029, 1030, 1031]);
  expect(joined(momentsOf(PAST), live, 5).map((moment) => moment.time)).toEqual([1029, 1030, 1031]);
});

test("latency is that of calls, and of queries where these are not counted", () => {
  const series = {
    clients_active: column([1, 1, 1, 1]),
    query_ms: column([8, 8, null, 8]),
    call_ms: column([4, null, null, 2]),
  };
  expect(momentsOf({ ...PAST, series }).map((moment) => moment.latencyMs)).toEqual([4, null, null, 2]);
  const { call_ms: _, ...uncounted } = series;
  expect(momentsOf({ ...PAST, series: uncounted }).map((moment) => moment.latencyMs)).toEqual([8, 8, null, 8]);
});

test("the address names what is wanted", () => {
  expect(pathOf(RANGES[1]!)).toMatch(/^\/api\/v1\/history\?series=queries,.*hit_ratio.*&seconds=3600$/);
});
