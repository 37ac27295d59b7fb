// What the servers say of themselves, as the API tells it. Times are seconds since 1970, or seconds long; null where
// the server, or the role that asks it, does not say.

/** In front of whatever is told of one server or database. */
export interface Place {
  server: string;
  database: string;
  primary: boolean;
  answering: boolean;
  since: number; // of `answering` and its problem
  problem: string | null;
  asked: number | null; // when what follows was so; null: nothing has been told yet
}

export interface Sampled {
  sampled: boolean;
  why_not: string | null;
  not_sampled_databases: string[];
}

export interface Session {
  pid: number;
  database: string;
  user: string | null;
  application: string | null;
  kind: string | null;
  state: string | null;
  wait_event_type: string | null;
  wait_event: string | null;
  transaction_seconds: number | null;
  query_seconds: number | null;
  state_seconds: number | null;
  blocked_by: number[];
  lock_mode: string | null;
  lock_relation: string | null;
  query: string | null;
}

export interface Activity extends Place {
  count?: number;
  blocked?: number;
  by_state?: { state: string; count: number }[];
  waits?: { type: string; event: string; count: number }[];
  longest_transaction_seconds?: number | null;
  longest_idle_in_transaction_seconds?: number | null;
  sessions?: Session[];
  rights: { user: string; hint: string | null } | null;
}

/** One that others wait for; of a prepared transaction, or a session that is not shown, only `pid` is there. */
export interface Blocker extends Partial<Session> {
  pid: number;
  waiting: Blocker[];
}

export interface Locks extends Place {
  trees: Blocker[];
}

export interface DatabaseFigures {
  database: string;
  bytes: number | null;
  growth_bytes_per_day: number | null;
  growth_seen_seconds: number | null;
  xid_age: number;
  xids_left: number;
  deadlocks: number | null;
  rollbacks: number | null;
  commits: number | null;
  blocks_hit: number | null;
  blocks_read: number | null;
  temp_bytes: number | null;
  counted_since: number | null; // of the counters among these
}

/** Who receives what the server writes: a standby, or with `logical` a reader of changes. */
export interface Standby {
  standby: string;
  client: string | null;
  state: string | null;
  sync_state: string | null;
  replay_lag_bytes: number | null;
  replay_lag_seconds: number | null;
  logical: boolean;
}

export interface Slot {
  slot: string;
  type: "physical" | "logical";
  database: string | null;
  active: boolean;
  wal_status: "reserved" | "extended" | "unreserved" | "lost" | null;
  retained_bytes: number | null;
}

/** A statement as pg_stat_statements counts it. */
export interface ServerStatement {
  query_id: string;
  user: string | null;
  calls: number;
  total_seconds: number;
  mean_seconds: number;
  max_seconds: number;
  rows: number;
  blocks_hit: number;
  blocks_read: number;
  query: string | null;
}

/** Of one database; where the extension is not there, nothing is ever told, and there is no problem. */
export interface ServerStatements extends Place {
  statements?: ServerStatement[];
  client_databases: string[]; // the names by which clients use it
}

export interface ServerFigures extends Place {
  databases: DatabaseFigures[];
  checkpoints?: { timed: number; requested: number; write_seconds: number; sync_seconds: number };
  standbys?: Standby[];
  slots?: Slot[];
  statements: ServerStatements[];
  about: { version_text: string } | null; // null: it has not been asked yet
}

/** What a table or an index takes beyond what its rows would take anew. */
export interface Bloated {
  bloat_bytes: number | null; // null: nothing is known
  bloat_share: number | null;
}

export interface TableFigures extends Bloated {
  schema: string;
  table: string;
  total_bytes: number | null;
  growth_bytes_per_day: number | null;
  sequential_scans: number;
  index_scans: number | null;
  live_rows: number;
  dead_rows: number;
  dead_share: number | null;
  last_vacuum: number | null;
}

export interface Tables extends Place {
  count?: number;
  bytes?: number;
  tables: TableFigures[];
}

export interface IndexFigures extends Bloated {
  schema: string;
  table: string;
  index: string;
  bytes: number | null;
  scans: number;
  unused: boolean;
  valid: boolean;
}

export interface Indexes extends Place {
  count?: number;
  unused?: number;
  unused_bytes?: number;
  counted_since?: number | null;
  indexes?: IndexFigures[];
}

export type Servers<Each> = Sampled & { servers: Each[] };
export type Databases<Each> = Sampled & { databases: Each[] };

/** The database that is nearest to the end of its transaction ids; null when none is known. */
export function oldest(databases: DatabaseFigures[]): DatabaseFigures | null {
  return databases.reduce<DatabaseFigures | null>(
    (one, other) => (one === null || other.xid_age > one.xid_age ? other : one),
    null,
  );
}

/** "12 MiB a day more"; null where it has not been seen for long enough. */
export function growth(perDay: number | null, bytes: (value: number) => string): string | null {
  if (perDay === null) return null;
  if (Math.round(perDay) === 0) return "as large as before";
  return `${bytes(Math.abs(perDay))} a day ${perDay > 0 ? "more" : "less"}`;
}
