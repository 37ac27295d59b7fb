"""A write through Forebay holds back what it may have changed until the change stream has told of it, and nothing else.

The server's walsender stands still meanwhile, so that nothing but the write itself can tell.
"""

import contextlib
import os
import signal
import threading

import psycopg
import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until

ROWS = "SELECT name FROM items WHERE id = %s"
ALL = "SELECT count(*), max(name) FROM items"

BY_KEY = {
    "literal": ("UPDATE items SET name = 'zz' WHERE id = 1", None),
    "string": ("UPDATE items SET name = 'zz' WHERE id = '1'", None),
    "parameter": ("UPDATE items SET name = 'zz' WHERE id = %s", (1,)),
    "parameter of text": ("UPDATE items SET name = %s WHERE id = %s", ("zz", "1")),
    "alias": ("UPDATE public.items AS i SET name = 'zz', price = i.price + 1 WHERE 1 = i.id AND price > 0", None),
    "RETURNING": ("UPDATE items SET name = 'zz' WHERE id = 1 RETURNING *", None),
    "INSERT": ("INSERT INTO items (name, id) VALUES ('zz', 1001)", None),
    "upsert": ("INSERT INTO items (id, name) VALUES (%s, 'zz') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
               (1,)),
    "DELETE": ("DELETE FROM items WHERE id = 1", None),
}

NOT_BY_KEY = {
    "all": "UPDATE items SET name = 'zz'",
    "several": "UPDATE items SET name = 'zz' WHERE id IN (1, 2)",
    "either": "UPDATE items SET name = 'zz' WHERE id = 1 OR id = 2",
    "not so written": "UPDATE items SET name = 'zz' WHERE id = '01'",
    "computed": "UPDATE items SET name = 'zz' WHERE id = 1 + 1",
    "other key": "UPDATE items SET id = 2001 WHERE id = 1",
    "two rows": "INSERT INTO items (id) VALUES (2001), (2002)",
    "rounded": "INSERT INTO items (id) VALUES (2001.4)",
    "no columns": "INSERT INTO items VALUES (2001, 'zz')",
    "sub-select": "INSERT INTO items (id) SELECT 2001",
    "upsert of another": "INSERT INTO items (id, name) VALUES (2001, 'item 2') ON CONFLICT (name) DO UPDATE SET price"
                         " = 0",
    "upsert that moves": "INSERT INTO items (id, name) VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET id = 2001",
    "FROM": "UPDATE items SET name = 'zz' FROM (VALUES (2)) v (x) WHERE items.id = v.x",
    "WITH": "WITH w AS (UPDATE items SET name = 'zz' WHERE id = 2 RETURNING 1) DELETE FROM items WHERE id = 1",
    "two statements": "UPDATE items SET name = 'zz' WHERE id = 1; UPDATE items SET name = 'zz' WHERE id = 2",
}


@pytest.fixture
def cached(daemons, items):
    return daemons("--set", "cache.staleness=20s")


@pytest.fixture
def unique_names(around, items):
    around("CREATE UNIQUE INDEX ON items (name)")


@pytest.fixture
def client(cached):
    """Never prepares: what has settled is asked for in the same form ever after."""
    with cached.connect(prepare_threshold=None) as connection:
        yield connection


@pytest.fixture
def others(cached):
    with cached.connect(prepare_threshold=None) as connection:
        yield connection


@contextlib.contextmanager
def stream_stands_still(cached):
    [(pid,)] = cached.server.query("SELECT active_pid FROM pg_replication_slots WHERE database = %s", (cached.dbname,))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def settle(cached, *clients) -> None:
    def read(client) -> None:
        for number in (1, 2, 1001):
            client.execute(ROWS, (number,)).fetchall()
        client.execute(ALL).fetchall()

    for client in clients:
        cached.settle_batch(lambda client=client: read(client), 4)


@contextlib.contextmanager
def all_see(cached, readers, expected, text, values=None):
    """What is done inside, while the stream stands still, is seen by the readers, who had the answer in memory."""
    for reader in readers:
        cached.settle_batch(lambda reader=reader: reader.execute(text, values).fetchall(), 1)
    with stream_stands_still(cached):
        yield
        for reader in readers:
            assert reader.execute(text, values).fetchall() == expected


def are_hits(cached, client, text, values=None) -> bool:
    return cached.hits_during(lambda: client.execute(text, values).fetchall()) == 1


