"""Alerts that real faults raise, and what becomes of them (L18, B18, C11, C7, C10)."""

import concurrent.futures
import contextlib
import os
import signal
import threading
import time

import psycopg
import pytest

from conftest import RESOLUTION, USER, quiet_for, rules
from forebay_testing import PostgresServer, ReplicaServer, wait_until

WAITS = "pool-wait: {signal: pool.longest_wait, warning: 300ms, critical: 5min, for: 1s, resolve_after: 1s}"


class Waiter:
    """A client that waits for a backend in a thread of its own."""

    def __init__(self, connect, watching) -> None:
        self._client = connect(watching)
        self._thread = threading.Thread(target=lambda: self._client.execute("SELECT 1"), daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_a_pool_that_is_used_up_raises_an_alert_that_ends_by_itself(start, connect, database):
    watching = start("--pool-size", "1", "--pool-overflow", "0", config=rules(WAITS))
    holder = connect(watching, autocommit=False)
    holder.execute("SELECT 1")
    waiter = Waiter(connect, watching)
    alert = watching.await_active("pool-wait")
    assert (alert["level"], alert["labels"]["database"], alert["threshold_text"]) == ("warning", database, "300 ms")
    assert alert["value"] > 0.3 and alert["advice"] and alert["description"]
    watching.daemon.wait_for_log("alert raised alert=pool-wait level=warning")
    assert watching.metrics()['forebay_alerts{alert="pool-wait",level="warning",state="active"}'] == 1
    holder.commit()
    waiter.end()
    ended = watching.await_resolved("pool-wait")
    assert ended["id"] == alert["id"] and ended["resolved"]["by"] is None
    watching.daemon.wait_for_log("alert resolved alert=pool-wait")
    assert watching.metrics()['forebay_alerts{alert="pool-wait",level="warning",state="active"}'] == 0


def test_who_waits_for_the_end_of_a_pause_raises_no_alert_about_the_pool(start, connect, database):
    """It said who holds the backends, of which none was in use."""
    watching = start(config=rules(WAITS))
    client = connect(watching)
    client.execute("SELECT 1")
    with psycopg.connect(watching.daemon.dsn(dbname="forebay"), autocommit=True) as console:
        console.execute(f"PAUSE {database}")
        waiting = threading.Thread(target=client.execute, args=("SELECT 2",))
        waiting.start()
        wait_until(lambda: watching.metrics()['forebay_clients{state="waiting"}'] == 1, 10, "it waits")
        assert quiet_for(3, lambda: watching.active("pool-wait"))
        console.execute(f"RESUME {database}")
    waiting.join(20)
    assert not waiting.is_alive()


def test_clients_that_wait_until_they_give_up_raise_the_alert_of_long_waits(start, connect):
    """Of waits that ended in vain nothing was said: the worse it was, the shorter the wait seemed."""
    watching = start("--pool-size", "1", "--pool-overflow", "0", "--set", "timeouts.wait=2s", config=rules(
        "waits: {signal: pool.wait_p95, warning: 200ms, for: 0, resolve_after: 0}\n"
        "errors: {signal: query.error_ratio, warning: 50%, for: 0, resolve_after: 0}"))
    holder = connect(watching, autocommit=False)
    holder.execute("SELECT 1")
    clients = [connect(watching) for _ in range(20)]

    def give_up(client) -> float:
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="no backend came free"):
            client.execute("SELECT 2")
        return time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
        waited = list(threads.map(give_up, clients))
    told = watching.await_active("waits")["value"]
    assert 2 * (1 - RESOLUTION) <= told <= max(waited) * (1 + RESOLUTION)
    assert watching.await_active("errors")["value"] > 0.5, "who is refused has an error, though no server said so"


