"""psycopg 3: prepared statements and pipelines, with more clients than backends."""

import concurrent.futures
import threading

import psycopg
import pytest



def test_prepared_at_once_and_used_over_many_transactions(endpoint, table):
    name = table("id int, word text")
    with endpoint.connect(autocommit=False, prepare_threshold=0) as connection:
        for number in range(20):
            connection.execute(f"INSERT INTO {name} VALUES (%s, %s)", (number, f"w{number}"))
            connection.commit()
        rows = connection.execute(f"SELECT id FROM {name} WHERE word = %s", ("w7",)).fetchall()
        assert rows == [(7,)]


def test_statement_is_prepared_after_five_uses(endpoint):
    """The sixth execution is a named statement's first; psycopg prepares by itself."""
    with endpoint.connect() as connection:
        for number in range(12):
            assert connection.execute("SELECT %s::int + 1", (number,)).fetchone() == (number + 1,)
        assert len(connection._prepared._names) == 1


@pytest.mark.pool(2)
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_ten_clients_over_two_backends(endpoint, table, binary):
    """Every client's own names for statements, over the same few backends (pitfalls: pooling 1, 2, 5)."""
    name = table("client int, step int, note text")
    barrier = threading.Barrier(10)

    def client(number):
        with endpoint.connect(prepare_threshold=0) as connection:
            barrier.wait(20)
            for step in range(30):
                # The same names (_pg3_0, _pg3_1 …) stand for different texts in different clients.
                if number % 2:
                    assert connection.execute("SELECT %s::int * 2", (step,), binary=binary).fetchone() == (step * 2,)
                connection.execute(f"INSERT INTO {name} VALUES (%s, %s, %s)", (number, step, f"{number}/{step}"))
                note = connection.execute(
                    f"SELECT note FROM {name} WHERE client = %s AND step = %s", (number, step), binary=binary
                ).fetchall()
                assert note == [(f"{number}/{step}",)]
        return number

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(client, range(10))) == list(range(10))
    with endpoint.connect() as connection:
        assert connection.execute(f"SELECT count(*), count(DISTINCT note) FROM {name}").fetchone() == (300, 300)


def test_more_statements_than_psycopg_keeps(endpoint):
    """Old ones are deallocated by psycopg through SQL DEALLOCATE."""
    with endpoint.connect(prepare_threshold=0) as connection:
        connection.prepared_max = 3
        for turn in range(3):
            for number in range(8):
                assert connection.execute(f"SELECT {number} + %s::int", (turn,)).fetchone() == (number + turn,)


def test_table_changed_under_a_prepared_statement(endpoint, table):
    """'cached plan must not change result type' is the server's answer to a direct client too (pitfalls: 6)."""
    name = table("id int")
    with endpoint.connect(prepare_threshold=0) as connection:
        assert connection.execute(f"SELECT * FROM {name} WHERE id > %s", (0,)).fetchall() == []
        connection.execute(f"ALTER TABLE {name} ADD COLUMN more text")
        try:
            rows = connection.execute(f"SELECT * FROM {name} WHERE id > %s", (0,)).fetchall()
            assert rows == []
        except psycopg.errors.FeatureNotSupported as error:
            assert "cached plan must not change result type" in str(error)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_discard_all_forgets_statements(endpoint):
    with endpoint.connect(prepare_threshold=0) as connection:
        for _ in range(3):
            assert connection.execute("SELECT %s::int", (1,)).fetchone() == (1,)
        connection.execute("DISCARD ALL")
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False).fetchone() == (0,)
        # This release of psycopg does not notice; the server, or who speaks for it, must say so.
        with pytest.raises(psycopg.errors.InvalidSqlStatementName, match='prepared statement "_pg3_0" does not exist'):
            connection.execute("SELECT %s::int", (2,))


def test_prepare_fails_and_the_name_stays_free(endpoint):
    """A Parse that fails must undo its name (pitfalls: 3)."""
    with endpoint.connect(prepare_threshold=0) as connection:
        for _ in range(3):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("SELECT * FROM nowhere WHERE id = %s", (1,))
            assert connection.execute("SELECT %s::text", ("fine",)).fetchone() == ("fine",)


def test_pipeline(endpoint, table):
    name = table("id int")
    with endpoint.connect() as connection, connection.pipeline():
        cursors = []
        for number in range(200):
            cursors.append(connection.execute("SELECT %s::int", (number,)))
            connection.execute(f"INSERT INTO {name} VALUES (%s)", (number,))
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(200))
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (200,)


def test_pipeline_in_one_transaction_is_rolled_back_whole(endpoint, table):
    name = table("id int PRIMARY KEY")
    with endpoint.connect() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            with connection.pipeline(), connection.transaction():
                for number in (1, 2, 2, 3):
                    connection.execute(f"INSERT INTO {name} VALUES (%s)", (number,))
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_pipeline_with_an_error_in_the_middle_and_another_after_it(endpoint):
    with endpoint.connect() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
            before = connection.execute("SELECT 1")
            connection.execute("SELECT 1/0")
            connection.execute("SELECT 2")
        assert before.fetchone() == (1,)
        with connection.pipeline():
            assert connection.execute("SELECT 3").fetchone() == (3,)


@pytest.mark.pool(2)
def test_pipelines_of_ten_clients_over_two_backends(endpoint):
    def client(number):
        with endpoint.connect(prepare_threshold=1) as connection:
            for turn in range(5):
                with connection.pipeline():
                    cursors = [connection.execute("SELECT %s::int, %s::int, %s::int", (number, turn, step))
                               for step in range(40)]
                    assert [cursor.fetchone() for cursor in cursors] == [(number, turn, step) for step in range(40)]

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(client, range(10)))


def test_executemany_uses_one_statement(endpoint, table):
    name = table("id int, word text")
    with endpoint.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES (%s, %s)", [(number, "x" * number) for number in range(500)])
        assert cursor.rowcount == 500
        assert connection.execute(f"SELECT count(*), sum(length(word)) FROM {name}").fetchone() == (500, 124_750)
