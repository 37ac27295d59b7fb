"""Figures of the pages against outside truths: pgbench, pg_stat_statements, pg_stat_activity, /proc (L17, C7, P8).

An alert, a percentile or a wait that is wrong is worse than none.
"""

import contextlib
import os
import pathlib
import re
import statistics
import threading
import time

import psycopg
import pytest

from conftest import USER, place
from forebay_testing import ReplicaServer, wait_until
from truths import (COUNTED, LATE, RESOLUTION, Pgbench, cells, figure, of_chart, of_figure, open_statement, percentile,
                    steady, value_in, watch)

pytestmark = pytest.mark.time_limit(240)

#: Seconds that the figures under "Now" are of.
NOW = 5


@pytest.fixture
def pgbench(counting):
    """pgbench(daemon, script, *flags): runs through it until its time or its transactions are over."""
    with contextlib.ExitStack() as running:
        yield lambda daemon, script, *flags: running.enter_context(Pgbench(daemon, script, *flags, dbname=COUNTED))


@pytest.fixture
def begin(start, counting):
    """begin(*flags): a daemon in front of the server that counts statements, and its address."""
    def run(*flags):
        counting.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)
        daemon = start(*flags, upstream=counting)
        return daemon, place(daemon)

    return run


@pytest.fixture
def connect(counting):
    """connect(daemon): a client; all are closed with the test."""
    with contextlib.ExitStack() as opened:
        yield lambda daemon: opened.enter_context(psycopg.connect(daemon.dsn(USER, COUNTED), autocommit=True))


@pytest.mark.parametrize(("script", "queries", "pause"), [
    ("SELECT pg_sleep(0.06);\n", 1, 0),
    ("BEGIN;\nSELECT pg_sleep(0.06);\n\\sleep 100 ms\nSELECT 1;\nEND;\n", 4, 0.1),
    ("\\startpipeline\n" + 3 * "SELECT pg_sleep(0.02);\n" + "\\endpipeline\n", 3, 0),
], ids=["alone", "in-transactions", "pipelined"])
def test_latency_is_what_pgbench_measures(browser, begin, pgbench, script, queries, pause):
    """Each second it is more than the server sleeps, and no more than pgbench waited in the five seconds before; which
    differ by a percent or two. No pause of a client's own is in it; it is of a statement, not of what comes at once."""
    daemon, base = begin()
    browser.open(base)
    browser.see('[data-figure="latency"]')
    running = pgbench(daemon, script, "--client=4", "--time=13", "--protocol=prepared")
    readings = watch(running, browser, of_figure("Latency"))
    truth = running.result()
    for each in readings:
        waited = max(truth.means(each)) - pause
        assert 0.06 / queries * 0.97 <= value_in(each.texts[0]) <= waited / queries * 1.03, (each, readings)


