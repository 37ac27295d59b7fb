"""What stands beside the figures of the pages Database, Alerts and Settings, against the server's own views and log,
the clock, and the configuration that was given (C7, B17, L18).

One server and one daemon for all of it.
"""

import contextlib
import datetime
import os
import pathlib
import re
import signal
import subprocess
import time

import psycopg
import pytest

from conftest import place
from forebay_testing import ForebayDaemon, PostgresServer, postgres_binary, wait_until
from truths import SHOWN, cells, figure, value_in

pytestmark = [pytest.mark.time_limit(120), pytest.mark.xdist_group("database_notes")]

DOCUMENTED = pathlib.Path(__file__).parents[2] / "docs" / "configuration.md"
SERVER = {
    # Segments have 4 MB: these bounds are passed soon.
    "max_wal_size": "8MB", "min_wal_size": "8MB", "max_slot_wal_keep_size": "24MB", "wal_init_zero": "off",
    "max_replication_slots": 20, "checkpoint_timeout": "1h", "max_connections": 300,
    # It vacuums what a table asks for itself, and at once.
    "autovacuum_naptime": "1s", "autovacuum_vacuum_threshold": 2**31 - 1, "autovacuum_vacuum_insert_threshold": -1,
    "autovacuum_analyze_threshold": 2**31 - 1,
    "log_min_duration_statement": 0}
#: What each rule is, and what the page is to make of it: limits, and seconds.
RULES = {
    "slow-pool": ("signal: pool.longest_wait, info: 250ms, warning: 1500ms, critical: 1min, for: 90s,"
                  " resolve_after: 3min, match: [database=shop*, user=app]",
                  "info above 250 ms, warning above 1.5 s, critical above 60 s of database shop*, user app", 90, 180),
    "few-hits": ("signal: cache.hit_ratio, warning: 80%, critical: 12.5%, for: 1500ms",
                 "warning below 80 %, critical below 12.5 %", 1.5, 1.5),
    "large": ("signal: server.database_size, critical: 2.5GB, for: 26h", "critical above 2.5 GB", 93600, 93600),
    "growing": ("signal: server.database_growth, info: 3MB/h", "info above 3 MB/h", 60, 60),
    "deadlocks": ("signal: server.deadlocks, warning: 12, resolve_after: 0", "warning above 12", 60, 0),
    "standing-still": ("signal: paused, warning: true, for: 0", "warning", 0, 0),
    "ids": ("signal: server.xids_used, info: 0%, for: 1h", "info above 0 %", 3600, 3600),
    "idlers": ("signal: server.idle_in_transaction_count, info: 0, for: 1h", "info above 0", 3600, 3600),
}
#: Of the configuration, by section: as the page is to show it.
SECTIONS = {
    "pool": {"mode": "session", "reserve_size": "3", "reserve_after": "2500ms"},
    "limits": {"max_clients_per_user": "77"},
    "timeouts": {"connect": "7s", "backend_idle": "25min", "statement": "45s"},
    "cache": {"enabled": "off", "staleness": "300ms", "max_entry": "96KiB"},
    "statements": {"max": "2345", "samples": "masked"},
    "sampling": {"interval": "1s"},
    "history": {"months": "7"},
    "log": {"connections": "true"},
}
CONFIG = ("http: {anonymous: admin}\nalerts:\n  rule_sets: []\n  rules:\n"
          + "".join(f"    {name}: {{{rule}}}\n" for name, (rule, *_) in RULES.items())
          + "".join(f"{section}: {{{', '.join(f'{key}: {value}' for key, value in values.items())}}}\n"
                    for section, values in SECTIONS.items()))
