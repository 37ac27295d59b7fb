import type {
  Activity,
  Bloated,
  Blocker,
  DatabaseFigures,
  Databases,
  IndexFigures,
  Indexes,
  Locks,
  ServerFigures,
  Servers,
  Session,
  TableFigures,
  Tables,
} from "../model/database";
import { growth, oldest } from "../model/database";
import * as format from "../model/format";
import type { Live } from "../model/live";
import type { Alerts } from "../model/types";
import { From, Told } from "./from";
import { usePolled } from "./hooks";
import { Failure, Figure, Notice, Section } from "./parts";
import { Replication } from "./replication";
import { StatementsOf } from "./server_statements";
import { Table, type Column } from "./table";

const QUICK_MS = 2000;
const SLOW_MS = 10_000;

/** What the servers say of themselves. */
export function DatabasePage({ live }: { live: Live }) {
  const ask = <T,>(path: string, everyMs: number) =>
    usePolled(live, everyMs, (signal) => live.api.data<T>(`/api/v1/${path}`, signal));
  const activity = ask<Servers<Activity>>("activity", QUICK_MS);
  const locks = ask<Servers<Locks>>("locks", QUICK_MS).value;
  const server = ask<Servers<ServerFigures>>("database", QUICK_MS).value;
  const tables = ask<Databases<Tables>>("tables", SLOW_MS).value;
  const indexes = ask<Databases<Indexes>>("indexes", SLOW_MS).value;
  const alerts = ask<Alerts>("alerts", QUICK_MS).value;
  const { value, error } = activity;
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  if (!value.sampled) return <NotSampled why={value.why_not ?? ""} />;
  if (value.servers.length === 0) return <p class="empty">No server has been found yet.</p>;
  return (
    <>
      {error && <Failure error={error} has />}
      {value.servers.map((each) => (
        <Sessions
          key={each.server}
          activity={each}
          locks={locks?.servers.find(({ server }) => server === each.server)}
          figures={server?.servers.find(({ server }) => server === each.server)}
          alerts={alerts}
        />
      ))}
      {server?.servers.flatMap(({ about, statements }) =>
        statements.map((each) => (
          <StatementsOf key={each.database} live={live} told={each} isAsked={about !== null} />
        )),
      )}
      {tables?.databases.map((each) => (
        <TablesOf key={each.database} tables={each} />
      ))}
      {indexes?.databases.map((each) => (
        <IndexesOf key={each.database} indexes={each} />
      ))}
      {value.not_sampled_databases.length > 0 && (
        <p class="note">
          Databases in use that are not asked, for there are many: {value.not_sampled_databases.join(", ")}.
        </p>
      )}
    </>
  );
}

function NotSampled({ why }: { why: string }) {
  return (
    <Notice title="The servers are not asked about themselves.">
      <p>
        It takes <code>sampling.enabled</code> and a user in the upstream's URL; here {why}.
      </p>
    </Notice>
  );
}

const SESSIONS: Column<Session>[] = [
  { title: "Process", cell: (row) => row.pid, by: (row) => row.pid, numeric: true },
  { title: "User", cell: (row) => `${row.user ?? "?"}@${row.database}`, by: (row) => `${row.user}@${row.database}` },
  { title: "Application", cell: (row) => row.application, by: (row) => row.application ?? "" },
  { title: "State", cell: (row) => row.state ?? "not shown", by: (row) => row.state ?? "" },
  {
    title: "Waits for",
    cell: (row) => (row.wait_event === null ? "" : `${row.wait_event_type}: ${row.wait_event}`),
    by: (row) => `${row.wait_event_type}${row.wait_event}`,
  },
  {
    title: "Transaction for",
    cell: (row) => format.duration(row.transaction_seconds),
    by: (row) => row.transaction_seconds ?? -1,
    numeric: true,
  },
  {
    title: "State for",
    cell: (row) => format.duration(row.state_seconds),
    by: (row) => row.state_seconds ?? -1,
    numeric: true,
  },
  { title: "Statement", cell: (row) => <code>{row.query ?? "–"}</code>, wide: true },
];

