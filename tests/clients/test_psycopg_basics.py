"""psycopg 3: connecting, transactions, types, encodings, errors."""

import asyncio
import contextlib
import datetime
import decimal
import uuid

import psycopg
import pytest
from psycopg.types.json import Jsonb


def test_connect_and_ask(endpoint):
    with endpoint.connect() as connection:
        row = connection.execute("SELECT current_user, current_database(), 1 + 1").fetchone()
        assert row == ("app", endpoint.dbname, 2)
        assert connection.info.server_version // 10000 == 15
        assert connection.info.parameter_status("server_encoding") == "UTF8"


def test_url_and_connection_string_agree(endpoint):
    with psycopg.connect(endpoint.url()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("app",)


def test_wrong_password_is_refused_with_the_servers_words(endpoint):
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "app"'):
        psycopg.connect(endpoint.daemon.dsn("app", endpoint.dbname, "wrong"))


def test_unknown_user_is_refused_like_a_wrong_password(endpoint):
    """Nobody learns from the answer which roles exist."""
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "nobody"'):
        psycopg.connect(endpoint.daemon.dsn("nobody", endpoint.dbname, "wrong"))


def test_unknown_database_is_refused(endpoint):
    with pytest.raises(psycopg.OperationalError, match='database "nowhere" does not exist'):
        psycopg.connect(endpoint.daemon.dsn("app", "nowhere", endpoint.password()))


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_values_of_many_types_come_back_equal(endpoint, binary):
    values = [
        42, -(2**62), 3.5, decimal.Decimal("1234567890.0123456789"), "zwölf ✓", b"\x00\xff\x10", True, None,
        datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 1, 5, tzinfo=datetime.timezone.utc),
        datetime.timedelta(days=3, seconds=7), uuid.UUID(int=5), [1, 2, None], Jsonb({"a": [1, None]}),
    ]
    with endpoint.connect() as connection:
        for value in values:
            found = connection.execute("SELECT %s", (value,), binary=binary).fetchone()[0]
            assert found == (value.obj if isinstance(value, Jsonb) else value)


def test_large_values_both_ways(endpoint):
    data = bytes(range(256)) * 40_000  # 10 MB
    with endpoint.connect() as connection:
        cursor = connection.execute("SELECT %b, length(%b)", (data, data))
        assert cursor.fetchone() == (data, len(data))


def test_many_rows(endpoint):
    with endpoint.connect() as connection:
        rows = connection.execute("SELECT n, repeat('x', n % 50) FROM generate_series(1, 100000) n").fetchall()
        assert len(rows) == 100_000 and all(row == (n, "x" * (n % 50)) for n, row in enumerate(rows, 1))


def test_commit_and_rollback(endpoint, table):
    name = table("id int")
    with endpoint.connect(autocommit=False) as connection:
        connection.execute(f"INSERT INTO {name} VALUES (1)")
        connection.commit()
        connection.execute(f"INSERT INTO {name} VALUES (2)")
        connection.rollback()
        assert connection.execute(f"SELECT id FROM {name}").fetchall() == [(1,)]


def test_savepoints(endpoint, table):
    name = table("id int PRIMARY KEY")
    with endpoint.connect() as connection:
        with connection.transaction():
            connection.execute(f"INSERT INTO {name} VALUES (1)")
            with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
                connection.execute(f"INSERT INTO {name} VALUES (1)")
            with connection.transaction(force_rollback=True):
                connection.execute(f"INSERT INTO {name} VALUES (2)")
            connection.execute(f"INSERT INTO {name} VALUES (3)")
        assert connection.execute(f"SELECT id FROM {name} ORDER BY id").fetchall() == [(1,), (3,)]


def test_isolation_level_read_only_and_deferrable(endpoint):
    with endpoint.connect(autocommit=False) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        connection.deferrable = True
        show = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
        assert connection.execute(show).fetchone() == ("serializable", "on")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE never (id int)")


def test_failed_transaction_stays_failed_until_rollback(endpoint):
    with endpoint.connect(autocommit=False) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1/0")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_two_phase_commit(endpoint, table):
    name = table("id int")
    with contextlib.closing(endpoint.connect(autocommit=False)) as connection:
        first, second = (connection.xid(1, f"{name}-{n}", "branch") for n in (1, 2))
        connection.tpc_begin(first)
        connection.execute(f"INSERT INTO {name} VALUES (1)")
        connection.tpc_prepare()
        connection.tpc_commit()
        connection.tpc_begin(second)
        connection.execute(f"INSERT INTO {name} VALUES (2)")
        connection.tpc_prepare()
    with endpoint.connect(autocommit=False) as other:  # another client ends what the first one left
        mine = [xid for xid in other.tpc_recover() if xid.gtrid == f"{name}-2"]
        assert len(mine) == 1
        other.tpc_rollback(mine[0])
        assert other.execute(f"SELECT id FROM {name}").fetchall() == [(1,)]


