"""Values of alerts against outside truths: what clients waited, /proc, what was sent (L18, B18, B21, P8).

A value that is wrong is worse than none: each rule here is broken by anything, so that its value can be read.
"""

import concurrent.futures
import contextlib
import os
import socket
import time

import psycopg
import pytest

from conftest import RESOLUTION, USER, broken, percentile, quiet_for, rules
from forebay_testing import wait_until

ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = %s AND state = %s"
SLEEPS = [0.03] * 60 + [0.2] * 35 + [0.6] * 6


def await_value(watching, rule: str, truth: float) -> None:
    """Figures come once a second."""
    def is_so() -> bool:
        return watching.values().get(rule) == pytest.approx(truth, rel=1e-9)

    try:
        wait_until(is_so, 8, rule, interval=0.1)
    except TimeoutError:
        raise AssertionError(f"{rule} is {watching.values().get(rule)}, not {truth}") from None


def test_times_and_shares_of_queries_are_those_of_what_was_sent(start, connect):
    """At least what the server slept, at most what the clients waited, as far as histograms tell."""
    watching = start("--pool-size", "8", config=rules(broken(
        "query.mean=1ms", "query.p95=1ms", "query.p99=1ms", "query.slow_ratio=0.1%", "transaction.p95=1ms")))
    clients = [connect(watching, prepare_threshold=None) for _ in range(6)]

    def ask(client, sleeps: list[float]) -> list[float]:
        waited = []
        for seconds in sleeps:
            began = time.monotonic()
            client.execute(f"SELECT pg_sleep({seconds})")
            waited.append(time.monotonic() - began)
        return waited

    with concurrent.futures.ThreadPoolExecutor() as threads:
        of_each = threads.map(ask, clients, [SLEEPS[number::6] for number in range(6)])
        waits = [wait for waited in of_each for wait in waited]
    # All of them are in the window for some seconds more.
    wait_until(lambda: watching.active("query-p99"), 10, "the latest")
    few, many = (sum(seconds > 0.5 for seconds in of) / len(SLEEPS) for of in (SLEEPS, waits))

    def all_told():
        now = watching.values()
        return few - 1e-9 <= now.get("query-slow_ratio", 0) <= many + 1e-9 and now

    told = wait_until(all_told, 10, "all of them")
    assert sum(SLEEPS) / len(SLEEPS) <= told["query-mean"] <= sum(waits) / len(waits)
    for name, at in (("query-p95", 0.95), ("query-p99", 0.99), ("transaction-p95", 0.95)):
        least, most = (percentile(each, at) for each in (SLEEPS, waits))
        assert least * (1 - RESOLUTION) <= told[name] <= most * (1 + RESOLUTION), (name, told)


def test_a_pool_is_in_use_as_far_as_the_server_has_transactions_open(start, connect, server, database):
    """Of pool.size and pool.overflow together. Backends that are kept for the next client are not in use."""
    watching = start("--pool-size", "5", "--pool-overflow", "3", config=rules(broken("pool.use=1%")))
    ours = [connect(watching, autocommit=False) for _ in range(6)]
    others = [connect(watching, autocommit=False, user="alice", password=server.passwords["alice"])
              for _ in range(2)]

    def told() -> dict[str, float]:
        return {alert["labels"]["user"]: alert["value"] for alert in watching.alerts()["active"]}

    def of_server() -> dict[str, float]:
        counts = {user: server.query(ACTIVE, (database, user, "idle in transaction"))[0][0]
                  for user in (USER, "alice")}
        return {user: count / 8 for user, count in counts.items() if count > 0}

    for client in ours + others:
        client.execute("SELECT 1")
    assert of_server() == {USER: 6 / 8, "alice": 2 / 8}
    wait_until(lambda: told() == of_server(), 8, "both pools", interval=0.1)
    for client in ours[:4] + others:
        client.commit()
    assert of_server() == {USER: 2 / 8}
    wait_until(lambda: told() == of_server(), 8, "one pool, and less of it", interval=0.1)
    for client in ours[4:]:
        client.commit()
    wait_until(lambda: told() == of_server() == {}, 8, "none", interval=0.1)


def test_all_clients_are_in_use_when_the_next_one_is_refused(start, connect):
    watching = start("--set", "limits.max_clients=8", config=rules(broken("clients.use=1%")))
    clients = [connect(watching) for _ in range(3)]
    await_value(watching, "clients-use", 3 / 8)
    clients += [connect(watching) for _ in range(5)]
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        connect(watching)
    await_value(watching, "clients-use", 1)
    with contextlib.ExitStack() as others:
        console = others.enter_context(psycopg.connect(watching.daemon.dsn(dbname="forebay"), autocommit=True))
        for _ in range(3):
            others.enter_context(socket.create_connection(("127.0.0.1", watching.daemon.port)))
        wait_until(lambda: dict(console.execute("SHOW LISTS").fetchall())["used_clients"] == 12, 8, "all are there")
        assert quiet_for(2.5, lambda: watching.values()["clients-use"] != 1), "who looks or says nothing counts"
    for client in clients[1:]:
        client.close()
    await_value(watching, "clients-use", 1 / 8)
    clients[0].close()
    watching.await_resolved("clients-use")


