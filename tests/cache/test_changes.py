"""What was written is seen: at once when it went through Forebay, within the bound when it went past it."""

import time

import psycopg
import pytest

from conftest import BOUND, within_bound
from forebay_testing import wait_until

pytestmark = pytest.mark.usefixtures("items")

BY_KEY = "SELECT id, name FROM items WHERE id = 1"
ALL = "SELECT count(*), max(name) FROM items"

SETUP = """
CREATE OR REPLACE FUNCTION rename_item(which int, new text) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'UPDATE items SET name = $1 WHERE id = $2' USING new, which; RETURN 1; END $$;
CREATE OR REPLACE PROCEDURE rename_procedure(which int, new text) LANGUAGE plpgsql AS
  $$ BEGIN PERFORM rename_item(which, new); END $$;
DROP TABLE IF EXISTS orders; CREATE TABLE orders (id serial PRIMARY KEY, item int, new_name text);
CREATE OR REPLACE FUNCTION on_order() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN UPDATE items SET name = NEW.new_name WHERE id = NEW.item; RETURN NULL; END $$;
CREATE TRIGGER ordered AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION on_order();
ALTER TABLE orders OWNER TO app;
CREATE OR REPLACE VIEW items_view AS SELECT * FROM items; ALTER VIEW items_view OWNER TO app;
"""

WRITES = {
    "UPDATE": ["UPDATE items SET name = 'zz' WHERE id = 1"],
    "UPDATE of all": ["UPDATE items SET name = 'zz'"],
    "qualified name": ["UPDATE public.items SET name = 'zz' WHERE id = 1"],
    "transaction": ["BEGIN", "UPDATE items SET name = 'zz' WHERE id = 1", "COMMIT"],
    "savepoints": ["BEGIN", "SAVEPOINT a", "UPDATE items SET name = 'zz' WHERE id = 1", "RELEASE a", "END"],
    "one text": ["BEGIN; UPDATE items SET name = 'zz' WHERE id = 1; COMMIT"],
    "implicit transaction": ["SELECT 1; UPDATE items SET name = 'zz' WHERE id = 1; SELECT 2"],
    "INSERT and DELETE": ["BEGIN; DELETE FROM items WHERE id = 1; INSERT INTO items VALUES (1, 'zz'); COMMIT"],
    "upsert": ["INSERT INTO items VALUES (1, 'zz') ON CONFLICT (id) DO UPDATE SET name = excluded.name"],
    "MERGE": ["MERGE INTO items i USING (VALUES (1)) s (id) ON i.id = s.id WHEN MATCHED THEN UPDATE SET name = 'zz'"],
    "WITH": ["WITH w AS (UPDATE items SET name = 'zz' WHERE id = 1 RETURNING 1) SELECT * FROM w"],
    "function": ["SELECT rename_item(1, 'zz')"],
    "procedure": ["CALL rename_procedure(1, 'zz')"],
    "DO": ["DO $$ BEGIN UPDATE items SET name = 'zz' WHERE id = 1; END $$"],
    "DO with a computed text": ["DO $$ BEGIN EXECUTE 'UPDATE ' || 'items' || ' SET name = ''zz'' WHERE id = 1';"
                                " END $$"],
    "trigger": ["INSERT INTO orders (item, new_name) VALUES (1, 'zz')"],
    "view": ["UPDATE items_view SET name = 'zz' WHERE id = 1"],
    "EXECUTE": ["PREPARE p AS UPDATE items SET name = 'zz' WHERE id = 1", "EXECUTE p", "DEALLOCATE p"],
    "EXPLAIN ANALYZE": ["EXPLAIN ANALYZE UPDATE items SET name = 'zz' WHERE id = 1"],
    "two phases": ["BEGIN", "UPDATE items SET name = 'zz' WHERE id = 1", "PREPARE TRANSACTION 'cache'",
                   "COMMIT PREPARED 'cache'"],
    "asynchronous commit": ["BEGIN", "SET LOCAL synchronous_commit = off", "UPDATE items SET name = 'zz' WHERE id = 1",
                            "COMMIT"],
    "another key": ["UPDATE items SET id = 1001 WHERE id = 1", "UPDATE items SET id = 1, name = 'zz' WHERE id = 1001"],
    "TRUNCATE and INSERT": ["BEGIN; TRUNCATE items; INSERT INTO items VALUES (1, 'zz'); COMMIT"],
    "ALTER TABLE … USING": ["BEGIN; DROP VIEW items_view; ALTER TABLE items ALTER COLUMN name TYPE text USING 'zz';"
                            " COMMIT"],
    "other table of that name": ["BEGIN; ALTER TABLE items RENAME TO items_before;"
                                 " CREATE TABLE items AS SELECT 1 AS id, 'zz' AS name;"
                                 " ALTER TABLE items OWNER TO app; COMMIT"],
}


