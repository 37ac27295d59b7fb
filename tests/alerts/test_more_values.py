"""Values of alerts about the cache, replicas and processors against outside truths (L18, B18, C11, P8).

As in test_values.py, each rule is broken by anything, so that its value can be read.
"""

import contextlib
import pathlib
import subprocess
import threading
import time

import psycopg
import pytest

from conftest import RESOLUTION, USER, broken, rules
from forebay_testing import ReplicaServer, postgres_binary, wait_until


# --- the cache --------------------------------------------------------------------------------------------


def hits(watching) -> float:
    return sum(value for name, value in watching.metrics().items()
               if name.startswith("forebay_cache_hits_total{"))


@pytest.fixture
def cached(start, server, database):
    """cached(ask=…): a Watching and a client, once ask(client) has been answered from memory."""
    server.psql("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS id;"
                f" ALTER TABLE kept OWNER TO {USER}", dbname=database)
    with contextlib.ExitStack() as opened:

        def run(*flags, ask, **options):
            watching = start("--cache", "on", *flags, **options)
            dsn = watching.daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
            client = opened.enter_context(psycopg.connect(dsn, autocommit=True, prepare_threshold=None))
            wait_until(lambda: ask(client) or hits(watching) > 0, 20, "an answer from memory", interval=0.02)
            return watching, client

        yield run