def test_who_acknowledges_and_resolves_is_noted_and_it_stays_quiet_until_it_comes_back(start, connect):
    watching = start("--pool-size", "1", "--pool-overflow", "0", config=rules(WAITS))
    holder = connect(watching, autocommit=False)
    holder.execute("SELECT 1")
    waiter = Waiter(connect, watching)
    alert = watching.await_active("pool-wait")
    assert watching.post("/api/v1/alerts/acknowledge", id=alert["id"])[0] == 200
    assert watching.active("pool-wait")["acknowledged"]["by"] == "somebody local"
    assert watching.metrics()['forebay_alerts{alert="pool-wait",level="warning",state="acknowledged"}'] == 1
    status, answer = watching.post("/api/v1/alerts/acknowledge", id=alert["id"])
    assert (status, answer["error"]["code"]) == (404, "no_alert")

    assert watching.post("/api/v1/alerts/resolve", id=alert["id"])[0] == 200
    alerts = watching.alerts()
    assert alerts["active"] == [] and alerts["resolved"][0]["resolved"]["by"] == "somebody local"
    assert quiet_for(3, lambda: watching.active("pool-wait")), "the condition still holds, and somebody knows"

    holder.commit()
    waiter.end()
    wait_until(lambda: watching.alerts()["pending"] == 0, 10, "nothing is beyond a limit")
    assert quiet_for(2.5, lambda: watching.active("pool-wait"))
    holder.execute("SELECT 1")
    waiter = Waiter(connect, watching)
    assert watching.await_active("pool-wait")["id"] != alert["id"]
    holder.commit()
    waiter.end()


@pytest.mark.time_limit(120)
def test_a_replica_that_is_gone_raises_an_alert_until_it_is_back(start, server):
    with ReplicaServer(server) as replica:
        replica.catch_up()
        place = f"{replica.host}:{replica.port}"
        watching = start("--replica", place, config=rules(
            "replica-out: {signal: replica.out, critical: true, for: 1s}\n"
            "server-down: {signal: server.down, warning: true, for: 1s}"))
        wait_until(lambda: watching.metrics().get(f'forebay_server_state{{server="{place}",state="up"}}') == 1, 20,
                   "the replica is up", interval=0.2)
        assert watching.alerts()["active"] == []
        replica.stop()
        out = watching.await_active("replica-out")
        assert (out["level"], out["labels"]) == ("critical", {"server": place})
        assert watching.await_active("server-down")["labels"] == {"server": place}
        replica.start()
        assert watching.await_resolved("replica-out", 60)["id"] == out["id"]


@pytest.mark.time_limit(120)
def test_a_lease_that_is_not_renewed_raises_an_alert(start):
    """The server process that tells what has changed says nothing any more, and does not end either. The alert ends
    with the next stream, though nobody asks by then."""
    with PostgresServer({"wal_level": "logical"}) as own:
        own.create_role(USER)
        own.execute(f"CREATE TABLE goods (id int); GRANT SELECT ON goods TO {USER}")
        watching = start("--cache", "on", upstream=own,
                         config=rules("lease: {signal: cache.lease_age, warning: 2s, for: 1s, resolve_after: 1s}"))
        dsn = watching.daemon.dsn(user=USER, dbname="postgres", password=own.passwords[USER])
        with psycopg.connect(dsn, autocommit=True) as client:

            def ask():
                client.execute("SELECT count(*) FROM goods")
                return True

            @contextlib.contextmanager
            def told():
                """The one process that tells; it stands still until the alert is raised, and within."""
                (pid,), = wait_until(lambda: ask() and len(all_ := own.query(teller)) == 1 and all_, 30, "one stream",
                                     interval=0.05)
                os.kill(pid, signal.SIGSTOP)
                own.execute("SELECT pg_logical_emit_message(false, 'to be', 'told')")  # or all has been told already
                try:
                    yield pid, wait_until(lambda: ask() and watching.active("lease"), 30, "the alert", interval=0.05)
                finally:
                    os.kill(pid, signal.SIGCONT)

            teller = "SELECT pid FROM pg_stat_replication"
            wait_until(lambda: ask() and own.query(teller), 30, "the stream", interval=0.05)
            assert quiet_for(3, lambda: ask() and watching.active("lease"))
            with told() as (pid, alert):
                assert alert["value"] > 2 and alert["level"] == "warning"
            wait_until(lambda: ask() and watching.active("lease") is None, 30, "its end", interval=0.05)
            with told() as (pid, alert):
                wait_until(lambda: any(other != pid for other, in own.query(teller)), 40, "another stream")
                wait_until(lambda: watching.active("lease") is None, 30, "its end")


