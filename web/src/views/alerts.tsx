import { useState } from "preact/hooks";

import { about, againstLimit, statusOf } from "../model/alerts";
import { ApiError } from "../model/api";
import * as format from "../model/format";
import type { Live } from "../model/live";
import type { Alert, Alerts, Deed, Rule } from "../model/types";
import { usePolled } from "./hooks";
import { Failure, Mark, Notice, Section } from "./parts";
import { Table, type Column } from "./table";

const EVERY_MS = 1000;

type Act = (what: "acknowledge" | "resolve", alert: Alert) => void;

export function AlertsPage({ live }: { live: Live }) {
  const { value, error } = usePolled(live, EVERY_MS, (signal) => live.api.data<Alerts>("/api/v1/alerts", signal));
  const [done, setDone] = useState("");
  const [failed, setFailed] = useState<ApiError | null>(null);
  if (value === null) return error ? <Failure error={error} has={false} /> : <p class="empty">Asking …</p>;
  const act: Act = (what, alert) => {
    live.api.post(`/api/v1/alerts/${what}`, { id: alert.id }).then(
      () => (setFailed(null), setDone(`${alert.alert}: ${what}d.`)),
      (why) => setFailed(why instanceof ApiError ? why : new ApiError(0, "unknown", String(why))),
    );
  };
  return (
    <>
      <Section title="Active" id="active" note={noteOf(value)}>
        {error && <Failure error={error} has />}
        <p class="done" role="status">
          {done}
        </p>
        {failed && (
          <Notice title="That was not done.">
            <p role="alert">{failed.message}</p>
          </Notice>
        )}
        {value.active.length === 0 ? (
          <p class="empty">No alert is active.</p>
        ) : (
          <ul class="alerts">
            {value.active.map((alert) => (
              <Active key={alert.id} alert={alert} act={value.may_change ? act : null} />
            ))}
          </ul>
        )}
      </Section>
      <Section title="Resolved" id="resolved" note="the last hundred">
        <Table
          caption="Resolved alerts"
          columns={RESOLVED}
          rows={value.resolved}
          keyOf={(row) => row.id}
          empty="None since this Forebay was started."
        />
      </Section>
      <Section title="Rules" id="rules" note="in use; alerts.rule_sets and alerts.rules of the configuration">
        <Table
          caption="Rules"
          columns={RULES}
          rows={value.rules}
          keyOf={(row) => row.alert}
          empty="None: alerts.rule_sets is empty, and there are no alerts.rules."
        />
      </Section>
    </>
  );
}

function noteOf(alerts: Alerts): string {
  const pending =
    alerts.pending > 0 ? `${format.some(alerts.pending, "more value")} beyond a limit, not for long yet` : "";
  const viewer = alerts.may_change ? "" : "acknowledging and resolving is for administrators";
  return [pending, viewer].filter((part) => part !== "").join("; ");
}

function Active({ alert, act }: { alert: Alert; act: Act | null }) {
  const limit = againstLimit(alert);
  const name = `${alert.alert} ${about(alert)}`.trim();
  return (
    <li class={statusOf(alert.level)}>
      <h3>
        <Mark status={statusOf(alert.level)} word={alert.level} /> {alert.alert}
      </h3>
      <p>
        <b>{alert.title}</b>
        {limit !== "" && `: ${limit}`}
        {about(alert) !== "" && <span class="why"> ({about(alert)})</span>}
      </p>
      <p class="soft">
        Since {timeOf(alert.started)}. {alert.description}
      </p>
      <p class="action">{alert.advice}</p>
      {alert.acknowledged && (
        <p class="soft">
          Acknowledged by {alert.acknowledged.by} at {timeOf(alert.acknowledged.time)}.
        </p>
      )}
      {act && (
        <p class="buttons">
          {!alert.acknowledged && (
            <button type="button" aria-label={`Acknowledge ${name}`} onClick={() => act("acknowledge", alert)}>
              Acknowledge
            </button>
          )}
          <button type="button" aria-label={`Resolve ${name}`} onClick={() => act("resolve", alert)}>
            Resolve
          </button>
        </p>
      )}
    </li>
  );
}

const RESOLVED: Column<Alert>[] = [
  { title: "Alert", cell: (row) => row.alert, by: (row) => row.alert },
  { title: "Level", cell: (row) => <Mark status={statusOf(row.level)} word={row.level} />, by: (row) => row.level },
  { title: "Of", cell: (row) => about(row), by: about, wide: true },
  { title: "Value", cell: againstLimit },
  { title: "From", cell: (row) => timeOf(row.started), by: (row) => row.started },
  {
    title: "To",
    cell: (row) => (row.resolved ? timeOf(row.resolved.time) : ""),
    by: (row) => row.resolved?.time ?? "",
  },
  { title: "By", cell: (row) => whoOf(row.resolved) },
];

const RULES: Column<Rule>[] = [
  { title: "Alert", cell: (row) => row.alert, by: (row) => row.alert },
  { title: "Watches", cell: (row) => <code>{row.signal}</code>, by: (row) => row.signal },
  { title: "Limits", cell: limitsOf },
  { title: "For", cell: (row) => format.duration(row.for_ms / 1000), by: (row) => row.for_ms, numeric: true },
  { title: "Resolved after", cell: (row) => format.duration(row.resolve_after_ms / 1000), numeric: true },
  { title: "What it means", cell: (row) => row.description, wide: true },
];

function limitsOf(rule: Rule): string {
  const which = Object.entries(rule.match).map(([label, pattern]) => `${label} ${pattern}`);
  const limits = Object.entries(rule.thresholds).map(([level, text]) =>
    text === "yes" ? level : `${level} ${rule.worse} ${text}`,
  );
  return limits.join(", ") + (which.length > 0 ? ` of ${which.join(", ")}` : "");
}

function whoOf(deed: Deed | null): string {
  return deed?.by ?? "itself: the condition has gone";
}

function timeOf(text: string): string {
  return new Date(text).toLocaleString("en-GB");
}
