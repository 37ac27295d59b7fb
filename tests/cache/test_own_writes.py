"""A write through Forebay holds back what it may have changed until the change stream has told of it, and nothing else.

The server's walsender stands still meanwhile, so that nothing but the write itself can tell.
"""

import contextlib
import os
import signal

import psycopg
import pytest

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
    "nothing to do": ("INSERT INTO items (name, id) VALUES ('zz', 1) ON CONFLICT DO NOTHING", None),
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
def cached(daemons, around, items):
    around("CREATE UNIQUE INDEX ON items (name)")
    return daemons("--set", "cache.staleness=20s")


@pytest.fixture
def others(cached):
    with cached.connect() as connection:
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
            expected = {"DELETE": [], "NOTHING": [("item 1",)]}
            found = next((rows for word, rows in expected.items() if word in text), [("zz",)])
            assert reader.execute(ROWS, (row,)).fetchall() == found


@pytest.mark.parametrize("text", NOT_BY_KEY.values(), ids=NOT_BY_KEY)
def test_where_the_row_is_not_certain_all_rows_wait(cached, client, others, text):
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
    leaf = "SELECT parent FROM tree WHERE id = 3"
    for reader in (client, others):
        cached.settle_batch(lambda reader=reader: reader.execute(leaf).fetchall(), 1)
    with stream_stands_still(cached):
        client.execute("DELETE FROM tree WHERE id = 1")
        for reader in (client, others):
            assert reader.execute(leaf).fetchall() == []


def test_a_transaction_of_many_rows_holds_back_all_of_them(cached, client, others):
    settle(cached, client, others)
    with stream_stands_still(cached):
        with client.transaction():
            for number in range(1, 151):
                client.execute("UPDATE items SET name = 'new ' || name WHERE id = %s", (number,))
        for reader in (client, others):
            for number in (1, 2, 150):
                assert reader.execute(ROWS, (number,)).fetchall() == [(f"new item {number}",)]
