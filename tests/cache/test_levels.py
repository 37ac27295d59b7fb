"""The levels at which results are known to be fresh: which one comes about, and what each promises."""

import contextlib
import os
import signal
import threading
import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.boot_clock import BootClock

from conftest import BOUND, FLAGS, LIFETIMES, Cached, await_lease, within_bound

ONE = "SELECT name FROM items WHERE id = 1"
TWO = "SELECT name FROM items WHERE id = 2"
ALL = "SELECT count(*), max(name) FROM items"

WRITES = {
    "UPDATE of a row": ["UPDATE items SET name = 'zz' WHERE id = 1"],
    "UPDATE of all": ["UPDATE items SET name = 'zz'"],
    "transaction": ["BEGIN", "UPDATE items SET name = 'zz' WHERE id = 1", "COMMIT"],
    "one text": ["BEGIN; UPDATE items SET name = 'zz' WHERE id = 1; COMMIT"],
    "function": ["SELECT rename_item(1, 'zz')"],
    "trigger": ["INSERT INTO orders VALUES (1)"],
    "DO": ["DO $$ BEGIN UPDATE items SET name = 'zz' WHERE id = 1; END $$"],
    "TRUNCATE and INSERT": ["BEGIN; TRUNCATE items; INSERT INTO items VALUES (1, 'zz'); COMMIT"],
    "other table of that name": ["BEGIN; ALTER TABLE items RENAME TO items_before; CREATE TABLE items AS SELECT 1 AS"
                                 " id, 'zz' AS name; COMMIT"],
}

TABLES = """
DROP TABLE IF EXISTS items, items_before, orders CASCADE;
CREATE TABLE items (id int PRIMARY KEY, name text);
CREATE TABLE orders (item int);
CREATE OR REPLACE FUNCTION rename_item(which int, new text) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'UPDATE items SET name = $1 WHERE id = $2' USING new, which; RETURN 1; END $$;
CREATE OR REPLACE FUNCTION on_order() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN UPDATE items SET name = 'zz' WHERE id = NEW.item; RETURN NULL; END $$;
CREATE TRIGGER ordered AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION on_order();
ALTER TABLE items OWNER TO app; ALTER TABLE orders OWNER TO app;
"""
ROWS = "DELETE FROM items; INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 200) n;"
UNTOUCHED = ("SELECT to_regclass('items_before') IS NULL AND EXISTS (SELECT FROM pg_tables WHERE tablename = 'items'"
             " AND tableowner = 'app')")


@pytest.fixture
def ttl(poor, poor_daemon) -> Cached:
    endpoint = Cached("transaction", poor_daemon, poor, "postgres")
    if poor.query(UNTOUCHED) == [(False,)]:
        poor.psql(TABLES)
        with endpoint.connect() as client:
            await_lease(endpoint, client)
    poor.psql(ROWS)
    endpoint.clear()
    return endpoint


