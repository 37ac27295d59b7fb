"""PREPARE, EXECUTE and DEALLOCATE in SQL, alone and mixed with the protocol's own (pitfalls: pooling 9)."""

import concurrent.futures

import psycopg
import pytest

from forebay_testing import frontend_messages as fe


def test_execute_on_another_backend(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("PREPARE add (int, int) AS SELECT $1 + $2")
        assert client.execute("EXECUTE add(1, 2)").fetchone() == (3,)
        with moved(client, may_hold=True):
            assert client.execute("EXECUTE add(3, 4)").fetchone() == (7,)
            assert client.execute("EXPLAIN (COSTS off) EXECUTE add(3, 4)").fetchall() == [("Result",)]
            client.execute("DEALLOCATE add")
        with pytest.raises(psycopg.errors.InvalidSqlStatementName, match='prepared statement "add" does not exist'):
            client.execute("EXECUTE add(1, 2)")


def test_names_belong_to_their_client(endpoint):
    with endpoint.connect() as first, endpoint.connect() as second:
        first.execute("PREPARE plan AS SELECT 'first'")
        second.execute("PREPARE plan AS SELECT 'second'")
        for _ in range(5):
            assert first.execute("EXECUTE plan").fetchone() == ("first",)
            assert second.execute("EXECUTE plan").fetchone() == ("second",)
        first.execute("DEALLOCATE PREPARE plan")
        assert second.execute("EXECUTE plan").fetchone() == ("second",)


def test_name_is_taken(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("PREPARE plan AS SELECT 1")
        with moved(client, may_hold=True), pytest.raises(psycopg.errors.DuplicatePreparedStatement):
            client.execute("PREPARE plan AS SELECT 2")
        assert client.execute("EXECUTE plan").fetchone() == (1,)


def test_rollback_does_not_undo_prepare(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("BEGIN; PREPARE plan AS SELECT 1; ROLLBACK")
        with moved(client, may_hold=True):
            assert client.execute("EXECUTE plan").fetchone() == (1,)
            client.execute("BEGIN; DEALLOCATE plan; ROLLBACK")
            with pytest.raises(psycopg.errors.InvalidSqlStatementName):
                client.execute("EXECUTE plan")


def test_prepare_that_fails_leaves_no_name(endpoint):
    with endpoint.connect() as client:
        with pytest.raises(psycopg.errors.UndefinedTable):
            client.execute("PREPARE plan AS SELECT * FROM nowhere")
        client.execute("PREPARE plan AS SELECT 1")
        assert client.execute("EXECUTE plan").fetchone() == (1,)


@pytest.mark.parametrize("statement", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_all_are_gone(endpoint, moved, statement):
    with endpoint.connect() as client:
        client.execute("PREPARE a AS SELECT 1; PREPARE b AS SELECT 2")
        client.execute(statement)
        with moved(client, may_hold=True):
            for name in "ab":
                with pytest.raises(psycopg.errors.InvalidSqlStatementName):
                    client.execute(f"EXECUTE {name}")
            client.execute("PREPARE a AS SELECT 3")
            assert client.execute("EXECUTE a").fetchone() == (3,)


def test_discard_plans_keeps_names(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("PREPARE a AS SELECT 1; DISCARD PLANS")
        with moved(client, may_hold=True):
            assert client.execute("EXECUTE a").fetchone() == (1,)


def test_quoted_and_folded_names(endpoint, moved):
    with endpoint.connect() as client:
        client.execute('PREPARE Plan AS SELECT 1; PREPARE "Plan" AS SELECT 2; PREPARE "a ""b""" AS SELECT 3')
        with moved(client, may_hold=True):
            assert client.execute("EXECUTE PLAN").fetchone() == (1,)
            assert client.execute('EXECUTE "Plan"').fetchone() == (2,)
            assert client.execute('EXECUTE "a ""b"""').fetchone() == (3,)


def test_arguments_are_expressions(endpoint, moved):
    with endpoint.connect() as client:
        client.execute(f"CREATE TABLE words_{endpoint.mode} (id int, word text)")
        client.execute(
            f"PREPARE put (int, text, date) AS INSERT INTO words_{endpoint.mode} VALUES ($1, $2) RETURNING $3")
        with moved(client, may_hold=True):
            done = client.execute("EXECUTE put(1 + 1, 'it''s ' || $$dollar$$, '2024-02-29')").fetchone()[0]
            assert done.year == 2024
            assert client.execute(f"SELECT * FROM words_{endpoint.mode}").fetchall() == [(2, "it's dollar")]


def test_create_table_as_execute(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("PREPARE numbers (int) AS SELECT generate_series(1, $1) AS n")
        with moved(client, may_hold=True):
            client.execute(f"CREATE TABLE made_{endpoint.mode} AS EXECUTE numbers(5)")
        assert client.execute(f"SELECT sum(n) FROM made_{endpoint.mode}").fetchone() == (15,)


def test_sql_name_used_by_the_protocol(endpoint, moved):
    """Both kinds of names are one set: https://www.postgresql.org/docs/15/protocol-flow.html (extended query)."""
    with endpoint.raw() as raw, endpoint.connect() as other:
        raw.query("PREPARE plan (int) AS SELECT $1 + 1")
        for _ in range(3):
            other.execute("SELECT 1")
            raw.send(fe.bind([41], "plan"), fe.execute(), fe.sync())
            assert [m.value for m in raw.until_ready() if m.kind == "D"] == [[b"42"]]
        raw.send(fe.close("S", "plan"), fe.sync())
        assert [m.kind for m in raw.until_ready()] == ["3", "Z"]
        assert raw.query("EXECUTE plan(1)")[0].sqlstate == "26000"


def test_protocol_name_used_by_sql(endpoint):
    with endpoint.raw() as raw, endpoint.connect() as other:
        raw.send(fe.parse("SELECT $1::int * 2", "twice"), fe.sync())
        assert [m.kind for m in raw.until_ready()] == ["1", "Z"]
        for _ in range(3):
            other.execute("SELECT 1")
            assert raw.rows("EXECUTE twice(21)") == [["42"]]
        assert raw.query("PREPARE twice AS SELECT 1")[0].sqlstate == "42P05"
        raw.query("DEALLOCATE twice")
        raw.send(fe.bind([1], "twice"), fe.sync())
        assert raw.until_ready()[0].sqlstate == "26000"


def test_view_shows_a_clients_own_names(endpoint):
    with endpoint.raw() as raw, endpoint.raw() as other:
        for client, name in ((raw, "mine"), (other, "theirs")):
            client.send(fe.parse("SELECT $1::int", name), fe.sync())
            client.until_ready()
        for _ in range(3):
            assert raw.rows("SELECT name, from_sql FROM pg_prepared_statements") == [["mine", "f"]]
            assert other.rows("SELECT name, from_sql FROM pg_prepared_statements") == [["theirs", "f"]]


@pytest.mark.pool(2)
def test_ten_clients_prepare_in_sql(endpoint):
    def client(number):
        with endpoint.connect() as connection:
            connection.execute(f"PREPARE mine (int) AS SELECT {number}, $1 + {number}")
            for step in range(30):
                assert connection.execute(f"EXECUTE mine({step})").fetchone() == (number, number + step)
                if step % 10 == 9:
                    connection.execute("DEALLOCATE mine")
                    connection.execute(f"PREPARE mine (int) AS SELECT {number}, $1 + {number}")

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(client, range(10)))
