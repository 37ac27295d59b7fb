"""psycopg 3: COPY in both directions."""

import concurrent.futures

import psycopg
import pytest


def test_copy_in_and_out_as_text(endpoint, table):
    name = table("id int, word text")
    rows = [(number, None if number % 7 == 0 else f"w\t{number}\n\\") for number in range(5000)]
    with endpoint.connect() as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {name} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        assert cursor.rowcount == 5000 and cursor.statusmessage == "COPY 5000"
        with cursor.copy(f"COPY (SELECT * FROM {name} ORDER BY id) TO STDOUT") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows()) == rows


def test_copy_binary(endpoint, table):
    name = table("id int, data bytea")
    rows = [(number, bytes([number % 256]) * 100) for number in range(3000)]
    with endpoint.connect() as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "bytea"])
            for row in rows:
                copy.write_row(row)
        with cursor.copy(f"COPY (SELECT * FROM {name} ORDER BY id) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "bytea"])
            assert list(copy.rows()) == rows


def test_copy_of_one_large_block(endpoint, table):
    name = table("line text")
    line = b"x" * 1000 + b"\n"
    with endpoint.connect() as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {name} FROM STDIN") as copy:
            copy.write(line * 20_000)  # 20 MB in one call
        assert connection.execute(f"SELECT count(*), sum(length(line)) FROM {name}").fetchone() == (20_000, 20_000_000)
        with cursor.copy(f"COPY {name} TO STDOUT") as copy:
            assert sum(len(block) for block in copy) == 20_000 * 1001


def test_copy_that_the_client_gives_up_stores_nothing(endpoint, table):
    name = table("id int")
    with endpoint.connect() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled, match="COPY from stdin failed: .*changed my mind"):
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                copy.write_row((1,))
                raise ValueError("changed my mind")
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_bad_row_ends_copy_with_the_servers_error(endpoint, table):
    name = table("id int")
    with endpoint.connect() as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                for line in (b"1\n", b"two\n", b"3\n"):
                    copy.write(line)
        assert caught.value.diag.context == f'COPY {name}, line 2, column id: "two"'
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_bad_first_row_while_the_client_still_sends(endpoint, table):
    """The server's error comes while megabytes are on the way: they must all be swallowed."""
    name = table("id int")
    with endpoint.connect() as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                copy.write(b"zero\n")
                for _ in range(100):
                    copy.write(b"1\n" * 50_000)
        assert connection.execute("SELECT 'in step'").fetchone() == ("in step",)


def test_error_in_the_middle_of_copy_out(endpoint):
    rows = "SELECT 1 / (n - 50000) FROM generate_series(1, 60000) n"
    with endpoint.connect() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            with connection.cursor().copy(f"COPY ({rows}) TO STDOUT") as copy:
                for _ in copy:
                    pass
        assert connection.execute("SELECT 'in step'").fetchone() == ("in step",)


def test_copy_in_a_transaction_is_rolled_back_with_it(endpoint, table):
    name = table("id int")
    with endpoint.connect(autocommit=False) as connection:
        with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
            copy.write_row((1,))
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (1,)
        connection.rollback()
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


@pytest.mark.pool(2)
def test_copies_of_ten_clients_over_two_backends(endpoint, table):
    name = table("client int, id int")

    def client(number):
        with endpoint.connect() as connection, connection.cursor() as cursor:
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for step in range(2000):
                    copy.write_row((number, step))
            with cursor.copy(f"COPY (SELECT id FROM {name} WHERE client = {number} ORDER BY id) TO STDOUT") as copy:
                copy.set_types(["int4"])
                return [row[0] for row in copy.rows()] == list(range(2000))

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert all(pool.map(client, range(10)))
