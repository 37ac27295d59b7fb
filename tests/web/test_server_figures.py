"""What the pages tell of servers against those servers' own views, what clients measure, and the clock (C7, B17).

Growth takes ten minutes at least: there the daemon's clock is set forward, as when a machine was suspended.
"""

import concurrent.futures
import contextlib
import pathlib
import re
import signal
import threading
import time

import psycopg
import pytest

from conftest import USER, place
from forebay_testing import PostgresServer, ReplicaServer, wait_until
from forebay_testing.boot_clock import BootClock
from truths import COUNTED, SHOWN, cells, figure, value_in

pytestmark = pytest.mark.time_limit(120)

QUICK = "sampling: {interval: 1s}\n"
HOUR = 3600
DAY = 24 * HOUR
HERE = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END"


@pytest.fixture
def own():
    """A server of the test's own, in which next to nothing happens by itself."""
    with PostgresServer({"autovacuum": "off"}) as server:
        yield server


def pair(browser, server, name: str) -> str:
    """What stands beside this name in the server's box of the drawing."""
    return browser.text(f'.topology li:has-text(":{server.port}") dt:text-is("{name}") + dd')


# --- pools and servers ------------------------------------------------------------------------------------


def ports_of(pid: int, server_port: int) -> set[int]:
    """The process' own ends of its connections to the server, as the kernel has them (proc(5))."""
    links = (entry.readlink() for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir())
    sockets = {link.name for link in links if link.name.startswith("socket:")}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows
            if f"socket:[{row[9]}]" in sockets and int(row[2].split(":")[1], 16) == server_port}


def test_backends_being_opened_are_the_connections_that_the_server_has_not_answered(browser, start, counting):
    """The postmaster is stopped, so no session begins; seven ask for one, and four may have it."""
    daemon = start("--pool-size", "5", "--pool-overflow", "0", "--set", "timeouts.connect=2min",
                   "--set", "timeouts.wait=2min", "--set", "sampling.enabled=false", upstream=counting)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(daemon.dsn(USER, COUNTED), prepare_threshold=None))
                   for _ in range(8)]
        asking = stack.enter_context(psycopg.connect(counting.socket_dsn(), autocommit=True))
        threads = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(clients)))
        clients[0].execute("SELECT 1")  # and BEGIN: it keeps its backend
        browser.open(f"{place(daemon)}#/pools")

        def shown() -> list[str]:
            row = cells(browser, f"{USER}@{COUNTED}")
            return [row.get(name) for name in ("Opening", "Waiting", "Idle", "Backends in use")]

        def unanswered() -> int:
            sessions = asking.execute("SELECT client_port FROM pg_stat_activity WHERE client_port > 0").fetchall()
            return len(ports_of(daemon.pid, counting.port) - {port for port, in sessions})

        asking.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE usename = %s AND state = 'idle' AND client_port > 0", (USER,))
        wait_until(lambda: shown() == ["0", "0", "0", "1 of 5"], 20, "no backend but that one", interval=0.2)
        wait_until(lambda: unanswered() == 0, 20, "nobody waits for the server")
        counting.signal(signal.SIGSTOP)
        waiting = [threads.submit(each.execute, "SELECT 1") for each in clients[1:]]
        try:
            wait_until(lambda: unanswered() == 4, 20, "four connections without an answer")
            wait_until(lambda: shown()[:2] == ["4", "7"], 20, "they are shown", interval=0.2)
            assert unanswered() == 4 and not any(each.done() for each in waiting)
        finally:
            counting.signal(signal.SIGCONT)
            clients[0].commit()
            for client, answer in zip(clients[1:], waiting, strict=True):
                answer.add_done_callback(lambda _, client=client: client.commit())
            concurrent.futures.wait(waiting, 30)
        assert all(each.result() for each in waiting)
        wait_until(lambda: shown()[:2] == ["0", "0"] and unanswered() == 0, 20, "all are there", interval=0.2)


def test_the_position_is_how_far_the_server_has_written_or_replayed(browser, start, own):
    with (ReplicaServer(own) as replica, psycopg.connect(own.socket_dsn(), autocommit=True) as writing,
          psycopg.connect(replica.socket_dsn(), autocommit=True) as reading):
        daemon = start("--replica", f"{replica.host}:{replica.port}", upstream=own)
        browser.open(f"{place(daemon)}#/pools")
        browser.see(".topology .replica", "up")

        def truth(session) -> tuple[int, int]:
            """In bytes; and the timeline."""
            row = session.execute(f"SELECT ({HERE}) - '0/0', timeline_id FROM pg_control_checkpoint()").fetchone()
            return int(row[0]), row[1]

        def shown(server) -> tuple[int, int]:
            found = re.fullmatch(r"([0-9A-F]+)/([0-9A-F]+), timeline (\d+)", pair(browser, server, "Position"))
            high, low = (int(found.group(number), 16) for number in (1, 2))
            return (high << 32) + low, int(found.group(3))

        def is_told(server, session) -> bool:
            """As it was after what was written last, and not further than it is."""
            before = truth(session)
            wait_until(lambda: shown(server) >= before, 20, f"at least {before}", interval=0.1)
            told, after = shown(server), truth(session)
            return before <= told <= after and told[1] == after[1]

        def write() -> None:
            writing.execute("SELECT pg_logical_emit_message(true, 'test', repeat('x', 100000))"
                            " FROM generate_series(1, 9)")

        for _ in range(3):
            write()
            assert is_told(own, writing)
            replica.catch_up()
            assert is_told(replica, reading)
        replica.execute("SELECT pg_wal_replay_pause()")
        wait_until(lambda: reading.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() == ("paused",), 20,
                   "it stands still")
        stopped = truth(reading)
        write()
        assert is_told(own, writing)
        assert shown(own)[0] - stopped[0] > 900_000
        wait_until(lambda: shown(replica) == stopped, 20, "where it stands", interval=0.1)
        replica.execute("SELECT pg_wal_replay_resume()")
        replica.catch_up()
        assert is_told(replica, reading) and shown(replica) > stopped


