"""More figures against outside truths: threads, who keeps a backend, which server is lent,
which settings are in use, how each plan does (C7, L17, P8).
"""

import collections
import os
import re
import statistics
import time

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import ForebayDaemon, ReplicaServer, wait_until
from truths import COUNTED, SESSIONS, SHOWN, cells, figure, open_statement, seconds_for, value_in

pytestmark = pytest.mark.time_limit(240)


def test_threads_for_clients_are_as_many_as_were_asked_for(browser, server):
    """What the kernel counts beside them is the same, however many they are."""
    others = []
    for wanted in (1, 5):
        with ForebayDaemon(server, ["--threads", wanted, "--admin", "127.0.0.1:0"]) as daemon:
            browser.open(place(daemon))
            browser.see('section[aria-labelledby="process"]')
            assert figure(browser, "Threads", "small") == f"{wanted} for clients"
            threads = len(os.listdir(f"/proc/{daemon.pid}/task"))
            wait_until(lambda: figure(browser, "Threads") == str(threads), 20, "what the kernel counts")
            others.append(threads - wanted)
    assert others[0] == others[1]


def test_held_clients_are_those_whose_sessions_hold_something(browser, start, counting, connect):
    daemon = start("--pool-size", "6", "--pool-overflow", "0", upstream=counting)
    listener, locker, maker, in_transaction, quiet = (connect(daemon) for _ in range(5))

    def kept() -> tuple[int, int]:
        """Sessions with the lock, and tables, as the server counts them."""
        return counting.query(
            "SELECT (SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711),"
            " (SELECT count(*) FROM pg_class WHERE relname = 'mine' AND relpersistence = 't')",
            dbname=COUNTED)[0]

    def pool() -> tuple[str, str]:
        row = cells(browser, f"{USER}@{COUNTED}")
        return row.get("Held"), row.get("Backends in use")

    listener.execute("LISTEN news")
    locker.execute("SELECT pg_advisory_lock(4711)")
    maker.execute("CREATE TEMP TABLE mine (id int)")
    in_transaction.execute("BEGIN")
    quiet.execute("SELECT 1")
    browser.open(f"{place(daemon)}#/pools")
    wait_until(lambda: pool() == ("3", "4 of 6"), 20, "three, and one more that is lent", interval=0.2)
    assert kept() == (1, 1)
    counting.execute("NOTIFY news, 'it listens'", dbname=COUNTED)
    notifications = listener.notifies()
    assert next(notifications).payload == "it listens"
    notifications.close()

    listener.execute("UNLISTEN news")
    locker.execute("SELECT pg_advisory_unlock(4711)")
    wait_until(lambda: pool() == ("1", "2 of 6"), 30, "one still has a table", interval=0.2)
    maker.execute("DROP TABLE mine")
    in_transaction.execute("COMMIT")
    wait_until(lambda: pool() == ("0", "0 of 6"), 30, "nobody keeps anything", interval=0.2)
    assert kept() == (0, 0)


def test_backends_and_loans_of_each_server_are_what_it_and_the_client_count(browser, start, server, database):
    """Each answer says by its port which server it is of."""
    where = "SELECT inet_server_port()"
    with ReplicaServer(server) as replica:
        replica.catch_up()
        daemon = start("--replica", f"{replica.host}:{replica.port}")
        browser.open(f"{place(daemon)}#/pools")

        def shown(name: str) -> list[int]:
            boxes = (f'.topology li:has-text(":{each.port}")' for each in (server, replica))
            return [int(browser.text(f'{box} dt:text-is("{name}") + dd').split()[0]) for box in boxes]

        dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as client, \
                psycopg.connect(dsn, autocommit=True) as other:
            wait_until(lambda: client.execute(where).fetchone() == (replica.port,), 20, "the replica answers")
            lent = [int(row["assignments"]) for row in daemon.show("topology")]
            answered = collections.Counter(client.execute(where).fetchone()[0] for _ in range(37))
            for _ in range(12):
                with client.transaction():
                    answered[client.execute(where).fetchone()[0]] += 1
                    client.execute("SELECT 1")
            assert answered == {replica.port: 37, server.port: 12}
            wanted = [lent[0] + 12, lent[1] + 37]
            wait_until(lambda: shown("Lent") == wanted, 20, f"lent: {wanted}", interval=0.2)
            with client.transaction(), other.transaction():
                for each in (client, other):
                    each.execute("SELECT 1")
                there = [each.query(SESSIONS)[0][0] for each in (server, replica)]
                assert there[0] >= 2 and there[1] >= 1
                wait_until(lambda: shown("Backends") == there, 20, f"backends: {there}", interval=0.2)


