import { statusOf } from "./alerts";
import type { Slot } from "./database";
import type { Status } from "./health";
import type { AlertLevel, Alerts } from "./types";

/** The signal whose rules say how much a slot may keep. */
const RETAINED = "server.slot_retained";

/** The level at which a slot keeps more than a rule allows; null: none is active. */
export function slotAlert(alerts: Alerts | null, server: string, slot: string): AlertLevel | null {
  const rules = new Set(alerts?.rules.filter(({ signal }) => signal === RETAINED).map(({ alert }) => alert));
  const found = alerts?.active.find(
    ({ alert, labels }) => rules.has(alert) && labels.server === server && labels.slot === slot,
  );
  return found?.level ?? null;
}

/**
 * What a slot is like, the worst first; wal_status in PostgreSQL's sense:
 * https://www.postgresql.org/docs/15/view-pg-replication-slots.html
 */
export function slotState(slot: Slot, alert: AlertLevel | null): { status: Status; word: string } {
  if (slot.wal_status === "lost") return { status: "bad", word: "lost" };
  if (slot.wal_status === "unreserved") return { status: "bad", word: "about to be lost" };
  if (alert !== null) return { status: statusOf(alert), word: "keeps too much" };
  if (slot.wal_status === "extended") return { status: "attention", word: "beyond max_wal_size" };
  return slot.active ? { status: "good", word: "read" } : { status: "attention", word: "nobody reads it" };
}
