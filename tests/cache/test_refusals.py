"""What is never answered from memory, because it may differ from call to call or is nobody else's business."""

import time

import psycopg
import pytest

from conftest import await_lease, make_items

SETUP = """
CREATE SEQUENCE IF NOT EXISTS numbers; GRANT ALL ON numbers TO app;
CREATE OR REPLACE FUNCTION dice() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 4';
CREATE OR REPLACE FUNCTION looks_stable() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM pg_class';
CREATE OR REPLACE VIEW with_dice AS SELECT id, dice() FROM items;
CREATE OR REPLACE VIEW with_clock AS SELECT id, clock_timestamp() FROM items;
ALTER VIEW with_dice OWNER TO app; ALTER VIEW with_clock OWNER TO app;
CREATE UNLOGGED TABLE IF NOT EXISTS unlogged (x int); ALTER TABLE unlogged OWNER TO app;
DO $$BEGIN CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler; EXCEPTION WHEN duplicate_object THEN
END$$;
CREATE TABLE IF NOT EXISTS stored_elsewhere (x int) USING other; ALTER TABLE stored_elsewhere OWNER TO app;
CREATE TABLE IF NOT EXISTS guarded (x int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON guarded TO app;
"""

#: Each with words of the reason that EXPLAIN (FOREBAY) gives.
TEXTS = {
    "SELECT now(), id FROM items": "now() may depend",
    "SELECT id FROM items WHERE now() IS NOT NULL": "now() may depend",
    "SELECT CURRENT_TIMESTAMP, id FROM items": "differ from time to time",
    "SELECT CURRENT_DATE - 1, id FROM items": "differ from time to time",
    "SELECT id, LOCALTIME FROM items": "differ from time to time",
    "SELECT clock_timestamp(), id FROM items": "clock_timestamp() may depend",
    "SELECT id FROM items ORDER BY random() LIMIT 1": "random() may depend",
    "SELECT id, random() FROM items": "random() may depend",
    "SELECT nextval('numbers'), id FROM items WHERE id < 2": "nextval() may depend",
    "SELECT gen_random_uuid(), id FROM items": "gen_random_uuid() may depend",
    "SELECT pg_backend_pid(), id FROM items": "pg_backend_pid() may depend",
    "SELECT txid_current(), id FROM items WHERE id = 1": "txid_current() may depend",
    "SELECT id FROM items WHERE id = 1 FOR UPDATE": "it locks rows",
    "SELECT id FROM items WHERE id = 1 FOR NO KEY UPDATE": "it locks rows",
    "SELECT id FROM items WHERE id = 1 FOR SHARE": "it locks rows",
    "SELECT id FROM items WHERE id = 1 FOR KEY SHARE SKIP LOCKED": "it locks rows",
    "SELECT pg_advisory_lock_shared(1), id FROM items WHERE id = 1": "pg_advisory_lock_shared() may depend",
    "SELECT pg_sleep(0), id FROM items WHERE id = 1": "pg_sleep() may depend",
    "SELECT set_config('search_path', 'public', false), id FROM items WHERE id = 1": "set_config() may depend",
    "SELECT dice(), id FROM items": "dice() may depend",
    "SELECT looks_stable(), id FROM items": "looks_stable() may depend",
    "SELECT * FROM with_dice": "cannot be kept: dice() may depend",
    "SELECT * FROM with_clock": "cannot be kept: clock_timestamp() may depend",
    "SELECT (i).id, dice FROM items i, LATERAL dice()": "dice() may depend",
    "SELECT oid FROM pg_class WHERE relname = 'items'": "pg_class belongs to the system",
    "SELECT relname, id FROM pg_class JOIN items ON relname = name": "pg_class belongs to the system",
    "SELECT * FROM pg_stat_activity": "pg_stat_activity belongs to the system",
    "SELECT table_name FROM information_schema.tables": "information_schema",
    "SELECT 'now'::timestamptz, id FROM items": "another moment each time",
    "SELECT id FROM items WHERE 'today'::date IS NOT NULL": "another moment each time",
    "SELECT id FROM items WHERE date 'yesterday' < '2100-01-01'": "another moment each time",
    "SELECT id FROM items WHERE timestamptz 'tomorrow' > '2000-01-01'": "another moment each time",
    "SELECT id FROM items TABLESAMPLE BERNOULLI (50)": "TABLESAMPLE draws other rows",
    "SELECT last_value FROM numbers": "numbers is a sequence",
    "SELECT x FROM unlogged": "unlogged is unlogged",
    "SELECT x FROM stored_elsewhere": "has another access method than heap",
    "SELECT x FROM guarded": "guarded has row-level security",
    "INSERT INTO items (id) VALUES (1000) ON CONFLICT DO NOTHING RETURNING id": "it is not a read",
    "WITH w AS (UPDATE items SET price = price WHERE id = 1 RETURNING id) SELECT id FROM w": "it writes",
    "EXPLAIN SELECT id FROM items": "plans differ",
    "SHOW search_path": "it shows a setting",
    "VALUES (now())": "now() may depend",
}

#: These fail, and an error is never kept.
FAILURES = {
    "SELECT nothing FROM nowhere": psycopg.errors.UndefinedTable,
    "SELECT 1/0 FROM items": psycopg.errors.DivisionByZero,
}


@pytest.fixture(scope="module", autouse=True)
def setup(server, database):
    make_items(server, database)
    server.psql(SETUP, database)


def refusal(client, text: str) -> str:
    """Of a client that holds nothing: what it holds would be reason enough to ask the server."""
    [(line,), *_] = client.execute(f"EXPLAIN (FOREBAY) {text}", prepare=False).fetchall()
    return line


@pytest.mark.parametrize("text, why", TEXTS.items())
def test_goes_to_the_server_each_time(cached, client, text, why):
    cached.warm_up()
    line = refusal(client, text)
    assert line.startswith("Kept: no; ") and why in line
    cached.never_hits(lambda: client.execute(text).fetchall())


@pytest.mark.parametrize("text, error", FAILURES.items())
def test_errors_come_from_the_server_each_time(cached, client, text, error):
    def fail():
        with pytest.raises(error):
            client.execute(text)

    cached.never_hits(fail)


@pytest.mark.parametrize("text, why", [
    ("SELECT now(), id FROM items WHERE id = %s", "now() may depend"),
    ("SELECT id, random() FROM items WHERE id = %s", "random() may depend"),
    ("SELECT id FROM items WHERE id = %s FOR UPDATE", "it locks rows"),
    ("SELECT id, dice() FROM items WHERE id = %s", "dice() may depend"),
])
@pytest.mark.parametrize("prepare", [False, True], ids=["extended", "prepared"])
def test_with_parameters_too(cached, client, text, why, prepare):
    cached.warm_up()
    line = refusal(client, text.replace("%s", "$1"))
    assert line.startswith("Kept: no; ") and why in line
    cached.never_hits(lambda: client.execute(text, (7,), prepare=prepare).fetchall())


@pytest.mark.parametrize("text", [
    "SELECT id FROM items WHERE id = 1 AND %s::text::timestamptz IS NOT NULL",
    "SELECT id FROM items WHERE id = 1 AND %s::date < '2100-01-01'",
])
@pytest.mark.parametrize("value", ["today", "now", " Today ", "yesterday"])
def test_words_for_moments_as_parameters(cached, client, text, value):
    cached.warm(lambda: client.execute(text, ("2020-01-01",)).fetchall())
    cached.never_hits(lambda: client.execute(text, (value,)).fetchall())


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
    with cached.connect() as other:
        await_lease(cached, other)
        for _ in range(10):
            assert other.execute(text).fetchall() != before
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
