import { bytes, compact, count, milliseconds, percent, some } from "./format";
import { LONG_WAIT_MS, NEAR } from "./health";
import type { Sample } from "./history";
import type { DatabaseCache, Health, Overview, Pool, Server, Setting, Store } from "./types";

/** Something to do, and the figures that say so. */
export interface Advice {
  urgency: "now" | "soon" | "consider";
  title: string;
  evidence: string;
  action: string;
  page: string;
}

export interface Figures {
  overview: Overview;
  recent: Sample | null; // of the last minute
  health: Health | null;
  pools: Pool[] | null;
  caches: DatabaseCache[] | null;
  settings: Setting[] | null;
}

/** Waiting for a backend takes this share of the time that queries take: more backends would be felt. */
const WAIT_SHARE = 0.1;
/** Below so many look-ups in a second a hit rate says little. */
const ENOUGH_LOOKUPS = 1;
const LOW_HIT_RATE = 0.5;
const MANY_REFUSED = 0.5;
const ENOUGH_STATEMENTS = 1000;

/** The most urgent first. */
export function advise(figures: Figures): Advice[] {
  const all = [
    ...aboutReadiness(figures.health),
    ...aboutServers(figures.overview.servers),
    ...aboutPools(figures.pools ?? [], figures.recent),
    ...aboutClients(figures.overview),
    ...aboutCaches(figures.caches, figures.health),
    ...aboutNoCache(figures),
    ...aboutStore(figures.overview.cache, figures.recent),
  ];
  const order = ["now", "soon", "consider"];
  return all.sort((one, other) => order.indexOf(one.urgency) - order.indexOf(other.urgency));
}

/** The only advice while nothing is known of now. */
export function aboutLink(why: string): Advice {
  return {
    urgency: "now",
    title: "Find out why no figures come",
    evidence: why,
    action: "See whether the process runs, and what its log says last; then the network between it and this browser.",
    page: "#/",
  };
}

function aboutReadiness(health: Health | null): Advice[] {
  if (health === null) return [];
  const advice = health.reasons.map(({ code, message }): Advice => ({
    urgency: "now",
    title: TITLES[code] ?? "Clients cannot be served",
    evidence: `Readiness: ${message}.`,
    action: ACTIONS[code] ?? "See to what the reason names.",
    page: "#/pools",
  }));
  for (const { database, paused } of health.restricted_databases) {
    advice.push({
      urgency: "now",
      title: `Let clients use ${database} again`,
      evidence: `${database} is ${paused ? "paused: its clients wait" : "disabled: new clients are refused"}.`,
      action: paused ? `In the console: RESUME ${database};` : `In the console: ENABLE ${database};`,
      page: "#/pools",
    });
  }
  return advice;
}

const TITLES: Record<string, string> = {
  shutting_down: "Send clients to another Forebay",
  paused: "End the pause",
  server_down: "Bring the server back",
  server_unknown: "Find out why the server does not say what it is",
  no_primary: "See to the primary",
};

const ACTIONS: Record<string, string> = {
  shutting_down: "Nothing, when this was asked for; the process ends once its clients have gone.",
  paused: "In the console: RESUME;",
  server_down: "Start it, or look at its log and at the network between. Forebay goes on by itself.",
  server_unknown: "Look at the reason; most often the upstream's user may not log in.",
  no_primary: "Start it or promote a replica; Forebay follows by itself.",
};

function aboutServers(servers: Server[]): Advice[] {
  const advice: Advice[] = [];
  for (const server of servers) {
    if (!server.watched || server.primary || server.state === "up") continue;
    const why = server.why === "" ? "" : `: ${server.why}`;
    if (server.state === "lagging") {
      advice.push({
        urgency: "soon",
        title: `Find out what holds replica ${server.server} back`,
        evidence: `It is ${milliseconds(server.lag_ms)} behind the primary and answers no reads${why}.`,
        action: "Look for long queries, a lock or full disks there; or allow more with routing.max_lag.",
        page: "#/pools",
      });
    } else if (server.state !== "unknown") {
      advice.push({
        urgency: "soon",
        title: `Bring ${server.server} back`,
        evidence: `It is ${server.state}${why}. Others answer in its place.`,
        action: "Start it, or take it out of replicas. Reads return to it by themselves.",
        page: "#/pools",
      });
    }
  }
  return advice;
}

