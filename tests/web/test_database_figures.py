"""The page Database against what the server says of itself, and the test's own clock (C7, B17)."""

import contextlib
import time

import psycopg
import pytest

from conftest import USER, place
from forebay_testing import PostgresServer, wait_until
from truths import SHOWN, cells, figure, value_in

pytestmark = pytest.mark.time_limit(240)

QUICK = "sampling: {interval: 1s}\n"


@pytest.fixture
def own():
    """A server of the test's own, in which nothing happens by itself."""
    with PostgresServer({"autovacuum": "off"}) as server:
        yield server


def shown_is(truth, shown) -> bool:
    """Whether both are the same now; `truth` is asked before and after, as it may go on."""
    before, now, after = truth(), shown(), truth()
    return all(min(least, most) * (1 - SHOWN) <= value <= max(least, most) * (1 + SHOWN)
               for least, value, most in zip(before, now, after, strict=True))


def test_counters_of_a_database_are_those_of_pg_stat_database(browser, start, own):
    own.create_database("counted")
    with psycopg.connect(own.dsn(dbname="counted"), autocommit=True) as client:
        for number in range(300):
            with contextlib.suppress(psycopg.errors.DivisionByZero):
                client.execute(f"SELECT 1 / {number % 3}")
        client.execute("SET work_mem = '64kB'")
        client.execute("SELECT count(*) FROM (SELECT md5(n::text) FROM generate_series(1, 200000) n ORDER BY 1) sorted")
    browser.open(f"{place(start(upstream=own, config=QUICK))}#/database")
    browser.see("tr", "counted")

    def truth() -> list[float]:
        return list(own.query(
            "SELECT xact_rollback::float8 / (xact_commit + xact_rollback), temp_bytes::float8,"
            " blks_hit::float8 / (blks_hit + blks_read) FROM pg_stat_database WHERE datname = 'counted'")[0])

    def shown() -> list[float]:
        row = cells(browser, "counted")
        return [value_in(row[name]) for name in ("Rolled back", "Temporary files", "Read from buffers")]

    wait_until(lambda: shown_is(truth, shown), 40, "the same as the server's", interval=0.5)
    assert truth()[0] > 0.2 and truth()[1] > 1e6, "there is something to be seen"
    checkpoints = "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter"
    before = own.query(checkpoints)[0][0]
    own.execute("CHECKPOINT")
    wait_until(lambda: own.query(checkpoints)[0][0] == before + 1, 20, "it is counted")
    # What took the server long is asked for seldom: a hundredth of its time at most.
    wait_until(lambda: browser.figure("checkpoints") == before + 1, 60, "it is shown", interval=0.5)


def test_how_long_transactions_have_lasted_is_what_the_clock_says(browser, start, own):
    """A transaction that has failed is open as well; it was none of those that are idle in one."""
    sessions = [psycopg.connect(own.dsn(), application_name=name) for name in ("left-open", "failed")]
    with sessions[0] as left_open, sessions[1] as failed:
        began = time.time()
        left_open.execute("SELECT 1")
        with pytest.raises(psycopg.errors.DivisionByZero):
            failed.execute("SELECT 1/0")
        browser.open(f"{place(start(upstream=own, config=QUICK))}#/database")
        wait_until(lambda: "2 idle in a transaction" in figure(browser, "Sessions", "small"), 20, "both")

        def have_lasted() -> bool:
            """For five seconds at least; never for longer than since they began."""
            longest = [figure(browser, "Longest transaction", part) for part in ("strong", "small")]
            # The server tells of no transaction where it has failed.
            cell = cells(browser, "left-open")["Transaction for"]
            states = [cells(browser, name)["State for"] for name in ("left-open", "failed")]
            values = [value_in(text) for text in (*longest, cell, *states)]
            assert max(values) <= time.time() - began + 0.5, values
            return min(values) > 5 and time.time() - began - min(values) < 8

        wait_until(have_lasted, 30, "what they have lasted, as of late", interval=0.5)


