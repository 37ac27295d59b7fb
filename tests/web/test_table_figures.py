"""Figures of tables and of lights that stand beside others, against the server's own views and pgstattuple, what
clients measure, the test's own clock, and the configuration (C7, B17, L17, L18).

One server, whose transaction ids are many, and one daemon for all of it.
"""

import contextlib
import pathlib
import re
import statistics
import subprocess
import threading
import time

import psycopg
import pytest

from browser import number_in
from conftest import USER, place
from forebay_testing import ForebayDaemon, PostgresServer, postgres_binary, wait_until
from forebay_testing.directories import server_user
from truths import (COUNTED, RESOLUTION, SHOWN, CountingServer, cells, figure, open_statement, percentile, seconds_for,
                    value_in)

pytestmark = [pytest.mark.time_limit(240), pytest.mark.xdist_group("table_figures")]

SERVER = {"shared_preload_libraries": "pg_stat_statements", "autovacuum": "off", "deadlock_timeout": "50ms",
          # It begins where it is off as well, once ids are so old.
          "autovacuum_freeze_max_age": 2_000_000_000}
NEXT_ID = 1_234_567_890
IDS_IN_SEGMENT = 2**20  #: of pg_xact, a quarter of a byte each
PAUSED = [f"paused_{number}" for number in range(8)]
SHOWN_ADVICE = 5
STALENESS = 0.35
CONFIG = f"""
http: {{anonymous: admin}}
sampling: {{interval: 1s}}
timeouts: {{wait: 2min}}
cache: {{staleness: {STALENESS * 1e3:g}ms}}
alerts:
  rule_sets: []
  rules:
    waits: {{signal: pool.longest_wait, warning: 1s, for: 0, resolve_after: 0, match: [database=narrow]}}
    idlers: {{signal: server.idle_in_transaction_count, critical: 1, for: 0, resolve_after: 0}}
databases:
  narrow: {{database: {COUNTED}, pool: {{size: 1, overflow: 0}}}}
  {"".join(f"{name}: {{}}" + chr(10) + "  " for name in PAUSED)}'*': {{}}
"""
ROWS = 20_000
#: For each table what remains of its rows, and how. Columns have one alignment, by which nothing is lost.
TABLES = {"whole": ("n % 5 >= 0", "VACUUM ANALYZE"), "thinned": ("n % 5 > 2", "VACUUM ANALYZE"),
          "with_dead_rows": ("n % 10 > 3", "ANALYZE")}
SCANS = 7
FLUSH = "SELECT pg_stat_force_next_flush();"  #: a session's counts are seen when that has ended
DEADLOCKS = {"deadlocked": 2, COUNTED: 1}
#: How far estimates of bloat may be from what pgstattuple reads: as in tests/http/test_samples.py.
BLOAT, INDEX_BLOAT = 0.05, 0.06


class OldServer(CountingServer):
    """Counts statements, and has used more than half of its transaction ids."""

    def __init__(self) -> None:
        PostgresServer.__init__(self, SERVER)
        user = server_user()
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        data = pathlib.Path(self.data_directory)
        subprocess.run([postgres_binary("pg_resetwal"), f"--next-transaction-id={NEXT_ID}", data], check=True,
                       capture_output=True, cwd=self.directory, **as_user)
        segment = data / "pg_xact" / f"{NEXT_ID // IDS_IN_SEGMENT:04X}"
        subprocess.run(["truncate", f"--size={IDS_IN_SEGMENT // 4}", segment], check=True, **as_user)


def deadlock(server, dbname: str) -> None:
    """Of two sessions that want each other's lock, one is ended by the server."""
    ended = []

    def want(session, lock: int) -> None:
        try:
            session.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
        except psycopg.errors.DeadlockDetected:
            ended.append(session)
        session.rollback()

    with psycopg.connect(server.socket_dsn(dbname=dbname)) as one, psycopg.connect(
            server.socket_dsn(dbname=dbname)) as other:
        for session, lock in ((one, 1), (other, 2)):
            session.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
        waiting = threading.Thread(target=want, args=(one, 2))
        waiting.start()
        want(other, 1)
        waiting.join(30)
        assert len(ended) == 1
        ended[0].execute(FLUSH)


