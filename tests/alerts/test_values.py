"""Values of alerts against outside truths: what clients waited, /proc, what was sent (L18, B18, B21, P8).

A value that is wrong is worse than none: each rule here is broken by anything, so that its value can be read.
"""

import concurrent.futures
import math
import os
import time

import psycopg
import pytest

from conftest import USER, rules
from forebay_testing import wait_until

RESOLUTION = 1 / 16  # of percentiles, as docs/statements.md says
SLEEPS = [0.03] * 60 + [0.2] * 35 + [0.6] * 6


def broken(*signals: str) -> str:
    """A rule of each signal's name with dashes, which any value breaks."""
    return "\n".join(f"{signal.replace('.', '-')}: {{signal: {signal}, warning: {limit}, for: 0, resolve_after: 0}}"
                     for signal, limit in (each.split("=") for each in signals))


def percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]


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
        waits = [wait for each in threads.map(ask, clients, [SLEEPS[n::6] for n in range(6)]) for wait in each]
    # All of them are in the window for some seconds more.
    wait_until(lambda: watching.active("query-p99"), 10, "the latest")

    def values() -> dict[str, float]:
        return {each["alert"]: each["value"] for each in watching.alerts()["active"]}

    few, many = (sum(seconds > 0.5 for seconds in of) / len(SLEEPS) for of in (SLEEPS, waits))

    def all_told():
        now = values()
        return few - 1e-9 <= now.get("query-slow_ratio", 0) <= many + 1e-9 and now

    told = wait_until(all_told, 10, "all of them")
    assert sum(SLEEPS) / len(SLEEPS) <= told["query-mean"] <= sum(waits) / len(waits)
    for name, at in (("query-p95", 0.95), ("query-p99", 0.99), ("transaction-p95", 0.95)):
        least, most = (percentile(each, at) for each in (SLEEPS, waits))
        assert least * (1 - RESOLUTION) <= told[name] <= most * (1 + RESOLUTION), (name, told)


def test_what_the_process_uses_is_what_proc_says(start):
    watching = start(config=rules(broken("process.memory=0.001%", "process.files=0.001%", "machine.memory=1%")))
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
        return all(told) and all(alert["value"] == pytest.approx(truth, rel=0.1, abs=0.01 if number == 2 else 0)
                                 for number, (alert, truth) in enumerate(zip(told, proc())))

    wait_until(is_so, 20, "the same as /proc has", interval=0.3)


def test_the_hit_ratio_is_that_of_what_was_sent_and_what_came_to_the_server(start, server, database):
    """Three of four come from memory."""
    watching = start("--cache", "on", "--set", "cache.lifetime=1min", config=rules(
        "cache-hit_ratio: {signal: cache.hit_ratio, warning: 100%, for: 0, resolve_after: 0}"))
    server.psql(f"CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS id; ALTER TABLE kept OWNER TO {USER}", dbname=database)
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
        wait_until(lambda: watching.active("cache-hit_ratio")["value"] == pytest.approx(0.75, abs=0.01), 8, "0.75")