CONFIG = """
pool: {mode: session, size: 7, overflow: 2}
timeouts: {wait: 4500ms, client_idle: 90min}
cache: {enabled: off, size: 0.5GiB, max_entry: 300KiB}
log: {connections: on}
admin: {stats_users: [watcher, other]}
http: {viewer_tokens: [nobody-must-see-this-token]}
databases:
  shop: {database: sold, pool: {size: 3}}
users:
  watcher: {password: "nobody must see this either", limits: {max_clients: 9}}
"""
#: What the page is to make of it.
SET = {"pool.mode": "session", "pool.size": "7", "pool.overflow": "2", "timeouts.wait": "4500ms",
       "timeouts.client_idle": "90min", "cache.enabled": "off", "cache.size": "512MiB",
       "cache.max_entry": "300KiB", "log.connections": "true", "admin.stats_users": "watcher, other",
       "http.viewer_tokens": "***", "databases.shop.database": "sold", "databases.shop.pool.size": "3",
       "users.watcher.password": "***", "users.watcher.limits.max_clients": "9"}


def settings(browser) -> dict[str, list[str]]:
    """Value, default and when it changes, by name."""
    browser.see("table", "pool.size")
    rows = browser.do("value", script="""[...document.querySelectorAll("tbody tr")]
        .map((row) => [...row.cells].map((each) => each.innerText.trim()))""")
    return {name: rest for name, *rest in rows}


def test_settings_are_those_of_the_file_and_of_the_flags(browser, start, server):
    daemon = start(config=CONFIG)
    wanted = SET | {"upstream": f"postgres://{server.superuser}:***@{server.host}:{server.port}",
                    "threads": "2", "listen": "127.0.0.1:0", "http.listen": "127.0.0.1:0"}
    browser.open(f"{place(daemon)}#/settings")
    shown = settings(browser)
    told = daemon.show("config")
    assert len(told) > 60
    for row in told:
        value = (row["value"] or "not set") + (" set" if row["value"] != row["default"] else "")
        changes = "on reload" if row["changeable"] == "yes" else "on restart"
        assert shown[row["key"]] == [value, row["default"] or "none", changes], row
    browser.click('.filters input[type="checkbox"]')
    browser.see(".filters .note", f"{len(wanted)} of {len(shown)}")
    own = {name: value for name, (value, *_) in settings(browser).items()}
    assert own == {name: f"{value} set" for name, value in wanted.items()}
    text = browser.text("main")
    assert "must" not in text and server.passwords[server.superuser] not in text


def test_settings_are_those_in_use_when_the_file_has_changed(browser, start):
    """What only a restart can change keeps its running value, as the page says beside it."""
    daemon = start(config=CONFIG)
    browser.open(f"{place(daemon)}#/settings")
    before = settings(browser)
    changed = CONFIG.replace("size: 7", "size: 20").replace("enabled: off", "enabled: on")
    daemon.config_path.write_text(changed)
    daemon.console("RELOAD")
    browser.do("reload")
    after = settings(browser)
    assert before["pool.size"] == ["7 set", "20", "on reload"]
    assert after["pool.size"] == ["20", "20", "on reload"]
    assert before["cache.enabled"] == after["cache.enabled"] == ["off set", "auto", "on restart"]
    assert {name for name in before if before[name] != after[name]} == {"pool.size"}