@pytest.fixture(scope="module")
def own():
    """In which nothing happens by itself, and what a server tells seldom has happened already."""
    with OldServer() as server:
        server.prepare()
        for name in ("plain", "young", "deadlocked"):
            server.create_database(name, f"OWNER {USER}")
        server.psql("CREATE EXTENSION pgstattuple;" + "".join(
            f"CREATE TABLE {name} AS SELECT n::int8, repeat('x', 50 + n % 100) AS filling"
            f" FROM generate_series(1, {ROWS}) n; CREATE INDEX index_of_{name} ON {name} (n);"
            f" DELETE FROM {name} WHERE NOT ({kept});" for name, (kept, _) in TABLES.items())
            # Counted later, that would come on top of what ANALYZE finds.
            + FLUSH + "".join(f"{then} {name};" for name, (_, then) in TABLES.items())
            + SCANS * "SELECT count(filling) FROM thinned;" + FLUSH)
        server.psql("VACUUM FREEZE", "young")
        server.psql("DO 'BEGIN FOR n IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'")
        for name, times in DEADLOCKS.items():
            for _ in range(times):
                deadlock(server, name)
        yield server


@pytest.fixture(scope="module")
def daemon(own):
    with ForebayDaemon(own, ["--threads", "2", "--admin", "127.0.0.1:0"], CONFIG) as running:
        yield running


@contextlib.contextmanager
def connected(daemon, dbname: str):
    """A client, for which there is a backend as well."""
    with psycopg.connect(daemon.dsn(USER, dbname), autocommit=True, prepare_threshold=None) as client:
        client.execute("SELECT pg_sleep(0)")
        yield client


@pytest.fixture(scope="module")
def page(browser, daemon):
    """The page Database, when it knows of the server; for the tests of that page, one after the other."""
    browser.open(f"{place(daemon)}#/database")
    for name in ("databases-", "tables-postgres", "indexes-postgres"):
        browser.see(f'section[aria-labelledby^="{name}"] tbody th')
    return browser


def row(browser, section: str, name: str) -> dict[str, str]:
    """As cells(), of the row of such a section that has this in its first cell."""
    shown = browser.do("value", script=f"""(() => {{
        const rows = [...document.querySelectorAll('section[aria-labelledby^="{section}"] tbody tr')];
        const row = rows.find((each) => each.cells[0].innerText.includes({name!r}));
        const texts = (of) => [...of.cells].map((each) => each.innerText.replace(/[↓↑]/g, "").trim());
        return row ? [texts(row.closest("table").tHead.rows[0]), texts(row)] : [[], []];
    }})()""")
    return dict(zip(*shown))


def light(browser, name: str) -> str:
    return browser.text(f'.lights li:has(.name:text-is("{name}")) .why')


# --- what to do next --------------------------------------------------------------------------------------


def test_recommendations_that_are_not_shown_are_counted(browser, daemon):
    """Nothing else is to be recommended yet than to end the pauses."""
    note = 'section[aria-labelledby="next"] header .note'
    browser.open(place(daemon))
    for name in PAUSED:
        daemon.console(f"PAUSE {name}")
    wait_until(lambda: browser.text(note) == f"and {len(PAUSED) - SHOWN_ADVICE} more", 60, "the rest", interval=0.1)
    titles = browser.texts('section[aria-labelledby="next"] .advice h3')
    assert len(titles) == SHOWN_ADVICE and all("Let clients use paused_" in each for each in titles), titles
    for name in PAUSED:
        daemon.console(f"RESUME {name}")


# --- statements -------------------------------------------------------------------------------------------