def test_slow_transactions_are_those_that_took_long_themselves(start, connect, server, database):
    """Six of thirty, three of them by statements that are quick; the others waited as long for a backend."""
    watching = start("--pool-size", "6", "--pool-overflow", "0",
                     config=rules(broken("transaction.slow_ratio=0.1%")))
    clients = [connect(watching, prepare_threshold=None) for _ in range(30)]

    def run(client, *sleeps: float) -> None:
        with client.transaction() if len(sleeps) > 1 else contextlib.nullcontext():
            for seconds in sleeps:
                client.execute(f"SELECT pg_sleep({seconds})")

    with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
        slow = [threads.submit(run, client, *([2.4] if number % 2 else [1.2, 1.2]))
                for number, client in enumerate(clients[:6])]
        wait_until(lambda: server.query(ACTIVE, (database, USER, "active")) == [(6,)], 5, "all backends")
        quick = [threads.submit(run, client, 0.5 if number < 2 else 0)
                 for number, client in enumerate(clients[6:])]
        for each in slow + quick:
            each.result(20)
    await_value(watching, "transaction-slow_ratio", 6 / 30)


def test_the_share_of_errors_is_that_of_what_was_sent(start, connect):
    """What the server refused, and what Forebay itself did."""
    watching = start("--pool-size", "1", "--pool-overflow", "0", "--set", "timeouts.wait=1s",
                     config=rules(broken("query.error_ratio=0.1%")))
    clients = [connect(watching, prepare_threshold=None) for _ in range(3)]
    for number in range(37):
        with pytest.raises(psycopg.Error) if number % 5 == 0 else contextlib.nullcontext():
            clients[number % 3].execute(f"SELECT 1 / {number % 5}")
    await_value(watching, "query-error_ratio", 8 / 37)

    def give_up(client) -> None:
        with pytest.raises(psycopg.OperationalError, match="no backend came free"):
            client.execute("SELECT 2")

    holder = connect(watching, autocommit=False)
    holder.execute("SELECT 1")  # and BEGIN
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(give_up, clients))
    await_value(watching, "query-error_ratio", (8 + 3) / (37 + 2 + 3))


def test_what_the_process_uses_is_what_proc_says(start):
    signals = "process.memory=0.001%", "process.files=0.001%", "machine.memory=1%"
    watching = start(config=rules(broken(*signals)))
    pid = watching.daemon.pid

    def proc() -> list[float]:
        with open("/proc/meminfo") as file:
            memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
        with open(f"/proc/{pid}/limits") as file:
            most = next(int(line.split()[3]) for line in file if line.startswith("Max open files"))
        return [watching.daemon.rss_bytes() / memory["MemTotal"], len(os.listdir(f"/proc/{pid}/fd")) / most,
                1 - memory["MemAvailable"] / memory["MemTotal"]]

    def is_so() -> bool:
        told = [watching.active(name) for name in ("process-memory", "process-files", "machine-memory")]
        return all(told) and all(
            alert["value"] == pytest.approx(truth, rel=0.1, abs=0.01 if number == 2 else 0)
            for number, (alert, truth) in enumerate(zip(told, proc())))

    wait_until(is_so, 20, "the same as /proc has", interval=0.3)


def test_the_hit_ratio_is_that_of_what_was_sent_and_what_came_to_the_server(start, server, database):
    """Three of four come from memory."""
    watching = start("--cache", "on", "--set", "cache.lifetime=1min", config=rules(
        "cache-hit_ratio: {signal: cache.hit_ratio, warning: 100%, for: 0, resolve_after: 0}"))
    server.psql("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS id;"
                f" ALTER TABLE kept OWNER TO {USER}", dbname=database)
    dsn = watching.daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as client:
        hits = f'forebay_cache_hits_total{{database="{database}"'

        def is_kept() -> bool:
            client.execute("SELECT id FROM kept")
            return any(value > 0 for name, value in watching.metrics().items() if name.startswith(hits))

        wait_until(is_kept, 20, "an answer from memory")
        wait_until(lambda: not watching.active("cache-hit_ratio"), 20, "that is out of the window")
        for number in range(60):
            for _ in range(4):
                client.execute(f"SELECT id FROM kept WHERE id <> {number}")
        alert = watching.await_active("cache-hit_ratio")
        assert alert["labels"]["database"] == database
        wait_until(lambda: watching.active("cache-hit_ratio")["value"] == pytest.approx(0.75, abs=0.01), 8,
                   "three of four")


def test_answers_of_health_take_no_longer_than_who_asks_waits(start):
    """P8: health < 50 ms; and whether clients can be served is told to Prometheus."""
    watching = start(config=rules(broken("health.mean=0ms")))
    wait_until(lambda: watching.metrics()["forebay_ready"] == 1, 10, "clients can be served")
    waits = []

    def told() -> float | None:
        for path in ("/health", "/health/live", "/health/ready", "/health/detailed"):
            began = time.monotonic()
            watching.get(path)
            waits.append(time.monotonic() - began)
        return watching.values().get("health-mean")

    assert 0 < wait_until(told, 8, "a mean", interval=0.1) <= max(waits)
    assert watching.metrics()["forebay_health_duration_seconds_count"] == len(waits)