const DATABASES: Column<DatabaseFigures>[] = [
  { title: "Database", cell: (row) => row.database, by: (row) => row.database },
  { title: "Size", cell: (row) => size(row.bytes), by: (row) => row.bytes ?? -1, numeric: true },
  {
    title: "Growth",
    cell: (row) => growth(row.growth_bytes_per_day, format.bytes) ?? "not seen long enough",
    by: (row) => row.growth_bytes_per_day ?? 0,
    numeric: true,
  },
  { title: "XID age", cell: (row) => format.count(row.xid_age), by: (row) => row.xid_age, numeric: true },
  { title: "Ids left", cell: (row) => format.compact(row.xids_left), by: (row) => row.xids_left, numeric: true },
  {
    title: "Deadlocks",
    cell: (row) => format.count(row.deadlocks ?? 0),
    by: (row) => row.deadlocks ?? 0,
    numeric: true,
  },
  {
    title: "Rolled back",
    cell: (row) => format.percent(share(row.rollbacks, row.commits)),
    by: (row) => share(row.rollbacks, row.commits) ?? 0,
    numeric: true,
  },
  {
    title: "Read from buffers",
    cell: (row) => format.percent(share(row.blocks_hit, row.blocks_read)),
    by: (row) => share(row.blocks_hit, row.blocks_read) ?? 0,
    numeric: true,
  },
  {
    title: "Temporary files",
    cell: (row) => size(row.temp_bytes),
    by: (row) => row.temp_bytes ?? 0,
    numeric: true,
  },
  { title: "These four since", cell: (row) => since(row), by: (row) => row.counted_since ?? 0, numeric: true },
];

const TABLES: Column<TableFigures>[] = [
  { title: "Table", cell: (row) => nameOf(row.schema, row.table), by: (row) => nameOf(row.schema, row.table) },
  { title: "Size", cell: (row) => size(row.total_bytes), by: (row) => row.total_bytes ?? Infinity, numeric: true },
  {
    title: "Growth",
    cell: (row) => growth(row.growth_bytes_per_day, format.bytes) ?? format.NOTHING,
    by: (row) => row.growth_bytes_per_day ?? 0,
    numeric: true,
  },
  { title: "Rows", cell: (row) => format.compact(row.live_rows), by: (row) => row.live_rows, numeric: true },
  {
    title: "Dead rows",
    cell: (row) => `${format.compact(row.dead_rows)} (${format.percent(row.dead_share)})`,
    by: (row) => row.dead_share ?? 0,
    numeric: true,
  },
  bloat(),
  {
    title: "Read as a whole",
    cell: (row) => format.some(row.sequential_scans, "time"),
    by: (row) => row.sequential_scans,
    numeric: true,
  },
  {
    title: "By index",
    cell: (row) => format.some(row.index_scans ?? 0, "time"),
    by: (row) => row.index_scans ?? 0,
    numeric: true,
  },
  {
    title: "Last vacuum",
    cell: (row) => (row.last_vacuum === null ? "never" : dateOf(row.last_vacuum)),
    by: (row) => row.last_vacuum ?? 0,
    numeric: true,
  },
];

const INDEXES: Column<IndexFigures>[] = [
  { title: "Index", cell: (row) => nameOf(row.schema, row.index), by: (row) => nameOf(row.schema, row.index) },
  { title: "Table", cell: (row) => row.table, by: (row) => row.table },
  { title: "Size", cell: (row) => size(row.bytes), by: (row) => row.bytes ?? -1, numeric: true },
  bloat(),
  { title: "Used", cell: (row) => format.some(row.scans, "time"), by: (row) => row.scans, numeric: true },
  {
    title: "Is",
    cell: (row) => (row.valid ? (row.unused ? "unused" : "") : "invalid"),
    by: (row) => String(row.valid),
  },
];