def test_what_takes_most_time_has_the_mean_and_the_p95_of_its_calls(browser, daemon, own):
    """One call in ten is slow: the mean is another figure, and so is the median."""
    sleeps = [0.004] * 36 + [0.25] * 4
    with connected(daemon, COUNTED) as client:
        waits = [seconds_for(client, f"SELECT pg_sleep({each}) AS seldom_slow") for each in sleeps]
    browser.open(place(daemon))
    told = browser.see('section[aria-labelledby="slow"] li:has-text("AS seldom_slow")', f"in {len(sleeps)} calls")
    mean, p95 = re.search(r"mean (.+), p95 (.+)$", told).groups()
    by_server = own.counted("AS seldom_slow")
    assert by_server["calls"] == len(sleeps)
    assert by_server["mean"] * (1 - SHOWN) <= value_in(mean) <= statistics.mean(waits) * (1 + SHOWN), told
    least, most = percentile(sleeps, 0.95), percentile(waits, 0.95)
    assert least * (1 - RESOLUTION - SHOWN) <= value_in(p95) <= most * (1 + RESOLUTION + SHOWN), told


def test_errors_of_a_statement_came_after_what_clients_waited_for_them(browser, daemon):
    limits = (0.3, 0.5)
    waits = []
    with connected(daemon, COUNTED) as client:
        for limit in limits:
            client.execute(f"SET statement_timeout = '{limit}s'")
            began = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                client.execute("SELECT pg_sleep(60) AS never_done")
            waits.append(time.monotonic() - began)
        client.execute("RESET statement_timeout")
    open_statement(browser, place(daemon), "AS never_done")
    wait_until(lambda: figure(browser, "Errors") == "2", 60, "both", interval=0.1)
    told = figure(browser, "Errors", "small")
    assert told.startswith("after ")
    assert sum(limits) * (1 - SHOWN) <= value_in(told) <= sum(waits) * (1 + SHOWN), told


def test_statements_where_the_server_tells_of_none_are_as_clients_and_the_server_count_them(browser, daemon, own):
    """The extension is not in that database; where it is, it knows of the others as well."""
    sleeps = (0.02, 0.1, 0.3)
    with connected(daemon, "plain") as client:
        waits = [seconds_for(client, f"SELECT n AS seven, pg_sleep({each / 7}) FROM generate_series(1, 7) n")
                 for each in sleeps]
        browser.open(f"{place(daemon)}#/database")
        browser.see('section[aria-labelledby="statements-plain"] header .note', "pg_stat_statements is not there")
        wait_until(lambda: row(browser, "statements-plain", "AS seven").get("Calls") == "3", 60, "all", interval=0.1)
        told = row(browser, "statements-plain", "AS seven")
    by_server = own.counted("AS seven")
    assert (told["Calls"], told["Rows"]) == ("3", "21") == (str(by_server["calls"]), str(by_server["rows"]))
    assert by_server["total"] * (1 - SHOWN) <= value_in(told["Total"]) <= sum(waits) * (1 + SHOWN)
    assert by_server["mean"] * (1 - SHOWN) <= value_in(told["Mean"]) <= statistics.mean(waits) * (1 + SHOWN)


# --- what the server says of itself -----------------------------------------------------------------------


def test_tables_are_as_the_server_counts_them_and_as_pgstattuple_reads_them(page, own):
    """The views come first: what reads a table as a whole is counted there."""
    counted = {name: rest for name, *rest in own.query(
        "SELECT relname, n_dead_tup, n_dead_tup / (n_live_tup + n_dead_tup)::float8, seq_scan FROM pg_stat_user_tables"
        " WHERE relname = ANY(%s)", (list(TABLES),))}
    assert counted.keys() == TABLES.keys() and counted["with_dead_rows"][:2] == [0.4 * ROWS, 0.4]
    assert counted["thinned"][2] == counted["whole"][2] + SCANS
    for name, (dead, share, scans) in counted.items():
        told = row(page, "tables-", name)
        of_all = re.fullmatch(r"([\d,]+) \((.+)\)", told["Dead rows"]).groups()
        assert number_in(of_all[0]) == dead and value_in(of_all[1]) == pytest.approx(share, rel=SHOWN), name
        assert told["Read as a whole"] == f"{scans} time{'s' * (scans != 1)}", name
    for name in TABLES:
        size, free = own.query("SELECT table_len, (free_percent + dead_tuple_percent) / 100 FROM pgstattuple(%s)",
                               (name,))[0]
        is_about(row(page, "tables-", name)["Bloat"], size, free, BLOAT)