def test_percentile_beside_the_latency_is_that_of_pgbenchs_log(browser, begin, pgbench, counting):
    """One in five is slow: the mean says nothing of that, what 95 % stay under does. What is remembered says the same
    as what came live; and what has ended is not what is now."""
    def chart() -> str:
        return browser.do("attribute", at='[aria-label^="Latency"]', name="aria-label")

    daemon, base = begin()
    browser.open(base)
    browser.see('[data-figure="latency"]')
    slow = 0.18
    script = f"\\set number random(1, 5)\nSELECT pg_sleep(case when :number = 1 then {slow} else 0.03 end);\n"
    running = pgbench(daemon, script, "--client=16", "--time=13")
    readings = watch(running, browser, of_figure("Latency", "small"), of_chart("Latency"))
    truth, by_server = running.result(), counting.counted("pg_sleep")
    for each in readings:
        note, live = each.texts
        of_now, of_latest = (truth.windows(of) for of in (each, each.last(1)))
        most = max(percentile(seconds, 0.95) for seconds in of_now + of_latest if seconds)
        for shown in (note.split("95 % under ")[1], live.split("95 % under: ")[1].split(". ")[0]):
            if "none now" in shown:  # nothing ended in the last second
                continue
            assert slow * (1 - RESOLUTION) <= value_in(shown) <= most * (1 + RESOLUTION), each
        minute = value_in(re.fullmatch(".*; (.*) in the last minute", note).group(1))
        most = max(statistics.mean(truth.within(until=each.end + late)) for late in LATE)
        assert by_server["mean"] * 0.95 <= minute <= most * 1.03, each
    wait_until(lambda: chart().count(": none now") == 3, 10, "nothing runs any more")
    browser.click('.ranges button:text("1 h")')
    past = wait_until(lambda: "last 1 h" in chart() and "nothing yet" not in chart().split("95 % under")[0] and chart(),
                      30, "ten seconds of it in the hour")
    least, most = (value_in(part) for part in re.search(r"mean: [^:]* between (.*?) and (.*?)\. ", past).groups())
    # The first ten seconds and the last may have had but a few calls.
    assert 0.03 <= least <= statistics.mean(truth.seconds) * 1.02, past
    assert 0.98 * by_server["mean"] <= most <= max(truth.seconds), past
    below = value_in(past.split("95 % under: ")[1])
    assert slow * (1 - RESOLUTION) <= below <= percentile(truth.seconds, 0.97) * (1 + RESOLUTION), past


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pool_wait_is_what_clients_wait_longer_than_the_server_takes(browser, begin, pgbench, counting, protocol):
    """Three clients on one backend: pgbench's latency is the wait and the sleep."""
    daemon, base = begin("--pool-size", "1", "--pool-overflow", "0")
    browser.open(base)
    browser.see('[data-figure="wait"]')
    # So long that it is nothing beside it by how much a client reads late: it measures that, too, and waits for less.
    running = pgbench(daemon, "SELECT pg_sleep(0.3);\n", "--client=3", "--time=20", f"--protocol={protocol}")
    readings = watch(running, browser, of_figure("Pool wait"), of_figure("Latency"))
    truth = running.result()
    by_server = counting.counted("pg_sleep")
    # A wait counts when it is over, and then the answer has still to come: the first ones had nobody to wait for.
    for each in steady(readings, truth.ended[2]):
        wait, latency = map(value_in, each.texts)
        waited = [mean - by_server["mean"] for mean in truth.means(each)]
        assert min(2 * by_server["mean"], *waited) * 0.85 <= wait <= max(waited) * 1.05, (each, readings)
        assert by_server["min"] <= latency * 1.01 <= by_server["mean"] * 1.3, "the wait is no part of it"
    open_statement(browser, base, "SELECT pg_sleep")
    waited = sum(truth.seconds) - by_server["total"]
    told = value_in(figure(browser, "Waited for a backend"))
    assert min(2 * by_server["total"], waited) * 0.85 <= told <= waited * 1.02


def test_pool_wait_is_that_of_clients_who_get_no_backend(browser, begin, connect):
    """It was 0 ms: only who got one was said to have waited."""
    daemon, base = begin("--pool-size", "1", "--pool-overflow", "0")
    browser.open(base)
    browser.see('[data-figure="wait"]')
    holder = connect(daemon)
    holder.execute("BEGIN")
    held = time.monotonic()
    daemon.console("SET timeouts.wait = '800ms'")  # logging in may take longer
    shown = []
    while time.monotonic() - held < NOW + 3:  # the holder itself did not wait; the page is up to two seconds behind
        with pytest.raises(psycopg.OperationalError, match="no backend came free"):
            connect(daemon).execute("SELECT 1")
        shown.append(value_in(figure(browser, "Pool wait")))
    assert 0.75 <= shown[-1] <= 2, shown


def test_the_chart_of_clients_shows_those_that_are_there(browser, begin, connect):
    daemon, base = begin("--pool-size", "1", "--pool-overflow", "0", "--set", "timeouts.wait=2min")
    holder, _, *waiters = [connect(daemon) for _ in range(4)]
    holder.execute("BEGIN")
    threads = [threading.Thread(target=each.execute, args=("SELECT 1",)) for each in waiters]
    for thread in threads:
        thread.start()
    browser.open(base)
    wanted = {"active: 1 now", "waiting: 2 now", "idle: 1 now"}

    def is_shown() -> bool:
        label = browser.do("attribute", at='[aria-label^="Clients"]', name="aria-label")
        return wanted <= {part.split(",")[0] for part in label.split(". ")}

    wait_until(is_shown, 20, "one that works, two that wait, one that is idle")
    holder.execute("COMMIT")
    for thread in threads:
        thread.join(20)


