import { expect, test } from "vitest";

import { aboutLink, outcomeOf, pageOf } from "./recommendations";
import type { Ended, Recommendation } from "./types";

const one: Recommendation = {
  id: "pool-size:app@shop",
  kind: "pool-size",
  urgency: "now",
  title: "Give the pool of app@shop more backends",
  evidence: "",
  advice: "",
  change: null,
  gain: null,
  area: "pools",
  since: "2026-01-01T00:00:00.000Z",
};

test("what was measured is told with both figures", () => {
  const ended: Ended = {
    ...one,
    ended: one.since,
    outcome: "done",
    effect: {
      figure: "waiting for each checkout",
      before: { value: 62, unit: "milliseconds", text: "62 ms" },
      after: { value: 0.1, unit: "milliseconds", text: "0.1 ms" },
      measured_seconds: 61,
    },
  };
  expect(outcomeOf(ended)).toBe("waiting for each checkout: 62 ms → 0.1 ms");
  expect(outcomeOf({ ...ended, outcome: "no_longer_seen", effect: null })).toContain("no longer seen");
});

test("an area that this page does not know leads to the list", () => {
  expect(pageOf(one)).toBe("#/pools");
  expect(pageOf({ ...one, area: "something new" })).toBe("#/recommendations");
});

test("a link that is lost says why", () => {
  expect(aboutLink("Forebay does not answer.").evidence).toBe("Forebay does not answer.");
});
