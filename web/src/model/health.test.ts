import { expect, test } from "vitest";

import { lights, worstOf } from "./health";
import { overviewWith } from "./sample_overview";
import type { Health, Pool, WatchedServer } from "./types";

const ready: Health = {
  status: "ready",
  reasons: [],
  version: "1",
  uptime_seconds: 1,
  clients: 1,
  servers: [],
  restricted_databases: [],
  caches: [{ database: "shop", server: "db:5432", level: "bounded", trouble: "" }],
};

const calmPool: Pool = {
  database: "shop",
  user: "app",
  server: "db:5432",
  reads_only: false,
  mode: "transaction",
  paused: false,
  clients: { active: 4, waiting: 0, held: 0 },
  backends: { in_use: 2, active: 2, idle: 2, used: 0, tested: 0, login: 0, being_canceled: 0, most: 20 },
  cancels: 0,
  longest_wait_ms: 0,
};

const replica: WatchedServer = {
  server: "b:5432",
  watched: true,
  role: "replica",
  state: "up",
  why: "",
  primary: false,
  weight: 1,
  lag_ms: 3,
  position: "0/1",
  timeline: 1,
  promotions: 0,
  backends: 0,
  assignments: 0,
};
const primary: WatchedServer = { ...replica, server: "a:5432", role: "primary", primary: true, lag_ms: null };

test("where all is well all lights say so", () => {
  expect(worstOf(lights(overviewWith({ servers: [primary, replica] }), ready, [calmPool]))).toBe("good");
});

test("a replica that is down is said to be so", () => {
  const overview = overviewWith({ servers: [primary, { ...replica, state: "down", why: "connection refused" }] });
  expect(lights(overview, ready, []).find((light) => light.name === "Servers")?.status).toBe("attention");
});

test("what is not known is not called good", () => {
  const all = lights(overviewWith({ pools: 0 }), null, null);
  expect(all.filter((light) => light.status === "good").map((light) => light.name)).toEqual(["Clients", "Alerts"]);
});

test("who waits for the end of a pause waits for no backend", () => {
  const waits: Pool = { ...calmPool, clients: { ...calmPool.clients, waiting: 1 }, longest_wait_ms: 20_000 };
  const of = (pools: Pool[]) =>
    lights(overviewWith({ clients: { waiting: 1 } }), ready, pools).find((light) => light.name === "Pools");
  expect(of([waits])?.status).toBe("bad");
  expect(of([{ ...waits, paused: true }])).toMatchObject({
    status: "attention",
    text: "1 client waits until a pause ends",
  });
  expect(of([waits, { ...waits, paused: true }])?.status).toBe("bad");
});
