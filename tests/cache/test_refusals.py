"""What is never answered from memory, because it may differ from call to call or is nobody else's business."""

import time

import psycopg
import pytest

pytestmark = pytest.mark.usefixtures("items")

SETUP = """
CREATE SEQUENCE IF NOT EXISTS numbers; GRANT ALL ON numbers TO app;
CREATE OR REPLACE FUNCTION dice() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 4';
CREATE OR REPLACE FUNCTION looks_stable() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM pg_class';
CREATE OR REPLACE VIEW with_dice AS SELECT id, dice() FROM items;
CREATE OR REPLACE VIEW with_clock AS SELECT id, clock_timestamp() FROM items;
ALTER VIEW with_dice OWNER TO app; ALTER VIEW with_clock OWNER TO app;
CREATE UNLOGGED TABLE IF NOT EXISTS unlogged (x int); ALTER TABLE unlogged OWNER TO app;
CREATE TABLE IF NOT EXISTS guarded (x int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON guarded TO app;
"""

TEXTS = [
    "SELECT now(), id FROM items",
    "SELECT id FROM items WHERE now() IS NOT NULL",
    "SELECT CURRENT_TIMESTAMP, id FROM items",
    "SELECT CURRENT_DATE - 1, id FROM items",
    "SELECT id, LOCALTIME FROM items",
    "SELECT clock_timestamp(), id FROM items",
    "SELECT id FROM items ORDER BY random() LIMIT 1",
    "SELECT id, random() FROM items",
    "SELECT nextval('numbers'), id FROM items WHERE id < 2",
    "SELECT gen_random_uuid(), id FROM items",
    "SELECT pg_backend_pid(), id FROM items",
    "SELECT txid_current(), id FROM items WHERE id = 1",
    "SELECT id FROM items WHERE id = 1 FOR UPDATE",
    "SELECT id FROM items WHERE id = 1 FOR NO KEY UPDATE",
    "SELECT id FROM items WHERE id = 1 FOR SHARE",
    "SELECT id FROM items WHERE id = 1 FOR KEY SHARE SKIP LOCKED",
    "SELECT pg_advisory_lock_shared(1), id FROM items WHERE id = 1",
    "SELECT pg_sleep(0), id FROM items WHERE id = 1",
    "SELECT set_config('search_path', 'public', false), id FROM items WHERE id = 1",
    "SELECT dice(), id FROM items",
    "SELECT looks_stable(), id FROM items",
    "SELECT * FROM with_dice",
    "SELECT * FROM with_clock",
    "SELECT (i).id, dice FROM items i, LATERAL dice()",
    "SELECT oid FROM pg_class WHERE relname = 'items'",
    "SELECT relname, id FROM pg_class JOIN items ON relname = name",
    "SELECT * FROM pg_stat_activity",
    "SELECT table_name FROM information_schema.tables",
    "SELECT 'now'::timestamptz, id FROM items",
    "SELECT id FROM items WHERE 'today'::date IS NOT NULL",
    "SELECT id FROM items WHERE date 'yesterday' < '2100-01-01'",
    "SELECT id FROM items WHERE timestamptz 'tomorrow' > '2000-01-01'",
    "SELECT id FROM items TABLESAMPLE BERNOULLI (50)",
    "SELECT last_value FROM numbers",
    "SELECT x FROM unlogged",
    "SELECT x FROM guarded",
    "SELECT nothing FROM nowhere",
    "SELECT 1/0 FROM items",
    "INSERT INTO items (id) VALUES (1000) ON CONFLICT DO NOTHING RETURNING id",
    "WITH w AS (UPDATE items SET price = price WHERE id = 1 RETURNING id) SELECT id FROM w",
    "EXPLAIN SELECT id FROM items",
    "SHOW search_path",
    "VALUES (now())",
]


@pytest.fixture(autouse=True)
def setup(around, items):
    around(SETUP)


@pytest.mark.parametrize("text", TEXTS)
def test_goes_to_the_server_each_time(cached, client, text):
    cached.never_hits(lambda: client.execute(text).fetchall())


