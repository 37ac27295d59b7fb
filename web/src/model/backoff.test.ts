import { expect, test } from "vitest";

import { backoffMs } from "./backoff";

test("the wait doubles up to a bound, and chance takes a quarter of it at most", () => {
  expect([1, 2, 3, 4, 5, 6, 20].map((failures) => backoffMs(failures, 1))).toEqual([
    500, 1000, 2000, 4000, 8000, 15000, 15000,
  ]);
  expect(backoffMs(2, 0)).toBe(750);
});