function bloat<Row extends Bloated>(): Column<Row> {
  return {
    title: "Bloat",
    cell: (row) =>
      row.bloat_bytes === null ? format.NOTHING : `${size(row.bloat_bytes)} (${format.percent(row.bloat_share)})`,
    by: (row) => row.bloat_bytes ?? -1,
    numeric: true,
  };
}

const size = (bytes: number | null) => (bytes === null ? "locked, or not to be seen" : format.bytes(bytes));
const nameOf = (schema: string, name: string) => (schema === "public" ? name : `${schema}.${name}`);
const dateOf = (seconds: number) => new Date(seconds * 1000).toLocaleString("en-GB");

/** Where a list is too long to be told as a whole. */
function shownOf(shown = 0, all = 0): string {
  return shown < all ? `${format.count(shown)} are shown; ` : "";
}

/** When counting began, in a cell of a database; null: when it was made, or the server. */
const since = (row: DatabaseFigures) => (row.counted_since === null ? "the beginning" : dateOf(row.counted_since));

function share(part: number | null, rest: number | null): number | null {
  const whole = (part ?? 0) + (rest ?? 0);
  return whole > 0 ? (part ?? 0) / whole : null;
}

interface SessionsProps {
  activity: Activity;
  locks: Locks | undefined;
  figures: ServerFigures | undefined;
  alerts: Alerts | null;
}

function Sessions({ activity, locks, figures, alerts }: SessionsProps) {
  const id = activity.server.replaceAll(/\W/g, "-");
  const trees = locks?.trees ?? [];
  return (
    <>
      <Section title={activity.server} id={`server-${id}`} note={activity.primary ? "primary" : "replica"}>
        <From place={activity}>
          <ServerNow activity={activity} figures={figures} />
        </From>
        {activity.rights?.hint && (
          <p class="note" data-figure="rights">
            Not all can be seen: {activity.rights.hint}.
          </p>
        )}
      </Section>
      {activity.asked !== null && (
        <div class={activity.answering ? "stack" : "stack past"}>
          <Section title="Who holds up whom" id={`locks-${id}`}>
            <Told place={locks}>
              {trees.length === 0 ? (
                <p class="empty">Nobody waits for a lock of somebody else.</p>
              ) : (
                <Trees trees={trees} />
              )}
            </Told>
          </Section>
          <Section
            title="Sessions"
            id={`sessions-${id}`}
            note={`${shownOf(activity.sessions?.length, activity.count)}values are left out of statements`}
          >
            <Waits activity={activity} />
            <Table
              caption={`Sessions of ${activity.server}`}
              columns={SESSIONS}
              rows={activity.sessions ?? []}
              keyOf={(row) => String(row.pid)}
              sortedBy="Transaction for"
              empty="There is no session."
            />
          </Section>
          <Section title="Databases" id={`databases-${id}`}>
            <Told place={figures}>
              <Table
                caption={`Databases of ${activity.server}`}
                columns={DATABASES}
                rows={figures?.databases ?? []}
                keyOf={(row) => row.database}
                sortedBy="Size"
                empty="The server told of none."
              />
            </Told>
          </Section>
          {figures && figures.asked !== null && <Replication figures={figures} alerts={alerts} id={id} />}
        </div>
      )}
    </>
  );
}

