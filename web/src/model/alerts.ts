import type { Light, Status } from "./health";
import type { Alert, AlertCounts, AlertLevel } from "./types";

/** From the worst down. */
export const LEVELS: AlertLevel[] = ["critical", "warning", "info"];

const STATUSES: Record<AlertLevel, Status> = { critical: "bad", warning: "attention", info: "unknown" };

export function statusOf(level: AlertLevel): Status {
  return STATUSES[level];
}

/** Those that nobody sees to yet. */
export function open(counts: AlertCounts): number {
  return LEVELS.reduce((sum, level) => sum + counts[level], 0);
}

/** "2 critical, 1 warning"; empty when nothing is open. */
export function inWords(counts: AlertCounts): string {
  return LEVELS.filter((level) => counts[level] > 0)
    .map((level) => `${counts[level]} ${level}`)
    .join(", ");
}

/** What somebody sees to already does not call for attention any more. */
export function alertLight(counts: AlertCounts): Light {
  const light = { name: "Alerts", page: "#/alerts" };
  const seen = counts.acknowledged > 0 ? `${counts.acknowledged} acknowledged` : "";
  const worst = LEVELS.find((level) => counts[level] > 0);
  if (worst === undefined) return { ...light, status: "good", text: seen === "" ? "none is active" : seen };
  const text = [inWords(counts), seen].filter((part) => part !== "").join("; ");
  return { ...light, status: worst === "critical" ? "bad" : "attention", text };
}

/** Which of several things an alert is about. */
export function about(alert: Alert): string {
  return Object.entries(alert.labels)
    .map(([label, value]) => `${label} ${value}`)
    .join(", ");
}

/** The value against the limit; of what is either so or not, nothing. */
export function againstLimit(alert: Alert): string {
  return alert.unit === "flag" ? "" : `${alert.value_text}, limit ${alert.threshold_text}`;
}
