// What the API answers (/api/v1/openapi.json), as far as the page looks at it. Counters count from the start of the
// process; `_us` are microseconds, `_ms` milliseconds.

import type { Times } from "./times";

export interface Traffic {
  queries: number;
  cached_queries: number; // of those, from memory alone
  transactions: number;
  backend_assignments: number;
  failed_checkouts: number; // of clients that got no backend
  received_bytes: number;
  sent_bytes: number;
  query_us: number;
  transaction_us: number;
  wait_us: number;
}

export interface ClientCounts {
  all: number;
  counted: number; // those that clients_limit is for
  login: number;
  idle: number;
  active: number;
  waiting: number;
  console: number;
}

export type ServerRole = "unknown" | "primary" | "replica";
export type ServerState = "unknown" | "up" | "lagging" | "down" | "refused";

export interface UnwatchedServer {
  server: string;
  watched: false;
  backends: number;
  assignments: number;
}

export interface WatchedServer {
  server: string;
  watched: true;
  role: ServerRole;
  state: ServerState;
  why: string;
  primary: boolean;
  weight: number;
  lag_ms: number | null;
  position: string;
  timeline: number;
  promotions: number;
  backends: number;
  assignments: number;
}

export type Server = UnwatchedServer | WatchedServer;

export interface Store {
  entries: number;
  bytes: number;
  limit_bytes: number;
  evictions: number;
}

/** Active alerts: by level those that nobody has acknowledged, and those that somebody has. */
export interface AlertCounts {
  info: number;
  warning: number;
  critical: number;
  acknowledged: number;
}

/** The event of the stream, once a second. */
export interface Overview {
  time: number; // seconds since 1970, by the server's clock
  alerts: AlertCounts;
  paused: boolean;
  draining: boolean;
  traffic: Traffic;
  calls: Times; // of servers; none where statements are not counted, as below
  hits: Times; // answers from memory
  errors: number; // of servers, and what Forebay itself refused; likewise
  clients: ClientCounts;
  clients_limit: number; // 0: any number
  pools: number;
  backends: number;
  databases: number;
  users: number;
  servers: Server[];
  cache: Store & { hits: number; misses: number; saved_us: number };
  process: {
    cpu_seconds: number;
    start_time: number;
    resident_bytes: number;
    open_files: number;
    threads: number;
    client_threads: number;
  };
}

export type Level = "none" | "bounded" | "outbox" | "ttl";

export interface CacheState {
  database: string;
  server: string;
  level: Level;
  trouble: string;
}

export interface DatabaseCache extends CacheState {
  staleness_ms: number | null;
  lease_age_ms: number | null;
  age_p50_ms: number | null;
  age_p99_ms: number | null;
  age_max_ms: number | null;
  hits: number;
  misses: number;
  waits: number;
  fills: number;
  refills: number;
  stale: number;
  refused: number;
  saved_us: number;
  entries: number;
  bytes: number;
}

export interface Cache {
  store: Store;
  databases: DatabaseCache[];
}

export interface Reason {
  code: string;
  message: string;
}

export interface Health {
  status: "ready" | "not_ready";
  reasons: Reason[];
  version: string;
  uptime_seconds: number;
  clients: number;
  servers: Server[];
  restricted_databases: { database: string; paused: boolean; disabled: boolean }[];
  caches: CacheState[];
}

export interface Pool {
  database: string;
  user: string;
  server: string;
  reads_only: boolean;
  mode: string;
  paused: boolean;
  clients: { active: number; waiting: number; held: number };
  backends: {
    in_use: number; // that nobody else can have now
    active: number;
    idle: number;
    used: number;
    tested: number;
    login: number;
    being_canceled: number;
    most: number;
  };
  cancels: number;
  longest_wait_ms: number;
}

export type AlertLevel = "info" | "warning" | "critical";

/** Who did something and when; nobody: it happened by itself. */
export interface Deed {
  time: string;
  by: string | null;
}

export interface Alert {
  id: string;
  alert: string; // the rule's name
  level: AlertLevel;
  title: string;
  description: string;
  advice: string;
  labels: Record<string, string>;
  unit: string;
  value_text: string;
  threshold_text: string;
  started: string;
  acknowledged: Deed | null;
  resolved: Deed | null;
}

export interface Rule {
  alert: string;
  signal: string;
  description: string;
  worse: "above" | "below";
  thresholds: Partial<Record<AlertLevel, string>>;
  for_ms: number;
  resolve_after_ms: number;
  match: Record<string, string>;
}

/** GET /api/v1/alerts */
export interface Alerts {
  active: Alert[];
  resolved: Alert[];
  rules: Rule[];
  pending: number; // beyond a limit, and not for long enough yet
  may_change: boolean;
}

