"""Shares that a server is judged by, against what it counts itself before and after known reads, and the sessions that
it has while nobody comes or goes (L17, L18, B22).

As in test_exact_values.py, each rule is broken by anything, so that its value can be read.
"""

import contextlib

import psycopg
import pytest

from forebay_testing import PostgresServer, wait_until

pytestmark = [pytest.mark.time_limit(120), pytest.mark.xdist_group("server_ratios")]

CONFIG = """
http: {anonymous: admin}
sampling: {interval: 1s}
alerts:
  rule_sets: []
  window: 1min
  rules:
    hits: {signal: server.hit_ratio, warning: 100%, for: 0, resolve_after: 0, match: [database=counted]}
    connections: {signal: server.connections, warning: 0%, for: 0, resolve_after: 0}
"""
BUFFERS = 128  #: pages of the server, in 1 MB
WIDE = 4000  #: pages of a table, of which next to nothing stays in them
SMALL = 20  #: of one that does: a scan of more than a quarter of the buffers reuses its own


@pytest.fixture(scope="module")
def own():
    """A server in which nothing happens by itself."""
    with PostgresServer({"autovacuum": "off", "shared_buffers": "1MB", "max_connections": 20,
                         "superuser_reserved_connections": 2}) as server:
        server.create_database("counted")
        server.psql("".join(
            f"CREATE TABLE {name} (filling text) WITH (fillfactor = 10);"
            f"INSERT INTO {name} SELECT repeat('x', 500) FROM generate_series(1, {pages});"
            for name, pages in (("wide", WIDE), ("small", SMALL))) + "VACUUM wide, small; CHECKPOINT;", "counted")
        yield server


def blocks_of(server) -> tuple[int, int]:
    """Found in the buffers and read, of a database that has no session that could still tell of more."""
    wait_until(lambda: server.query("SELECT FROM pg_stat_activity WHERE datname = 'counted'") == [], 20, "nobody there")
    return server.query("SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = 'counted'")[0]


def test_the_hit_ratio_is_the_share_of_blocks_that_the_server_found_in_its_buffers(start, own):
    """Of all in the window, which begins before the test reads anything: nobody else does in that database."""
    hit_before, read_before = blocks_of(own)
    watching = start(config=CONFIG, upstream=own)
    watching.await_active("connections")  # the server has told of itself
    assert watching.active("hits") is None

    def read(table: str, times: int) -> tuple[int, int]:
        """Returns what the server has counted since the beginning."""
        own.psql(f"DO $$ BEGIN FOR n IN 1..{times} LOOP PERFORM count(*) FROM {table}; END LOOP; END $$", "counted")
        hit, read = blocks_of(own)
        return hit - hit_before, read - read_before

    def await_told(hit: int, read: int) -> None:
        ratio = pytest.approx(hit / (hit + read), rel=1e-9)
        wait_until(lambda: watching.values().get("hits") == ratio, 30, f"{hit} of {hit + read} blocks", interval=0.1)

    hit, missed = read("wide", 5)
    assert missed >= 5 * (WIDE - BUFFERS) > 10 * hit, "it was read from outside each time"
    await_told(hit, missed)
    hit, missed_as_well = read("small", 1000)
    assert hit >= 1000 * SMALL - BUFFERS and missed_as_well - missed < 10 * BUFFERS
    await_told(hit, missed_as_well)
    assert watching.active("hits")["labels"] == {"server": f"{own.host}:{own.port}", "database": "counted"}


def test_connections_are_those_of_pg_stat_activity_by_max_connections(start, own):
    """Forebay's own among them, and the one that counts; who copies the log has a limit of its own."""
    watching = start(config=CONFIG, upstream=own)
    with contextlib.ExitStack() as opened:

        def connect(**options):
            return opened.enter_context(contextlib.closing(
                psycopg.connect(own.socket_dsn(**options), autocommit=True)))

        asking = connect()
        most = int(asking.execute("SHOW max_connections").fetchone()[0])
        connect(replication="database", application_name="ours")

        def counted() -> tuple[int, int]:
            """In all, and of those the test's."""
            return asking.execute("SELECT count(*), count(*) FILTER (WHERE application_name = 'ours')"
                                  " FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchone()

        def is_told(ours: int) -> bool:
            """While nothing changes."""
            before = counted()
            told = watching.values().get("connections")
            return before == counted() and before[1] == ours and told == pytest.approx(before[0] / most, rel=1e-9)

        sessions = []
        for ours in (0, 9, 3):
            for session in sessions[ours:]:
                session.close()
            sessions = sessions[:ours] + [connect(application_name="ours") for _ in range(ours - len(sessions))]
            wait_until(lambda: is_told(ours), 30, f"what the server counts, {ours} of the test's", 0.1)  # noqa: B023
        assert watching.active("connections")["labels"] == {"server": f"{own.host}:{own.port}"}
        assert asking.execute("SELECT FROM pg_stat_activity WHERE backend_type = 'walsender'").fetchall() == [()]