def test_indexes_are_as_large_and_as_empty_as_pgstatindex_reads_them(page, own):
    for name in ("index_of_whole", "index_of_thinned"):
        told = row(page, "indexes-", name)
        size, density = own.query("SELECT pg_relation_size(%s::regclass), avg_leaf_density / 90"
                                  " FROM pgstatindex(%s)", (name, name))[0]
        assert value_in(told["Size"]) == pytest.approx(size, rel=SHOWN), name
        is_about(told["Bloat"], size, 1 - min(1, density), INDEX_BLOAT)


def is_about(told: str, size: int, share: float, bound: float) -> None:
    """What is told of bloat, "12 KiB (3 %)"."""
    bloat, of_all = re.fullmatch(r"(.+) \((.+)\)", told).groups()
    assert value_in(of_all) == pytest.approx(share, abs=bound), told
    assert value_in(bloat) == pytest.approx(share * size, abs=bound * size), told


def test_deadlocks_are_those_that_clients_were_told_of(page, own):
    told = "SELECT datname, deadlocks FROM pg_stat_database WHERE deadlocks > 0"
    assert dict(own.query(told)) == DEADLOCKS
    wait_until(lambda: figure(page, "Deadlocks") == "3", 60, "all of them", interval=0.1)
    shown = {name: row(page, "databases-", name)["Deadlocks"] for name in (*DEADLOCKS, "postgres")}
    assert shown == {"deadlocked": "2", COUNTED: "1", "postgres": "0"}


LAST_ID = 2**31 - 1 - 3_000_000  #: at which the server takes no more writes: docs/database.md


def test_transaction_ids_are_as_old_and_as_many_are_left_as_the_server_says(page, own):

    def ages() -> dict[str, int]:
        return dict(own.query("SELECT datname, age(datfrozenxid) FROM pg_database"))

    def are_shown() -> bool:
        """Ids are used by what writes: there may be some more, later."""
        least, told, most = ages(), {name: row(page, "databases-", name) for name in ages()}, ages()
        return least == most and all(told.values()) and all(
            number_in(told[name]["XID age"]) == age
            and number_in(told[name]["Ids left"]) == pytest.approx(LAST_ID - age, rel=SHOWN)
            for name, age in least.items())

    wait_until(are_shown, 60, "the same as the server's", interval=0.2)
    age = max(ages().values())
    assert ages()["young"] < 10_000 < NEXT_ID / 2 < age, "there is something to be told apart"
    assert number_in(figure(page, "Transaction ids left")) == pytest.approx(LAST_ID - age, rel=SHOWN)
    name, old = re.fullmatch("in (.+), whose oldest is (.+) old",
                             figure(page, "Transaction ids left", "small")).groups()
    assert ages()[name] == age and number_in(old) == pytest.approx(age, rel=SHOWN)


def test_sessions_have_the_process_ids_that_the_server_gave_them(page, own):
    with contextlib.ExitStack() as opened:
        given = {name: opened.enter_context(psycopg.connect(own.socket_dsn(application_name=name))).info.backend_pid
                 for name in ("first-of-three", "second-of-three", "third-of-three")}

        def shown() -> dict[str, str]:
            return {name: cells(page, name).get("Process") for name in given}

        wait_until(lambda: None not in shown().values(), 60, "all of them", interval=0.1)
        assert shown() == {name: str(pid) for name, pid in given.items()}
        assert dict(own.query("SELECT application_name, pid FROM pg_stat_activity"
                              " WHERE application_name LIKE '%-of-three'")) == given


# --- the cache --------------------------------------------------------------------------------------------


def test_the_bound_of_freshness_is_the_configured_one(browser, daemon):
    with connected(daemon, COUNTED):
        browser.open(f"{place(daemon)}#/cache")
        card = browser.see(f'.cards li:has(h3:has-text("{COUNTED} on")):has(dt:text-is("Bound"))')
    assert value_in(re.search(r"Bound\s+(.+)", card).group(1)) == pytest.approx(STALENESS)


# --- lights and alerts ------------------------------------------------------------------------------------

