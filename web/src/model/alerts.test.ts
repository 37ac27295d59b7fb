import { expect, test } from "vitest";

import { about, againstLimit, alertLight, inWords, open } from "./alerts";
import type { Alert } from "./types";

const none = { info: 0, warning: 0, critical: 0, acknowledged: 0 };

const alert: Alert = {
  id: "1",
  alert: "pool-wait",
  level: "warning",
  title: "Longest wait for a backend",
  description: "",
  advice: "",
  labels: { database: "shop", user: "app" },
  unit: "seconds",
  value_text: "3 s",
  threshold_text: "1 s",
  started: "2026-01-01T00:00:00.000Z",
  acknowledged: null,
  resolved: null,
};

test("without alerts the light is green", () => {
  expect(alertLight(none)).toMatchObject({ status: "good", text: "none is active" });
  expect(open(none)).toBe(0);
});

test("the worst level decides, and all are told", () => {
  const counts = { info: 1, warning: 2, critical: 1, acknowledged: 3 };
  expect(alertLight(counts)).toMatchObject({ status: "bad", text: "1 critical, 2 warning, 1 info; 3 acknowledged" });
  expect(inWords(counts)).toBe("1 critical, 2 warning, 1 info");
  expect(alertLight({ ...none, warning: 1 }).status).toBe("attention");
});

test("what somebody sees to already calls for nothing", () => {
  expect(alertLight({ ...none, acknowledged: 2 })).toMatchObject({ status: "good", text: "2 acknowledged" });
});

test("an alert says what it is about and how far it is from its limit", () => {
  expect(about(alert)).toBe("database shop, user app");
  expect(againstLimit(alert)).toBe("3 s, limit 1 s");
  expect(againstLimit({ ...alert, unit: "flag" })).toBe("");
});