#: With those of vacuum() fifty tables that are larger than the others, of which some were read more.
TABLES = """
DO $$ BEGIN
  FOR n IN 1..47 LOOP EXECUTE format('CREATE TABLE large_%s AS SELECT generate_series(1, 300) AS id', n); END LOOP;
  FOR n IN 1..12 LOOP EXECUTE format('CREATE TABLE emptied_%s AS SELECT generate_series(1, 5000) AS id', n); END LOOP;
  FOR n IN 1..10 LOOP EXECUTE format('CREATE TABLE small_%s (id int)', n); END LOOP;
END $$;
DO $$ BEGIN
  FOR n IN 1..26 LOOP EXECUTE format('UPDATE large_%s SET id = id + 300', n); END LOOP;
  FOR n IN 1..12 LOOP EXECUTE format('SELECT max(id) FROM emptied_%s', n); END LOOP;
END $$;
DO $$ BEGIN
  FOR n IN 1..12 LOOP EXECUTE format('TRUNCATE emptied_%s', n); END LOOP;
  FOR n IN 1..99 LOOP EXECUTE format('CREATE INDEX unused_%s ON large_%s (id)', n, n % 33 + 1); END LOOP;
  FOR n IN 1..10 LOOP EXECUTE format('CREATE INDEX tiny_%s ON small_%s (id)', n, n); END LOOP;
END $$;
CREATE UNIQUE INDEX keeps_something_unique ON large_1 (id);
"""


@pytest.fixture(scope="module")
def own():
    """A server of these tests' own, in which nothing happens by itself any more."""
    with PostgresServer(SERVER) as server:
        server.create_database("counted_anew")
        for database in ("postgres", "counted_anew"):
            server.execute("SELECT pg_stat_reset()", dbname=database)
        server.psql(TABLES)
        vacuum(server)
        use_indexes(server)
        server.reload({"autovacuum": "off"})
        yield server


def vacuum(server) -> None:
    """One table by hand before it is done by itself, one by itself before it is done by hand, one never."""
    at_once = "autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0"
    server.psql("CREATE TABLE never AS SELECT n FROM generate_series(1, 300) n; CREATE TABLE by_itself AS TABLE never;"
                f" CREATE TABLE by_hand WITH ({at_once}) AS SELECT n FROM generate_series(1, 20000) n;"
                " DELETE FROM by_hand WHERE n < 9; VACUUM by_itself")
    pass_a_second()
    server.psql(f"ALTER TABLE by_itself SET ({at_once}); UPDATE by_itself SET n = 2")
    done = "SELECT count(*) FROM pg_stat_user_tables WHERE last_autovacuum IS NOT NULL"
    wait_until(lambda: server.query(done) == [(2,)], 40, "both by themselves", interval=0.1)
    pass_a_second()
    server.psql("VACUUM by_hand")


def pass_a_second() -> None:
    """Times are shown to the second: what comes next is to have another one."""
    now = time.time()
    wait_until(lambda: time.time() > now + 1, 5, "the next second")


def use_indexes(server) -> None:
    """One is invalid then, as DROP INDEX CONCURRENTLY leaves it that is given up."""
    server.psql("CREATE INDEX half_dropped ON by_hand (n); CREATE INDEX in_use ON never (n); SET enable_seqscan = off;"
                + 3 * "SELECT FROM by_hand WHERE n = 77; SELECT FROM never WHERE n = 77;")
    with psycopg.connect(server.socket_dsn()) as holder, psycopg.connect(server.socket_dsn()) as dropping:
        holder.execute("LOCK TABLE by_hand IN ACCESS SHARE MODE")
        dropping.pgconn.send_query(b"DROP INDEX CONCURRENTLY half_dropped")
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'half_dropped'::regclass"
        wait_until(lambda: server.query(valid) == [(False,)], 20, "it is invalid")
        dropping.cancel()
        canceled, = iter(dropping.pgconn.get_result, None)
        assert canceled.status == psycopg.pq.ExecStatus.FATAL_ERROR


@pytest.fixture(scope="module")
def daemon(own):
    with ForebayDaemon(own, ["--threads", "2", "--admin", "127.0.0.1:0"], CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser, daemon):
    """The page Database, when it knows of the server; for the tests before those of other pages."""
    browser.open(f"{place(daemon)}#/database")
    browser.see('[data-figure="sessions"]')
    browser.see('section[aria-labelledby="indexes-postgres"] tbody tr')
    return browser


