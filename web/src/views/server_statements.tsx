import type { ServerStatement, ServerStatements } from "../model/database";
import * as format from "../model/format";
import type { Live } from "../model/live";
import type { Statement, Statements } from "../model/types";
import { From } from "./from";
import { usePolled } from "./hooks";
import { Section } from "./parts";
import { pageOf } from "./statements";
import { Table, type Column } from "./table";

/** As many of Forebay's own as the server tells of its. */
const MOST = 20;
/** More, for the ways from the server's to the pages of Forebay's: others may have made another order there. */
const ASKED = 100;
const EVERY_MS = 5000;

/** The pages of Forebay's statements by their texts: both have lost their values in the same way. */
type Pages = Map<string, Statement>;

const columns = (pages: Pages): Column<ServerStatement>[] => [
  {
    title: "Statement",
    cell: (row) => {
      const own = row.query === null ? undefined : pages.get(row.query);
      const text = <code>{row.query ?? "not shown"}</code>;
      return own ? <a href={pageOf(own)}>{text}</a> : text;
    },
    by: (row) => row.query ?? "",
    wide: true,
  },
  { title: "User", cell: (row) => row.user ?? format.NOTHING, by: (row) => row.user ?? "" },
  {
    title: "Total",
    cell: (row) => format.duration(row.total_seconds),
    by: (row) => row.total_seconds,
    numeric: true,
  },
  { title: "Calls", cell: (row) => format.count(row.calls), by: (row) => row.calls, numeric: true },
  { title: "Mean", cell: (row) => format.duration(row.mean_seconds), by: (row) => row.mean_seconds, numeric: true },
  { title: "Longest", cell: (row) => format.duration(row.max_seconds), by: (row) => row.max_seconds, numeric: true },
  { title: "Rows", cell: (row) => format.count(row.rows), by: (row) => row.rows, numeric: true },
  {
    title: "Read from buffers",
    cell: (row) => format.percent(buffered(row)),
    by: (row) => buffered(row) ?? 0,
    numeric: true,
  },
];

function buffered(row: ServerStatement): number | null {
  const blocks = row.blocks_hit + row.blocks_read;
  return blocks > 0 ? row.blocks_hit / blocks : null;
}

const OWN: Column<Statement>[] = [
  {
    title: "Statement",
    cell: (row) => (
      <a href={pageOf(row)}>
        <code>{row.text}</code>
      </a>
    ),
    by: (row) => row.text,
    wide: true,
  },
  {
    title: "Total",
    cell: (row) => format.duration(row.total_seconds),
    by: (row) => row.total_seconds,
    numeric: true,
  },
  { title: "Calls", cell: (row) => format.count(row.calls), by: (row) => row.calls, numeric: true },
  {
    title: "Mean",
    cell: (row) => format.duration(row.mean_seconds),
    by: (row) => row.mean_seconds ?? 0,
    numeric: true,
  },
  { title: "Rows", cell: (row) => format.count(row.rows), by: (row) => row.rows, numeric: true },
];

/** Of the names by which clients use the database. */
function useOwn(live: Live, databases: string[]): Statement[] {
  const { value } = usePolled(
    live,
    EVERY_MS,
    async (signal) => {
      const paths = databases.map((name) => `/api/v1/statements?limit=${ASKED}&database=${encodeURIComponent(name)}`);
      const told = await Promise.all(paths.map((path) => live.api.data<Statements>(path, signal)));
      return told
        .flatMap(({ statements }) => statements)
        .sort((one, other) => other.total_seconds - one.total_seconds);
    },
    databases.join("\n"),
  );
  return value ?? [];
}

interface Props {
  live: Live;
  told: ServerStatements;
  isAsked: boolean; // the server has said what it is, and so whether it counts statements
}

/** What took most time in one database: by the server's own count where it keeps one, else by Forebay's. */
export function StatementsOf({ live, told, isAsked }: Props) {
  const ours = useOwn(live, told.client_databases);
  const title = `Statements of ${told.database}`;
  const id = `statements-${told.database}`;
  if (isAsked && told.asked === null && (told.problem === null || !told.answering))
    return (
      <Section
        title={title}
        id={id}
        note={`the ${MOST} dearest through this Forebay; pg_stat_statements is not there to tell of others`}
      >
        <Table
          caption={title}
          columns={OWN}
          rows={ours.slice(0, MOST)}
          keyOf={(row) => `${row.database}/${row.fingerprint}`}
          sortedBy="Total"
          empty="No statement has been counted yet."
        />
      </Section>
    );
  return (
    <Section
      title={title}
      id={id}
      note={`the ${MOST} dearest by pg_stat_statements, whoever ran them; values are left out`}
    >
      <From place={told}>
        <Table
          caption={title}
          columns={columns(new Map(ours.map((each) => [each.text, each])))}
          rows={told.statements ?? []}
          keyOf={(row) => `${row.query_id}/${row.user}`}
          sortedBy="Total"
          empty="The server has counted no statement."
        />
      </From>
    </Section>
  );
}