@pytest.fixture(autouse=True)
def setup(around, items):
    around("DROP TABLE IF EXISTS items_before CASCADE;" + SETUP)


@pytest.fixture
def other(cached):
    with cached.connect() as connection:
        yield connection


def warm_both(cached, *clients) -> None:
    for text in (BY_KEY, ALL):
        for client in clients:
            cached.warm(lambda: client.execute(text).fetchall())


@pytest.mark.parametrize("texts", WRITES.values(), ids=WRITES)
def test_through_forebay_everybody_sees_it_at_once(cached, client, other, texts):
    for _ in range(3):
        client.execute("UPDATE items SET name = 'item 1' WHERE id = 1")
        warm_both(cached, client, other)
        for text in texts:
            client.execute(text)
        for reader in (client, other):
            assert reader.execute(BY_KEY).fetchall() == [(1, "zz")]
            assert reader.execute(ALL).fetchone()[1] == "zz"
        if "RENAME" in texts[0] or "DROP" in texts[0]:
            break  # can be done once


@pytest.mark.parametrize("texts", WRITES.values(), ids=WRITES)
def test_past_forebay_within_the_bound(cached, client, around, texts):
    warm_both(cached, client)
    done = around(";\n".join(texts))
    within_bound(lambda: client.execute(BY_KEY).fetchall(), [(1, "zz")], done)
    within_bound(lambda: client.execute(ALL).fetchone()[1], "zz", done)


def test_copy(cached, client, other):
    warm_both(cached, client, other)
    with client.cursor().copy("COPY items (id, name) FROM STDIN") as copy:
        copy.write_row((999, "zz"))
    assert client.execute(ALL).fetchall() == other.execute(ALL).fetchall() == [(201, "zz")]


def test_rolled_back_changes_nothing(cached, client, other):
    warm_both(cached, client, other)
    client.execute("BEGIN")
    client.execute("UPDATE items SET name = 'zz' WHERE id = 1")
    assert other.execute(BY_KEY).fetchall() == [(1, "item 1")]
    client.execute("ROLLBACK")
    assert client.execute(BY_KEY).fetchall() == other.execute(BY_KEY).fetchall() == [(1, "item 1")]


def test_a_write_of_another_row_leaves_it_in_memory(cached, client, other):
    """WHERE id = … survives a write to another row."""
    def read() -> list:
        return client.execute(BY_KEY, prepare=False).fetchall()

    for number in range(2, 12):
        other.execute("UPDATE items SET name = 'other' WHERE id = %s", (number,))
    cached.settle(read)
    before = cached.figures()["fills"]
    for number in range(12, 22):
        cached.server.execute("UPDATE items SET name = 'other' WHERE id = %s", (number,), cached.dbname)
        time.sleep(0.02)
        assert read() == [(1, "item 1")]
    assert cached.figures()["fills"] - before <= 1  # a bucket may be shared by chance


def test_many_reads_between_writes_are_hits(lasting):
    """The hit rate is shown, and is what it should be."""
    with lasting.connect() as client:
        lasting.settle(lambda: client.execute(BY_KEY).fetchall())
        assert lasting.hits_during(lambda: [client.execute(BY_KEY).fetchall() for _ in range(100)]) == 100


def test_cascade(cached, client, other, around):
    around("DROP TABLE IF EXISTS notes; CREATE TABLE notes (id int PRIMARY KEY,"
           " item int REFERENCES items ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO notes VALUES (1, 1), (2, 2);"
           " ALTER TABLE notes OWNER TO app")
    text = "SELECT id, item FROM notes ORDER BY id"
    for write, expected in [("UPDATE items SET id = 500 WHERE id = 1", [(1, 500), (2, 2)]),
                            ("DELETE FROM items WHERE id = 500", [(2, 2)])]:
        cached.warm(lambda: other.execute(text).fetchall())
        client.execute(write)
        assert other.execute(text).fetchall() == client.execute(text).fetchall() == expected


