import type { Overview } from "./types";

type Changes = { [Key in keyof Overview]?: Overview[Key] extends object ? Partial<Overview[Key]> : Overview[Key] };

/** For tests: an idle Forebay at second 1,000, but for `changes`. */
export function overviewWith(changes: Changes = {}): Overview {
  const idle: Overview = {
    time: 1000,
    alerts: { info: 0, warning: 0, critical: 0, acknowledged: 0 },
    paused: false,
    draining: false,
    traffic: {
      queries: 0,
      cached_queries: 0,
      transactions: 0,
      backend_assignments: 0,
      failed_checkouts: 0,
      received_bytes: 0,
      sent_bytes: 0,
      query_us: 0,
      transaction_us: 0,
      wait_us: 0,
    },
    calls: { count: 0, total_us: 0, buckets: [] },
    hits: { count: 0, total_us: 0, buckets: [] },
    errors: 0,
    clients: { all: 0, counted: 0, login: 0, idle: 0, active: 0, waiting: 0, console: 0 },
    clients_limit: 100,
    pools: 1,
    backends: 2,
    databases: 1,
    users: 1,
    servers: [],
    cache: { entries: 0, bytes: 0, limit_bytes: 1000, evictions: 0, hits: 0, misses: 0, saved_us: 0 },
    process: { cpu_seconds: 0, start_time: 900, resident_bytes: 1, open_files: 1, threads: 1, client_threads: 1 },
  };
  const { alerts, traffic, calls, hits, clients, cache, process, servers, ...plain } = changes;
  return {
    ...idle,
    ...plain,
    alerts: { ...idle.alerts, ...alerts },
    traffic: { ...idle.traffic, ...traffic },
    calls: { ...idle.calls, ...calls },
    hits: { ...idle.hits, ...hits },
    clients: { ...idle.clients, ...clients },
    cache: { ...idle.cache, ...cache },
    process: { ...idle.process, ...process },
    servers: (servers as Overview["servers"] | undefined) ?? idle.servers,
  };
}
