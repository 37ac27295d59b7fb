import { expect, test } from "vitest";

import * as format from "./format";

test("three digits and a unit", () => {
  expect([0, 0.1234, 12.34, 123.4, 9999, 12345, 1.234e6, 5e9, null].map(format.compact)).toEqual([
    "0",
    "0.123",
    "12.3",
    "123",
    "9,999",
    "12.3k",
    "1.23M",
    "5G",
    "–",
  ]);
});

test("times in the unit that people would use", () => {
  expect([null, 0, 0.012, 1.5, 999, 1500].map(format.milliseconds)).toEqual([
    "–",
    "0 ms",
    "12 µs",
    "1.5 ms",
    "999 ms",
    "1.5 s",
  ]);
  expect([61, 3700, 90_000].map(format.duration)).toEqual(["1 min 1 s", "1 h 1 min", "1 d 1 h"]);
});

test("a share that is nearly all is not said to be all", () => {
  const shares = [0, 0.5, 0.9996, 0.99999, 1, null];
  expect(shares.map(format.percent)).toEqual(["0 %", "50 %", "99.96 %", "99.99 %", "100 %", "–"]);
});
