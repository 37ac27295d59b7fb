"""psycopg 3: cancel, LISTEN and NOTIFY."""

import concurrent.futures
import select
import threading
import time

import psycopg
import pytest

from forebay_testing import wait_until


def test_cancel_ends_the_running_query(endpoint, running):
    with endpoint.connect() as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.execute, "SELECT pg_sleep(30) AS ends_early")
        running("ends_early")
        connection.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to user request"):
            waiting.result(10)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_cancel_when_nothing_runs_does_nothing(endpoint):
    with endpoint.connect() as connection:
        connection.execute("SELECT 1")
        connection.cancel()
        assert connection.execute("SELECT pg_sleep(0.3), 'whole'").fetchone()[1] == "whole"


@pytest.mark.pool(2)
def test_cancel_hits_only_its_own_query(endpoint, running):
    """Two queries run on the two backends; eight idle clients cancel, and only the owner's word counts
    (pitfalls: pooling 15)."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        clients = [endpoint.connect() for _ in range(10)]
        for client in clients:
            client.execute("SELECT 1")
        victim = pool.submit(clients[0].execute, "SELECT pg_sleep(30) AS victim")
        spared = pool.submit(clients[1].execute, "SELECT pg_sleep(5), 'spared'")
        running("victim")
        running("spared")
        for idle in clients[2:]:
            idle.cancel()
        assert not victim.done() and not spared.done()
        clients[0].cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            victim.result(10)
        assert spared.result(10).fetchone()[1] == "spared"
        for client in clients:
            client.close()


@pytest.mark.pool(2)
def test_cancel_that_comes_late_does_not_hit_the_next_client(endpoint):
    """A client cancels at the very moment its query ends, again and again, while others use the same backends."""
    stop = threading.Event()

    def others():
        count = 0
        with endpoint.connect() as connection:
            while not stop.is_set():
                assert connection.execute("SELECT pg_sleep(0.002), 7").fetchone()[1] == 7
                count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(4) as pool, endpoint.connect() as connection:
        bystanders = [pool.submit(others) for _ in range(4)]
        for _ in range(100):
            try:
                connection.execute("SELECT pg_sleep(0.001)")
            except psycopg.errors.QueryCanceled:
                pass
            connection.cancel()
        stop.set()
        assert all(bystander.result(20) > 0 for bystander in bystanders)


def test_cancel_while_waiting_for_a_lock(endpoint, table, running):
    name = table("id int")
    with endpoint.connect(autocommit=False) as holder, endpoint.connect() as waiter:
        holder.execute(f"LOCK TABLE {name}")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(waiter.execute, f"SELECT count(*) AS blocked FROM {name}")
            running("blocked")
            waiter.cancel()
            with pytest.raises(psycopg.errors.QueryCanceled):
                waiting.result(10)
        holder.rollback()
        assert waiter.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_statement_timeout_of_the_client(endpoint):
    with endpoint.connect() as connection:
        connection.execute("SET statement_timeout = '100ms'")
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to statement timeout"):
            connection.execute("SELECT pg_sleep(10)")
        connection.execute("RESET statement_timeout")
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_listen_and_notify(endpoint):
    """LISTEN must work in transaction mode (pitfalls: pooling 8)."""
    with endpoint.connect() as listener, endpoint.connect() as sender:
        listener.execute("LISTEN news")
        sender.execute("SELECT pg_notify('news', 'first')")
        sender.execute("NOTIFY news, 'second'")
        sender.execute("NOTIFY other, 'not for us'")
        received = []
        for notice in listener.notifies():
            received.append((notice.channel, notice.payload))
            if len(received) == 2:
                break
        assert received == [("news", "first"), ("news", "second")]


def test_notification_reaches_an_idle_client_by_itself(endpoint):
    with endpoint.connect() as listener, endpoint.connect() as sender:
        listener.execute("LISTEN waking")
        sender.execute("NOTIFY waking")
        readable, _, _ = select.select([listener.fileno()], [], [], 5)
        assert readable
        listener.pgconn.consume_input()
        assert listener.pgconn.notifies().relname == b"waking"


def test_notification_to_oneself(endpoint):
    got = []
    with endpoint.connect() as connection:
        connection.add_notify_handler(lambda notice: got.append(notice.payload))
        connection.execute("LISTEN mirror")
        connection.execute("NOTIFY mirror, 'me'")
        wait_until(lambda: connection.execute("SELECT 1") and got, 5, "own notification")
        assert got == ["me"]


def test_notification_is_sent_at_commit_and_not_after_rollback(endpoint):
    with endpoint.connect() as listener, endpoint.connect(autocommit=False) as sender:
        listener.execute("LISTEN decided")
        sender.execute("NOTIFY decided, 'dropped'")
        sender.rollback()
        sender.execute("NOTIFY decided, 'kept'")
        sender.commit()
        assert next(iter(listener.notifies())).payload == "kept"


def test_unlisten_ends_it_and_the_client_goes_on(endpoint):
    got = []
    with endpoint.connect() as listener, endpoint.connect() as sender:
        listener.add_notify_handler(lambda notice: got.append(notice.payload))
        listener.execute("LISTEN a")
        listener.execute("LISTEN b")
        assert listener.execute("SELECT pg_listening_channels() ORDER BY 1").fetchall() == [("a",), ("b",)]
        listener.execute("UNLISTEN a")
        sender.execute("NOTIFY a, 'no'")
        sender.execute("NOTIFY b, 'yes'")
        wait_until(lambda: listener.execute("SELECT 1") and got, 5, "notification on b")
        assert got == ["yes"]
        listener.execute("UNLISTEN *")
        assert listener.execute("SELECT pg_listening_channels()").fetchall() == []


@pytest.mark.pool(2)
def test_as_many_listeners_as_backends(transaction_mode):
    """As many listeners as backends: one that stops listening makes room at once."""
    clients = [transaction_mode.connect() for _ in range(2)]
    for client in clients:
        client.execute("LISTEN crowd")
    started = time.monotonic()
    clients[0].execute("UNLISTEN *")  # from here on it no longer holds a backend
    with transaction_mode.connect() as other:
        other.execute("NOTIFY crowd, 'x'")
    assert next(iter(clients[1].notifies())).payload == "x"
    assert time.monotonic() - started < 10
    for client in clients:
        client.close()