def test_percentiles_are_those_of_pgbenchs_log(browser, begin, pgbench, counting):
    """Of 90 quick, seven slow and three very slow ones in a hundred, each percentile is in another of the three; less
    than the server sleeps it cannot be, nor more than pgbench waited."""
    daemon, base = begin()
    script = """
\\set number random(1, 100)
\\set seconds case when :number <= 90 then 0.03 when :number <= 97 then 0.12 else 0.4 end
SELECT pg_sleep(:seconds);
"""
    truth = pgbench(daemon, script, "--client=8", "--transactions=150", "--protocol=prepared").result()
    open_statement(browser, base, "SELECT pg_sleep")
    shown = []
    for share, sleep, name in ((0.5, 0.03, "Half are faster than"), (0.95, 0.12, "95 of 100 are faster than"),
                               (0.99, 0.4, "99 of 100 are faster than")):
        shown.append(value_in(figure(browser, name)))
        waited = percentile(truth.seconds, share)
        assert sleep <= waited < sleep * 2, "pgbench itself is as it was asked to be"
        assert sleep * (1 - RESOLUTION) <= shown[-1] <= waited * (1 + RESOLUTION), name
    by_server = counting.counted("pg_sleep")
    assert by_server["mean"] * 0.99 <= value_in(figure(browser, "Mean")) <= statistics.mean(truth.seconds) * 1.01
    assert by_server["total"] * 0.99 <= value_in(figure(browser, "Total")) <= sum(truth.seconds) * 1.01
    browser.do("go", url=f"{base}#/statements")
    browser.see("table", "pg_sleep")
    row = cells(browser, "SELECT pg_sleep")
    assert [value_in(row[name]) for name in ("p95", "p99")] == shown[1:]


def test_calls_rows_and_errors_are_counted_as_pgbench_and_the_server_do(browser, begin, pgbench, counting):
    """Eight sessions that want the same row at once: who comes too late has a serialization error."""
    counting.psql("CREATE TABLE hot AS SELECT id, 0 AS n FROM generate_series(1, 7) id;"
                  f" ALTER TABLE hot OWNER TO {USER}", COUNTED)
    daemon, base = begin()
    script = """
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT id, n FROM hot;
UPDATE hot SET n = n + 1 WHERE id <= 2;
END;
"""
    truth = pgbench(daemon, script, "--client=8", "--transactions=60").result()
    assert truth.failed > 20 and truth.count + truth.failed == 480
    for text, calls, rows, errors in (("SELECT id, n FROM hot", 480, 7 * 480, 0),
                                      ("UPDATE hot SET n", truth.count, 2 * truth.count, truth.failed)):
        by_server = counting.counted(text)
        assert (by_server["calls"], by_server["rows"]) == (calls, rows)
        open_statement(browser, base, text)
        assert figure(browser, "Calls") == f"{calls:,}"
        assert figure(browser, "Calls", "small") == f"{rows:,} rows"
        assert figure(browser, "Errors") == f"{errors:,}"
    assert counting.query("SELECT n FROM hot WHERE id = 1", dbname=COUNTED) == [(truth.count,)]


def test_lag_is_the_time_since_the_write_that_a_replica_does_not_show(browser, start, server):
    with ReplicaServer(server) as replica:
        replica.catch_up()
        base = place(start("--replica", f"{replica.host}:{replica.port}"))
        browser.open(f"{base}#/pools")
        box = f'.topology .replica:has-text(":{replica.port}")'
        browser.see(box, "up")

        def lag() -> float:
            return value_in(browser.text(f'{box} dt:text-is("Lag") + dd'))

        wait_until(lambda: lag() < 1, 20, "next to no lag", interval=0.2)
        before = time.monotonic()
        replica.execute("SELECT pg_wal_replay_pause()")
        server.execute("CREATE TABLE not_seen_yet ()")
        written = time.monotonic()
        for least in (5, 8, 11):
            wait_until(lambda: time.monotonic() - written > least, 20, "time goes by")
            asked = time.monotonic()
            shown = lag()
            # The page is told once a second; the server is asked ten times a second.
            assert asked - written - 4 <= shown <= time.monotonic() - before + 0.3
        assert "lagging" in browser.text(box), "behind by more than routing.max_lag, 5 s"
        replica.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: lag() < 1, 20, "it has caught up", interval=0.2)
        server.execute("DROP TABLE not_seen_yet")


