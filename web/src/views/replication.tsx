import type { ServerFigures, Slot, Standby } from "../model/database";
import * as format from "../model/format";
import { slotAlert, slotState } from "../model/replication";
import type { Alerts } from "../model/types";
import { Mark, Section } from "./parts";
import { Table, type Column } from "./table";

const size = (bytes: number | null) => (bytes === null ? format.NOTHING : format.bytes(bytes));

const STANDBYS: Column<Standby>[] = [
  { title: "Receiver", cell: (row) => row.standby, by: (row) => row.standby },
  { title: "From", cell: (row) => row.client ?? "a Unix socket", by: (row) => row.client ?? "" },
  { title: "Receives", cell: (row) => (row.logical ? "changes" : "all"), by: (row) => String(row.logical) },
  { title: "State", cell: (row) => `${row.state}, ${row.sync_state}`, by: (row) => row.state ?? "" },
  {
    title: "Behind",
    cell: (row) => size(row.replay_lag_bytes),
    by: (row) => row.replay_lag_bytes ?? -1,
    numeric: true,
  },
  {
    title: "For",
    cell: (row) => format.duration(row.replay_lag_seconds),
    by: (row) => row.replay_lag_seconds ?? -1,
    numeric: true,
  },
];

const slots = (server: string, alerts: Alerts | null): Column<Slot>[] => [
  { title: "Slot", cell: (row) => row.slot, by: (row) => row.slot },
  {
    title: "Is",
    cell: (row) => <Mark {...slotState(row, slotAlert(alerts, server, row.slot))} />,
    by: (row) => slotState(row, slotAlert(alerts, server, row.slot)).word,
  },
  {
    title: "Keeps",
    cell: (row) => size(row.retained_bytes),
    by: (row) => row.retained_bytes ?? -1,
    numeric: true,
  },
  { title: "Log it needs", cell: (row) => row.wal_status ?? format.NOTHING, by: (row) => row.wal_status ?? "" },
  { title: "Kind", cell: (row) => row.type, by: (row) => row.type },
  { title: "Database", cell: (row) => row.database ?? "all", by: (row) => row.database ?? "" },
];

/** Who receives what a server writes, and what it keeps for those who do not. */
export function Replication(props: { figures: ServerFigures; alerts: Alerts | null; id: string }) {
  const { figures, alerts, id } = props;
  const kept = Math.max(...(figures.slots ?? []).map((each) => each.retained_bytes ?? 0));
  return (
    <>
      <Section title="Replication" id={`replication-${id}`} note="who receives what this server writes">
        <Table
          caption={`Receivers of ${figures.server}`}
          columns={STANDBYS}
          rows={figures.standbys ?? []}
          keyOf={(row) => `${row.standby}/${row.client}/${row.logical}`}
          sortedBy="Behind"
          empty={figures.standbys ? "Nobody does." : "Asking …"}
        />
      </Section>
      <Section
        title="Replication slots"
        id={`slots-${id}`}
        note={kept > 0 ? `${size(kept)} of log are kept for them` : undefined}
      >
        <Table
          caption={`Replication slots of ${figures.server}`}
          columns={slots(figures.server, alerts)}
          rows={figures.slots ?? []}
          keyOf={(row) => row.slot}
          sortedBy="Keeps"
          empty={figures.slots ? "There is none." : "Asking …"}
        />
      </Section>
    </>
  );
}