IDLE = ("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()")


def test_waits_and_alerts_are_told_as_long_as_they_last_and_as_they_were_at_last(browser, daemon, own):
    """Two clients wait for the one backend, of which the first waits longer; three sessions are idle."""
    with connected(daemon, "narrow") as holder, connected(daemon, "narrow") as first, \
            connected(daemon, "narrow") as second:
        holder.execute("BEGIN")
        holder.execute("SELECT pg_sleep(0)")
        began = time.monotonic()
        first.pgconn.send_query(b"SELECT pg_sleep(0)")
        browser.open(place(daemon))

        def is_told(text: str, time_told: str) -> bool:
            """Never more than it can be; and once in a while, when the page has just asked, hardly less."""
            found = re.search(time_told, text)
            if not found:
                return False
            waited, told = time.monotonic() - began, value_in(found.group(1))
            assert told <= waited * (1 + SHOWN), text
            return told > 2 and told > waited - 1.5

        for others, clients in ((0, "1 client waits"), (1, "2 clients wait")):
            if others:  # has come so much later that its wait would not do
                second.pgconn.send_query(b"SELECT pg_sleep(0)")
            wait_until(lambda: is_told(light(browser, "Pools"), f"^{clients} for a backend, the first for (.+)$"), 60,
                       "how long", interval=0.1)

        with idle(own):
            browser.see("nav .badge", "1 critical, 1 warning")
            assert browser.text("nav .badge span[aria-hidden]") == "2"
            assert light(browser, "Alerts") == "1 critical, 1 warning"
            browser.do("go", url=f"{place(daemon)}#/alerts")
            wait_until(lambda: is_told(alert(browser, "waits"), r": (.+ s), limit 1 s \("), 60, "how long",
                       interval=0.1)
            wait_until(lambda: own.query(IDLE) == [(3,)], 60, "the holder as well", interval=0.1)
            wait_until(lambda: ": 3, limit 1 (" in alert(browser, "idlers"), 60, "so many", interval=0.1)

            browser.click('button[aria-label^="Acknowledge idlers"]')
            browser.see("nav .badge", ": 1 warning")
            assert browser.text("nav .badge span[aria-hidden]") == "1"
            last = value_in(re.search(": (.+ s), limit", alert(browser, "waits")).group(1))
            browser.do("go", url=f"{place(daemon)}#/")
            wait_until(lambda: light(browser, "Alerts") == "1 warning; 1 acknowledged", 60, "both", interval=0.1)
            holder.execute("COMMIT")
            for client in (first, second):
                results = list(iter(client.pgconn.get_result, None))
                assert [each.status for each in results] == [psycopg.pq.ExecStatus.TUPLES_OK]
            waited = time.monotonic() - began
            wait_until(lambda: light(browser, "Alerts") == "1 acknowledged", 60, "that one", interval=0.1)
            assert browser.texts("nav .badge") == []
            browser.do("go", url=f"{place(daemon)}#/alerts")
            wait_until(lambda: ": 2, limit 1 (" in alert(browser, "idlers"), 60, "two", interval=0.1)
        browser.see("section", "No alert is active")
        wait_until(lambda: resolved(browser, "waits") and resolved(browser, "idlers"), 60, "both", interval=0.1)
        assert resolved(browser, "idlers") == "2, limit 1", "the last that was beyond the limit"
        told = re.fullmatch("(.+), limit 1 s", resolved(browser, "waits")).group(1)
        assert last <= value_in(told) <= waited * (1 + SHOWN)


@contextlib.contextmanager
def idle(server):
    """Two sessions that are idle in a transaction."""
    with psycopg.connect(server.socket_dsn()) as one, psycopg.connect(server.socket_dsn()) as other:
        for session in (one, other):
            session.execute("SELECT 1")  # and BEGIN
        yield


def alert(browser, name: str) -> str:
    """What is told of the one that is active; nothing where it is not."""
    return "".join(browser.texts(f'.alerts li:has(h3:has-text("{name}"))'))


def resolved(browser, name: str) -> str | None:
    return cells(browser, f"{name}\t").get("Value")
