import { expect, test } from "vitest";

import type { Slot } from "./database";
import { slotAlert, slotState } from "./replication";
import type { Alerts } from "./types";

const slot = (rest: Partial<Slot>) => ({ slot: "s", active: true, wal_status: "reserved", ...rest }) as Slot;

test("a slot is as bad as the worst that is known of it", () => {
  expect(slotState(slot({}), null).status).toBe("good");
  expect(slotState(slot({ active: false }), null)).toEqual({ status: "attention", word: "nobody reads it" });
  expect(slotState(slot({ wal_status: "extended" }), null).word).toBe("beyond max_wal_size");
  expect(slotState(slot({ active: false }), "warning")).toEqual({ status: "attention", word: "keeps too much" });
  expect(slotState(slot({}), "critical").status).toBe("bad");
  expect(slotState(slot({ wal_status: "unreserved" }), "warning").word).toBe("about to be lost");
  expect(slotState(slot({ wal_status: "lost", active: false }), null).word).toBe("lost");
});

test("an alert is a slot's own when a rule about what is kept has raised it for this slot of this server", () => {
  const alerts = (alert: string, server: string) =>
    ({
      rules: [
        { alert: "much", signal: "server.slot_retained" },
        { alert: "blocked", signal: "server.blocked" },
      ],
      active: [{ alert, level: "warning", labels: { server, slot: "s" } }],
    }) as unknown as Alerts;
  expect(slotAlert(null, "db", "s")).toBeNull();
  expect(slotAlert(alerts("much", "db"), "db", "s")).toBe("warning");
  expect(slotAlert(alerts("much", "other"), "db", "s")).toBeNull();
  expect(slotAlert(alerts("much", "db"), "db", "t")).toBeNull();
  expect(slotAlert(alerts("blocked", "db"), "db", "s")).toBeNull();
});
