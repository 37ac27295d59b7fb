import * as format from "../model/format";
import type { Status } from "../model/health";
import type { Live } from "../model/live";
import type { Pool, Server, WatchedServer } from "../model/types";
import { usePolled } from "./hooks";
import { Failure, Mark, Section, Share } from "./parts";
import { Table, type Column } from "./table";

const EVERY_MS = 2000;

const COLUMNS: Column<Pool>[] = [
  { title: "Pool", cell: (row) => `${row.user}@${row.database}`, by: (row) => `${row.user}@${row.database}` },
  { title: "Server", cell: (row) => row.server, by: (row) => row.server },
  { title: "For", cell: (row) => (row.reads_only ? "reads" : "all"), by: (row) => String(row.reads_only) },
  { title: "Mode", cell: (row) => (row.paused ? `${row.mode}, paused` : row.mode), by: (row) => row.mode },
  {
    title: "Backends in use",
    cell: (row) => (
      <Share
        part={row.backends.in_use}
        whole={row.backends.most}
        text={`${row.backends.in_use} of ${row.backends.most}`}
      />
    ),
    by: (row) => row.backends.in_use / Math.max(1, row.backends.most),
    numeric: true,
  },
  {
    title: "Idle",
    cell: (row) => format.count(row.backends.idle + row.backends.used),
    by: (row) => row.backends.idle + row.backends.used,
    numeric: true,
  },
  {
    title: "Opening",
    cell: (row) => format.count(row.backends.login),
    by: (row) => row.backends.login,
    numeric: true,
  },
  {
    title: "Clients",
    cell: (row) => format.count(row.clients.active),
    by: (row) => row.clients.active,
    numeric: true,
  },
  {
    title: "Waiting",
    cell: (row) => format.count(row.clients.waiting),
    by: (row) => row.clients.waiting,
    numeric: true,
  },
  {
    title: "Longest wait",
    cell: (row) => format.milliseconds(row.longest_wait_ms),
    by: (row) => row.longest_wait_ms,
    numeric: true,
  },
  { title: "Held", cell: (row) => format.count(row.clients.held), by: (row) => row.clients.held, numeric: true },
];

const keyOf = (row: Pool) => `${row.user}/${row.database}/${row.server}/${row.reads_only}`;

export function PoolsPage({ live }: { live: Live }) {
  const { value, error } = usePolled(live, EVERY_MS, (signal) => live.api.data<Pool[]>("/api/v1/pools", signal));
  const overview = live.latest;
  return (
    <>
      <Section title="Servers" id="servers" note={overview ? undefined : "asking …"}>
        {overview && <Topology servers={overview.servers} clients={overview.clients.all} />}
      </Section>
      <Section title="Pools" id="pools" note="the backends of one user and database on one server">
        {error && <Failure error={error} has={value !== null} />}
        {value && (
          <Table
            caption="Pools"
            columns={COLUMNS}
            rows={value}
            keyOf={keyOf}
            sortedBy="Waiting"
            empty="No client has needed a pool yet."
          />
        )}
      </Section>
    </>
  );
}

/** Clients, Forebay, the servers: boxes with lines between, which stand in this order in the text, too. */
function Topology({ servers, clients }: { servers: Server[]; clients: number }) {
  if (servers.length === 0) return <p class="empty">No backend has been opened yet.</p>;
  return (
    <div class="topology">
      <div class="box clients">
        <b>{format.some(clients, "client")}</b>
      </div>
      <div class="box forebay">
        <b>Forebay</b>
      </div>
      <ul>
        {servers.map((server) => (
          <li key={server.server} class={`box ${server.watched ? server.role : "unwatched"}`}>
            {server.watched ? <Watched server={server} /> : <Unwatched server={server} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

const STATES: Record<WatchedServer["state"], Status> = {
  up: "good",
  lagging: "attention",
  down: "bad",
  refused: "bad",
  unknown: "unknown",
};

function Watched({ server }: { server: WatchedServer }) {
  const isReplica = server.role === "replica";
  return (
    <>
      <h3>{server.server}</h3>
      <p>
        <b>
          {server.primary ? "primary: writes go here" : server.role === "unknown" ? "role not known" : server.role}
        </b>{" "}
        <Mark status={STATES[server.state]} word={server.state} />
      </p>
      {server.why !== "" && <p class="why">{server.why}</p>}
      <dl class="pairs">
        {isReplica && (
          <>
            <dt>Lag</dt>
            <dd>{format.milliseconds(server.lag_ms)}</dd>
          </>
        )}
        {isReplica && (
          <>
            <dt>Weight</dt>
            <dd>{server.weight}</dd>
          </>
        )}
        <dt>Backends</dt>
        <dd>{format.count(server.backends)}</dd>
        <dt>Lent</dt>
        <dd>{format.some(server.assignments, "time")}</dd>
        <dt>Position</dt>
        <dd>
          {server.position}, timeline {server.timeline}
        </dd>
      </dl>
    </>
  );
}

function Unwatched({ server }: { server: Server }) {
  return (
    <>
      <h3>{server.server}</h3>
      <p>Forebay asks the upstream and its replicas how they are, where a user is named for that; not this one.</p>
      <dl class="pairs">
        <dt>Backends</dt>
        <dd>{format.count(server.backends)}</dd>
        <dt>Lent</dt>
        <dd>{format.some(server.assignments, "time")}</dd>
      </dl>
    </>
  );
}