def test_the_weight_is_the_one_that_a_replica_was_given_and_the_sum_that_of_all_replicas(browser, start, own):
    """The primary is none of them, and has no weight."""
    with ReplicaServer(own) as light, ReplicaServer(own) as heavy:
        daemon = start("--replica", f"{light.host}:{light.port}", "--replica", f"{heavy.host}:{heavy.port} weight=6",
                       upstream=own)
        browser.open(f"{place(daemon)}#/pools")
        for server, weight in ((light, "1"), (heavy, "6")):
            browser.see(f'.topology .replica:has-text(":{server.port}")')
            wait_until(lambda: pair(browser, server, "Weight") == weight, 20, weight, interval=0.1)  # noqa: B023
        assert "Weight" not in browser.text(f'.topology li:has-text(":{own.port}")')


# --- the page Database ------------------------------------------------------------------------------------


def test_checkpoints_before_their_time_are_those_that_somebody_asked_for(browser, start):
    """Of all that pg_stat_bgwriter has counted, among them one that was due."""
    with PostgresServer({"checkpoint_timeout": "30s"}) as own:
        browser.open(f"{place(start(upstream=own, config=QUICK))}#/database")
        browser.see('[data-figure="checkpoints"]')

        def truth() -> tuple[int, int]:
            return own.query("SELECT checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter")[0]

        def shown() -> tuple[int, int]:
            note = re.fullmatch(r"(\d+) before their time", figure(browser, "Checkpoints", "small"))
            requested = int(note.group(1))
            return int(figure(browser, "Checkpoints")) - requested, requested

        timed, requested = truth()
        wait_until(lambda: truth()[0] > timed, 50, "one that is due", interval=0.2)
        for number in range(1, 4):
            own.execute("CHECKPOINT")
            wait_until(lambda: truth()[1] == requested + number, 20, "it is counted")  # noqa: B023
        due = truth()[0]
        assert due >= 1
        wait_until(lambda: shown()[1] == requested + 3 and due <= shown()[0] <= truth()[0], 60, "it is shown",
                   interval=0.2)


def test_a_standby_is_as_far_behind_as_both_servers_say(browser, start, own):
    with (ReplicaServer(own, config={"wal_receiver_status_interval": "1s"}) as replica,
          psycopg.connect(own.socket_dsn(), autocommit=True) as writing,
          psycopg.connect(replica.socket_dsn(), autocommit=True) as reading):
        browser.open(f"{place(start(upstream=own, config=QUICK))}#/database")
        row = 'section[aria-labelledby^="replication-"] tr:has-text("replica")'
        browser.see(row, "streaming, async")

        def behind() -> float:
            return value_in(cells(browser, "streaming, async")["Behind"])

        def truth() -> int:
            replayed = reading.execute("SELECT pg_last_wal_replay_lsn()").fetchone()[0]
            return int(writing.execute("SELECT pg_current_wal_lsn() - %s::pg_lsn", (replayed,)).fetchone()[0])

        wait_until(lambda: behind() == truth() == 0, 60, "it is not behind", interval=0.2)
        replica.execute("SELECT pg_wal_replay_pause()")
        for _ in range(3):
            writing.execute("SELECT pg_logical_emit_message(true, 'test', repeat('x', 500000))"
                            " FROM generate_series(1, 5)")
            least = truth()
            assert least > 2_500_000
            wait_until(lambda: behind() >= least * (1 - SHOWN), 60, f"{least} bytes", interval=0.1)  # noqa: B023
            assert behind() <= truth() * (1 + SHOWN)
        replica.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: behind() == truth() == 0, 60, "it has caught up", interval=0.2)


