import { useState } from "preact/hooks";

import type { Live } from "../model/live";
import type { Setting } from "../model/types";
import { usePolled } from "./hooks";
import { Failure, Section } from "./parts";
import { Table, type Column } from "./table";

const EVERY_MS = 10_000;

const COLUMNS: Column<Setting>[] = [
  { title: "Setting", cell: (row) => <code>{row.key}</code>, by: (row) => row.key },
  { title: "Value", cell: (row) => <Value setting={row} />, by: (row) => row.value, wide: true },
  {
    title: "Default",
    cell: (row) => (row.default === "" ? <span class="faint">none</span> : <code>{row.default}</code>),
    by: (row) => row.default,
    wide: true,
  },
  {
    title: "Changes",
    cell: (row) => (row.changeable ? "on reload" : "on restart"),
    by: (row) => String(row.changeable),
  },
];

function Value({ setting }: { setting: Setting }) {
  const text = setting.value === "" ? <span class="faint">not set</span> : <code>{setting.value}</code>;
  return setting.value === setting.default ? (
    text
  ) : (
    <strong>
      {text} <small>set</small>
    </strong>
  );
}

export function SettingsPage({ live }: { live: Live }) {
  const { value, error } = usePolled(live, EVERY_MS, (signal) => live.api.data<Setting[]>("/api/v1/config", signal));
  const [wanted, setWanted] = useState("");
  const [own, setOwn] = useState(false);
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  const word = wanted.trim().toLowerCase();
  const shown = value.filter(
    (each) => `${each.key} ${each.value}`.toLowerCase().includes(word) && (!own || each.value !== each.default),
  );
  return (
    <Section
      title="In use"
      id="settings"
      note="secrets are not sent; what differs from the default is bold and marked “set”"
    >
      {error && <Failure error={error} has />}
      <div class="filters">
        <label class="search">
          Search
          <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
        <label class="choice">
          <input type="checkbox" checked={own} onChange={(event) => setOwn(event.currentTarget.checked)} />
          only what differs from the default
        </label>
        <p class="note" role="status">
          {shown.length} of {value.length}
        </p>
      </div>
      <Table
        caption="Settings"
        columns={COLUMNS}
        rows={shown}
        keyOf={(row) => row.key}
        empty="No setting has that in it."
      />
    </Section>
  );
}