def section(name: str) -> str:
    return f'section[aria-labelledby^="{name}-"]'


def names(browser, name: str) -> list[str]:
    """What stands first in each row of that section's table."""
    return browser.texts(f"{section(name)} tbody th")


def cells_in(browser, within: str, row: str) -> dict[str, str]:
    """As cells(), of the row within that section that begins so."""
    shown = browser.do("value", script=f"""(() => {{
        const rows = [...document.querySelectorAll({within + " tbody tr"!r})];
        const row = rows.find((each) => each.cells[0].innerText.trim() === {row!r});
        const texts = (of) => [...of.cells].map((each) => each.innerText.replace(/[↓↑]/g, "").trim());
        return row ? [texts(row.closest("table").tHead.rows[0]), texts(row)] : [[], []];
    }})()""")
    return dict(zip(*shown))


def date_of(browser, seconds: float) -> str:
    return browser.do("value", script=f"new Date({seconds} * 1000).toLocaleString('en-GB')")


def time_of(date: str) -> float:
    """Seconds since 1970."""
    return time.mktime(time.strptime(date, "%d/%m/%Y, %H:%M:%S"))


# --- sessions ---------------------------------------------------------------------------------------------

#: What the server says of those that Forebay tells of, which is not who asks.
ACTIVE = ("SELECT concat_ws(' ', wait_event_type, wait_event), count(*) FROM pg_stat_activity WHERE state = 'active'"
          " AND backend_type = 'client backend' AND application_name = 'busy' GROUP BY 1 ORDER BY 2 DESC")
SESSIONS = ("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid() AND application_name <> 'forebay samples'")


@contextlib.contextmanager
def busy(server):
    """Eleven sessions: five sleep, three wait for a lock, two for their clients, and one computes."""
    texts = (5 * ["SELECT pg_sleep(100)"] + 3 * ["SELECT pg_advisory_lock(1)"] + 2 * ["COPY small_1 FROM STDIN"]
             + ["DO 'BEGIN LOOP END LOOP; END'"])
    with contextlib.ExitStack() as opened:
        holder, *sessions = (opened.enter_context(contextlib.closing(psycopg.connect(
            server.socket_dsn(application_name="busy"), autocommit=True))) for _ in range(12))
        holder.execute("SELECT pg_advisory_lock(1)")
        for session, text in zip(sessions, texts, strict=True):
            session.pgconn.send_query(text.encode())
        computing = sessions[-1].info.backend_pid
        wait_until(lambda: has_computed(computing), 20, "it computes")
        os.kill(computing, signal.SIGSTOP)  # others need the processor
        try:
            yield
        finally:
            os.kill(computing, signal.SIGCONT)
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'busy'")


def has_computed(pid: int) -> bool:
    """For so long that it has all that it has to look up for that: it holds no lock within the server."""
    ticks = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
    return ticks > 0.2 * os.sysconf("SC_CLK_TCK")


def test_active_sessions_and_what_they_wait_for_are_those_that_the_server_has(page, own):
    with busy(own):
        wait_until(lambda: [count for _, count in own.query(ACTIVE)] == [5, 3, 2, 1], 20, "all that begin")
        waits = ", ".join(f"{what} ({count})" for what, count in own.query(ACTIVE) if what)
        assert "Lock advisory (3)" in waits and "(1)" not in waits

        def is_shown() -> bool:
            return (figure(page, "Sessions", "small").startswith("11 active, ")
                    and page.texts(f"{section('sessions')} p.note")[-1] == f"Active ones wait for: {waits}.")

        wait_until(is_shown, 60, waits, interval=0.2)
        assert sum(count for _, count in own.query(ACTIVE)) == 11
    wait_until(lambda: figure(page, "Sessions", "small").startswith("0 active, "), 60, "none", interval=0.2)


