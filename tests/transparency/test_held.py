"""State that lives in one backend: the client keeps that backend for as long as it has such state, and no longer.

Advisory locks, temporary objects, cursors WITH HOLD, LISTEN (design: transparency; pitfalls: pooling 5, 8)."""

import concurrent.futures
import contextlib
import threading

import psycopg
import pytest

from forebay_testing import ForebayDaemon


def free(endpoint):
    """True when another client gets a backend at once: with a pool of one, when nobody holds it."""
    with endpoint.connect(options="-c statement_timeout=15s") as other:
        return other.execute("SELECT true").fetchone()[0]


def test_advisory_lock_is_held_over_transactions(endpoint):
    with endpoint.connect() as holder, endpoint.connect() as other:
        holder.execute("SELECT pg_advisory_lock(1)")
        for _ in range(3):
            assert other.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (False,)
            assert holder.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                                  ).fetchone() == (1,)
        assert holder.execute("SELECT pg_advisory_unlock(1)").fetchone() == (True,)
        assert other.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)
        assert holder.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (False,)


def test_lock_taken_twice_is_released_twice(endpoint):
    with endpoint.connect() as holder, endpoint.connect() as other:
        holder.execute("SELECT pg_advisory_lock(2), pg_advisory_lock(2)")
        assert holder.execute("SELECT pg_advisory_unlock(2)").fetchone() == (True,)
        assert other.execute("SELECT pg_try_advisory_lock(2)").fetchone() == (False,)
        assert holder.execute("SELECT pg_advisory_unlock(2)").fetchone() == (True,)
        assert other.execute("SELECT pg_try_advisory_lock(2)").fetchone() == (True,)


def test_unlocking_what_is_not_locked_warns(endpoint):
    notices = []
    with endpoint.connect() as client:
        client.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        assert client.execute("SELECT pg_advisory_unlock(3)").fetchone() == (False,)
    assert notices == ["you don't own a lock of type ExclusiveLock"]


def test_session_lock_survives_rollback(endpoint):
    """Session locks ignore transactions: what a rolled-back transaction locked stays locked."""
    with endpoint.connect() as holder, endpoint.connect() as other:
        holder.execute("BEGIN")
        holder.execute("SELECT pg_advisory_lock(4)")
        holder.execute("ROLLBACK")
        assert other.execute("SELECT pg_try_advisory_lock(4)").fetchone() == (False,)
        holder.execute("SELECT pg_advisory_unlock_all()")
        assert other.execute("SELECT pg_try_advisory_lock(4)").fetchone() == (True,)


def test_lock_taken_inside_a_function(endpoint, reference):
    with reference.connect() as owner:
        owner.execute("CREATE OR REPLACE FUNCTION take(n int) RETURNS void LANGUAGE plpgsql AS"
                      " $$ BEGIN PERFORM pg_advisory_lock(n); END $$")
    with endpoint.connect() as holder, endpoint.connect() as other:
        holder.execute("SELECT take(5)")
        for _ in range(3):
            assert other.execute("SELECT pg_try_advisory_lock(5)").fetchone() == (False,)
            holder.execute("SELECT 1")
        assert holder.execute("SELECT pg_advisory_unlock(5)").fetchone() == (True,)


@pytest.mark.pool(1)
def test_transaction_lock_holds_nothing_afterwards(endpoint):
    with endpoint.connect() as client:
        with client.transaction():
            client.execute("SELECT pg_advisory_xact_lock(6)")
        assert free(endpoint)


@pytest.mark.pool(1)
@pytest.mark.parametrize("lock, unlock", [
    ("pg_advisory_lock(7)", "pg_advisory_unlock(7)"),
    ("pg_advisory_lock_shared(7, 7)", "pg_advisory_unlock_shared(7, 7)"),
    ("pg_try_advisory_lock(7)", "pg_advisory_unlock_all()"),
])
def test_client_is_multiplexed_again_after_unlock(endpoint, lock, unlock):
    with endpoint.connect() as client:
        for _ in range(3):
            client.execute(f"SELECT {lock}")
            client.execute(f"SELECT {unlock}")
            assert free(endpoint)


@pytest.mark.pool(1)
def test_try_lock_that_failed_holds_nothing(endpoint, reference):
    with reference.connect() as holder, endpoint.connect() as client:
        holder.execute("SELECT pg_advisory_lock(8)")
        assert client.execute("SELECT pg_try_advisory_lock(8)").fetchone() == (False,)
        assert free(endpoint)


def test_ten_clients_exclude_each_other_by_a_lock(endpoint, reference):
    """The counter is read and written in two transactions; only the lock between them keeps it right."""
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE counter_{endpoint.mode} AS SELECT 0 AS n")

    def work(_):
        with endpoint.connect() as client:
            for _ in range(5):
                client.execute("SELECT pg_advisory_lock(9)")
                n = client.execute(f"SELECT n FROM counter_{endpoint.mode}").fetchone()[0]
                client.execute(f"UPDATE counter_{endpoint.mode} SET n = {n + 1}")
                client.execute("SELECT pg_advisory_unlock(9)")

    # A client that waits for the lock keeps a backend waiting: fewer clients than backends.
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    with reference.connect() as owner:
        assert owner.execute(f"SELECT n FROM counter_{endpoint.mode}").fetchone() == (15,)


def test_temporary_table_over_transactions(endpoint):
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("CREATE TEMP TABLE mine (id int)")
        for number in range(5):
            client.execute(f"INSERT INTO mine VALUES ({number})")
            with pytest.raises(psycopg.errors.UndefinedTable):
                other.execute("SELECT * FROM mine")
        assert client.execute("SELECT count(*) FROM mine").fetchone() == (5,)
        client.execute("DROP TABLE mine")


