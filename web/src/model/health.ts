import { alertLight } from "./alerts";
import { count, milliseconds, percent, some } from "./format";
import type { CacheState, Health, Overview, Pool, Server, Setting } from "./types";

export type Status = "good" | "attention" | "bad" | "unknown";

/** One thing that can be well or not, and why it is said to be so. */
export interface Light {
  name: string;
  status: Status;
  text: string;
  page: string;
  word?: string; // in place of the usual one for the status
}

/** A wait that a person would notice. */
const LONG_WAIT_MS = 100;
/** Of a limit: from here on it is close. */
const NEAR = 0.8;

export function lights(
  overview: Overview,
  health: Health | null,
  pools: Pool[] | null,
  settings: Setting[] | null = null,
): Light[] {
  return [
    serviceLight(overview, health),
    serverLight(overview.servers),
    poolLight(overview, pools),
    clientLight(overview),
    cacheLight(health, settings),
    alertLight(overview.alerts),
  ];
}

const worst: Status[] = ["bad", "attention", "unknown", "good"];

export function worstOf(all: Light[]): Status {
  return worst.find((status) => all.some((light) => light.status === status)) ?? "unknown";
}

function serviceLight(overview: Overview, health: Health | null): Light {
  const light = { name: "Service", page: "#/" };
  if (overview.draining) return { ...light, status: "bad", text: "about to end; takes no new clients" };
  if (overview.paused) return { ...light, status: "bad", text: "all databases are paused" };
  if (health === null) return { ...light, status: "unknown", text: "readiness is not known yet" };
  if (health.status !== "ready") {
    return { ...light, status: "bad", text: health.reasons.map((reason) => reason.message).join("; ") };
  }
  const restricted = health.restricted_databases.map((each) => each.database);
  if (restricted.length > 0) {
    return { ...light, status: "attention", text: `ready, but not for ${restricted.join(", ")}` };
  }
  return { ...light, status: "good", text: "ready for clients" };
}

function serverLight(servers: Server[]): Light {
  const light = { name: "Servers", page: "#/pools" };
  const watched = servers.filter((server) => server.watched);
  if (watched.length === 0) {
    return {
      ...light,
      status: "unknown",
      text: servers.length === 0 ? "none has been needed yet" : "nobody asks them how they are",
    };
  }
  const primary = watched.find((server) => server.primary);
  if (!primary || primary.state !== "up") {
    const text = primary ? `primary ${primary.server} is ${primary.state}` : "no primary is known";
    return { ...light, status: "bad", text };
  }
  const unwell = watched.filter((server) => server.state !== "up");
  if (unwell.length > 0) {
    const text = unwell.map((server) => `${server.server} is ${server.state}`).join("; ");
    return { ...light, status: "attention", text };
  }
  const replicas = watched.filter((server) => server.role === "replica").length;
  return {
    ...light,
    status: "good",
    text: replicas === 0 ? "the primary is up; no replica is set" : `primary and ${some(replicas, "replica")} are up`,
  };
}

function poolLight(overview: Overview, pools: Pool[] | null): Light {
  const light = { name: "Pools", page: "#/pools" };
  const { waiting } = overview.clients;
  const used = (pools ?? []).reduce((sum, pool) => sum + pool.backends.in_use, 0);
  const longest = Math.max(0, ...(pools ?? []).map((pool) => pool.longest_wait_ms));
  const full = (pools ?? []).filter((pool) => pool.clients.waiting > 0);
  if (waiting > 0 && full.length > 0 && full.every((pool) => pool.paused)) {
    const text = `${some(waiting, "client")} ${waiting === 1 ? "waits" : "wait"} until a pause ends`;
    return { ...light, status: "attention", text };
  }
  if (waiting > 0) {
    const wait = longest > 0 ? `, the first for ${milliseconds(longest)}` : "";
    const text = `${some(waiting, "client")} ${waiting === 1 ? "waits" : "wait"} for a backend${wait}`;
    return { ...light, status: longest >= 10 * LONG_WAIT_MS ? "bad" : "attention", text };
  }
  if (overview.pools === 0) return { ...light, status: "unknown", text: "no client has needed one yet" };
  return {
    ...light,
    status: "good",
    text:
      pools === null ? "nobody waits" : `nobody waits; ${count(used)} of ${count(overview.backends)} backends in use`,
  };
}

function clientLight(overview: Overview): Light {
  const light = { name: "Clients", page: "#/pools" };
  const { all, counted } = overview.clients;
  if (overview.clients_limit === 0) return { ...light, status: "good", text: `${count(all)} connected; no limit` };
  const share = counted / overview.clients_limit;
  const text = `${count(counted)} of at most ${count(overview.clients_limit)}`;
  return {
    ...light,
    status: share >= 1 ? "bad" : share >= NEAR ? "attention" : "good",
    text: share >= NEAR ? `${text} (${percent(share)})` : text,
  };
}

function cacheLight(health: Health | null, settings: Setting[] | null): Light {
  const light = { name: "Cache", page: "#/cache" };
  if (health === null) return { ...light, status: "unknown", text: "not known yet" };
  if (health.caches.length === 0) {
    const isOff = settings?.find(({ key }) => key === "cache.enabled")?.value === "off";
    return {
      ...light,
      status: "unknown",
      word: "off",
      text: isOff ? "cache.enabled is off" : "no database has one yet",
    };
  }
  const silent = health.caches.filter((cache) => cache.level === "none");
  if (silent.length > 0) {
    return {
      ...light,
      status: "attention",
      text: silent.map((cache) => `${cache.database}: ${whySilent(cache)}`).join("; "),
    };
  }
  const weak = health.caches.filter((cache) => cache.level === "ttl");
  if (weak.length > 0) {
    return {
      ...light,
      status: "attention",
      text: `${weak.map((cache) => cache.database).join(", ")}: fresh only by lifetime`,
    };
  }
  return { ...light, status: "good", text: `fresh within its bound for ${some(health.caches.length, "database")}` };
}

export function whySilent(cache: CacheState): string {
  return cache.trouble === "" ? "nothing is kept yet" : cache.trouble;
}
