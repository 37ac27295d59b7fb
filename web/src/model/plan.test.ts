import { expect, test } from "vitest";

import { pastOf, stepsOf } from "./plan";

test("a plan is read from the top, each step with what it does and what it adds to the cost", () => {
  const steps = stepsOf({
    node_type: "Hash Join",
    join_type: "Left",
    hash_cond: "(p.user_id = u.id)",
    total_cost: 100,
    plan_rows: 5,
    plans: [
      { node_type: "Seq Scan", relation_name: "progress", alias: "p", filter: "(p.n > $1)", total_cost: 70 },
      { node_type: "Index Scan", relation_name: "users", alias: "users", index_name: "users_pkey", total_cost: 10 },
    ],
  });
  expect(steps.map((step) => [step.depth, step.title])).toEqual([
    [0, "Hash Join (left)"],
    [1, "Seq Scan on progress as p"],
    [1, "Index Scan using users_pkey on users"],
  ]);
  expect(steps[0]!.share).toBeCloseTo(0.2);
  expect(steps[1]!.share).toBeCloseTo(0.7);
  expect(steps[0]!.details).toEqual(["joined by (p.user_id = u.id)"]);
  expect(steps[1]!.details).toEqual(["filter (p.n > $1)"]);
});

test("rows of a step that ran several times are those of all times", () => {
  expect(stepsOf({ node_type: "Index Scan", actual_rows: 3, actual_loops: 4 })[0]!.actualRows).toBe(12);
  expect(stepsOf({ node_type: "Index Scan" })[0]!.actualRows).toBeNull();
});

test("what a LIMIT saves below it makes no negative share", () => {
  const steps = stepsOf({ node_type: "Limit", total_cost: 1, plans: [{ node_type: "Seq Scan", total_cost: 90 }] });
  expect(steps.map((step) => step.share)).toEqual([0, 1]);
});

test("the past has its times, and the stretch at hand is left out", () => {
  const past = pastOf({
    step_seconds: 30,
    newest_began: 3011,
    calls_per_second: [null, 0, 2, 1],
    mean_seconds: [null, null, 0.5, 0.1],
  });
  expect(past).toEqual([
    { time: 2951, callsPerSecond: 0, meanSeconds: null },
    { time: 2981, callsPerSecond: 2, meanSeconds: 0.5 },
  ]);
});
