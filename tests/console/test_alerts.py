"""SHOW ALERTS: the active alerts, as the page Alerts and /api/v1/alerts have them (C7, B22)."""

import json
import re
import urllib.request

from conftest import Console
from forebay_testing import wait_until

CONFIG = """\
http: {anonymous: admin}
alerts:
  rule_sets: []
  rules:
    quiet: {signal: paused, warning: true, for: 0, resolve_after: 0}
    idle: {signal: transaction.idle, info: 100ms, warning: 1h, for: 0, resolve_after: 0, description: "Says nothing."}
"""
COLUMNS = ["rule", "object", "level", "value", "threshold", "since", "acknowledged_by", "description", "id"]


def ask(daemon, path: str, body: dict | None = None) -> dict:
    place = wait_until(lambda: re.search(r"HTTP is served on (\S+)", daemon.log()), 10, "HTTP is served").group(1)
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{place}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)["data"]


def test_active_alerts_are_shown_until_they_end(start, clients, database):
    daemon = start("--admin", "127.0.0.1:0", config=CONFIG)
    with Console(daemon) as console:
        assert [name for name, _ in console.columns("ALERTS")] == COLUMNS
        assert console.show("ALERTS") == []
        client = clients(daemon, autocommit=False)
        client.execute("SELECT 1")
        row = wait_until(lambda: next(iter(console.show("ALERTS")), None), 20, "the alert")
        assert (row["rule"], row["level"], row["threshold"], row["description"]) == (
            "idle", "info", "100 ms", "Says nothing.")
        assert f"database={database} user=app server=" in row["object"]
        assert row["acknowledged_by"] is None and re.fullmatch(r"[\d.]+ m?s", row["value"])
        (told,) = ask(daemon, "/api/v1/alerts")["active"]
        assert row["id"] == told["id"]
        shown = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) \w+", row["since"])
        assert shown and abs(int(shown.group(2)[-2:]) - int(told["started"][17:19])) % 58 <= 1

        ask(daemon, "/api/v1/alerts/acknowledge", {"id": row["id"]})
        assert console.show("ALERTS")[0]["acknowledged_by"] == "somebody local"
        console.run("PAUSE other")  # one database is not all
        client.rollback()
        wait_until(lambda: console.show("ALERTS") == [], 20, "its end")


def test_the_worst_is_first_and_a_flag_has_no_threshold(start, clients):
    daemon = start("--admin", "127.0.0.1:0", config=CONFIG)
    client = clients(daemon, autocommit=False)
    client.execute("SELECT 1")
    ask(daemon, "/api/v1/pause", {})
    with Console(daemon) as console:
        rows = wait_until(lambda: len(rows := console.show("ALERTS")) == 2 and rows, 20, "both alerts")
        assert [(row["rule"], row["object"], row["value"], row["threshold"]) for row in rows][0] == (
            "quiet", "", "yes", None)
        assert rows[1]["rule"] == "idle"
        ask(daemon, "/api/v1/resume", {})
        client.rollback()


def test_nobody_watches_where_no_http_is_served(start):
    with Console(start(config="alerts: {rules: {x: {signal: clients.use, warning: 0%, for: 0}}}\n")) as console:
        assert console.show("ALERTS") == []


def test_who_may_look_sees_them(start):
    text = CONFIG + "admin: {users: [alice], stats_users: [bob]}\n"
    with Console(start("--admin", "127.0.0.1:0", config=text), user="bob") as console:
        assert console.show("ALERTS") == []