def test_the_mean_of_each_plan_is_that_of_the_calls_that_it_was_there_for(browser, start, counting, connect):
    # A vacuum in between would be a reason for another plan.
    counting.psql("CREATE TABLE planned WITH (autovacuum_enabled = off) AS"
                  " SELECT i AS id, i % 5000 AS kind FROM generate_series(1, 50000) i;"
                  f" ALTER TABLE planned OWNER TO {USER}; ANALYZE planned", COUNTED)
    daemon = start("--set", "plans.slower_than=1ms", "--set", "http.anonymous=admin", upstream=counting)
    base = place(daemon)
    client = connect(daemon)

    def run(*sleeps: float) -> tuple[float, float]:
        """The least and the most that their mean can be: what the server took, and what the client waited."""
        counting.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)
        waits = [seconds_for(client, f"SELECT pg_sleep({each}), count(*) FROM planned WHERE kind = 7")
                 for each in sleeps]
        by_server = counting.counted("FROM planned")
        assert by_server["calls"] == len(sleeps)
        return by_server["mean"] * (1 - SHOWN), statistics.mean(waits) * (1 + SHOWN)

    def is_told(plan: str, bounds: tuple[float, float]) -> bool:
        found = re.search("A call took (.*) on average", browser.text(f"{plan} >> text=A call took"))
        least, most = bounds
        return least <= value_in(found.group(1)) <= most

    def wait_for_calls(count: int) -> None:
        """All have been looked at, which happens every five seconds: the next ones may have another plan."""
        fingerprint = browser.do("value", script="location.hash").split("/")[-1]

        def are_counted() -> bool:
            latest = api(base, f"api/v1/statements/{fingerprint}-{COUNTED}")["explained"]["plans"][:1]
            return [plan["calls"] for plan in latest] == [count]

        wait_until(are_counted, 20, "all calls of the plan", interval=0.2)

    by_scan = run(*[0.02] * 8, 0.2, 0.2)
    open_statement(browser, base, "count(*) FROM planned")
    browser.see(".plan", "Seq Scan")
    wait_for_calls(10)
    latest = 'section[aria-labelledby="plan"] > p.note'
    wait_until(lambda: is_told(latest, by_scan), 10, f"between {by_scan}", interval=0.2)
    counting.execute("CREATE INDEX ON planned (kind)", dbname=COUNTED)
    browser.click('button:text("Explain now")')
    browser.see(".changes")
    assert "No call has used it yet." in browser.text(latest)
    by_index = run(*[0.01] * 6)
    assert by_index[1] < by_scan[0]
    wait_for_calls(6)
    wait_until(lambda: is_told(latest, by_index), 10, f"between {by_index}", interval=0.2)
    browser.click('details summary:has-text("Until")')
    assert is_told("details", by_scan), "what it was"


def test_what_takes_most_time_is_what_clients_waited_for_with_what_failed(browser, start, counting, connect):
    """What the server had cut stood first once, with "0 ms in 0 calls"."""
    daemon = start(upstream=counting)
    client = connect(daemon)
    totals = {"two": [0.15, 0.2], "three": [0.9], "six": [0.02], "one": [1.0, 2.5], "five": [0.1]}
    waits = {name: sum(seconds_for(client, f"SELECT pg_sleep({seconds}) AS {name}") for seconds in sleeps)
             for name, sleeps in totals.items()}
    client.execute("SET statement_timeout = '1800ms'")
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        client.execute("SELECT pg_sleep(60) AS cut")
    waits["cut"] = time.monotonic() - began
    totals["cut"] = [1.8]

    def told() -> list[tuple[str, str]]:
        lines = [line.replace("\n", " ") for line in browser.texts('section[aria-labelledby="slow"] li')]
        return [(match.group(1), line) for line in lines if (match := re.search(r"pg_sleep\(\$1\) AS (\w+)", line))]

    browser.open(place(daemon))
    wanted = ["one", "cut", "three", "two", "five"]
    wait_until(lambda: [name for name, _ in told()] == wanted, 20, f"{wanted} of {waits}", interval=0.2)
    for name, line in told():
        sleeps = totals[name]
        time_told, calls = re.search(r"\s([\d.,]+ \w+) in ([\d,]+) calls? of a server", line).groups()
        assert sum(sleeps) * (1 - SHOWN) <= value_in(time_told) <= waits[name] * (1 + SHOWN), line
        assert int(calls) == (0 if name == "cut" else len(sleeps))
        assert line.endswith("and 1 error") == (name == "cut")