/** What is recommended, by which figures. */
export interface Recommendation {
  id: string;
  kind: string;
  urgency: "now" | "soon" | "consider";
  title: string;
  evidence: string;
  advice: string;
  change: { form: "words" | "yaml" | "console" | "sql"; text: string } | null;
  gain: { value: number | null; unit: string; text: string } | null;
  area: string;
  since: string;
}

export interface Dismissed extends Recommendation {
  holds: boolean;
  dismissed: { time: string; by: string };
}

/** Something was done: the figure is being measured again. */
export interface Measuring extends Recommendation {
  measured_seconds: number;
}

export interface MeasuredFigure {
  value: number;
  unit: string;
  text: string;
}

export interface Ended extends Recommendation {
  ended: string;
  outcome: "done" | "no_longer_seen";
  effect: { figure: string; before: MeasuredFigure; after: MeasuredFigure; measured_seconds: number } | null;
}

/** GET /api/v1/recommendations */
export interface Recommendations {
  open: Recommendation[];
  measuring: Measuring[];
  dismissed: Dismissed[];
  done: Ended[];
  may_change: boolean;
}

export interface Setting {
  key: string;
  value: string;
  default: string;
  changeable: boolean;
}

export interface Statement {
  id: string;
  fingerprint: string;
  database: string;
  text: string;
  calls: number;
  rows: number;
  total_seconds: number;
  /** Null, as the next three: memory answered every call, so no server was asked. */
  mean_seconds: number | null;
  p50_seconds: number | null;
  p95_seconds: number | null;
  p99_seconds: number | null;
  wait_seconds: number;
  cache_hits: number;
  saved_seconds: number;
  errors: number;
  /** What failed took so long; not part of total_seconds. */
  error_seconds: number;
  first_seen: string;
  last_seen: string;
  /** Null: nobody has asked how servers run it. */
  plan: { total_cost: number | null; plans: number; findings: number; why_not: string | null } | null;
}

/** The values of a statement's slowest call. */
export interface Sample {
  /** No text: NULL. Masked: the size alone. */
  values: { text: string | null; masked: boolean; cut: boolean }[];
  left_out: number;
  seconds: number;
  at: string;
}

/** A step of a plan; EXPLAIN's own words, see docs/statements.md. */
export interface PlanNode {
  node_type: string;
  relation_name?: string;
  schema?: string;
  alias?: string;
  index_name?: string;
  join_type?: string;
  subplan_name?: string;
  total_cost?: number;
  plan_rows?: number;
  actual_rows?: number;
  actual_loops?: number;
  actual_total_time?: number; // milliseconds, of one loop
  plans?: PlanNode[];
  [condition: string]: unknown;
}

export interface Plan {
  first_seen: number; // seconds since 1970
  last_seen: number;
  total_cost: number;
  calls: number;
  mean_seconds: number | null;
  /** From the plan before it, in plain words. */
  changes: string[];
  root: PlanNode;
}

export interface Finding {
  kind: string;
  text: string;
  evidence: string;
  /** A statement of SQL. */
  suggestion: string | null;
}

export interface Explained {
  /** The newest first. */
  plans: Plan[];
  asked: number | null;
  why_not: string | null;
  parameters: number | null;
  may_be_analyzed: boolean;
  findings: Finding[];
  measured: {
    asked: number;
    planning_seconds: number;
    execution_seconds: number;
    findings: Finding[];
    root: PlanNode;
  } | null;
  past: {
    step_seconds: number;
    newest_began: number;
    calls_per_second: (number | null)[];
    mean_seconds: (number | null)[];
  };
}

/** GET /api/v1/statements/{id} */
export interface StatementDetails extends Statement {
  explained: Explained;
  repetitions: Repetition[];
  may_explain: boolean;
  sample: Sample | null; // null: none is kept, or it is not for this person
}

/** A statement that is run again and again where it could be run once. */
export interface Repetition {
  fingerprint: string;
  database: string;
  /** With other values each time, or with the same. */
  kind: "n+1" | "duplicate";
  text: string;
  /** The values have been seen in an earlier result. */
  confirmed: boolean;
  /** "transaction", "trace" and "client", with commas between them. */
  within: string;
  windows: number;
  executions: number;
  most_executions: number;
  total_seconds: number;
  earlier: { fingerprint: string; text: string; column: string } | null;
  rewrite: string | null;
  last_seen: string;
}

/** GET /api/v1/repetitions */
export interface Repetitions {
  /** False: statements.enabled or statements.repetitions is off. */
  enabled: boolean;
  repetitions: Repetition[];
}

/** GET /api/v1/statements */
export interface Statements {
  /** False: statements.enabled is off. */
  enabled: boolean;
  statements: Statement[];
}
