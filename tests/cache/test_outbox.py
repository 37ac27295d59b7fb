"""The level outbox: triggers that Forebay makes on request tell what is changed, whoever changes it."""

import contextlib
import subprocess
import time

import psycopg
import pytest

from forebay_testing import forebay_binary, wait_until

from conftest import Cached, await_lease, within_bound

ONE = "SELECT name FROM items WHERE id = 1"
TWO = "SELECT name FROM items WHERE id = 2"
ALL = "SELECT count(*), max(name) FROM items"

TABLES = """
CREATE TABLE items (id int PRIMARY KEY, name text);
CREATE TABLE notes (item int REFERENCES items ON DELETE CASCADE ON UPDATE CASCADE, x int);
CREATE TABLE events (id int, day int) PARTITION BY LIST (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
CREATE TABLE parents (x int);
CREATE TABLE children () INHERITS (parents);
CREATE TABLE "Odd ""name" (x int);
CREATE FUNCTION rename_item(which int, new text) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'UPDATE items SET name = $1 WHERE id = $2' USING new, which; RETURN 1; END $$;
"""
ROWS = """
BEGIN; DELETE FROM items; INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 200) n;
DELETE FROM notes; INSERT INTO notes VALUES (1, 1), (2, 2); DELETE FROM events; INSERT INTO events VALUES (1, 1);
DELETE FROM parents; INSERT INTO parents VALUES (1); INSERT INTO children VALUES (2);
DELETE FROM "Odd ""name"; INSERT INTO "Odd ""name" VALUES (1); COMMIT;
"""

NOTES = "SELECT count(*) FROM notes"
EVENTS = "SELECT count(*) FROM events"
EVENTS_1 = "SELECT count(*) FROM events_1"
CHANGES = {  # how, what is read, and what then
    "UPDATE": ("UPDATE items SET name = 'zz' WHERE id = 1", ONE, ("zz",)),
    "by another key": ("UPDATE items SET id = 1001 WHERE id = 1", ONE, None),
    "function": ("SELECT rename_item(1, 'zz')", ONE, ("zz",)),
    "MERGE": ("MERGE INTO items i USING (VALUES (1)) s (id) ON i.id = s.id WHEN MATCHED THEN DELETE", ONE, None),
    "COPY": ("COPY items FROM PROGRAM 'echo 1001,zzz' CSV", ALL, (201, "zzz")),
    "TRUNCATE that cascades": ("TRUNCATE items CASCADE", NOTES, (0,)),
    "foreign key that cascades": ("DELETE FROM items WHERE id = 1", NOTES, (1,)),
    "partition, read by its parent": ("INSERT INTO events_1 VALUES (2, 1)", EVENTS, (2,)),
    "parent, read by its partition": ("INSERT INTO events VALUES (2, 1)", EVENTS_1, (2,)),
    "child": ("INSERT INTO children VALUES (3)", "SELECT count(*) FROM parents", (3,)),
    "parent of what inherits": ("DELETE FROM parents", "SELECT count(*) FROM children", (0,)),
    "session_replication_role": ("SET session_replication_role = replica; DELETE FROM items", ALL, (0, None)),
    "another role": ("SET ROLE bob; UPDATE items SET name = 'zz'", ONE, ("zz",)),
    "quote_all_identifiers": ("SET quote_all_identifiers = on; UPDATE items SET name = 'zz'", ONE, ("zz",)),
    "odd name": ('INSERT INTO "Odd ""name" VALUES (2)', 'SELECT count(*) FROM "Odd ""name"', (2,)),
    "savepoints": ("BEGIN; SAVEPOINT a; UPDATE items SET name = 'y'; ROLLBACK TO a; UPDATE items SET name = 'zz'; END",
                   ONE, ("zz",)),
    "two phases": ("BEGIN; UPDATE items SET name = 'zz'; PREPARE TRANSACTION 'outbox'; COMMIT PREPARED 'outbox'",
                   ONE, ("zz",)),
}


