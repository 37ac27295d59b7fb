import { expect, test } from "vitest";

import { advise, type Figures } from "./advice";
import { lights, worstOf } from "./health";
import { overviewWith } from "./sample_overview";
import type { DatabaseCache, Health, Pool, WatchedServer } from "./types";

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
  backends: { active: 2, idle: 2, used: 0, tested: 0, login: 0, being_canceled: 0, most: 20 },
  cancels: 0,
  longest_wait_ms: 0,
};

const fresh: DatabaseCache = {
  database: "shop",
  server: "db:5432",
  level: "bounded",
  trouble: "",
  staleness_ms: 1000,
  lease_age_ms: 50,
  age_p50_ms: 1,
  age_p99_ms: 1,
  age_max_ms: 1,
  hits: 10,
  misses: 1,
  waits: 0,
  fills: 1,
  refills: 0,
  stale: 0,
  refused: 0,
  saved_us: 0,
  entries: 1,
  bytes: 1,
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

function figures(changes: Partial<Figures> = {}): Figures {
  return {
    overview: overviewWith({ servers: [primary, replica] }),
    recent: null,
    health: ready,
    pools: [calmPool],
    caches: [fresh],
    settings: [],
    ...changes,
  };
}

test("where all is well there is nothing to do", () => {
  expect(advise(figures())).toEqual([]);
  expect(worstOf(lights(figures().overview, ready, [calmPool]))).toBe("good");
});

test("a full pool that clients wait for is to grow, and the evidence says how full it is", () => {
  const pool: Pool = {
    ...calmPool,
    clients: { active: 20, waiting: 7, held: 3 },
    backends: { ...calmPool.backends, active: 20 },
    longest_wait_ms: 1200,
  };
  const [advice] = advise(figures({ pools: [pool] }));
  expect(advice?.urgency).toBe("now");
  expect(advice?.action).toContain("pool.size");
  expect(advice?.evidence).toBe(
    "7 clients wait for a backend, the first for 1.2 s; 20 of 20 backends are in use, " +
      "3 of them kept by clients between transactions.",
  );
});

test("a pool that is not full and yet waited for is held back by something else", () => {
  const pool: Pool = { ...calmPool, clients: { active: 2, waiting: 7, held: 0 }, longest_wait_ms: 1200 };
  expect(advise(figures({ pools: [pool] }))[0]?.action).toContain("max_connections");
});

test("reasons against readiness come first, each with what to do", () => {
  const health: Health = {
    ...ready,
    status: "not_ready",
    reasons: [{ code: "paused", message: "all databases are paused" }],
  };
  const lagging: WatchedServer = { ...replica, state: "lagging", lag_ms: 9000 };
  const all = advise(figures({ health, overview: overviewWith({ servers: [primary, lagging] }) }));
  expect(all.map((each) => each.title)).toEqual(["End the pause", "Find out what holds replica b:5432 back"]);
  expect(all[1]?.evidence).toContain("9 s behind");
});

test("a replica that is down is said to be so, by the lights too", () => {
  const overview = overviewWith({ servers: [primary, { ...replica, state: "down", why: "connection refused" }] });
  expect(advise(figures({ overview }))[0]?.evidence).toBe(
    "It is down: connection refused. Others answer in its place.",
  );
  expect(lights(overview, ready, []).find((light) => light.name === "Servers")?.status).toBe("attention");
});

test("a cache that does not run says why", () => {
  const caches: DatabaseCache[] = [{ ...fresh, level: "none", trouble: "wal_level is replica" }];
  const [advice] = advise(figures({ caches }));
  expect(advice?.evidence).toBe("Nothing is answered from memory: wal_level is replica.");
});

test("what is not known is not called good", () => {
  const all = lights(overviewWith({ pools: 0 }), null, null);
  expect(all.filter((light) => light.status === "good").map((light) => light.name)).toEqual(["Clients", "Alerts"]);
});