def test_where_not_all_sessions_are_shown_it_is_said_how_many_are(page, own):
    note = f"{section('sessions')} header p.note"
    with contextlib.ExitStack() as opened:
        for _ in range(207):
            opened.enter_context(psycopg.connect(own.socket_dsn(), autocommit=True))
        wait_until(lambda: figure(page, "Sessions") == str(own.query(SESSIONS)[0][0]), 60, "all are counted",
                   interval=0.2)
        assert len(names(page, "sessions")) == 200
        assert page.text(note).startswith("200 are shown; ")
    wait_until(lambda: len(names(page, "sessions")) == own.query(SESSIONS)[0][0] < 200, 60, "few", interval=0.2)
    assert "shown" not in page.text(note)


# --- tables and indexes -----------------------------------------------------------------------------------


def test_all_tables_are_counted_and_those_are_shown_that_the_server_says_the_most_of(page, own):
    """The fifty largest, the 25 that are read most, and the 25 with most dead rows: docs/database.md."""
    count, size = own.query("SELECT count(*), sum(pg_total_relation_size(relid))::float8 FROM pg_stat_user_tables")[0]
    most = "SELECT relname FROM pg_stat_user_tables ORDER BY {} DESC LIMIT {}"
    told = {name for by, limit in (("pg_total_relation_size(relid)", 50), ("seq_tup_read", 25), ("n_dead_tup", 25))
            for name, in own.query(most.format(by, limit))}
    assert 50 < len(told) < count
    shown = names(page, "tables")
    assert set(shown) == told and len(shown) == len(told)
    note = page.text(f"{section('tables')} header p.note")
    assert note.startswith(f"{count} tables, ") and f"; {len(told)} are shown; " in note
    assert value_in(note.split(" tables, ")[1]) == pytest.approx(size, rel=SHOWN)


def test_the_last_vacuum_is_the_last_one_whoever_did_it(page, own):
    vacuums = dict((name, (by_hand, by_itself)) for name, by_hand, by_itself in own.query(
        "SELECT relname, extract(epoch FROM last_vacuum)::float8, extract(epoch FROM last_autovacuum)::float8"
        " FROM pg_stat_user_tables WHERE relname IN ('by_hand', 'by_itself', 'never')"))
    assert vacuums["by_hand"][0] > vacuums["by_hand"][1] and vacuums["by_itself"][0] < vacuums["by_itself"][1]
    told = {name: cells_in(page, section("tables"), name)["Last vacuum"] for name in vacuums}
    assert told == {"by_hand": date_of(page, vacuums["by_hand"][0]), "never": "never",
                    "by_itself": date_of(page, vacuums["by_itself"][1])}


def test_unused_indexes_are_those_that_the_server_has_not_used_since_it_counts(page, own):
    """Not what keeps something unique; and what is invalid, though it was used."""
    unused = ("FROM pg_stat_user_indexes JOIN pg_index USING (indexrelid)"
              " WHERE (NOT indisvalid OR idx_scan = 0 AND NOT indisunique)")
    count, size = own.query("SELECT count(*), sum(pg_relation_size(indexrelid))::float8"
                            f" {unused} AND indisvalid")[0]
    note = page.text(f"{section('indexes')} header p.note")
    since, = own.query("SELECT extract(epoch FROM stats_reset)::float8 FROM pg_stat_database"
                       " WHERE datname = 'postgres'")[0]
    assert note.startswith(f"{count} indexes, ") and f", not used here since {date_of(page, since)}; " in note
    assert value_in(note.split(" indexes, ")[1]) == pytest.approx(size, rel=SHOWN)
    told = [name for name, in own.query(f"SELECT indexrelname {unused} ORDER BY pg_relation_size(indexrelid) DESC"
                                        " LIMIT 100")]
    shown = names(page, "indexes")
    assert set(shown) == set(told) and len(shown) == 100 < count
    assert "; 99 are shown; " in note
    scans, = own.query("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'half_dropped'")[0]
    rows = [cells_in(page, section("indexes"), name) for name in ("half_dropped", "unused_7")]
    assert [(row["Used"], row["Is"]) for row in rows] == [(f"{scans} times", "invalid"), ("0 times", "unused")]
    assert scans == 3