function aboutPools(pools: Pool[], recent: Sample | null): Advice[] {
  const advice: Advice[] = [];
  for (const pool of pools) {
    const { waiting, held } = pool.clients;
    if (waiting === 0 || pool.paused || pool.longest_wait_ms < LONG_WAIT_MS) continue;
    const { active, most } = pool.backends;
    const place = `${pool.user}@${pool.database}`;
    const waits = `${some(waiting, "client")} ${waiting === 1 ? "waits" : "wait"} for a backend`;
    const longest = `the first for ${milliseconds(pool.longest_wait_ms)}`;
    const kept = held > 0 ? `, ${held} of them kept by clients between transactions` : "";
    const isFull = active >= most;
    advice.push({
      urgency: "now",
      title: isFull
        ? `Give the pool of ${place} more backends`
        : `Find out what keeps the pool of ${place} from growing`,
      evidence: `${waits}, ${longest}; ${active} of ${most} backends are in use${kept}.`,
      action: isFull
        ? "Raise pool.size or pool.overflow, or shorten the transactions that hold the backends."
        : "A limit of the user or the database, or the server's max_connections, may be reached.",
      page: "#/pools",
    });
  }
  const { waitMs, queryMs } = recent ?? { waitMs: null, queryMs: null };
  if (advice.length === 0 && waitMs !== null && queryMs !== null && waitMs >= 1 && waitMs > queryMs * WAIT_SHARE) {
    advice.push({
      urgency: "soon",
      title: "Give the pools more backends",
      evidence: `Last minute's means: ${milliseconds(waitMs)} waited, ${milliseconds(queryMs)} for a query itself.`,
      action: "Raise pool.size, as far as the server has processors and connections for it.",
      page: "#/pools",
    });
  }
  return advice;
}

function aboutClients(overview: Overview): Advice[] {
  const { clients, clients_limit: limit } = overview;
  if (limit === 0 || clients.all < limit * NEAR) return [];
  return [
    {
      urgency: clients.all >= limit ? "now" : "soon",
      title: "Make room for clients",
      evidence: `${count(clients.all)} of at most ${count(limit)} are connected (${percent(clients.all / limit)}).`,
      action: "Raise limits.max_clients, or close connections that applications do not use.",
      page: "#/settings",
    },
  ];
}

function aboutCaches(caches: DatabaseCache[] | null, health: Health | null): Advice[] {
  const advice: Advice[] = [];
  for (const { database, level, trouble } of caches ?? health?.caches ?? []) {
    if (level !== "none" && trouble === "") continue;
    if (level === "bounded") continue; // it runs; what it notes is on the page of the cache
    advice.push({
      urgency: "soon",
      title:
        level === "none" ? `Let the cache of ${database} run` : `Let the cache of ${database} prove its freshness`,
      evidence:
        level === "none"
          ? `Nothing is answered from memory${trouble === "" ? "" : `: ${trouble}`}.`
          : `It runs at the level ${level}${trouble === "" ? "" : `: ${trouble}`}.`,
      action:
        "Give it wal_level = logical and an upstream user with REPLICATION; or, without, forebay outbox install.",
      page: "#/cache",
    });
  }
  for (const cache of caches ?? []) {
    const kept = cache.hits + cache.misses;
    if (cache.refused > ENOUGH_STATEMENTS && cache.refused > (kept + cache.refused) * MANY_REFUSED) {
      advice.push({
        urgency: "consider",
        title: `See why statements of ${cache.database} are not kept`,
        evidence: `${count(cache.refused)} statements could not be kept, ${count(kept)} could.`,
        action: "EXPLAIN (FOREBAY) before a statement tells the reason.",
        page: "#/cache",
      });
    }
  }
  return advice;
}

function aboutNoCache({ settings, recent, caches }: Figures): Advice[] {
  const enabled = settings?.find(({ key }) => key === "cache.enabled")?.value;
  if (enabled !== "off" || recent === null || caches === null || caches.length > 0 || recent.queries < ENOUGH_LOOKUPS)
    return [];
  return [
    {
      urgency: "consider",
      title: "Answer repeated reads from memory",
      evidence: `cache.enabled is off: all of ${compact(recent.queries)} queries a second go to a server.`,
      action: "Set cache.enabled to auto: with wal_level = logical answers are never staler than a stated bound.",
      page: "#/cache",
    },
  ];
}

function aboutStore(store: Store, recent: Sample | null): Advice[] {
  if (recent === null || recent.hits + recent.misses < ENOUGH_LOOKUPS || recent.hitRate === null) return [];
  const isFull = store.evictions > 0 && store.bytes > store.limit_bytes * 0.9;
  if (!isFull || recent.hitRate >= LOW_HIT_RATE) return [];
  const gone = some(store.evictions, "entry", "entries");
  return [
    {
      urgency: "consider",
      title: "Give the cache more memory",
      evidence: `It is full (${bytes(store.bytes)}), has let ${gone} go, and answers ${percent(recent.hitRate)}.`,
      action: "Raise cache.size.",
      page: "#/cache",
    },
  ];
}
