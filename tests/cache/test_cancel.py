"""A cancel while the client waits for a backend."""

import threading

import psycopg
import pytest

from forebay_testing import wait_until

pytestmark = pytest.mark.usefixtures("items")

FIRST = "SELECT name FROM items WHERE id = 1"
SECOND = "SELECT name FROM items WHERE id = 2"


def test_a_read_that_was_cancelled_before_it_ran_is_not_filled_by_the_next_ones_answer(cached, client, server):
    """The answer of the second read must never be kept as that of the first, which was not even sent."""
    cached.settle(lambda: client.execute(SECOND).fetchall())
    cached.clear()
    blockers = [psycopg.connect(cached.daemon.dsn(user="app", dbname=cached.dbname)) for _ in range(6)]
    for blocker in blockers:
        blocker.execute("SELECT 1")  # opens a transaction and keeps its backend
    failures = []

    def read_first() -> None:
        try:
            client.execute(FIRST, prepare=False)
        except psycopg.errors.QueryCanceled as error:
            failures.append(error)

    reader = threading.Thread(target=read_first)
    reader.start()
    before = cached.clients_waiting()
    wait_until(lambda: cached.clients_waiting() >= max(1, before), 10, "the reader waits")
    client.cancel()
    reader.join(20)
    assert len(failures) == 1
    for blocker in blockers:
        blocker.close()
    for _ in range(3):
        assert client.execute(SECOND, prepare=False).fetchall() == [("item 2",)]
    for _ in range(3):
        assert client.execute(FIRST, prepare=False).fetchall() == [("item 1",)]