def outbox(server, action: str, dbname: str, *flags: str) -> str:
    command = [forebay_binary(), "outbox", action, "--upstream", server.url(dbname=dbname), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.fixture(scope="module")
def server(poor):
    """With an outbox in its database `boxed`."""
    poor.create_database("boxed")
    poor.psql(TABLES + "GRANT ALL ON ALL TABLES IN SCHEMA public TO app, bob", "boxed")
    outbox(poor, "install", "boxed")
    return poor


@pytest.fixture
def boxed(server, poor_daemon) -> Cached:
    server.psql(ROWS, "boxed")
    endpoint = Cached("transaction", poor_daemon, server, "boxed")
    with endpoint.connect() as client:
        await_lease(endpoint, client)
    endpoint.clear()
    return endpoint


@pytest.fixture
def client(boxed):
    with boxed.connect(prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def other(boxed):
    with boxed.connect(prepare_threshold=None) as connection:
        yield connection


def reads(client, text: str = ONE):
    return client.execute(text).fetchall()


def explained(client, text: str) -> str:
    return client.execute(f"EXPLAIN (forebay) {text}").fetchall()[0][0]


def test_the_level_is_shown_and_why(boxed, client):
    boxed.warm(lambda: reads(client))
    wait_until(lambda: reads(client) and boxed.figures()["age_max_ms"] > 0, 40, "two leases")
    figures = boxed.figures()
    assert figures["level"] == "outbox" and figures["trouble"] == "wal_level is replica, not logical"
    assert figures["age_max_ms"] <= figures["staleness_ms"] == 1000
    assert 'level=outbox why="wal_level is replica, not logical"' in boxed.daemon.log()


@pytest.mark.parametrize("change, text, expected", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_past_forebay_is_seen(boxed, client, server, change, text, expected):
    """By whoever has not seen it yet, as soon as a lease has come: that is what a lease says."""
    boxed.warm(lambda: reads(client, text))
    with server_session(server) as around:
        for statement in change.split("; "):
            around.execute(statement)
    await_lease(boxed, client)
    assert reads(client, text) == ([] if expected is None else [expected])


@contextlib.contextmanager
def server_session(server):
    with psycopg.connect(server.socket_dsn(dbname="boxed"), autocommit=True) as session:
        yield session


def test_what_is_changed_through_forebay_is_seen_at_once(boxed, client, other):
    for number in range(5):
        for text in (ONE, ALL):
            boxed.warm(lambda: [reads(client, text), reads(other, text)])  # noqa: B023
        client.execute(f"UPDATE items SET name = 'zz {number}' WHERE id = 1")
        assert reads(other) == reads(client) == [(f"zz {number}",)]
        assert reads(other, ALL) == reads(client, ALL) == [(200, f"zz {number}")]


def test_a_writer_is_not_held_for_the_triggers(boxed, client):
    client.execute("UPDATE items SET name = 'zz' WHERE id = 1")
    with psycopg.connect(boxed.daemon.dsn(dbname="forebay"), autocommit=True) as console:
        cursor = console.execute("SHOW CLIENTS")
        held = [column.name for column in cursor.description].index("held_because")
        assert {row[held] for row in cursor} == {""}
    changes = client.execute("EXPLAIN (forebay) UPDATE items SET name = 'a' WHERE id = 1").fetchall()
    assert changes[-1] == ("Changes: public.items (rows with one key), public.notes",)


def test_a_change_counts_when_it_becomes_visible_and_once(boxed, client, server):
    """Its row in the outbox is older than those of many that were visible before."""
    with server_session(server) as late, server_session(server) as holds_back:
        holds_back.execute("BEGIN; INSERT INTO notes VALUES (3, 3)")
        late.execute("BEGIN; UPDATE items SET name = 'zz' WHERE id = 1")
        for _ in range(3):
            server.execute("UPDATE events SET id = id", dbname="boxed")
        assert boxed.warm(lambda: reads(client)) == [("item 1",)]
        late.execute("COMMIT")
        await_lease(boxed, client)
        assert reads(client) == [("zz",)]
        boxed.settle_batch(lambda: reads(client), 1)
        holds_back.execute("ROLLBACK")


def test_what_is_not_followed_is_not_kept(boxed, client, server):
    boxed.warm(lambda: reads(client, TWO))
    server.psql("CREATE TABLE IF NOT EXISTS later (x int); GRANT ALL ON later TO app", "boxed")
    wait_until(lambda: explained(client, "SELECT x FROM later") ==
               "Kept: no; public.later has no trigger for the outbox", 20)
    assert "not followed public.later: it has no trigger" in outbox(server, "status", "boxed")
    server.psql("ALTER TABLE items ENABLE TRIGGER forebay_note_change; SET session_replication_role = replica;"
                " UPDATE items SET name = 'zz' WHERE id = 2", "boxed")
    within_bound(lambda: reads(client, TWO), [("zz",)], time.monotonic())
    wait_until(lambda: "items has no trigger" in explained(client, TWO), 20, "a trigger that is not for all sessions")
    assert "not followed public.items: its trigger is not enabled" in outbox(server, "status", "boxed")
    outbox(server, "install", "boxed")
    boxed.warm(lambda: reads(client, "SELECT x FROM later"))
    boxed.warm(lambda: reads(client, TWO))


def test_what_was_removed_unseen_ends_everything(boxed, client, server):
    """Another Forebay has removed what this one, which stood still, has not looked at."""
    boxed.warm(lambda: reads(client))
    before = boxed.daemon.log().count("cache runs")
    server.execute("UPDATE forebay.horizon SET removed_below = (pg_current_xact_id()::text::bigint + 1)::text::xid8",
                   dbname="boxed")
    wait_until(lambda: reads(client) and boxed.daemon.log().count("cache runs") > before, 10, "another epoch")
    assert "was removed before it was looked at" in boxed.daemon.log()
    boxed.warm(lambda: reads(client))


# --- forebay outbox -------------------------------------------------------------------------------------------------

OBJECTS = " UNION ALL ".join(f"SELECT count(*) FROM {name}" for name in (
    "pg_class", "pg_proc", "pg_trigger", "pg_namespace", "pg_type", "pg_constraint", "pg_depend"))


@pytest.fixture
def plain(server, poor_daemon) -> Cached:
    """A database without an outbox."""
    server.create_database("plain")
    server.psql(TABLES + "GRANT ALL ON ALL TABLES IN SCHEMA public TO app;" + ROWS, "plain")
    yield Cached("transaction", poor_daemon, server, "plain")
    server.execute("DROP DATABASE plain WITH (FORCE)")


def test_a_dry_run_prints_what_is_done_and_does_nothing(plain, server):
    before = server.query(OBJECTS, dbname="plain")
    sql = outbox(server, "install", "plain", "--dry-run")
    assert server.query(OBJECTS, dbname="plain") == before
    server.psql(sql, "plain")
    with_outbox = server.query(OBJECTS, dbname="plain")
    assert "not followed" not in outbox(server, "status", "plain")
    assert "the outbox can be used" in outbox(server, "status", "plain")
    removal = outbox(server, "remove", "plain", "--dry-run")
    assert server.query(OBJECTS, dbname="plain") == with_outbox
    assert outbox(server, "remove", "plain") == removal
    assert server.query(OBJECTS, dbname="plain") == before
    assert outbox(server, "install", "plain") == sql
    assert server.query(OBJECTS, dbname="plain") == with_outbox


def test_it_comes_and_goes_while_forebay_runs(plain, server):
    with plain.connect(prepare_threshold=None) as client:
        def has_level(level: str) -> bool:
            reads(client)
            return plain.figures()["level"] == level

        wait_until(lambda: has_level("ttl"))
        assert plain.figures()["trouble"] == "wal_level is replica, not logical; no outbox is installed"
        assert "public.items" in outbox(server, "install", "plain", "--relation", "items")
        wait_until(lambda: has_level("outbox"), 10, "the level outbox")
        plain.warm(lambda: reads(client))
        assert "no trigger" in explained(client, NOTES)
        outbox(server, "remove", "plain")
        wait_until(lambda: has_level("ttl"), 10, "the level ttl")


def test_a_table_that_is_not_there_is_complained_of(server):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        outbox(server, "install", "boxed", "--relation", "missing")
    assert failed.value.stderr == "forebay: there is no table missing that could have a trigger\n"


def test_a_schema_that_somebody_else_has_made_is_not_used(plain, server):
    """Its views and triggers would run with the rights of Forebay, or of all who write."""
    server.psql(
        "GRANT CREATE ON DATABASE plain TO bob; SET ROLE bob; CREATE SCHEMA forebay;"
        " CREATE VIEW forebay.changes AS"
        " SELECT '1'::xid8 AS transaction, ''::name AS schema_name, ''::name AS relation_name;"
        " CREATE VIEW forebay.horizon AS SELECT true AS id, '0'::xid8 AS removed_below;"
        " GRANT USAGE ON SCHEMA forebay TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA forebay TO PUBLIC", "plain")
    assert "belongs to the role bob" in outbox(server, "status", "plain")
    with plain.connect(prepare_threshold=None) as client:
        wait_until(lambda: reads(client) and plain.figures()["level"] == "ttl", 10, "the level ttl")
        assert "belongs to the role bob" in plain.figures()["trouble"]
    with pytest.raises(subprocess.CalledProcessError) as failed:
        outbox(server, "install", "plain")
    assert "belongs to the role bob" in failed.value.stderr
    assert server.query("SELECT count(*) FROM pg_proc WHERE proname = 'note_change'", dbname="plain") == [(0,)]


def test_removing_finds_triggers_wherever_they_have_gone(plain, server):
    outbox(server, "install", "plain")
    server.psql("ALTER TRIGGER forebay_note_change ON items RENAME TO mine;"
                ' ALTER TABLE "Odd ""name" SET UNLOGGED', "plain")
    outbox(server, "remove", "plain")
    assert server.query("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal", dbname="plain") == [(0,)]
    assert server.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'forebay'", dbname="plain") == [(0,)]