def test_counters_of_a_database_are_said_to_be_those_since_they_were_reset(page, own):
    resets = dict(own.query("SELECT datname, extract(epoch FROM stats_reset)::float8 FROM pg_stat_database"
                            " WHERE datname IN ('counted_anew', 'template0')"))
    assert resets["counted_anew"] and resets["template0"] is None
    told = {name: cells_in(page, section("databases"), name)["These four since"] for name in resets}
    assert told == {"counted_anew": date_of(page, resets["counted_anew"]), "template0": "the beginning"}


# --- replication ------------------------------------------------------------------------------------------

WORDS = {"extended": "beyond max_wal_size", "unreserved": "about to be lost", "lost": "lost"}
SLOTS = ("SELECT slot_name, wal_status, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8"
         " FROM pg_replication_slots")


@contextlib.contextmanager
def receiving(server, daemon):
    """Two that receive what the server writes: by TCP, from a slot, and by its Unix socket."""
    server.execute("SELECT pg_create_physical_replication_slot('slot_of_receiver', true)")
    with contextlib.ExitStack() as running:
        for name, dsn, *flags in (("by-tcp", server.dsn(application_name="by-tcp"), "--slot=slot_of_receiver"),
                                  ("by-socket", server.socket_dsn(application_name="by-socket"))):
            folder = daemon.directory / name
            folder.mkdir()
            process = running.enter_context(subprocess.Popen(
                [postgres_binary("pg_receivewal"), f"--directory={folder}", f"--dbname={dsn}", "--no-loop",
                 "--status-interval=1", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            running.callback(process.kill)
        yield


@contextlib.contextmanager
def no_checkpoints(server):
    """It is a checkpoint that removes what a slot may keep no longer."""
    idle = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'CheckpointerMain'"
    (pid,), = wait_until(lambda: server.query(idle), 20, "the checkpointer has nothing to do", interval=0.05)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def write_segment(server) -> None:
    server.execute("SELECT pg_logical_emit_message(false, '', 'x'); SELECT pg_switch_wal()")


def make_slot(server, name: str) -> None:
    server.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (name,))


def lose_slot(server) -> None:
    make_slot(server, "lost")

    def is_lost() -> bool:
        write_segment(server)
        server.execute("CHECKPOINT")
        return server.query("SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'lost'") == [("lost",)]

    wait_until(is_lost, 30, "it is lost")


def is_slot(row: dict[str, str], word: str, status: str, size: float | None) -> bool:
    keeps = row["Keeps"] == "–" if size is None else value_in(row["Keeps"]) == pytest.approx(size, rel=SHOWN)
    return keeps and (row["Is"], row["Log it needs"]) == (word, status)


def test_slots_and_receivers_are_as_the_server_has_them(page, own, daemon):
    """A slot for each of the last nine segments: some are within what is kept anyway, some beyond."""
    lose_slot(own)
    with receiving(own, daemon), no_checkpoints(own):
        for number in range(9):
            make_slot(own, f"slot_{number}")
            write_segment(own)

        def truth() -> dict:
            return {name: (WORDS.get(status) or ("read" if active else "nobody reads it"), status, size)
                    for name, status, active, size in own.query(SLOTS)}

        def is_shown() -> bool:
            wanted = truth()
            rows = {name: cells_in(page, section("slots"), name) for name in names(page, "slots")}
            return rows.keys() == wanted.keys() and all(is_slot(row, *wanted[name]) for name, row in rows.items())

        wait_until(lambda: truth()["slot_of_receiver"][0] == "read", 20, "somebody receives", interval=0.1)
        assert {word for word, *_ in truth().values()} == {"read", "nobody reads it", *WORDS.values()}
        wait_until(is_shown, 60, f"{truth()}", interval=0.2)
        kept = page.text(f"{section('slots')} header p.note")
        most = max(size for *_, size in truth().values() if size is not None)
        assert kept.endswith(" of log are kept for them") and value_in(kept) == pytest.approx(most, rel=SHOWN)

        receivers = dict(own.query("SELECT application_name, host(client_addr) FROM pg_stat_replication"))
        assert receivers == {"by-tcp": "127.0.0.1", "by-socket": None}
        told = {name: cells_in(page, section("replication"), name)["From"] for name in receivers}
        assert told == {name: address or "a Unix socket" for name, address in receivers.items()}
    for name, in own.query("SELECT slot_name FROM pg_replication_slots"):
        own.execute("SELECT pg_drop_replication_slot(%s)", (name,))


# --- a server that does not answer ------------------------------------------------------------------------

_ENTRY = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC \[(\d+)\] .*?LOG:  ", re.MULTILINE)
_TOOK = re.compile(r"duration: ([\d.]+) ms  ")


def entries(log: str) -> list[tuple[float, int, str]]:
    """When which process of the server wrote what; each statement when it had ended."""
    found = list(_ENTRY.finditer(log))
    ends = [each.start() for each in found[1:]] + [len(log)]
    return [(datetime.datetime.fromisoformat(each.group(1) + "+00:00").timestamp(), int(each.group(2)),
             log[each.end():end]) for each, end in zip(found, ends, strict=True)]


def last_answer(log: str, pid: int, about: str) -> tuple[float, float]:
    """When that session had last answered a question about that, and when it was asked the next one, whatever about:
    in between somebody had the answer."""
    answers = [(at, text) for at, process, text in entries(log) if process == pid and _TOOK.match(text)]
    number = max(number for number, (_, text) in enumerate(answers) if about in text)
    following = [at - float(_TOOK.match(text).group(1)) / 1e3 for at, text in answers[number + 1:]]
    return answers[number][0], following[0] if following else float("inf")


def time_of_day(text: str) -> float:
    """Seconds since 1970, of the last day."""
    found = time_of(time.strftime("%d/%m/%Y, ") + text)
    return found if found <= time.time() else found - 86400


def test_a_server_that_is_stopped_does_not_answer_since_then_and_what_is_shown_is_of_its_last_answers(page, own):
    """Of what is asked once a minute, that is another time than of what is asked every second."""
    pid, = own.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'forebay samples'")[0]
    own.stop()
    stopped = time.time()
    page.see(f"{section('server')} .notice", "does not answer since")
    page.do("reload")  # it asks for tables less often
    log = own.log()
    ending, = (at for at, _, text in entries(log) if text.startswith("received fast shutdown request"))
    for name, about in (("server", "FROM pg_stat_activity"), ("tables", "FROM pg_stat_user_tables"),
                        ("indexes", "FROM pg_stat_user_indexes")):
        told = page.see(f"{section(name)} .notice", "does not answer since")
        since, asked = (time_of_day(each) for each in re.findall(r"\d\d:\d\d:\d\d", told))
        assert told.startswith(f"{own.host}:{own.port} does not answer since ") and "grey is of" in told
        assert int(ending) <= since <= time.time(), name
        answered, next_one = last_answer(log, pid, about)
        assert int(answered) <= asked <= min(next_one, stopped), name
    own.start()
    wait_until(lambda: not page.texts(f"{section('server')} .notice"), 30, "it answers", interval=0.2)


# --- the page Alerts --------------------------------------------------------------------------------------


def test_times_of_an_alert_are_those_at_which_it_came_was_acknowledged_and_went(browser, daemon):
    browser.open(f"{place(daemon)}#/alerts")
    browser.see("section", "No alert is active")
    began = time.time()
    daemon.console("PAUSE")
    told = browser.see(".alerts li", "standing-still")
    since = re.search(r"Since (.+?)\. ", told).group(1)
    assert int(began) <= time_of(since) <= time.time()

    pass_a_second()
    began = time.time()
    browser.click('button[aria-label^="Acknowledge standing-still"]')
    told = browser.see(".alerts li", "Acknowledged by somebody local")
    acknowledged = re.search(r"Acknowledged by somebody local at (.+?)\.", told).group(1)
    assert int(began) <= time_of(acknowledged) <= time.time()
    assert f"Since {since}. " in told

    pass_a_second()
    began = time.time()
    daemon.console("RESUME")
    row = wait_until(lambda: cells(browser, "itself: the condition has gone"), 20, "it is resolved", interval=0.1)
    assert row["From"] == since
    assert int(began) <= time_of(row["To"]) <= time.time()


def test_values_beyond_a_limit_are_counted_before_they_are_alerts(browser, daemon, own):
    """Of each database the ids; and of all sessions that are idle in a transaction their number."""
    databases, = own.query("SELECT count(*) FROM pg_database WHERE age(datfrozenxid) > 0")[0]
    assert databases >= 4
    browser.open(f"{place(daemon)}#/alerts")
    note = 'section[aria-labelledby="active"] header p.note'

    def is_told(count: int) -> bool:
        return browser.texts(note) == [f"{count} more values beyond a limit, not for long yet"]

    wait_until(lambda: is_told(databases), 60, f"{databases} values", interval=0.2)
    with psycopg.connect(own.socket_dsn()) as one, psycopg.connect(own.socket_dsn()) as other:
        for session in (one, other):
            session.execute("SELECT 1")  # and BEGIN
        wait_until(lambda: is_told(databases + 1), 60, "one more", interval=0.2)
    wait_until(lambda: is_told(databases), 60, "it is gone", interval=0.2)


def test_rules_are_those_of_the_configuration(browser, daemon):
    """Where it does not say for how long, that is a minute, and until it is resolved as long: docs/configuration.md."""
    browser.open(f"{place(daemon)}#/alerts")
    browser.see('section[aria-labelledby="rules"] tbody tr')
    assert set(browser.texts('section[aria-labelledby="rules"] tbody th')) == set(RULES)
    for name, (rule, limits, seconds, resolved) in RULES.items():
        row = cells_in(browser, 'section[aria-labelledby="rules"]', name)
        assert row["Watches"] == re.search(r"signal: ([\w.]+)", rule).group(1)
        told = (row["Limits"], value_in(row["For"]), value_in(row["Resolved after"]))
        assert told == (limits, seconds, resolved), name


# --- the page Settings ------------------------------------------------------------------------------------


def documented() -> dict[str, tuple[str, str]]:
    """Of each setting of the file: its default, and when a change comes about."""
    rows = [[cell.strip(" `") for cell in line.split("|")]
            for line in DOCUMENTED.read_text().partition("\n## databases\n")[0].splitlines() if line.startswith("| `")]
    # Those of an upstream have no column for PgBouncer's names.
    return {row[1]: (row[4] or "none", "on restart" if "Needs a restart." in row[2] else "on reload")
            for row in rows if len(row) == 7}


def test_settings_are_those_of_the_file_and_else_the_documented_ones(browser, daemon):
    browser.open(f"{place(daemon)}#/settings")
    browser.see("table", "pool.size")
    shown = {row[0]: row[1:] for row in browser.do("value", script="""[...document.querySelectorAll("tbody tr")]
        .map((row) => [...row.cells].map((each) => each.innerText.trim()))""")}
    given = {f"{name}.{key}": value for name, values in SECTIONS.items() for key, value in values.items()}
    given |= {"http.anonymous": "admin", "alerts.rule_sets": "not set", "threads": "2", "listen": "127.0.0.1:0",
              "http.listen": "127.0.0.1:0"}
    told = documented()
    assert len(told) > 60 and given.keys() < told.keys()
    for key, (default, changes) in told.items():
        value = f"{given[key]} set" if key in given else "not set" if default == "none" else default
        if key != "upstream":  # of the flag, with a secret
            assert shown[key] == [value, default, changes], key
    rules = {"slow-pool.for": "90s", "slow-pool.match": "database=shop*, user=app", "few-hits.critical": "12.5%"}
    for key, value in rules.items():
        assert shown[f"alerts.rules.{key}"] == [f"{value} set", "none", "on reload"]