@contextlib.contextmanager
def measuring(writing, reading):
    """Writes every tenth of a second. Yields when a standby was seen to show another write, and the least and the most
    that this can have taken it; which grows."""
    has_ended = threading.Event()
    written, waits = {}, []

    def write() -> None:
        while not has_ended.wait(0.1):
            began, number = time.monotonic(), len(written) + 1
            writing.execute("INSERT INTO written VALUES (%s)", (number,))
            written[number] = (began, time.monotonic())

    def read() -> None:
        last, not_yet = 0, time.monotonic()
        while not has_ended.wait(0.02):
            asked = time.monotonic()
            number, = reading.execute("SELECT coalesce(max(number), 0) FROM written").fetchone()
            if number > last and number in written:
                began, ended = written[number]
                waits.append((time.monotonic(), not_yet - ended, time.monotonic() - began))
                last = number
            not_yet = asked

    with concurrent.futures.ThreadPoolExecutor() as threads:
        running = [threads.submit(each) for each in (write, read)]
        try:
            yield waits
        finally:
            has_ended.set()
            for each in running:
                each.result(20)


@pytest.mark.parametrize("delay", [1, 4])
def test_a_standby_is_behind_for_as_long_as_it_takes_to_show_what_is_written(browser, start, own, delay):
    """As a client measures it, and not for less than the standby was told to wait."""
    own.execute("CREATE TABLE written (number int)")
    with (ReplicaServer(own, config={"recovery_min_apply_delay": f"{delay}s"}) as replica,
          psycopg.connect(own.socket_dsn(), autocommit=True) as writing,
          psycopg.connect(replica.socket_dsn(), autocommit=True) as reading):
        wait_until(lambda: reading.execute("SELECT to_regclass('written')").fetchone()[0], 20, "it has the table")
        browser.open(f"{place(start(upstream=own, config=QUICK))}#/database")
        browser.see('section[aria-labelledby^="replication-"] tr:has-text("replica")', "streaming, async")

        def is_told(waits: list[tuple]) -> bool:
            """The page is a few seconds late."""
            recent = [wait for at, *wait in list(waits) if at > time.monotonic() - 5]
            told = value_in(cells(browser, "streaming, async")["For"])
            return (len(recent) > 5 and told > delay * 0.9
                    and min(least for least, _ in recent) * 0.95 <= told <= max(most for _, most in recent) * 1.05)

        with measuring(writing, reading) as waits:
            wait_until(lambda: is_told(waits), 40, "what was measured", interval=0.3)


def test_growth_is_what_sizes_have_grown_by_in_the_time_that_went_by(browser, start, own):
    """From the size of up to a day ago on: after another 20 hours no more from the first one."""
    clock = BootClock()
    own.create_database("growing")
    own.execute("CREATE TABLE filled AS SELECT n, repeat('x', 100) AS filling FROM generate_series(1, 30000) n",
                dbname="growing")

    def sizes() -> list[int]:
        return list(own.query("SELECT pg_total_relation_size('filled'), pg_database_size('growing')",
                              dbname="growing")[0])

    def growths() -> list[str]:
        """Of the table and of its database."""
        return [told(name)["Growth"] for name in ("filled", "growing")]

    def told(name: str) -> dict[str, str]:
        section = {"filled": "tables-growing", "growing": "databases-"}[name]
        return cells_in(browser, f'section[aria-labelledby^="{section}"]', name)

    def are_shown(wanted: list[int]) -> bool:
        return [value_in(told(name).get("Size", "")) for name in ("filled", "growing")] == pytest.approx(
            wanted, rel=SHOWN)

    def check(before: list[int], hours: int, word: str) -> list[int]:
        """The hours go by; returns the sizes."""
        now = sizes()
        clock.advance(hours * HOUR)
        wait_until(lambda: are_shown(now), 60, f"sizes of {now}", interval=0.5)
        for old, new, text in zip(before, now, growths(), strict=True):
            per_day = abs(new - old) / (hours * HOUR / DAY)
            assert text.endswith(f" a day {word}"), text
            assert value_in(text) == pytest.approx(per_day, rel=SHOWN + 0.01), "of up to four minutes more"
        return now

    first = sizes()
    with clock.is_in_use():
        daemon = start(upstream=own.url(dbname="growing"), config=QUICK)
    browser.open(f"{place(daemon)}#/database")
    wait_until(lambda: are_shown(sizes()), 60, "sizes", interval=0.5)
    assert first == sizes() and growths() == ["–", "not seen long enough"]
    own.execute("INSERT INTO filled SELECT n, repeat('y', 100) FROM generate_series(1, 150000) n", dbname="growing")
    second = check(first, 6, "more")
    own.execute("TRUNCATE filled", dbname="growing")
    check(second, 20, "less")


def cells_in(browser, section: str, row: str) -> dict[str, str]:
    """As cells(), of the table in that section."""
    shown = browser.do("value", script=f"""(() => {{
        const rows = [...document.querySelectorAll({section + " tbody tr"!r})];
        const row = rows.find((each) => each.cells[0].innerText.trim() === {row!r});
        const texts = (of) => [...of.cells].map((each) => each.innerText.replace(/[↓↑]/g, "").trim());
        return row ? [texts(row.closest("table").tHead.rows[0]), texts(row)] : [[], []];
    }})()""")
    return dict(zip(*shown))
