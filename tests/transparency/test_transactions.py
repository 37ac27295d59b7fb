"""What belongs to one transaction stays on one backend and ends with it."""

import concurrent.futures
import socket
import threading

import psycopg
import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until


def test_one_transaction_is_one_backend(endpoint):
    with endpoint.connect(autocommit=False) as client:
        first = client.execute("SELECT pg_backend_pid(), txid_current(), now()").fetchone()
        for _ in range(5):
            with endpoint.connect() as other:
                assert other.execute("SELECT pg_backend_pid()").fetchone()[0] != first[0]
            assert client.execute("SELECT pg_backend_pid(), txid_current(), now()").fetchone() == first


def test_isolation_of_snapshots(endpoint, reference):
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE seen_{endpoint.mode} AS SELECT 1 AS n")
    with endpoint.connect() as reader, endpoint.connect() as writer:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute(f"SELECT n FROM seen_{endpoint.mode}").fetchone() == (1,)
        writer.execute(f"UPDATE seen_{endpoint.mode} SET n = 2")
        assert reader.execute(f"SELECT n FROM seen_{endpoint.mode}").fetchone() == (1,)
        reader.execute("COMMIT")
        assert reader.execute(f"SELECT n FROM seen_{endpoint.mode}").fetchone() == (2,)


def test_exported_snapshot_is_imported_by_another_client(endpoint, reference):
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE snap_{endpoint.mode} AS SELECT 1 AS n")
    with endpoint.connect() as first, endpoint.connect() as second:
        first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        snapshot = first.execute("SELECT pg_export_snapshot()").fetchone()[0]
        second.execute(f"INSERT INTO snap_{endpoint.mode} VALUES (2)")
        second.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        second.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        assert second.execute(f"SELECT count(*) FROM snap_{endpoint.mode}").fetchone() == (1,)
        second.execute("COMMIT")
        first.execute("COMMIT")


def test_set_transaction_is_for_this_transaction(endpoint):
    with endpoint.connect() as client:
        client.execute("BEGIN")
        client.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")
        assert client.execute("SHOW transaction_read_only").fetchone() == ("on",)
        client.execute("COMMIT")
        assert client.execute("SHOW transaction_read_only").fetchone() == ("off",)
        assert client.execute("SHOW transaction_isolation").fetchone() == ("read committed",)


def test_deferred_constraint_fails_at_commit(endpoint, reference):
    name = f"deferred_{endpoint.mode}"
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE {name} (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with endpoint.connect() as client:
        client.execute("BEGIN")
        client.execute(f"SET CONSTRAINTS ALL DEFERRED; INSERT INTO {name} VALUES (1), (1); SET work_mem = '7MB'")
        with pytest.raises(psycopg.errors.UniqueViolation):
            client.execute("COMMIT")
        assert client.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert client.execute(f"SELECT count(*), current_setting('work_mem') FROM {name}").fetchone() == (0, "4MB")


def test_statements_that_refuse_a_transaction(endpoint):
    """VACUUM, CREATE DATABASE and the like must reach the server outside of any."""
    with endpoint.connect("postgres") as client:
        client.execute(f"CREATE TABLE plain_{endpoint.mode} (id int)")
        client.execute(f"VACUUM plain_{endpoint.mode}")
        client.execute(f"CREATE INDEX CONCURRENTLY ON plain_{endpoint.mode} (id)")
        client.execute(f"CREATE DATABASE made_{endpoint.mode}")
        client.execute(f"DROP DATABASE made_{endpoint.mode}")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction):
            client.execute("SELECT 1; VACUUM")
        client.execute(f"DROP TABLE plain_{endpoint.mode}")


def test_procedure_that_commits(endpoint, reference):
    name = f"steps_{endpoint.mode}"
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE {name} (n int)")
        owner.execute(f"CREATE PROCEDURE {name}_work() LANGUAGE plpgsql AS $$ BEGIN"
                      f" FOR i IN 1..4 LOOP INSERT INTO {name} VALUES (i);"
                      " IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF; END LOOP; END $$")
    with endpoint.connect() as client:
        client.execute(f"CALL {name}_work()")
        assert client.execute(f"SELECT n FROM {name} ORDER BY n").fetchall() == [(2,), (4,)]


def test_begin_in_a_transaction_and_commit_outside_one_warn(endpoint):
    codes = []
    with endpoint.connect() as client:
        client.add_notice_handler(lambda notice: codes.append(notice.sqlstate))
        client.execute("COMMIT")
        client.execute("BEGIN; BEGIN; COMMIT")
        client.execute("ROLLBACK")
    assert codes == ["25P01", "25001", "25P01"]


@pytest.mark.pool(2)
def test_deadlock_is_found_and_told_to_one(endpoint, reference):
    name = f"dead_{endpoint.mode}"
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE {name} AS SELECT n FROM generate_series(1, 2) n")
    barrier = threading.Barrier(2)

    def work(order):
        with endpoint.connect() as client:
            client.execute("BEGIN")
            client.execute(f"UPDATE {name} SET n = n WHERE n = {order[0]}")
            barrier.wait(20)
            try:
                client.execute(f"UPDATE {name} SET n = n WHERE n = {order[1]}")
                client.execute("COMMIT")
                return "done"
            except psycopg.errors.DeadlockDetected:
                client.execute("ROLLBACK")
                return "deadlock"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, ((1, 2), (2, 1)))) == ["deadlock", "done"]


@pytest.mark.pool(2)
def test_serialization_failure(endpoint, reference):
    name = f"serial_{endpoint.mode}"
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE {name} AS SELECT 1 AS n")
    with endpoint.connect() as first, endpoint.connect() as second:
        for client in (first, second):
            client.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
            client.execute(f"SELECT sum(n) FROM {name}")
        first.execute(f"INSERT INTO {name} VALUES (2)")
        second.execute(f"INSERT INTO {name} VALUES (3)")
        first.execute("COMMIT")
        with pytest.raises(psycopg.errors.SerializationFailure):
            second.execute("COMMIT")


@pytest.mark.pool(1)
@pytest.mark.parametrize("state", ["in a transaction", "in a failed transaction", "while a query runs", "in COPY"])
def test_client_that_vanishes_is_rolled_back(endpoint, server, reference, state):
    """No next client inherits the transaction of one that left without a word."""
    name = f"vanished_{endpoint.mode}"
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE IF NOT EXISTS {name} (n int); TRUNCATE {name}")
        raw = endpoint.raw()
        raw.query(f"BEGIN; INSERT INTO {name} VALUES (1)")
        if state == "in a failed transaction":
            raw.query("SELECT 1/0")
        elif state == "while a query runs":
            owner.execute("SELECT pg_advisory_lock(1)")
            raw.send(fe.query("SELECT pg_advisory_xact_lock(1)"))
            active = ("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_advisory_xact_lock(1)'"
                      " AND wait_event = 'advisory' AND datname = %s")
            wait_until(lambda: server.query(active, (endpoint.dbname,)), 20, "query running")
        elif state == "in COPY":
            raw.send(fe.query(f"COPY {name} FROM STDIN"))
            raw.receive_until("G")
        raw.socket.shutdown(socket.SHUT_RDWR)
        raw.close()
        with endpoint.connect() as client:
            assert client.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            assert client.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)
            client.execute(f"INSERT INTO {name} VALUES (2)")
    with reference.connect() as owner:
        assert owner.execute(f"SELECT n FROM {name}").fetchall() == [(2,)]