def test_what_is_told_of_a_table_is_what_the_server_counts(browser, start, own):
    own.execute("CREATE TABLE measured AS SELECT n, repeat('x', 100) AS filling FROM generate_series(1, 20000) n")
    own.execute("CREATE INDEX ON measured (n)")
    own.psql("VACUUM ANALYZE measured")
    own.execute("SET enable_seqscan = off; SELECT count(*) FROM measured WHERE n < 9; SELECT FROM measured WHERE n = 7")
    browser.open(f"{place(start(upstream=own, config=QUICK))}#/database")
    browser.see("tr", "measured")
    size, = own.query("SELECT pg_total_relation_size('measured')")[0]

    def counted() -> tuple:
        return own.query("SELECT n_live_tup, idx_scan, extract(epoch FROM last_vacuum)::float8"
                         " FROM pg_stat_user_tables")[0]

    wait_until(lambda: cells(browser, "measured")["By index"] == f"{counted()[1]} times", 60, "the latest")
    rows, scans, vacuumed = counted()
    assert scans >= 2 and cells(browser, "measured")["Rows"] == "20k" and rows == 20_000
    told = browser.do("value", script=f"new Date({vacuumed} * 1000).toLocaleString('en-GB')")
    assert cells(browser, "measured")["Last vacuum"] == told
    section = browser.text('section[aria-labelledby="tables-postgres"]')
    assert "1 table, " in section
    assert value_in(section.split("1 table, ")[1]) == pytest.approx(size, rel=SHOWN)


def test_times_of_statements_are_those_of_pg_stat_statements(browser, start, counting):
    browser_rows = ("Total", "Mean", "Longest", "Read from buffers")
    counting.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    for seconds in (0.05, 0.1, 0.3):
        counting.execute(f"SELECT count(*) AS timed_here, pg_sleep({seconds}) FROM pg_class")
    browser.open(f"{place(start(upstream=counting, config=QUICK))}#/database")
    browser.see('section[aria-labelledby="statements-postgres"] tr:has-text("timed_here")')
    truth = counting.query(
        "SELECT total_exec_time / 1e3, mean_exec_time / 1e3, max_exec_time / 1e3,"
        " shared_blks_hit::float8 / (shared_blks_hit + shared_blks_read) FROM pg_stat_statements"
        " WHERE query LIKE '%timed_here%' AND query LIKE 'SELECT count%'")[0]
    row = cells(browser, "timed_here")
    assert [value_in(row[name]) for name in browser_rows] == [pytest.approx(value, rel=SHOWN) for value in truth]


def test_statements_of_a_database_that_clients_know_by_another_name_are_shown(browser, start, own):
    """"No statement has been counted yet" was said of it, and of any small database beside a busy one."""
    own.create_role(USER)
    own.create_database("production", f"OWNER {USER}")
    config = f"databases:\n  shop:\n    upstream: {own.url(dbname='production')}\n  postgres: {{}}\n"
    daemon = start(upstream=own, config=config)
    with contextlib.ExitStack() as stack:
        shop, other = (stack.enter_context(psycopg.connect(
            daemon.dsn(dbname=name), autocommit=True, prepare_threshold=None)) for name in ("shop", "postgres"))
        for number in range(110):
            other.execute(f"SELECT 1 AS busy_{number} FROM pg_sleep(0.002)")
        for _ in range(3):
            shop.execute("SELECT 2 AS in_the_shop")
        browser.open(f"{place(daemon)}#/database")
        row = browser.see('section[aria-labelledby="statements-production"] tr:has-text("in_the_shop")')
    assert row.split("\t")[2] == "3"
    assert "busy_" not in browser.text('section[aria-labelledby="statements-production"]')


def test_what_a_server_does_not_tell_is_not_shown_as_nothing(browser, start, own):
    """When one question failed at a server that answers, deadlocks were 0, and databases were asked for for ever."""
    own.create_role(USER)
    own.execute("REVOKE SELECT ON pg_replication_slots FROM PUBLIC")
    daemon = start(upstream=own.url(user=USER), config=QUICK)
    browser.open(f"{place(daemon)}#/database")
    browser.see('section[aria-labelledby^="databases-"] .notice', "does not tell this")
    assert figure(browser, "Deadlocks") == "–"
    assert "Asking" not in browser.text('section[aria-labelledby^="databases-"]')
    own.execute("GRANT SELECT ON pg_replication_slots TO PUBLIC")
    browser.see('section[aria-labelledby^="databases-"] tr', "postgres", timeout=60_000)
    wait_until(lambda: figure(browser, "Deadlocks") == "0", 20, "what it tells now")