@pytest.mark.parametrize("text, values", BY_KEY.values(), ids=BY_KEY)
def test_other_rows_are_answered_from_memory_meanwhile(cached, client, others, text, values):
    row = 1001 if "1001" in text else 1
    settle(cached, client, others)
    with stream_stands_still(cached):
        client.execute(text, values)
        for reader in (client, others):
            assert are_hits(cached, reader, ROWS, (2,))
            assert not are_hits(cached, reader, ROWS, (row,))
            assert not are_hits(cached, reader, ALL)
            assert reader.execute(ROWS, (row,)).fetchall() == ([] if "DELETE" in text else [("zz",)])


def test_a_write_that_finds_nothing_to_do_keeps_nothing_back(cached, client, others):
    settle(cached, client, others)
    with stream_stands_still(cached):
        client.execute("INSERT INTO items (name, id) VALUES ('zz', 1) ON CONFLICT DO NOTHING")
        for reader in (client, others):
            assert are_hits(cached, reader, ROWS, (2,))
            assert reader.execute(ROWS, (1,)).fetchall() == [("item 1",)]


@pytest.mark.parametrize("text", NOT_BY_KEY.values(), ids=NOT_BY_KEY)
def test_where_the_row_is_not_certain_all_rows_wait(unique_names, cached, client, others, text):
    settle(cached, client, others)
    with stream_stands_still(cached), contextlib.suppress(psycopg.errors.UniqueViolation):
        client.execute(text)
        for reader in (client, others):
            assert not are_hits(cached, reader, ROWS, (2,))
            assert not are_hits(cached, reader, ALL)


def test_of_a_foreign_key_only_the_removal_of_a_row_reaches_others(cached, client, others, around):
    around("DROP TABLE IF EXISTS parts; CREATE TABLE parts (id int PRIMARY KEY, item int REFERENCES items ON DELETE"
           " CASCADE); INSERT INTO parts VALUES (7, 1), (8, 2); ALTER TABLE parts OWNER TO app")
    parts = "SELECT item FROM parts WHERE id = %s"
    for reader in (client, others):
        cached.settle_batch(lambda reader=reader: reader.execute(parts, (7,)).fetchall(), 1)
    with stream_stands_still(cached):
        client.execute("UPDATE items SET name = 'zz' WHERE id = 1")
        assert are_hits(cached, client, parts, (7,)) and are_hits(cached, others, parts, (7,))
        client.execute("DELETE FROM items WHERE id = 1")
        for reader in (client, others):
            assert reader.execute(parts, (7,)).fetchall() == []


def test_rows_that_hang_on_rows_of_the_same_table_wait_with_them(cached, client, others, around):
    around("DROP TABLE IF EXISTS tree; CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE"
           " CASCADE); INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2); ALTER TABLE tree OWNER TO app")
    with all_see(cached, (client, others), [], "SELECT parent FROM tree WHERE id = 3"):
        client.execute("DELETE FROM tree WHERE id = 1")


def test_a_key_that_is_generated_moves_without_being_named(cached, client, others, around):
    around("DROP TABLE IF EXISTS made; CREATE TABLE made (a int, id int GENERATED ALWAYS AS (a) STORED PRIMARY KEY);"
           " INSERT INTO made VALUES (5); ALTER TABLE made OWNER TO app")
    with all_see(cached, (client, others), [(7,)], "SELECT a FROM made WHERE id = %s", (7,)):
        client.execute("UPDATE made SET a = 7 WHERE id = 5")


def test_a_key_of_text_that_another_index_compares_otherwise(cached, client, others, around):
    around("CREATE COLLATION IF NOT EXISTS ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic ="
           " false); DROP TABLE IF EXISTS codes; CREATE TABLE codes (code text PRIMARY KEY, x int); CREATE UNIQUE INDEX"
           " ON codes (code COLLATE ignoring_case); INSERT INTO codes VALUES ('abc', 0);"
           " ALTER TABLE codes OWNER TO app")
    with all_see(cached, (client, others), [(1,)], "SELECT x FROM codes WHERE code = %s", ("abc",)):
        client.execute("INSERT INTO codes (code, x) VALUES ('ABC', 1) ON CONFLICT (code) DO UPDATE SET x = 1")


def test_a_parameter_of_another_type_than_the_key(cached, client, others, around):
    """Used twice, it has the type of the other place: a float, and so it means the row before."""
    key, given = 9007199254740992, "9007199254740993"
    around("DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (id bigint PRIMARY KEY, f float8, n int);"
           f" INSERT INTO numbers VALUES ({key}, {key}, 0); ALTER TABLE numbers OWNER TO app")
    with all_see(cached, (client, others), [(7,)], f"SELECT n FROM numbers WHERE id = {key}"), cached.raw() as raw:
        raw.send(fe.parse("UPDATE numbers SET n = 7 WHERE f = $1 AND id = $1"), fe.bind([given]), fe.execute(),
                 fe.sync())
        assert [message.kind for message in raw.until_ready()] == ["1", "2", "C", "Z"]


