"""Values of alerts within what the server's own views and clients' clocks say before and after (L17, L18, B18, P8).

As in test_values.py, each rule is broken by anything, so that its value can be read. Where hours have to go by, the
daemon's clock is set forward, as when a machine was suspended.
"""

import contextlib
import datetime
import math
import os
import pathlib
import re
import signal
import time

import psycopg
import pytest

from conftest import USER, Watching, broken, rules
from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing.boot_clock import BootClock

pytestmark = [pytest.mark.time_limit(120), pytest.mark.xdist_group("exact_values")]

HOUR = 3600
LONG = 4  #: seconds that times last before they are looked at: an error of a tenth is seen
LOOK = 0.4  #: seconds that a look at all figures may take, until its values are told
SAMPLE = 1  #: seconds between two questions to the server, which looks go by
XIDS = 2**31 - 1 - 3_000_000  #: of which the server takes no more writes
RULES = """
size: {signal: server.database_size, warning: 1MB, for: 0, resolve_after: 0, match: [database=growing]}
growth: {signal: server.database_growth, warning: 1B/h, for: 0, resolve_after: 0, match: [database=growing]}
ids: {signal: server.xids_used, warning: 0%, for: 0, resolve_after: 0, match: [database=postgres]}
spilled: {signal: server.temporary_bytes, warning: 1B, for: 0, resolve_after: 0}
slot: {signal: server.slot_retained, warning: 1B, for: 0, resolve_after: 0, match: [slot=forgotten]}
longest: {signal: server.longest_transaction, warning: 1s, for: 0, resolve_after: 0}
idlest: {signal: server.idle_in_transaction, warning: 1s, for: 0, resolve_after: 0}
wait: {signal: pool.longest_wait, warning: 1ms, for: 0, resolve_after: 0}
idle: {signal: transaction.idle, warning: 1ms, for: 0, resolve_after: 0}
ready: {signal: ready.ratio, warning: 100%, for: 0, resolve_after: 0}
"""
#: What is late is not down, but what is gone is at once.
FLAGS = ("--threads", "2", "--admin", "127.0.0.1:0", "--pool-size", "1", "--pool-overflow", "0",
         "--set", "timeouts.wait=2min", "--set", "sampling.interval=1s", "--set", "health.tries=1",
         "--set", "health.timeout=10s")


@pytest.fixture(scope="module")
def own():
    """A server of these tests' own, in which nothing happens by itself."""
    with PostgresServer({"autovacuum": "off"}) as server:
        server.create_role(USER)
        yield server