@pytest.mark.parametrize("text", [
    "SELECT now(), id FROM items WHERE id = %s",
    "SELECT id, random() FROM items WHERE id = %s",
    "SELECT id FROM items WHERE id = %s FOR UPDATE",
    "SELECT id, dice() FROM items WHERE id = %s",
])
@pytest.mark.parametrize("prepare", [False, True], ids=["extended", "prepared"])
def test_with_parameters_too(cached, client, text, prepare):
    cached.never_hits(lambda: client.execute(text, (7,), prepare=prepare).fetchall())


@pytest.mark.parametrize("value", ["today", "now", " Today ", "yesterday"])
def test_words_for_moments_as_parameters(cached, client, value):
    text = "SELECT id FROM items WHERE id = 1 AND %s::text::timestamptz IS NOT NULL"
    cached.never_hits(lambda: client.execute(text, (value,)).fetchall())
    raw_text = "SELECT id FROM items WHERE id = 1 AND %s::date < '2100-01-01'"
    cached.never_hits(lambda: client.execute(raw_text, (value,)).fetchall())


def test_clock_goes_on(cached, client):
    seen = set()
    for _ in range(5):
        seen.add(client.execute("SELECT now(), id FROM items WHERE id = 1").fetchone()[0])
        time.sleep(0.01)
    assert len(seen) == 5


def test_temporary_tables(cached):
    """A temporary table hides the one of the same name: its owner sees it, everybody else the other."""
    text = "SELECT id FROM items ORDER BY id LIMIT 1"
    with cached.connect() as owner, cached.connect() as other:
        assert cached.warm(lambda: other.execute(text).fetchall()) == [(1,)]
        owner.execute("CREATE TEMP TABLE items AS SELECT 77 AS id")
        cached_before = cached.figures()["hits"]
        for _ in range(5):
            assert owner.execute(text).fetchall() == [(77,)]
        assert cached.figures()["hits"] == cached_before
        assert other.execute(text).fetchall() == [(1,)]
        owner.execute("DROP TABLE pg_temp.items")
        assert owner.execute(text).fetchall() == [(1,)]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_snapshots_of_transactions(cached, client, around, level):
    text = "SELECT price FROM items WHERE id = 1"
    before = cached.warm(lambda: client.execute(text).fetchall())
    client.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert client.execute(text).fetchall() == before
    around("UPDATE items SET price = price + 1 WHERE id = 1")
    time.sleep(0.3)
    with cached.connect() as other:
        for _ in range(10):
            other.execute(text)
            assert client.execute(text).fetchall() == before
    client.execute("COMMIT")


def test_default_isolation_of_the_session(cached, client, around):
    text = "SELECT price FROM items WHERE id = 1"
    before = cached.warm(lambda: client.execute(text).fetchall())
    client.execute("SET default_transaction_isolation = 'repeatable read'")
    client.execute("BEGIN")
    assert client.execute("SELECT price, 1 FROM items WHERE id = 1").fetchall() == [(before[0][0], 1)]
    done = around("UPDATE items SET price = price + 1 WHERE id = 1")
    while time.monotonic() < done + 1.2:
        with cached.connect() as other:
            other.execute(text)
        assert client.execute(text).fetchall() == before
    client.execute("COMMIT")


def test_within_a_transaction_after_a_write(cached, client):
    text = "SELECT price FROM items WHERE id = 1"
    cached.warm(lambda: client.execute(text).fetchall())
    client.execute("BEGIN")
    client.execute("UPDATE items SET price = 77 WHERE id = 1")
    assert cached.hits_during(lambda: [client.execute(text).fetchall() for _ in range(3)]) == 0
    assert client.execute(text).fetchall() == [(77,)]
    with cached.connect() as other:
        assert other.execute(text).fetchall() != [(77,)]
    client.execute("ROLLBACK")
    assert client.execute(text).fetchall() != [(77,)]


def test_a_failed_transaction_answers_nothing(cached, client):
    text = "SELECT price FROM items WHERE id = 1"
    cached.warm(lambda: client.execute(text).fetchall())
    client.execute("BEGIN")
    with pytest.raises(psycopg.errors.DivisionByZero):
        client.execute("SELECT 1/0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        client.execute(text)
    client.execute("ROLLBACK")
    cached.warm(lambda: client.execute(text).fetchall())