def test_answers_from_memory_took_no_longer_than_the_client_waited(cached, connect):
    """Up to the next answer, which is sent after all of this one was: that much a client can measure."""
    asked, answered = [], []

    def ask(client, text: str = "SELECT id FROM kept") -> None:
        asked.append(time.monotonic())
        client.execute(text)
        answered.append(time.monotonic())

    watching, client = cached(ask=ask, config=rules(broken("cache.hit_p99=0", "pool.use=1%")))
    count, former, before = 3000, len(asked), int(hits(watching))
    assert before < 20
    for _ in range(count):
        ask(client)
    ask(client, "SELECT clock_timestamp()")  # never from memory
    from_memory = int(hits(watching)) - before
    assert from_memory > 0.9 * count
    waits = sorted(end - begin for begin, end in zip(asked[former:], answered[former + 1:]))
    # A hundredth of all hits took as long as is told or longer; those of before may be among them.
    most = waits[before - 1 - from_memory // 100]
    wait_until(lambda: "pool-use" not in watching.values(), 8, "nobody has a backend")
    holder = connect(watching, autocommit=False)
    holder.execute("SELECT 1")
    told = wait_until(lambda: "pool-use" in (now := watching.values()) and now, 8, "later figures")
    assert 0 < told["cache-hit_p99"] <= most * (1 + RESOLUTION)


def test_what_memory_answered_is_among_the_queries_of_which_some_failed(cached):
    sent = []

    def ask(client) -> None:
        sent.append(client)
        client.execute("SELECT id FROM kept")

    watching, client = cached(ask=ask, config=rules(broken("query.error_ratio=0.1%")))
    before = len(sent)
    for _ in range(400):
        ask(client)
    for _ in range(20):
        with pytest.raises(psycopg.Error):
            client.execute("SELECT 1 / 0")
    least, most = 20 / (len(sent) + 20), 20 / (len(sent) - before + 20)
    wait_until(lambda: least <= watching.values().get("query-error_ratio", 0) <= most, 8, "20 of about 420")


def test_the_cache_is_in_use_as_far_as_what_clients_read_takes(cached):
    """Keys and what is known of each result come to less than a twentieth of results as large as these."""
    size, capacity = 65_000, 32 << 20

    def ask(client, count: int = 1) -> None:
        for number in range(count):
            rows = client.execute(f"SELECT repeat('x', {size}) FROM kept WHERE id <> -{number}").fetchall()
            assert len(rows[0][0]) == size

    watching, client = cached("--cache-size", "32MiB", ask=ask, config=rules(broken("cache.use=0.5%")))

    def told() -> float:
        return watching.values().get("cache-use", 0)

    for count in (40, 120):
        truth = count * size / capacity
        wait_until(lambda: ask(client, count) or told() >= truth, 20, f"{count} are kept")  # noqa: B023
        ask(client, count)
        assert truth <= told() <= truth * 1.05
    seen = []
    wait_until(lambda: ask(client, 1000) or seen.append(told()) or seen[-1] > 0.85, 20, "it is full")
    assert max(seen) <= 1, "of twice as much"
    watching.daemon.console("CACHE CLEAR")
    watching.await_resolved("cache-use")


@pytest.fixture
def asking(server):
    """The address of a server whose user may not decode changes yet."""
    server.create_role("asking")
    yield f"postgres://asking:{server.passwords['asking']}@{server.host}:{server.port}"
    server.execute("DROP ROLE asking")


@pytest.mark.time_limit(90)
def test_a_cache_is_in_trouble_while_no_slot_tells_it_of_changes(asking, start, server, database):
    watching = start("--cache", "on", "--auth", "trust", upstream=asking, config=rules(
        "cache-troubled: {signal: cache.troubled, warning: true, for: 0, resolve_after: 0}"))
    slots = "SELECT active_pid FROM pg_replication_slots WHERE database = %s AND active"
    with psycopg.connect(watching.daemon.dsn("asking", database), autocommit=True) as client:

        def is_troubled(wanted: bool) -> bool:
            client.execute("SELECT 1")  # without use nothing is looked at
            alert, has_slot = watching.active("cache-troubled"), bool(server.query(slots, (database,)))
            return (alert is not None) == wanted and has_slot != wanted and (not alert or alert["value"] == 1)

        wait_until(lambda: is_troubled(True), 20, "trouble", interval=0.1)
        assert watching.active("cache-troubled")["labels"]["database"] == database
        server.execute("ALTER ROLE asking REPLICATION")
        wait_until(lambda: is_troubled(False), 20, "no trouble", interval=0.1)
        server.execute("ALTER ROLE asking NOREPLICATION")
        server.query(f"SELECT pg_terminate_backend(active_pid) FROM ({slots}) AS ours", (database,))
        wait_until(lambda: is_troubled(True), 20, "trouble again", interval=0.1)


# --- replicas and processors ------------------------------------------------------------------------------


@contextlib.contextmanager
def writing(server):
    """A small transaction every twentieth of a second."""
    has_ended = threading.Event()

    def write() -> None:
        with psycopg.connect(server.socket_dsn(), autocommit=True) as session:
            while not has_ended.wait(0.05):
                session.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join(20)


@pytest.mark.time_limit(120)
def test_a_replicas_lag_is_the_age_of_the_last_commit_that_it_shows(start, server):
    """As long as somebody commits all the time: held back by three seconds, then not replayed at all."""
    with (writing(server), ReplicaServer(server, config={"recovery_min_apply_delay": "3s"}) as replica,
          psycopg.connect(replica.socket_dsn(), autocommit=True) as asking):
        place = f"{replica.host}:{replica.port}"
        watching = start("--replica", place, config=rules(broken("replica.lag=1s")))

        def age(at: float) -> float:
            shown = "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())::float8"
            return at - asking.execute(shown).fetchone()[0]

        def told_age() -> float | None:
            """What has come this moment, if it is the truth."""
            before = watching.values().get("replica-lag")
            told = wait_until(lambda: (now := watching.values().get("replica-lag")) != before and now, 10,
                              "the next value", interval=0.02)
            return told if told == pytest.approx(age(time.time()), abs=0.4) else None

        assert wait_until(told_age, 20, "an age of three seconds") > 2.6
        replica.execute("SELECT pg_wal_replay_pause()")
        wait_until(lambda: age(time.time()) > 6, 10, "it grows", interval=0.1)
        assert wait_until(told_age, 10, "an age of more than six seconds") > 5.6
        replica.reload({"recovery_min_apply_delay": "0"})
        replica.execute("SELECT pg_wal_replay_resume()")
        watching.await_resolved("replica-lag")
        wait_until(lambda: age(time.time()) < 1, 10, "it shows what is new")


def test_the_share_of_processors_is_what_proc_says_of_the_same_time(start, server, database):
    """Of two processors for Forebay's two threads, and of all of the machine, under a steady load."""
    watching = start("--pool-size", "4", config=rules(broken("process.cpu=0.01%", "machine.cpu=0.1%")))
    daemon = watching.daemon
    script = daemon.directory / "script.sql"
    script.write_text("SELECT 1;\n")
    dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
    command = [postgres_binary("pgbench"), "--no-vacuum", f"--file={script}", "--client=4", "--rate=2000",
               "--time=60", dsn]
    seen = []  # when, Forebay's seconds, busy and all seconds of all processors

    def look() -> tuple[float, ...]:
        ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        idle = ticks[3] + ticks[4]  # waiting for a disk is among that
        seen.append((time.monotonic(), daemon.cpu_seconds(), sum(ticks) - idle, sum(ticks)))
        return seen[-1]

    def is_so() -> bool:
        """The window is as long as is said, or up to a second longer."""
        now = look()
        then = max((each for each in seen if each[0] <= now[0] - 10.5), default=None)
        if then is None:
            return False
        seconds, used, busy, ticks = (after - before for before, after in zip(then, now))
        told = watching.values()
        assert used > 0.2, "there is a load"
        return (told.get("process-cpu") == pytest.approx(used / seconds / 2, rel=0.1)
                and told.get("machine-cpu") == pytest.approx(busy / ticks, abs=0.05))

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            wait_until(is_so, 28, "what /proc says", interval=0.2)
            assert running.poll() is None
        finally:
            running.kill()