@pytest.fixture
def client(ttl):
    with ttl.connect(prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def other(ttl):
    with ttl.connect(prepare_threshold=None) as connection:
        yield connection


def reads(client, text: str = ONE):
    return client.execute(text).fetchall()


def explained(client, text: str) -> dict:
    lines = [line for (line,) in client.execute(f"EXPLAIN (forebay) {text}").fetchall()]
    return dict(line.split(": ", 1) for line in lines)


def level_is(endpoint, client, level: str, trouble: str = "") -> None:
    """The client asks meanwhile: without use nothing is looked at."""
    wait_until(lambda: reads(client, "SELECT 1") and endpoint.figures()["level"] == level, 10, f"level {level}")
    assert trouble in endpoint.figures()["trouble"]


# --- ttl ------------------------------------------------------------------------------------------------------------


def test_the_level_is_shown_and_why(ttl, client):
    ttl.warm(lambda: reads(client))

    def leased():
        reads(client)
        figures = ttl.figures()
        return figures["lease_age_ms"] <= BOUND * 1000 and figures

    figures = wait_until(leased, 20, "a lease that is no older than it may be")
    assert figures["level"] == "ttl"
    assert figures["trouble"] == "wal_level is replica, not logical; no outbox is installed"
    assert figures["staleness_ms"] is None and figures["age_max_ms"] is None
    assert 'level=ttl why="wal_level is replica, not logical; no outbox is installed"' in ttl.daemon.log()


def test_only_what_was_given_a_lifetime_is_kept(ttl, client):
    ttl.warm(lambda: reads(client))
    ttl.warm(lambda: reads(client, "SELECT item FROM orders /* forebay: ttl=5min */"))
    assert ttl.hits_during(lambda: [reads(client, "SELECT item FROM orders") for _ in range(5)]) == 0
    assert explained(client, "SELECT item FROM orders")["Kept"] == (
        "no; at the level ttl the lifetime is the bound, and neither a policy nor its comment gives it one")
    assert explained(client, ONE)["Kept"] == (
        "until what it depends on changes through Forebay (level ttl), 1h at most (policy items)")


def test_the_lifetime_counts_from_before_the_fill(ttl):
    """So it bounds how old an answer is, however long the server took to give it."""
    text = ONE + " /* forebay: tags=short ttl=40s */"
    clock = BootClock()
    with contextlib.ExitStack() as stack:
        with clock.is_in_use():
            daemon = stack.enter_context(ForebayDaemon(ttl.server, FLAGS, config=LIFETIMES))
        endpoint = Cached("transaction", daemon, ttl.server, "postgres")
        client, other, watcher = (stack.enter_context(endpoint.connect(prepare_threshold=None)) for _ in range(3))
        writer = stack.enter_context(psycopg.connect(ttl.server.dsn()))
        endpoint.warm(lambda: reads(client, text))
        endpoint.clear()
        writer.execute("LOCK TABLE items")
        reader = threading.Thread(target=reads, args=(other, text))
        reader.start()
        wait_until(lambda: reads(watcher, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'relation'"), 20)
        clock.advance(10)  # the fill is to take a good part of the lifetime
        await_lease(endpoint, watcher)
        writer.rollback()
        reader.join()
        assert [entry for entry in endpoint.entries() if entry["tags"] == "short"], "it was kept"
        writer.execute("UPDATE items SET name = 'zz'")
        writer.commit()
        clock.advance(30)
        await_lease(endpoint, watcher)
        assert reads(client, text) == [("zz",)]


@pytest.mark.parametrize("texts", WRITES.values(), ids=WRITES)
def test_a_write_through_forebay_is_seen_at_once(ttl, client, other, texts):
    for text in (ONE, ALL):
        ttl.warm(lambda: [reads(client, text), reads(other, text)])  # noqa: B023
    for text in texts:
        client.execute(text)
    assert reads(other) == reads(client) == [("zz",)]
    await_lease(ttl, other)
    with ttl.connect() as knows_nothing:
        assert reads(knows_nothing, ALL)[0][1] == "zz", "what was there has ended, and not only been held back"


def test_a_write_by_key_ends_no_other_rows(ttl, client, other):
    for text in (ONE, TWO):
        ttl.warm(lambda: reads(other, text))  # noqa: B023
    client.execute("UPDATE items SET name = 'zz' WHERE id = 1")
    misses = ttl.figures()["stale"]
    ttl.warm(lambda: reads(other, TWO))
    assert ttl.figures()["stale"] == misses, "it is what was there before"
    reads(other)
    assert ttl.figures()["stale"] == misses + 1


def test_a_fill_that_began_before_a_write_is_not_served_after_it(ttl, client, other):
    """Its snapshot is older than the write, its answer comes later."""
    slow = "SELECT count(*), max(name) FROM items, generate_series(1, 25000)"
    ttl.warm(lambda: reads(other, slow))  # so it would be kept
    active = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query = %s"

    def stopped_meanwhile() -> tuple[threading.Thread, int] | None:
        """Nothing when the fill was done before its backend stood still."""
        ttl.clear()
        reader = threading.Thread(target=reads, args=(other, slow))
        reader.start()
        while reader.is_alive():
            for pid, in ttl.server.query(active, (slow,)):
                os.kill(pid, signal.SIGSTOP)
                if ttl.server.query(active, (slow,)):
                    return reader, pid
                os.kill(pid, signal.SIGCONT)
        return None

    reader, pid = wait_until(stopped_meanwhile, 40, "a fill that is under way")
    try:
        client.execute("UPDATE items SET name = 'zz'")
        assert reader.is_alive(), "the write was done before the fill"
    finally:
        os.kill(pid, signal.SIGCONT)
    reader.join()
    await_lease(ttl, client)
    with ttl.connect() as knows_nothing:
        assert reads(knows_nothing, slow)[0][1] == "zz"


@pytest.mark.parametrize("look", [
    "SELECT name FROM items WHERE id = 1 AND name > ''", "SELECT id, name FROM items", "SELECT rename_item(7, 'x')",
])
def test_a_client_never_goes_back(ttl, client, other, look):
    """What it got from the server was newer than what is kept; others may still have the latter."""
    for reader in (client, other):
        ttl.warm(lambda: reads(reader))  # noqa: B023
    ttl.server.execute("UPDATE items SET name = 'zz' WHERE id = 1")
    with client.transaction():
        client.execute(look)
    await_lease(ttl, other)
    assert reads(client) == [("zz",)]


def test_a_client_never_goes_back_from_one_entry_to_another(ttl, client, other):
    ttl.warm(lambda: [reads(other), reads(client)])
    ttl.server.execute("UPDATE items SET name = 'zz' WHERE id = 1")
    everything = "SELECT min(id), name FROM items WHERE id < 2 GROUP BY name"
    ttl.warm(lambda: reads(other, everything))
    reads(client)
    assert reads(client, everything) == [(1, "zz")]
    await_lease(ttl, other)
    assert reads(client) == [("zz",)]


def test_statements_under_one_sync_go_to_the_server(ttl):
    """Their entries are of different moments."""
    def ask(raw, *texts: str) -> list:
        raw.send(b"".join(fe.parse(text) + fe.bind() + fe.describe("P") + fe.execute() for text in texts) + fe.sync())
        return raw.until_ready()

    with ttl.raw() as raw:
        for text in (ONE, TWO):
            ttl.warm(lambda: ask(raw, text))  # noqa: B023
        assert ttl.hits_during(lambda: [ask(raw, ONE, TWO) for _ in range(5)]) == 0


def test_rights_obey_the_bound(ttl, client, poor):
    ttl.warm(lambda: reads(client))
    poor.execute("ALTER TABLE items OWNER TO postgres")
    done = time.monotonic()

    def may_read() -> bool:
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            return bool(reads(client))
        return False

    within_bound(may_read, False, done)


# --- from one level to another --------------------------------------------------------------------------------------


@pytest.fixture
def upstream_role(server, database):
    """A user for Forebay's own questions that may not decode changes yet."""
    server.create_role("asking")
    server.psql(TABLES + ROWS + "GRANT SELECT ON items TO asking", database)
    yield f"postgres://asking:{server.passwords['asking']}@{server.host}:{server.port}"
    server.psql("REVOKE ALL ON items FROM asking", database)
    server.execute("DROP ROLE asking")


def test_a_better_level_is_taken_when_it_is_allowed_and_left_when_it_is_not(server, database, upstream_role):
    flags = [*FLAGS, "--auth", "trust", "--set", "admin.users=postgres"]
    with ForebayDaemon(upstream_role, flags, config=LIFETIMES) as daemon:
        endpoint = Cached("transaction", daemon, server, database)
        with endpoint.connect("asking") as client:
            level_is(endpoint, client, "ttl", "may not replicate; ALTER ROLE asking REPLICATION")
            endpoint.warm(lambda: reads(client))
            server.execute("UPDATE items SET name = 'zz' WHERE id = 1", dbname=database)
            server.execute("ALTER ROLE asking REPLICATION")
            level_is(endpoint, client, "bounded")
            assert reads(client) == [("zz",)], "another level is another epoch"
            endpoint.warm(lambda: reads(client))
            server.execute("ALTER ROLE asking NOREPLICATION")
            server.query("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = %s",
                         (database,))
            level_is(endpoint, client, "ttl", "may not replicate; ALTER ROLE asking REPLICATION")


def test_a_level_that_is_asked_for_is_not_left(poor, server, database, daemons):
    with ForebayDaemon(poor, [*FLAGS, "--cache-level", "bounded"]) as daemon:
        endpoint = Cached("transaction", daemon, poor, "postgres")
        with endpoint.connect() as client:
            reads(client, "SELECT 1")
            wait_until(lambda: endpoint.figures()["trouble"] == "wal_level is replica, not logical")
            assert endpoint.figures()["level"] == "none"
            assert "nothing tells of changes" in explained(client, "SELECT 1")["Kept"]
    server.psql(TABLES + ROWS, database)
    endpoint = daemons("--cache-level", "ttl", config=LIFETIMES)
    with endpoint.connect() as client:
        level_is(endpoint, client, "ttl")
    assert endpoint.figures()["trouble"] == ""