function ServerNow({ activity, figures }: { activity: Activity; figures: ServerFigures | undefined }) {
  const old = oldest(figures?.databases ?? []);
  const checkpoints = figures?.checkpoints;
  // A transaction that has failed is open as well: "idle in transaction (aborted)".
  const count = (begins: string) =>
    (activity.by_state ?? [])
      .filter(({ state }) => state.startsWith(begins))
      .reduce((sum, each) => sum + each.count, 0);
  const deadlocks = (figures?.databases ?? []).reduce((sum, each) => sum + (each.deadlocks ?? 0), 0);
  const isTold = figures !== undefined && figures.asked !== null;
  return (
    <dl class="figures">
      <Figure
        id="sessions"
        name="Sessions"
        value={format.count(activity.count ?? 0)}
        note={`${count("active")} active, ${count("idle in transaction")} idle in a transaction`}
      />
      <Figure
        id="blocked"
        name="Wait for a lock"
        value={format.count(activity.blocked ?? 0)}
        note="of another session"
      />
      <Figure
        id="longest"
        name="Longest transaction"
        value={format.duration(activity.longest_transaction_seconds ?? null)}
        note={`idle in one: ${format.duration(activity.longest_idle_in_transaction_seconds ?? null)}`}
      />
      <Figure
        id="xids"
        name="Transaction ids left"
        value={format.compact(old?.xids_left ?? null)}
        note={old ? `in ${old.database}, whose oldest is ${format.compact(old.xid_age)} old` : undefined}
      />
      <Figure
        id="checkpoints"
        name="Checkpoints"
        value={checkpoints ? format.count(checkpoints.timed + checkpoints.requested) : format.NOTHING}
        note={checkpoints ? `${format.count(checkpoints.requested)} before their time` : undefined}
      />
      <Figure id="deadlocks" name="Deadlocks" value={isTold ? format.count(deadlocks) : format.NOTHING} />
    </dl>
  );
}

function Waits({ activity }: { activity: Activity }) {
  const waits = activity.waits ?? [];
  if (waits.length === 0) return null;
  return (
    <p class="note">
      Active ones wait for: {waits.map((each) => `${each.type} ${each.event} (${each.count})`).join(", ")}.
    </p>
  );
}

function Trees({ trees }: { trees: Blocker[] }) {
  return (
    <ul class="trees">
      {trees.map((each) => (
        <li key={each.pid}>
          <b>{each.pid === 0 ? "a prepared transaction" : `process ${each.pid}`}</b>{" "}
          {each.user && `${each.user}@${each.database}, ${each.state}`}
          {each.lock_mode && `, wants ${each.lock_mode} ${each.lock_relation ? `on ${each.lock_relation}` : ""}`}
          {each.query && <code>{each.query}</code>}
          {each.waiting.length > 0 && <Trees trees={each.waiting} />}
        </li>
      ))}
    </ul>
  );
}

function TablesOf({ tables }: { tables: Tables }) {
  const all = `${format.some(tables.count ?? 0, "table")}, ${format.bytes(tables.bytes ?? 0)}`;
  const shown = shownOf(tables.tables.length, tables.count);
  const note = tables.asked === null ? undefined : `${all}; ${shown}rows are the server's estimates`;
  return (
    <Section title={`Tables of ${tables.database}`} id={`tables-${tables.database}`} note={note}>
      <From place={tables}>
        <Table
          caption={`Tables of ${tables.database}`}
          columns={TABLES}
          rows={tables.tables}
          keyOf={(row) => `${row.schema}.${row.table}`}
          sortedBy="Size"
          empty="There is no table."
        />
      </From>
    </Section>
  );
}

function IndexesOf({ indexes }: { indexes: Indexes }) {
  const since = indexes.counted_since ? ` since ${dateOf(indexes.counted_since)}` : "";
  const all = `${format.some(indexes.unused ?? 0, "index", "indexes")}, ${format.bytes(indexes.unused_bytes ?? 0)}`;
  const shown = (indexes.indexes ?? []).filter((each) => each.unused || !each.valid);
  const cut = shownOf(shown.filter((each) => each.unused).length, indexes.unused);
  const note =
    indexes.asked === null ? undefined : `${all}, not used here${since}; ${cut}replicas count for themselves`;
  return (
    <Section title={`Unused indexes of ${indexes.database}`} id={`indexes-${indexes.database}`} note={note}>
      <From place={indexes}>
        <Table
          caption={`Unused indexes of ${indexes.database}`}
          columns={INDEXES}
          rows={shown}
          keyOf={(row) => `${row.schema}.${row.index}`}
          sortedBy="Size"
          empty="Every index has been used, or keeps something unique."
        />
      </From>
    </Section>
  );
}