def boot() -> float:
    """By the clock that Forebay goes by, as it is."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Suspended(Watching):
    """A Watching that `clock` is for. What it found in its first moments is forgotten; began: since when it is not."""

    def __init__(self, daemon, clock) -> None:
        super().__init__(daemon)
        self.clock = clock
        self.await_active("ids")  # of the server everything has been told
        clock.advance(25 * HOUR)
        self.began = boot()


@pytest.fixture(scope="module")
def watching(own):
    clock = BootClock()
    with contextlib.ExitStack() as running:
        with clock.is_in_use():
            daemon = running.enter_context(ForebayDaemon(own, FLAGS, rules(RULES)))
        yield Suspended(daemon, clock)


def await_next(watching, rule: str, truth):
    """The next value that comes, and what `truth` says before it and after."""
    before = [truth()]
    former = watching.values().get(rule)

    def has_come():
        before.append(truth())
        value = watching.values().get(rule)
        return value != former and value

    value = wait_until(has_come, 12, f"the next value of {rule}", interval=0.02)
    return value, before[-2], truth()


def is_told(watching, rule: str, truth, late: float = LOOK) -> bool:
    """Whether the next value is the time that `truth` says, which is the least and the most that it can be: never more,
    and not less than when it came, but for what it may be late."""
    value, (least, _), (_, most) = await_next(watching, rule, truth)
    assert value <= most + 0.001
    return value >= least - late


def await_told(watching, rule: str, truth, late: float = LOOK) -> None:
    wait_until(lambda: truth()[0] > LONG, 2 * LONG, f"{rule} is long", interval=0.02)
    wait_until(lambda: is_told(watching, rule, truth, late), 60, f"{rule} is what the truth is")


# --- what the server says of itself -----------------------------------------------------------------------


def number_of(server, question: str) -> float:
    return float(server.query(question)[0][0])


def test_size_and_growth_of_a_database_are_what_it_has_grown_by_in_the_time_that_went_by(watching, own):
    size = "SELECT pg_database_size('growing')"
    own.create_database("filled")
    own.execute("CREATE TABLE filling AS SELECT repeat('x', 100) FROM generate_series(1, 30000)", dbname="filled")
    began = watching.clock.now()
    own.execute("ALTER DATABASE filled RENAME TO growing")  # it is never seen with less

    def await_size() -> float:
        """As it is told when it is looked at again."""
        now = number_of(own, size)
        wait_until(lambda: watching.values().get("size") == now, 60, f"{now} bytes", interval=0.1)
        return now

    watching.clock.advance(61)
    first = await_size()
    seen = watching.clock.now()
    assert watching.active("growth") is None
    own.execute("INSERT INTO filling SELECT repeat('y', 100) FROM generate_series(1, 150000)", dbname="growing")
    again = watching.clock.now() + 6 * HOUR
    watching.clock.advance(6 * HOUR)
    grown = await_size() - first
    growth = wait_until(lambda: watching.values().get("growth"), 8, "growth", interval=0.1)
    assert grown > 15e6
    assert grown / (watching.clock.now() - began) <= growth / HOUR <= grown / (again - seen)
    own.execute("TRUNCATE filling", dbname="growing")
    watching.clock.advance(HOUR)
    assert await_size() < first
    watching.await_resolved("growth")


def test_temporary_files_have_as_many_bytes_as_the_server_counts_in_that_time(watching, own):
    written = "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'postgres'"
    before = number_of(own, written)
    own.execute("SET work_mem = '64kB'; "
                "SELECT count(*) FROM (SELECT n FROM generate_series(1, 300000) AS n ORDER BY -n) AS sorted")
    wait_until(lambda: number_of(own, written) > before + 1e6, 20, "they are counted")
    spilled = number_of(own, written) - before
    wait_until(lambda: watching.values().get("spilled") == spilled, 8, f"{spilled} bytes", interval=0.05)
    watching.clock.advance(11)
    watching.await_resolved("spilled")


def test_ids_that_are_used_are_as_many_as_the_oldest_is_old(watching, own):
    age = "SELECT age(datfrozenxid) FROM pg_database WHERE datname = 'postgres'"

    def told() -> int:
        used = watching.values()["ids"] * XIDS
        assert used == pytest.approx(round(used), rel=1e-9)
        return round(used)

    assert told() <= number_of(own, age)
    own.psql("CREATE TABLE burnt (id int); DO $$ BEGIN FOR n IN 1..20000 LOOP BEGIN INSERT INTO burnt VALUES (n);"
             " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$")
    least = number_of(own, age)
    assert least > 20_000
    wait_until(lambda: told() >= least, 8, f"at least {least}", interval=0.1)
    assert told() <= number_of(own, age)


def test_a_slot_keeps_what_lies_between_it_and_the_end_of_the_log(watching, own):
    kept = "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = 'forgotten'"
    own.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    for _ in range(3):
        own.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 700000)) FROM generate_series(1, 3)")
        own.execute("CREATE TABLE committed (); DROP TABLE committed")  # which is what has the log written
        least = number_of(own, kept)
        wait_until(lambda: watching.values().get("slot", 0) >= least, 8, f"{least} bytes", interval=0.05)  # noqa: B023
        assert watching.values()["slot"] <= number_of(own, kept)
    assert least > 6e6
    own.execute("SELECT pg_drop_replication_slot('forgotten')")
    watching.await_resolved("slot")


def test_transactions_of_the_server_last_and_are_idle_as_long_as_it_says(watching, own):
    """One that has failed is idle, and the server tells no longer when it began."""
    times = ("SELECT extract(epoch FROM clock_timestamp() - min(xact_start))::float8,"
             " extract(epoch FROM clock_timestamp() - min(state_change) FILTER (WHERE state <> 'active'))::float8"
             " FROM pg_stat_activity WHERE application_name IN ('open', 'failed')")
    with (psycopg.connect(own.socket_dsn(), autocommit=True) as asking,
          psycopg.connect(own.socket_dsn(application_name="open")) as left_open,
          psycopg.connect(own.socket_dsn(application_name="failed")) as failed):

        def truth(number: int) -> tuple[float, float]:
            now = asking.execute(times).fetchone()[number]
            return now, now

        def longest() -> tuple[float, float]:
            return truth(0)

        def idlest() -> tuple[float, float]:
            return truth(1)

        left_open.execute("SELECT 1")  # and BEGIN
        wait_until(lambda: longest()[0] > 1, 10, "it goes on", interval=0.1)
        with pytest.raises(psycopg.errors.DivisionByZero):
            failed.execute("SELECT 1/0")
        left_open.execute("SELECT 2")
        await_told(watching, "idlest", idlest, SAMPLE + LOOK)
        await_told(watching, "longest", longest, SAMPLE + LOOK)
        assert longest()[0] - idlest()[0] > 0.9
        failed.rollback()
        left_open.execute("SELECT 3")
        await_told(watching, "idlest", idlest, SAMPLE + LOOK)
        await_told(watching, "longest", longest, SAMPLE + LOOK)
        assert longest()[0] - idlest()[0] > 1 + LONG
    watching.await_resolved("longest")


# --- clients ----------------------------------------------------------------------------------------------


def since(begins: tuple[float, float]):
    """As await_next() has it, of what began between these moments."""
    return lambda: (time.monotonic() - begins[1], time.monotonic() - begins[0])


def timed(do, *arguments) -> tuple[float, float]:
    began = time.monotonic()
    do(*arguments)
    return began, time.monotonic()


def send(client, text: str) -> None:
    client.pgconn.send_query(text.encode())
    client.pgconn.flush()


def test_clients_wait_and_are_idle_in_transactions_as_long_as_they_measure(watching):
    """The first in the queue, and whoever has the backend; afterwards the next one, and who was the first."""
    with contextlib.ExitStack() as opened:
        holder, first, second = (opened.enter_context(contextlib.closing(
            psycopg.connect(watching.daemon.dsn(), autocommit=True))) for _ in range(3))
        holder.execute("BEGIN; SELECT 1")
        wait = timed(send, first, "BEGIN; SELECT 1")
        wait_until(lambda: since(wait)()[0] > 1, 5, "a wait of a second")
        idle = timed(holder.execute, "SELECT 2")
        await_told(watching, "wait", since(wait))
        next_wait = timed(send, second, "SELECT 1")
        await_told(watching, "idle", since(idle))

        began = time.monotonic()
        holder.execute("COMMIT")
        assert [each.status for each in iter(first.pgconn.get_result, None)][-1] == psycopg.pq.ExecStatus.TUPLES_OK
        idle = began, time.monotonic()
        await_told(watching, "wait", since(next_wait))
        await_told(watching, "idle", since(idle))
    for rule in ("wait", "idle"):
        watching.await_resolved(rule)


def test_the_age_of_a_lease_is_the_time_since_the_server_last_said_what_has_changed(own):
    """Its process that does so is stopped before something is written, so that no question for a lease that comes later
    is of any use. None comes before the former one has been of use."""
    own.execute(f"CREATE TABLE goods (id int); GRANT SELECT ON goods TO {USER}")
    own.reload({"log_min_duration_statement": 0})
    flags = "--threads", "2", "--admin", "127.0.0.1:0", "--cache", "on"
    with (ForebayDaemon(own, flags, rules(broken("cache.lease_age=500ms"))) as daemon,
          psycopg.connect(daemon.dsn(USER), autocommit=True, prepare_threshold=None) as client):
        watching = Watching(daemon)

        def ask() -> bool:
            client.execute("SELECT count(*) FROM goods")
            return True

        def leases() -> list[float]:
            """When the server had answered questions for one."""
            return [time_of(line) for line in own.log().splitlines()
                    if "execute" in line and "pg_snapshot_xmin" in line]

        teller = "SELECT pid FROM pg_stat_replication"
        wait_until(lambda: ask() and own.query(teller) and len(leases()) > 9, 30, "leases", interval=0.05)
        (pid,), = own.query(teller)
        with stopped(pid):
            own.execute("SELECT pg_logical_emit_message(true, 'test', 'which it does not tell any more')")
            latest = time.time()
            wait_until(lambda: ask() and time.time() > latest + 1, 5, "all questions have been logged", interval=0.02)
            earliest = leases()[-3]
            assert earliest < latest

            def truth() -> tuple[float, float]:
                ask()
                return time.time() - latest, time.time() - earliest

            await_told(watching, "cache-lease_age", truth)
        wait_until(lambda: ask() and watching.active("cache-lease_age") is None, 20, "its end", interval=0.05)
    own.reload({"log_min_duration_statement": -1})


@contextlib.contextmanager
def stopped(pid: int):
    state = pathlib.Path(f"/proc/{pid}/stat")
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", 5, "it is stopped")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def time_of(line: str) -> float:
    logged = re.match(r"(\S+ \S+) UTC ", line).group(1)
    return datetime.datetime.fromisoformat(logged + "+00:00").timestamp()


# --- readiness --------------------------------------------------------------------------------------------


def looks(begin: float, end: float) -> int:
    """In that time: one half a second behind each whole one of the clock."""
    return max(0, math.floor(end - 0.5) - math.floor(begin - 0.5))


def test_clients_could_be_served_in_all_looks_but_those_at_a_server_that_was_stopped(watching, own):
    """Of the last day. A look is late at times, or left out, and the server is asked anew within a second."""
    stopping = boot()
    own.stop()
    gone = boot()
    wait_until(lambda: boot() > gone + 8, 20, "looks at what is not there", interval=0.1)
    starting = boot()
    own.start()
    back = boot()
    least = looks(gone + LOOK, starting) - 2
    most = looks(stopping - LOOK, back + 1 + LOOK) + 1
    assert 5 <= least < most

    def check() -> None:
        """One in twenty may have been left out, where the machine had no time for it."""
        fewest = looks(watching.began, boot()) * 0.95 - 2
        told, _, now = await_next(watching, "ready", boot)
        assert 1 - most / fewest <= told <= 1 - least / (looks(watching.began, now) + 1)

    wait_until(lambda: boot() > back + 3, 10, "looks at what is there again", interval=0.1)
    watching.clock.advance(HOUR)  # before that nothing is said
    check()
    watching.clock.advance(12 * HOUR)
    check()
    watching.clock.advance(12 * HOUR)
    watching.await_resolved("ready")
