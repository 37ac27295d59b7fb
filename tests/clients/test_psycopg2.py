"""psycopg2: simple query protocol, client-side parameters."""

import concurrent.futures
import contextlib
import io
import select

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
import psycopg2.pool
import pytest


def connect(endpoint, **options):
    return contextlib.closing(psycopg2.connect(endpoint.dsn(), connect_timeout=20, **options))


def test_transaction_and_types(endpoint, table):
    name = table("id serial, data jsonb, names text[], raw bytea, stamp timestamptz")
    with connect(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {name} (data, names, raw, stamp) VALUES (%s, %s, %s, %s) RETURNING id",
                       (psycopg2.extras.Json({"a": [1]}), ["x", None], b"\x00\xff", "2024-02-29 12:00+02"))
        assert cursor.fetchone() == (1,)
        connection.commit()
        cursor.execute(f"SELECT data, names, raw, stamp AT TIME ZONE 'UTC' FROM {name}")
        data, names, raw, stamp = cursor.fetchone()
        assert (data, names, bytes(raw), str(stamp)) == ({"a": [1]}, ["x", None], b"\x00\xff", "2024-02-29 10:00:00")
        connection.rollback()


def test_session_settings(endpoint):
    """set_session() and its properties are SETs and BEGIN options that must last."""
    with connect(endpoint) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        for _ in range(3):
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("repeatable read",)
            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                cursor.execute("CREATE TABLE never ()")
            connection.rollback()


def test_autocommit_session_characteristics(endpoint):
    with connect(endpoint) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="SERIALIZABLE", readonly=True, autocommit=True)
        for _ in range(3):
            cursor.execute("SHOW default_transaction_isolation")
            assert cursor.fetchone() == ("serializable",)
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("on",)


def test_client_encoding(endpoint):
    with connect(endpoint) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        connection.set_client_encoding("LATIN1")
        for _ in range(3):
            cursor.execute("SELECT 'é', octet_length(convert_to('é', 'UTF8'))")
            assert cursor.fetchone() == ("é", 2) and connection.encoding == "LATIN1"


def test_copy(endpoint, table):
    name = table("id int, word text")
    with connect(endpoint) as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {name} FROM STDIN CSV", io.StringIO("1,a\n2,b\n"))
        out = io.StringIO()
        cursor.copy_to(out, name)
        assert out.getvalue() == "1\ta\n2\tb\n"
        with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
            cursor.copy_from(io.StringIO("x\ty\n"), name)
        connection.rollback()


def test_named_cursor(endpoint):
    with connect(endpoint) as connection:
        with connection.cursor("walk") as cursor:
            cursor.itersize = 50
            cursor.execute("SELECT generate_series(1, 500)")
            assert sum(row[0] for row in cursor) == 125_250


def test_execute_values(endpoint, table):
    name = table("id int, word text")
    with connect(endpoint) as connection, connection.cursor() as cursor:
        rows = [(number, str(number)) for number in range(1000)]
        back = psycopg2.extras.execute_values(
            cursor, f"INSERT INTO {name} VALUES %s RETURNING id", rows, page_size=100, fetch=True)
        assert [row[0] for row in back] == list(range(1000))
        psycopg2.extras.execute_batch(cursor, f"UPDATE {name} SET word = %s WHERE id = %s", [("x", 1), ("y", 2)])
        connection.commit()


def test_listen_with_poll(endpoint):
    with connect(endpoint) as listener, connect(endpoint) as sender:
        for connection in (listener, sender):
            connection.autocommit = True
        listener.cursor().execute("LISTEN polled")
        sender.cursor().execute("NOTIFY polled, 'hello'")
        assert select.select([listener], [], [], 5)[0]
        listener.poll()
        assert [(notice.channel, notice.payload) for notice in listener.notifies] == [("polled", "hello")]


def test_cancel(endpoint, running):
    with connect(endpoint) as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
        connection.autocommit = True
        cursor = connection.cursor()
        waiting = pool.submit(cursor.execute, "SELECT pg_sleep(30) AS psycopg2_waits")
        running("psycopg2_waits")
        connection.cancel()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            waiting.result(10)
        cursor.execute("SELECT 1")


def test_two_phase_commit(endpoint, table):
    name = table("id int")
    with connect(endpoint) as connection:
        xid = connection.xid(7, name, "b")
        connection.tpc_begin(xid)
        connection.cursor().execute(f"INSERT INTO {name} VALUES (1)")
        connection.tpc_prepare()
        connection.tpc_commit()
        cursor = connection.cursor()
        cursor.execute(f"SELECT count(*) FROM {name}")
        assert cursor.fetchone() == (1,)


def test_reset_of_a_connection(endpoint):
    """reset() sends ABORT, RESET ALL and SET SESSION AUTHORIZATION DEFAULT."""
    with connect(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SET work_mem = '9MB'")
        connection.commit()
        cursor.execute("SET ROLE alice")
        connection.commit()
        cursor.execute("SELECT current_user, current_setting('work_mem')")
        assert cursor.fetchone() == ("alice", "9MB")
        connection.reset()
        cursor.execute("SELECT session_user, current_setting('work_mem')")
        assert cursor.fetchone() == ("app", "4MB")


@pytest.mark.pool(2)
def test_pool_of_ten_over_two_backends(endpoint, table):
    """An application's own pool in front of Forebay's."""
    name = table("id int PRIMARY KEY, count int")
    pool = psycopg2.pool.ThreadedConnectionPool(10, 10, endpoint.dsn())
    with endpoint.connect() as connection:
        connection.execute(f"INSERT INTO {name} SELECT n, 0 FROM generate_series(0, 4) n")

    def work(number):
        for step in range(20):
            connection = pool.getconn()
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute(f"UPDATE {name} SET count = count + 1 WHERE id = %s", ((number + step) % 5,))
                    assert cursor.rowcount == 1
            finally:
                pool.putconn(connection)

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        list(threads.map(work, range(10)))
    pool.closeall()
    with endpoint.connect() as connection:
        assert connection.execute(f"SELECT sum(count) FROM {name}").fetchone() == (200,)