def test_temporary_tables_of_the_same_name(endpoint):
    with endpoint.connect() as first, endpoint.connect() as second:
        first.execute("CREATE TEMP TABLE same AS SELECT 'first' AS word")
        second.execute("CREATE TEMP TABLE same AS SELECT 'second' AS word")
        for _ in range(3):
            assert first.execute("SELECT word FROM same").fetchone() == ("first",)
            assert second.execute("SELECT word FROM same").fetchone() == ("second",)


@pytest.mark.pool(1)
@pytest.mark.parametrize("make, drop", [
    ("CREATE TEMP TABLE t (id int)", "DROP TABLE t"),
    ("CREATE TEMP TABLE t (id int); CREATE TEMP VIEW v AS SELECT * FROM t", "DISCARD TEMP"),
    ("SELECT 1 AS id INTO TEMPORARY t", "DROP TABLE pg_temp.t"),
    ("CREATE TEMP SEQUENCE s", "DROP SEQUENCE s"),
    ("BEGIN; CREATE TEMP TABLE t (id int)", "ROLLBACK"),
    ("BEGIN; CREATE TEMP TABLE t (id int) ON COMMIT DROP", "COMMIT"),
    ("BEGIN; SAVEPOINT s; CREATE TEMP TABLE t (id int)", "ROLLBACK TO s; COMMIT"),
])
def test_client_is_multiplexed_again_when_temporary_objects_are_gone(endpoint, make, drop):
    with endpoint.connect() as client:
        for _ in range(3):
            client.execute(make)
            client.execute(drop)
            assert free(endpoint)


def test_temporary_table_made_inside_a_function(endpoint, reference):
    with reference.connect() as owner:
        owner.execute("CREATE OR REPLACE FUNCTION make() RETURNS void LANGUAGE sql AS"
                      " $$ CREATE TEMP TABLE hidden AS SELECT 7 AS n $$")
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("SELECT make()")
        for _ in range(3):
            with pytest.raises(psycopg.errors.UndefinedTable):
                other.execute("SELECT * FROM hidden")
            assert client.execute("SELECT n FROM hidden").fetchone() == (7,)


def test_cursor_with_hold(endpoint):
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("DECLARE walk CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 6) n")
        for start in (1, 3, 5):
            other.execute("SELECT 1")
            assert client.execute("FETCH 2 FROM walk").fetchall() == [(start,), (start + 1,)]
        client.execute("CLOSE walk")
        with pytest.raises(psycopg.errors.InvalidCursorName):
            client.execute("FETCH walk")


@pytest.mark.pool(1)
@pytest.mark.parametrize("close", ["CLOSE walk", "CLOSE ALL"])
def test_client_is_multiplexed_again_after_closing(endpoint, close):
    with endpoint.connect() as client:
        client.execute("BEGIN; DECLARE walk CURSOR WITH HOLD FOR SELECT 1; COMMIT")
        assert client.execute("FETCH walk").fetchone() == (1,)
        client.execute(close)
        assert free(endpoint)
        client.execute("BEGIN; DECLARE walk CURSOR WITH HOLD FOR SELECT 1; ROLLBACK")
        assert free(endpoint)
        client.execute("BEGIN; DECLARE walk CURSOR FOR SELECT 1; COMMIT")
        assert free(endpoint)


@pytest.mark.pool(1)
def test_listening_in_a_transaction_that_is_rolled_back(endpoint):
    with endpoint.connect() as client:
        client.execute("BEGIN; LISTEN news; ROLLBACK")
        assert client.execute("SELECT pg_listening_channels()").fetchall() == []
        assert free(endpoint)


@pytest.mark.pool(1)
@pytest.mark.parametrize("unlisten", ["UNLISTEN *", "UNLISTEN news", "DISCARD ALL"])
def test_client_is_multiplexed_again_after_unlisten(endpoint, unlisten):
    with endpoint.connect() as client:
        client.execute("LISTEN news")
        assert client.execute("SELECT pg_listening_channels()").fetchall() == [("news",)]
        client.execute(unlisten)
        assert free(endpoint)


@pytest.mark.pool(1)
def test_several_reasons_to_hold(endpoint):
    """Only when the last one is gone is the backend free."""
    with endpoint.connect() as client:
        client.execute("CREATE TEMP TABLE t AS SELECT 1 AS n")
        client.execute("SELECT pg_advisory_lock(10)")
        client.execute("LISTEN news")
        client.execute("SELECT pg_advisory_unlock(10)")
        client.execute("UNLISTEN *")
        assert client.execute("SELECT n FROM t").fetchone() == (1,)
        client.execute("DROP TABLE t")
        assert free(endpoint)


@pytest.mark.pool(1)
def test_holder_that_leaves_frees_the_backend(endpoint):
    client = endpoint.connect()
    client.execute("SELECT pg_advisory_lock(11)")
    client.execute("CREATE TEMP TABLE t (id int)")
    client.close()
    with endpoint.connect() as other:
        assert other.execute("SELECT pg_try_advisory_lock(11)").fetchone() == (True,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            other.execute("SELECT * FROM t")
        other.execute("SELECT pg_advisory_unlock(11)")


def test_clients_that_come_first_and_together_are_not_held(server):
    """Nothing is known of the database's code yet: each that comes before the first look is over looks itself."""
    with ForebayDaemon(server) as daemon, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(daemon.dsn(user="app"), autocommit=True)) for _ in range(8)]
        together = threading.Barrier(len(clients))

        def ask(client):
            together.wait(10)
            client.execute("SELECT count(*) FROM pg_class")

        with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
            list(threads.map(ask, clients))
        assert {row["held_because"] for row in daemon.show("clients") if row["user"] == "app"} == {""}