@pytest.mark.parametrize("texts", [
    ["CREATE OR REPLACE VIEW items_view AS SELECT id, 'zz'::text AS name, price FROM items"],
    ["ALTER TABLE items ADD COLUMN IF NOT EXISTS more text DEFAULT 'x'",
     "CREATE OR REPLACE VIEW items_view AS SELECT id, more AS name, price FROM items"],
    ["ALTER VIEW items_view RENAME TO items_old; CREATE VIEW items_view AS SELECT 1 AS id, 'new' AS name;"
     " ALTER VIEW items_view OWNER TO app"],
])
@pytest.mark.parametrize("route", ["around", "through"])
def test_views(cached, client, other, around, texts, route):
    text = "SELECT id, name FROM items_view WHERE id = 1"
    around("DROP VIEW IF EXISTS items_old")
    cached.warm(lambda: other.execute(text).fetchall())
    if route == "through":
        for ddl in texts:
            client.execute(ddl)
        assert other.execute(text).fetchall() != [(1, "item 1")]
    else:
        done = around(";".join(texts))
        time.sleep(max(0, done + BOUND - time.monotonic()))
        assert other.execute(text).fetchall() != [(1, "item 1")]


def test_a_dropped_table_is_gone(cached, client, other):
    cached.warm(lambda: other.execute(BY_KEY).fetchall())
    client.execute("DROP TABLE items CASCADE")
    with pytest.raises(psycopg.errors.UndefinedTable):
        other.execute(BY_KEY)


def test_a_new_column_is_seen(cached, client, around):
    text = "SELECT * FROM items WHERE id = 1"
    assert len(cached.warm(lambda: client.execute(text, prepare=False).fetchall())[0]) == 3
    done = around("ALTER TABLE items ADD COLUMN added int DEFAULT 7")

    def columns():  # prepared, it would be refused: that its columns change is an error for PostgreSQL
        return [column.name for column in client.execute(text, prepare=False).description]

    within_bound(lambda: columns()[3:], ["added"], done)


def test_a_killed_writer(cached, client, other):
    """Its COMMIT may have come about or not; whatever PostgreSQL shows now is what is read."""
    cached.warm(lambda: client.execute(BY_KEY).fetchall())
    other.execute("BEGIN")
    other.execute("UPDATE items SET name = 'zz' WHERE id = 1")
    pid = other.execute("SELECT pg_backend_pid()").fetchone()[0]
    cached.server.query("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(psycopg.Error):
        other.execute("COMMIT")
    assert client.execute(BY_KEY).fetchall() == [(1, "item 1")]


def test_what_a_client_saw_of_a_changed_schema_is_not_taken_back(cached, client, around):
    """The rows of a table that is rewritten are not in the change stream: only a look at the catalog notices it, and
    leases go on meanwhile.
    """
    for number in range(5):
        cached.settle(lambda: client.execute(BY_KEY).fetchone())
        new = (1, f"written anew {number}")
        around(f"DROP VIEW IF EXISTS items_view; ALTER TABLE items ALTER name TYPE text USING '{new[1]}'")
        with client.transaction():
            assert client.execute(BY_KEY).fetchone() == new
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            assert client.execute(BY_KEY).fetchone() == new
            time.sleep(0.01)


def test_a_migration_was_ended_by_a_deadlock_with_the_look_at_the_catalog(cached, client, server, database, around):
    """The look held the view, and waited for its table until the migration wanted the view as well."""
    cached.settle(lambda: client.execute(BY_KEY))
    looks = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forebay cache' AND datname = %s"
             " AND wait_event_type = 'Lock'")
    with psycopg.connect(server.dsn(dbname=database)) as migration:
        migration.execute("LOCK TABLE items")
        around("CREATE TABLE is_looked_at (id int)")

        def is_waiting() -> bool:
            client.execute("SELECT 1")  # where nobody asks, nobody looks
            return server.query(looks, (database,)) == [(1,)]

        wait_until(is_waiting, 20, "a look waits for the table")
        time.sleep(1.2)  # it was looked for a deadlock once, deadlock_timeout after it began to wait
        migration.execute("DROP VIEW items_view; DROP TABLE is_looked_at")
    cached.settle(lambda: client.execute(BY_KEY))


def test_it_is_told_when_the_catalog_stays_locked(cached, client, server, database, around):
    """Nothing is served meanwhile, and why is said once it takes longer than a migration does."""
    cached.settle(lambda: client.execute(BY_KEY))
    with psycopg.connect(server.dsn(dbname=database)) as migration:
        migration.execute("LOCK TABLE items")
        around("CREATE TABLE is_looked_at (id int)")

        def is_told() -> bool:
            client.execute("SELECT 1")  # where nobody asks, nobody looks
            return "while somebody changes what a view reads" in cached.figures()["trouble"]

        wait_until(is_told, 40, "it is told")
        migration.execute("DROP TABLE is_looked_at")
    cached.settle(lambda: client.execute(BY_KEY))
    wait_until(lambda: cached.figures()["trouble"] == "", 10, "no trouble is left")
