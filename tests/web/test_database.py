"""The page Database and the charts' history, each against what was really done (C7, B17, B22, L17)."""

import re
import threading

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import PostgresServer, wait_until

pytestmark = pytest.mark.time_limit(240)


def test_charts_show_what_was_before_the_page_was_opened(browser, start, load):
    daemon = start()
    base = place(daemon)
    running = load(daemon, "SELECT 1;\n")
    wait_until(lambda: api(base, "api/v1/overview")["traffic"]["queries"] > 600, 30, "queries", interval=0.2)
    running.close()

    def is_quiet():
        rates = api(base, "api/v1/history?series=queries&seconds=4")["series"]["queries"]["mean"]
        return rates[:3] == [0, 0, 0]

    wait_until(is_quiet, 20, "seconds without a query", interval=0.3)
    browser.open(base)
    label = browser.see('[role="status"]', "Live") and wait_until(lambda: throughput(browser), 15, "the chart's words")
    most = float(label.split("queries: ")[1].split(". ")[0].split(" and ")[1].replace(",", ""))
    assert 100 < most < 400, label
    assert "last 5 min" in label
    browser.click('.ranges button:text("1 h")')
    wait_until(lambda: "last 1 h" in (throughput(browser) or ""), 15, "the longer chart")
    assert not browser.complaints()


def throughput(browser) -> str:
    """What the first chart says in words, once it knows anything."""
    label = browser.do("attribute", at='.chart [role="img"]', name="aria-label")
    return "" if "nothing yet" in label.split(". ")[1] else label


def test_who_holds_up_whom_is_shown(browser, start, server, database):
    dsn = server.dsn(user=USER, dbname=database, password=server.passwords[USER])
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn) as waiter:
        holder.execute("CREATE TABLE wanted (id int)")
        holder.commit()
        holder.execute("LOCK TABLE wanted")
        waiting = threading.Thread(target=lambda: waiter.execute("SELECT * FROM wanted"))
        waiting.start()
        try:
            browser.open(f"{place(start(upstream=server.url(dbname=database)))}#/database")
            tree = browser.see(".trees li", f"process {holder.info.backend_pid}")
            assert "LOCK TABLE wanted" in tree and "idle in transaction" in tree
            below = browser.see(".trees .trees li", f"process {waiter.info.backend_pid}")
            assert "wants AccessShareLock on public.wanted" in below
            assert browser.figure("blocked") == 1
            browser.picture("blocked")
        finally:
            holder.rollback()
            waiting.join(20)
        browser.see("section", "Nobody waits for a lock of somebody else.")
    assert not browser.complaints()


def test_figures_are_those_of_the_server(browser, start, server, database):
    server.execute("CREATE TABLE IF NOT EXISTS sized WITH (autovacuum_enabled = off) AS"
                   " SELECT repeat('x', 500) FROM generate_series(1, 2000)", dbname=database)
    browser.open(f"{place(start(upstream=server.url(dbname=database)))}#/database")
    row = browser.see("tr", "sized")
    size, = server.query("SELECT pg_total_relation_size('sized')", dbname=database)[0]
    assert f"{size / 1024 / 1024:.3g} MiB" in row
    age, = server.query("SELECT max(age(datfrozenxid)) FROM pg_database")[0]
    left = 2**31 - 1 - 3_000_000 - age
    wait_until(lambda: browser.figure("xids") == pytest.approx(left, rel=0.01), 10, "the ids that are left")


def test_a_server_that_is_stopped_is_shown_as_such_and_not_as_an_empty_page(browser, start):
    with PostgresServer() as own:
        browser.open(f"{place(start(upstream=own))}#/database")
        browser.see('[data-figure="sessions"]')
        assert browser.do("value", script="document.querySelectorAll('.past').length") == 0
        own.stop()
        told = browser.see(".notice", f"{own.host}:{own.port} does not answer since")
        assert "What is shown in grey is of" in told
        grey = "getComputedStyle(document.querySelector('.past')).filter"
        assert browser.do("value", script=grey) == "grayscale(1)"
        assert browser.text('[data-figure="sessions"]')
        browser.picture("server-stopped")
        own.start()
        wait_until(lambda: browser.do("value", script="document.querySelectorAll('.past').length") == 0, 30,
                   "colours are back")
        assert not [text for text in browser.texts(".notice") if "does not answer" in text]


def test_a_server_that_is_not_asked_is_said_not_to_be(browser, start):
    browser.open(f"{place(start('--set', 'sampling.enabled=false'))}#/database")
    browser.see(".notice", "sampling.enabled is off")
    assert not browser.complaints()