def test_client_encoding_stays_over_transactions(endpoint):
    with endpoint.connect(client_encoding="latin1") as connection:
        for _ in range(3):
            assert connection.info.encoding == "iso8859-1"
            assert connection.execute("SELECT 'é', octet_length('é')").fetchone() == ("é", 2)
            assert connection.execute("SHOW client_encoding").fetchone() == ("LATIN1",)
        connection.execute("SET client_encoding TO utf8")
        assert connection.info.encoding == "utf-8"
        assert connection.execute("SELECT '✓'").fetchone() == ("✓",)
        connection.execute("RESET client_encoding")  # back to what the connection string said
        assert connection.info.encoding == "iso8859-1"


def test_character_that_the_client_encoding_lacks(endpoint):
    with endpoint.connect(client_encoding="latin1") as connection:
        with pytest.raises(psycopg.errors.UntranslatableCharacter):
            connection.execute(r"SELECT U&'\2713'")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_notices_arrive_with_their_fields(endpoint):
    notices = []
    with endpoint.connect() as connection:
        connection.add_notice_handler(lambda n: notices.append((n.severity, n.message_primary, n.sqlstate)))
        connection.execute("DO $$ BEGIN RAISE WARNING 'careful' USING ERRCODE = '01234'; RAISE NOTICE 'seen'; END $$")
    assert notices == [("WARNING", "careful", "01234"), ("NOTICE", "seen", "00000")]


def test_error_fields_equal_those_of_postgresql(endpoint, reference, table):
    name = table("id int CONSTRAINT positive CHECK (id > 0)")

    def fields(place, sql):
        with place.connect() as connection, pytest.raises(psycopg.Error) as caught:
            connection.execute(sql)
        diagnostics = caught.value.diag
        return type(caught.value), {
            field: getattr(diagnostics, field) for field in dir(diagnostics) if not field.startswith("_")
        }

    for sql in (f"INSERT INTO {name} VALUES (-1)", "SELEC 1", "SELECT * FROM nowhere", "SELECT nothing(1)",
                "SELECT 1/0", "SELECT 'x'::int", "DO $$ BEGIN RAISE 'own' USING HINT = 'h', DETAIL = 'd'; END $$"):
        ours, theirs = fields(endpoint, sql), fields(reference, sql)
        assert ours == theirs


def test_async_clients_at_once(endpoint):
    async def one(number):
        async with await psycopg.AsyncConnection.connect(endpoint.dsn(), autocommit=True) as connection:
            total = 0
            for step in range(20):
                cursor = await connection.execute("SELECT %s::int * 100 + %s::int", (number, step))
                (value,) = await cursor.fetchone()
                assert value == number * 100 + step
                total += 1
            return total

    async def all_of_them():
        return await asyncio.gather(*(one(number) for number in range(10)))

    assert asyncio.run(all_of_them()) == [20] * 10


def test_server_side_cursor(endpoint):
    with endpoint.connect(autocommit=False) as connection, connection.cursor(name="walk", scrollable=True) as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT * FROM generate_series(1, 1000)")
        assert [row[0] for row in cursor] == list(range(1, 1001))
        cursor.scroll(0, mode="absolute")
        assert cursor.fetchmany(3) == [(1,), (2,), (3,)]


def test_server_side_cursor_with_hold_outlives_its_transaction(endpoint):
    with endpoint.connect(autocommit=False) as connection:
        cursor = connection.cursor(name="held", withhold=True)
        cursor.execute("SELECT * FROM generate_series(1, 10)")
        assert cursor.fetchmany(4) == [(1,), (2,), (3,), (4,)]
        connection.commit()
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.commit()
        assert cursor.fetchmany(2) == [(5,), (6,)]
        cursor.close()
        connection.commit()


def test_stream_row_by_row(endpoint):
    with endpoint.connect() as connection, connection.cursor() as cursor:
        assert sum(row[0] for row in cursor.stream("SELECT * FROM generate_series(1, 5000)")) == 12_502_500


def test_executemany_with_returning(endpoint, table):
    name = table("id serial, word text")
    with endpoint.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} (word) VALUES (%s) RETURNING id", [(c,) for c in "abc"], returning=True)
        ids = []
        while True:
            ids.append(cursor.fetchone()[0])
            if not cursor.nextset():
                break
        assert ids == [1, 2, 3] and cursor.rowcount == 1


def test_row_counts_and_status_messages(endpoint, table):
    name = table("id int")
    with endpoint.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {name} SELECT generate_series(1, 7)")
        assert (cursor.rowcount, cursor.statusmessage) == (7, "INSERT 0 7")
        cursor.execute(f"UPDATE {name} SET id = id + 1 WHERE id > 4")
        assert (cursor.rowcount, cursor.statusmessage) == (3, "UPDATE 3")
        cursor.execute(f"DELETE FROM {name} WHERE id < 0")
        assert (cursor.rowcount, cursor.statusmessage) == (0, "DELETE 0")


def test_several_statements_in_one_message(endpoint):
    with endpoint.connect() as connection:
        cursor = connection.execute("SELECT 1; SELECT 2, 'b'; SELECT 3 WHERE false")
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset() and cursor.fetchall() == [(2, "b")]
        assert cursor.nextset() and cursor.fetchall() == []
        assert not cursor.nextset()