def test_what_a_write_tells_of_another_row_is_not_taken_back(unique_names, cached, client, around):
    """Past Forebay row 2 gets another name. A client learns of it by a conflict, and then reads the row."""
    settle(cached, client)
    with stream_stands_still(cached):
        around("UPDATE items SET name = 'new' WHERE id = 2")
        done = client.execute("INSERT INTO items (id, name) VALUES (1001, 'new') ON CONFLICT (name) DO NOTHING")
        assert done.rowcount == 0
        assert client.execute(ROWS, (2,)).fetchall() == [("new",)]


def test_a_trigger_that_came_while_the_write_waited(cached, client, others, around):
    """The UPDATE waits for the transaction that makes the trigger, and then changes another row, too."""
    settle(cached, client, others)
    others.execute("BEGIN")
    others.execute("CREATE OR REPLACE FUNCTION also_two() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   " IF NEW.id = 1 THEN UPDATE items SET name = 'by trigger' WHERE id = 2; END IF; RETURN NEW; END $$")
    others.execute("CREATE TRIGGER also AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION also_two()")
    with cached.connect() as writer:
        def write() -> None:
            writer.execute("BEGIN")
            writer.execute("UPDATE items SET name = 'zz' WHERE id = 1")

        thread = threading.Thread(target=write)
        thread.start()
        wait_until(lambda: cached.server.query("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0], 10,
                   "the writer waits")
        others.execute("COMMIT")
        thread.join(20)
        assert cached.warm(lambda: client.execute(ROWS, (2,)).fetchall()) == [("item 2",)]
        with stream_stands_still(cached):
            writer.execute("COMMIT")
            assert client.execute(ROWS, (2,)).fetchall() == [("by trigger",)]


def test_a_transaction_of_many_rows_holds_back_each_of_them(cached, client, others):
    settle(cached, client, others)
    with stream_stands_still(cached):
        with client.transaction():
            for number in range(1, 151):
                client.execute("UPDATE items SET name = 'new ' || name WHERE id = %s", (number,))
        for reader in (client, others):
            for number in (1, 2, 150):
                assert reader.execute(ROWS, (number,)).fetchall() == [(f"new item {number}",)]


@pytest.mark.parametrize("make", ["{}", "DO $do$BEGIN EXECUTE '{}'; END$do$"], ids=["plainly", "by code"])
def test_a_write_through_a_temporary_view_of_another_tables_name_was_not_seen_by_others(cached, others, around, make):
    around("DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, name text);"
           " INSERT INTO orders VALUES (1, 'order 1'); ALTER TABLE orders OWNER TO app")
    with cached.connect() as client:
        client.execute(make.format("CREATE TEMPORARY VIEW orders AS SELECT id, name FROM items"))
        for name in ("xx", "zz"):
            with all_see(cached, (others,), [(name,)], "SELECT name FROM items WHERE id = 1"):
                client.execute("UPDATE orders SET name = %s WHERE id = 1", (name,))


@pytest.mark.parametrize("code", ["DO $$ BEGIN END $$", "CALL nothing()"])
def test_who_had_run_code_ended_all_entries_with_each_write(cached, client, others, around, code):
    around("CREATE OR REPLACE PROCEDURE nothing() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; END $$;"
           " DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY); ALTER TABLE orders OWNER TO app")
    client.execute("CREATE TEMPORARY TABLE of_this_client (id int)")  # it keeps its backend, so that all is remembered
    client.execute(code)
    client.execute("INSERT INTO orders VALUES (1)")  # whether the code has made anything is asked for from now on
    settle(cached, others)
    with stream_stands_still(cached):
        client.execute("INSERT INTO orders VALUES (2)")
        assert cached.hits_during(lambda: others.execute(ROWS, (1,))) == 1


def test_who_ran_code_and_left_cost_no_backend(cached, client):
    """An answer that was on its way when the client left cost it."""
    client.execute(ALL)
    before = cached.server.sessions(cached.dbname)
    for _ in range(30):
        with cached.connect() as short:
            short.execute("DO $$ BEGIN END $$")
    assert cached.server.sessions(cached.dbname) - before <= 3