def test_a_client_that_is_idle_in_a_transaction_raises_an_alert(start, connect, database):
    watching = start(config=rules("idle: {signal: transaction.idle, warning: 1s, for: 0, resolve_after: 0}"))
    connect(watching).execute("SELECT 1")
    client = connect(watching, autocommit=False)
    client.execute("SELECT 1")
    assert watching.await_active("idle")["labels"]["database"] == database
    client.rollback()
    watching.await_resolved("idle")
    client.execute("SELECT pg_sleep(2)")
    assert watching.active("idle") is None, "whose statement runs is not idle"


def test_failing_queries_are_a_share_of_all_and_few_of_them_say_nothing(start, connect, database):
    watching = start(config=rules("errors: {signal: query.error_ratio, warning: 20%, critical: 90%, for: 0}"))
    client = connect(watching, prepare_threshold=None)
    for _ in range(5):
        with pytest.raises(psycopg.Error):
            client.execute("SELECT 1/0")
    assert quiet_for(2.5, lambda: watching.active("errors")), "five calls are too few"
    for number in range(40):
        if number % 2:
            client.execute("SELECT 1")
        else:
            with pytest.raises(psycopg.Error):
                client.execute("SELECT 1/0")
    assert watching.await_active("errors")["labels"] == {"database": database}
    wait_until(lambda: watching.values()["errors"] == pytest.approx(25 / 45), 8, "25 of 45")
    assert watching.metrics()[f'forebay_call_errors_total{{database="{database}"}}'] == 25


def test_slow_queries_are_counted_exactly(start, connect, database):
    watching = start("--pool-size", "5", config=rules("slow: {signal: query.slow, warning: 2, for: 0}"))
    clients = [connect(watching) for _ in range(3)]
    clients[0].execute("SELECT pg_sleep(0.05)")  # not slow
    threads = [threading.Thread(target=client.execute, args=("SELECT pg_sleep(0.6)",)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alert = watching.await_active("slow")
    assert (alert["value"], alert["labels"]) == (3, {"database": database})


def test_rules_change_with_a_reload(start, connect):
    watching = start(config=rules("paused: {signal: paused, warning: true, for: 0}"))
    watching.post("/api/v1/pause")
    watching.await_active("paused")
    file = watching.daemon.directory / "forebay.yaml"
    file.write_text(file.read_text().replace("signal: paused, warning: true", "signal: paused, critical: true"))
    watching.daemon.reload()
    wait_until(lambda: (watching.active("paused") or {}).get("level") == "critical", 20, "the new level")
    watching.post("/api/v1/resume")
    watching.await_resolved("paused")


def test_who_may_only_look_changes_nothing(start):
    watching = start(config=rules("paused: {signal: paused, warning: true}").replace("anonymous: admin",
                                                                                   "anonymous: viewer"))
    assert watching.alerts()["may_change"] is False
    for what in ("acknowledge", "resolve"):
        assert watching.post(f"/api/v1/alerts/{what}", id="1")[0] in (401, 403)


def test_by_default_the_set_of_forebay_itself_is_in_use_and_a_calm_process_has_no_alert(start, connect):
    watching = start(config="http:\n  anonymous: admin\n")
    connect(watching).execute("SELECT 1")
    assert {"server-down", "pool-wait", "replica-out", "cache-lease", "memory-growth", "idle-in-transaction"} <= {
        rule["alert"] for rule in watching.alerts()["rules"]}
    assert quiet_for(3, lambda: watching.alerts()["active"])


@pytest.mark.time_limit(120)
def test_an_upstream_that_is_stopped_is_a_server_that_is_down_and_no_replica(start):
    with PostgresServer() as own:
        watching = start(upstream=own, config=rules(
            "server-down: {signal: server.down, critical: true, for: 0, resolve_after: 0}\n"
            "replica-out: {signal: replica.out, warning: true, for: 0}"))
        place = f"{own.host}:{own.port}"
        wait_until(lambda: watching.metrics().get(f'forebay_server_state{{server="{place}",state="up"}}') == 1, 20,
                   "the server is up", interval=0.2)
        own.stop()
        assert watching.await_active("server-down")["labels"] == {"server": place}
        assert quiet_for(2, lambda: watching.active("replica-out"))
        own.start()
        watching.await_resolved("server-down", 60)
