"""EXPLAIN (FOREBAY): what becomes of a statement, and the rule that decides it."""

import psycopg
import pytest

from forebay_testing import wait_until

pytestmark = pytest.mark.usefixtures("items")


def explained(client, text: str) -> dict:
    lines = [line for (line,) in client.execute(f"EXPLAIN (forebay) {text}", prepare=False).fetchall()]
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("text, depends", [
    ("SELECT name FROM items WHERE id = 1", "public.items (rows with one key)"),
    ("SELECT name FROM items WHERE id = 1 OR id = 2", "public.items"),
    ("SELECT 1", "nothing that changes"),
])
def test_it_says_what_a_result_depends_on(cached, client, text, depends):
    cached.warm_up()
    assert explained(client, text)["Depends on"] == depends


@pytest.mark.parametrize("text, why", [
    ("SELECT now()", "now() may depend on more than its arguments"),
    ("SELECT * FROM items FOR UPDATE", "it locks rows"),
    ("SELECT * FROM pg_class", "belongs to the system"),
    ("SELECT 'today'::date", "another moment each time"),
    ("SELECT * FROM missing", "there is no relation missing"),
    ("SHOW work_mem", "it shows a setting"),
    ("", "it has no statement"),
    ("SELECT broken(", "PostgreSQL's grammar does not take it"),
])
def test_it_names_the_rule_that_refuses(cached, client, text, why):
    cached.warm_up()
    kept = explained(client, text)["Kept"]
    assert kept.startswith("no; ") and why in kept


@pytest.mark.parametrize("text, changes", [
    ("UPDATE items SET price = 1 WHERE id = 5", "public.items (rows with one key)"),
    ("UPDATE items SET price = 1", "public.items"),
    ("UPDATE items SET price = length(now()::text)", "public.items"),
    ("WITH w AS (DELETE FROM items) SELECT 1", "perhaps more than it names"),
    ("DO $$ BEGIN DELETE FROM items; END $$", "perhaps more than it names"),
])
def test_of_a_write_it_says_what_it_changes(cached, client, text, changes):
    cached.warm_up()

    def told() -> str:
        # After a schema change triggers are in doubt until the next look at them, which comes before a statement that
        # the server is asked.
        client.execute("SELECT clock_timestamp()")
        return explained(client, text)["Changes"]

    wait_until(lambda: told() == changes, 10, f"changes: {changes}")
    assert explained(client, text)["Kept"].startswith("no; ")
    assert client.execute("SELECT price FROM items WHERE id = 5").fetchone()[0] != 1


def test_it_says_what_is_in_memory(cached, client, server, database):
    text = "SELECT name FROM items WHERE id = 1"
    cached.settle(lambda: client.execute(text, prepare=False).fetchall())
    assert explained(client, text)["In memory, as a simple query"].startswith("1 rows, ")
    server.execute("UPDATE items SET name = 'x' WHERE id = 1", dbname=database)
    wait_until(lambda: "what was there has ended" in explained(client, text)["In memory, as a simple query"])


def test_it_says_why_a_client_is_not_answered_from_memory(cached, client):
    text = "SELECT name FROM items WHERE id = 1"
    with client.transaction():
        assert explained(client, text)["Now"] == "the server answers, for a transaction is open"
        assert client.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    client.execute("CREATE TEMP TABLE mine (x int)")
    assert explained(client, text)["Now"].startswith("the server answers, for ")
    client.execute("DROP TABLE mine")


def test_of_several_statements_none_is_swallowed(client):
    with pytest.raises(psycopg.errors.SyntaxError, match="unrecognized EXPLAIN option"):
        client.execute("EXPLAIN (FOREBAY) SELECT 1; DELETE FROM items")


def test_in_a_failed_transaction_the_server_refuses_it(client):
    client.autocommit = True
    client.execute("BEGIN")
    with pytest.raises(psycopg.errors.UndefinedTable):
        client.execute("SELECT * FROM missing")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        client.execute("EXPLAIN (forebay) SELECT 1")
    client.execute("ROLLBACK")


def test_without_the_cache_it_says_so(server, database):
    from forebay_testing import ForebayDaemon
    with ForebayDaemon(server, ["--cache", "off"]) as daemon, \
            psycopg.connect(daemon.dsn(user="app", dbname=database), autocommit=True) as client:
        assert client.execute("EXPLAIN (FOREBAY) SELECT 1").fetchall() == [
            ("Kept: no; this session has no cache (cache.enabled, or the upstream names no user)",)]


def test_after_it_the_next_statement_was_not_kept(cached, client):
    text = "SELECT name FROM items WHERE id = 3"

    def is_in_memory() -> bool:
        if explained(client, text).get("In memory, as a simple query", "").startswith("1 rows, "):
            return True
        client.execute(text, prepare=False)
        return False

    wait_until(is_in_memory, 10, "it is kept")