def test_the_process_uses_what_the_kernel_says(browser, begin, connect):
    began = time.monotonic()
    daemon, base = begin()
    started = time.monotonic()
    folder = pathlib.Path(f"/proc/{daemon.pid}")
    browser.open(base)
    browser.see('section[aria-labelledby="process"]')

    def is_true() -> bool:
        """All at once: connections of the page come and go."""
        status = dict(re.findall(r"(\w+):\s+(\d+)", (folder / "status").read_text()))
        files = len(os.listdir(folder / "fd"))
        shown = {name: figure(browser, name) for name in ("Memory", "Threads", "Open files")}
        return (shown["Threads"] == status["Threads"] and shown["Open files"] == str(files)
                and value_in(shown["Memory"]) == pytest.approx(int(status["VmRSS"]) * 1024, rel=0.03))

    wait_until(is_true, 20, "what /proc says", interval=0.1)
    files = int(figure(browser, "Open files"))
    for _ in range(40):
        connect(daemon)
    wait_until(lambda: int(figure(browser, "Open files")) >= files + 40, 20, "a file for each client", interval=0.1)
    wait_until(is_true, 20, "what /proc says", interval=0.1)
    up = value_in(figure(browser, "Up for"))
    assert began - 1 <= time.monotonic() - up <= started + 6, "it comes once a second"


def test_the_processor_is_used_as_the_kernel_says(browser, begin, pgbench):
    daemon, base = begin()
    running = pgbench(daemon, "SELECT 1;\n", "--client=4", "--time=60", "--rate=2000")
    wait_until(lambda: daemon.cpu_seconds() > 0.2, 20, "the load is there")
    browser.open(base)
    browser.see('[data-figure="throughput"]')
    seen = []

    def is_so() -> bool:
        """As in one of the stretches from the page's first figures on that ended of late."""
        seen.append((time.monotonic(), daemon.cpu_seconds()))
        (began, before), shown = seen[0], value_in(figure(browser, "Processor"))
        return any(shown == pytest.approx((used - before) / (at - began), rel=0.1)
                   for at, used in seen[-8:] if at - began > 5)

    wait_until(is_so, 30, "what the kernel says", interval=0.5)
    assert running.is_running()


def test_pools_are_what_the_server_and_the_clients_see(browser, begin, connect, counting):
    daemon, base = begin("--pool-size", "3", "--pool-overflow", "0")
    holders = [connect(daemon) for _ in range(3)]
    waiters = [connect(daemon) for _ in range(4)]
    ours = f"usename = '{USER}'"

    def sessions(which: str) -> int:
        """The server's count, without what asks for it."""
        return counting.query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                              f" AND pid <> pg_backend_pid() AND {which}")[0][0]

    def pool() -> dict[str, str]:
        return cells(browser, f"{USER}@{COUNTED}")

    for holder in holders:
        holder.execute("BEGIN")
    began = time.monotonic()
    threads = [threading.Thread(target=waiter.execute, args=("SELECT 1",)) for waiter in waiters]
    try:
        for thread in threads:
            thread.start()
        waiting = time.monotonic()
        browser.open(f"{base}#/pools")
        wait_until(lambda: pool().get("Waiting") == "4", 20, "all that wait", interval=0.2)
        wait_until(lambda: value_in(pool()["Longest wait"]) > 4, 20, "a long wait", interval=0.1)
        asked = time.monotonic()
        row = pool()
        assert asked - waiting - 3 <= value_in(row["Longest wait"]) <= time.monotonic() - began
        in_use = sessions(f"{ours} AND state <> 'idle'")
        assert row["Backends in use"] == f"{in_use} of 3" == "3 of 3"
        assert (row["Clients"], row["Idle"], row["Opening"]) == ("3", "0", "0")
        assert "7 clients" in browser.text(".topology .clients")
        lent = sessions("application_name !~ '^forebay '")  # what asks for passwords is a pool, too
        assert browser.text('.topology dt:text-is("Backends") + dd') == str(lent)
        browser.do("go", url=f"{base}#/")
        assert browser.see('.figure:has([data-figure="clients"]) small') == f"3 active, on {lent} backends"
        assert browser.text('.figure:has([data-figure="wait"]) small') == "mean per checkout; 4 clients waiting"
        browser.do("go", url=f"{base}#/pools")
    finally:
        for holder in holders:
            holder.execute("COMMIT")
        for thread in threads:
            thread.join(20)
    wait_until(lambda: pool().get("Backends in use") == "0 of 3", 20, "nobody asks for anything", interval=0.2)
    row = pool()
    assert row["Idle"] == str(sessions(f"{ours} AND state = 'idle'")) == "3"
    assert (row["Clients"], row["Waiting"], row["Longest wait"]) == ("7", "0", "0 ms")
