import { expect, test } from "vitest";

import { meanMs, percentileMs, timesBetween, type Times } from "./times";

const NONE: Times = { count: 0, total_us: 0, buckets: [] };
const TWENTY: Times = {
  count: 20,
  total_us: 40_000,
  buckets: [
    [1000, 1099, 19],
    [20_000, 22_000, 1],
  ],
};

test("a percentile is the middle of the bucket of its rank", () => {
  expect([0.5, 0.95, 0.96, 1].map((share) => percentileMs(TWENTY, share))).toEqual([1.0495, 1.0495, 21, 21]);
  expect(meanMs(TWENTY)).toBe(2);
});

test("of nothing there is neither mean nor percentile", () => {
  expect([meanMs(NONE), percentileMs(NONE, 0.95)]).toEqual([null, null]);
});

test("what came in between counts alone", () => {
  const later: Times = {
    count: 22,
    total_us: 50_000,
    buckets: [
      [1000, 1099, 19],
      [5000, 5100, 1],
      [20_000, 22_000, 2],
    ],
  };
  expect(timesBetween(TWENTY, later)).toEqual({
    count: 2,
    total_us: 10_000,
    buckets: [
      [5000, 5100, 1],
      [20_000, 22_000, 1],
    ],
  });
});