def test_a_slot_that_nobody_reads_is_shown_with_what_it_keeps_and_warned_of(browser, start):
    """By the rule about slots that is in use (P8), against what the server says of its slots."""
    rule = "alerts: {rules: {server-slot: {signal: server.slot_retained, warning: 1MB, for: 0}}}\n"
    with PostgresServer() as own:
        own.execute("SELECT pg_create_logical_replication_slot('forgotten', 'pgoutput')")
        browser.open(f"{place(start('--set', 'sampling.interval=1s', upstream=own, config=rule))}#/database")
        row = browser.see('tr:has-text("forgotten")', "nobody reads it")
        assert "logical" in row and "reserved" in row and "postgres" in row
        own.execute("CREATE TABLE written AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
        browser.see('tr:has-text("forgotten")', "keeps too much")
        kept, = own.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 FROM pg_replication_slots"
                          " WHERE slot_name = 'forgotten'")[0]
        # The server goes on writing a little by itself.
        wait_until(lambda: mebibytes(browser.text('tr:has-text("forgotten")')) == pytest.approx(kept / 2**20, rel=0.05),
                   60, "what the server says that it keeps", interval=0.3)
        assert not [issue for issue in browser.do("axe") if issue["impact"] in ("serious", "critical")]
        browser.picture("slot")
        own.execute("SELECT pg_drop_replication_slot('forgotten')")
        browser.see("section", "There is none.")
    assert not browser.complaints()


def mebibytes(row: str) -> float:
    found = re.search(r"([\d.]+) MiB", row)
    return float(found.group(1)) if found else 0


def statements_section(name: str) -> str:
    return f'section[aria-labelledby="statements-{name}"]'


def test_statements_are_those_that_the_server_counts_with_a_way_to_their_pages(browser, start):
    with PostgresServer({"shared_preload_libraries": "pg_stat_statements"}) as own:
        own.execute("CREATE EXTENSION pg_stat_statements")
        for _ in range(3):
            own.execute("SELECT now() AS past_forebay FROM pg_sleep(0.05)")  # names alone make no other statement
        # The server is asked once a minute: not before what is looked for has run.
        daemon = start(upstream=own, config="sampling: {enabled: false}\n")
        with psycopg.connect(daemon.dsn(), autocommit=True, prepare_threshold=None) as client:
            for number in range(7):
                client.execute(f"SELECT {number} AS by_forebay FROM pg_sleep(0.05)")
        daemon.config_path.write_text("sampling: {interval: 1s}\n")
        daemon.reload()
        browser.open(f"{place(daemon)}#/database")
        section = statements_section("postgres")
        through = browser.see(f'{section} tr:has-text("by_forebay")')
        past = browser.text(f'{section} tr:has-text("past_forebay")')
        for row, part in ((through, "by_forebay"), (past, "past_forebay")):
            text, user, calls, rows = own.query(
                "SELECT query, usename, calls, rows FROM pg_stat_statements JOIN pg_user ON usesysid = userid"
                f" WHERE query LIKE 'SELECT%AS {part} FROM pg_sleep(%'")[0]
            cells = row.split("\t")
            assert (cells[0].strip(), cells[1], cells[3], cells[6]) == (text, user, str(calls), str(rows))
            assert calls == (7 if row is through else 3)
        assert browser.do("value", script=f"document.querySelectorAll('{section} a').length") >= 1
        assert "past_forebay" not in " ".join(browser.texts(f"{section} a")), "Forebay has no page of what it never saw"
        browser.click(f'{section} a:has-text("by_forebay")')
        browser.see('section[aria-labelledby="statement"]', "SELECT $1 AS by_forebay FROM pg_sleep($2)")
    assert not browser.complaints()


def test_where_the_server_counts_no_statements_forebays_own_are_shown(browser, start, server, database):
    daemon = start(upstream=server.url(dbname=database))
    dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as client:
        for number in range(4):
            client.execute(f"SELECT {number} AS counted_here")
    browser.open(f"{place(daemon)}#/database")
    section = statements_section(database)
    row = browser.see(f'{section} tr:has-text("counted_here")')
    assert row.split("\t")[2] == "4"
    assert "pg_stat_statements is not there" in browser.text(section)
    browser.click(f'{section} a:has-text("counted_here")')
    browser.see('section[aria-labelledby="statement"]', "SELECT $1 AS counted_here")
    assert not browser.complaints()
