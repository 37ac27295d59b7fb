"""The page Database and the charts' history, each against what was really done (C7, B17, B22, L17)."""

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
    server.execute("CREATE TABLE IF NOT EXISTS sized AS SELECT repeat('x', 500) FROM generate_series(1, 2000)",
                   dbname=database)
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
        told = browser.see(".notice", f"{own.host}:{own.port} does not answer since", timeout=30_000)
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
