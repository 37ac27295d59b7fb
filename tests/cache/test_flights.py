"""Many clients that ask for the same at once, with nothing in memory: one of them asks the server, the others wait for
its answer. Whatever becomes of that one, the others get theirs.
"""

import concurrent.futures
import contextlib
import threading
import time
import uuid

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.boot_clock import BootClock
from forebay_testing.fixtures import USER

pytestmark = pytest.mark.usefixtures("items")

TEXT = "SELECT count(*), max(name) FROM items"
ANSWER = [(200, "item 99")]
FOLLOWERS = 5


class Party:
    """Clients that ask for one thing while the server is kept from answering: first the leader, then the followers."""

    def __init__(self, cached, blocker) -> None:
        self.cached = cached
        self.text = f"{TEXT} -- {uuid.uuid4()}"  #: nobody has asked for it before
        self._blocker = blocker
        self._stack = contextlib.ExitStack()
        self.outcomes = {}  #: by client: rows, or the error
        self._threads = {}
        self._before = cached.figures()

    def __enter__(self):
        self._blocker.execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        self.leader = self.ask()
        wait_until(lambda: self.queries_at_server() == 1, 10, "the leader's query runs")
        self.followers = [self.ask() for _ in range(FOLLOWERS)]
        wait_until(lambda: self.grown("waits") == FOLLOWERS, 10, "the others wait")
        return self

    def __exit__(self, *exc) -> None:
        self._blocker.rollback()
        for thread in self._threads.values():
            thread.join(20)
        self._stack.close()

    def ask(self):
        client = self._stack.enter_context(self.cached.connect())

        def run() -> None:
            try:
                self.outcomes[client] = client.execute(self.text).fetchall()
            except psycopg.Error as error:
                self.outcomes[client] = error

        self._threads[client] = threading.Thread(target=run)
        self._threads[client].start()
        return client

    def grown(self, figure: str) -> int:
        return self.cached.figures()[figure] - self._before[figure]

    def queries_at_server(self) -> int:
        [(count,)] = self.cached.server.query(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = %s AND query LIKE %s",
            (USER, f"{self.text}%"))
        return count

    def outcome_of(self, client):
        self._threads[client].join(20)
        return self.outcomes[client]

    def let_server_answer(self) -> None:
        self._blocker.rollback()


@pytest.fixture
def party(cached, server, database):
    with cached.connect() as client:  # the table is new: no answer is kept before it has been seen in the catalog
        cached.settle(lambda: client.execute("SELECT max(price) FROM items", prepare=False))
    with psycopg.connect(server.dsn(dbname=database)) as blocker:
        yield Party(cached, blocker)


def test_clients_that_ask_for_the_same_at_once_make_one_query(party):
    with party:
        assert party.queries_at_server() == 1
        party.let_server_answer()
        for client in [party.leader, *party.followers]:
            assert party.outcome_of(client) == ANSWER
        assert party.grown("misses") == 1
        assert party.grown("hits") == FOLLOWERS


def test_who_waited_for_anothers_answer_is_none_of_those_whose_answer_came_from_memory_at_once(party, cached):
    """What it took is the server's time, and an alert about it would be about the wrong one."""
    with party:
        before = cached.latencies()["hits"]["count"]
        party.let_server_answer()
        for client in party.followers:
            assert party.outcome_of(client) == ANSWER
        assert cached.latencies()["hits"]["count"] == before


def test_who_waits_for_anothers_answer_does_not_wait_for_a_backend(party, cached):
    """The page said that so many clients waited for a backend, of which all but one were free."""
    with party:
        with psycopg.connect(cached.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            pools = [row for row in console.execute("SHOW POOLS") if row["user"] == USER]
            assert sum(row["cl_waiting"] for row in pools) == 0
            assert sum(row["cl_active"] for row in pools) >= 1 + FOLLOWERS
            states = [row["state"] for row in console.execute("SHOW CLIENTS") if row["user"] == USER]
            assert states.count("waiting") == FOLLOWERS, "but wait they do"
        party.let_server_answer()
        assert all(party.outcome_of(client) == ANSWER for client in party.followers)


def test_who_waits_for_anothers_answer_and_then_for_a_backend_is_as_patient_as_anybody(daemons):
    """It had waited for as long as the first one, and then for as long again by itself."""
    clock = BootClock()
    with clock.is_in_use():
        cached = daemons("--set", "timeouts.wait=40s")
    with contextlib.ExitStack() as stack:
        holders, clients = ([stack.enter_context(cached.connect()) for _ in range(count)] for count in (6, 3))
        cached.settle(lambda: holders[0].execute("SELECT max(price) FROM items", prepare=False))
        for holder in holders:
            holder.execute("BEGIN; SELECT 1")

        def ask(client) -> None:
            with pytest.raises(psycopg.OperationalError, match="no backend came free"):
                client.execute(TEXT, prepare=False)

        before = cached.figures()["waits"]
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
            waiting = [threads.submit(ask, client) for client in clients]
            wait_until(lambda: cached.figures()["waits"] - before == 2, 20, "two wait for the third")
            assert not any(each.done() for each in waiting)
            clock.advance(40)
            for each in waiting:
                each.result(20)  # or they would wait for as long again


def test_a_client_that_waits_for_anothers_answer_can_be_cancelled(party):
    with party:
        gone = party.followers[0]
        gone.cancel()
        assert isinstance(party.outcome_of(gone), psycopg.errors.QueryCanceled)
        party.let_server_answer()
        assert gone.execute(party.text).fetchall() == ANSWER
        for client in party.followers[1:]:
            assert party.outcome_of(client) == ANSWER


def test_when_the_first_one_is_cancelled_the_others_ask_themselves(party):
    with party:
        party.leader.cancel()
        assert isinstance(party.outcome_of(party.leader), psycopg.errors.QueryCanceled)
        wait_until(lambda: party.queries_at_server() == FOLLOWERS, 10, "the others' queries run")
        party.let_server_answer()
        for client in party.followers:
            assert party.outcome_of(client) == ANSWER


def test_a_client_that_goes_away_while_it_waits_is_not_told_anything(party, cached):
    with party:
        with cached.raw() as gone:
            gone.send(fe.query(party.text))
            wait_until(lambda: party.grown("waits") == FOLLOWERS + 1, 10, "it waits")
        party.let_server_answer()
        for client in [party.leader, *party.followers]:
            assert party.outcome_of(client) == ANSWER


def test_what_was_waited_for_in_vain_is_not_waited_for_again(cached, party):
    """An answer that cannot be kept (an error; one that is too large) would hold up the others each time."""
    with party:
        party.leader.cancel()
        wait_until(lambda: party.queries_at_server() == FOLLOWERS, 10, "the others' queries run")
        late = party.ask()
        wait_until(lambda: party.queries_at_server() == FOLLOWERS + 1, 10, "and one more")
        party.let_server_answer()
        assert party.outcome_of(late) == ANSWER
    assert party.grown("waits") == FOLLOWERS


def test_nobody_waits_for_a_client_that_takes_its_answer_slowly(daemons):
    cached = daemons("--set", "cache.max_entry=100MiB", "--cache-size", "4GiB")
    cached.warm_up()
    text = "SELECT repeat(name, 1000000) FROM items WHERE id < 12"
    with cached.raw() as slow, cached.connect() as other:
        before = cached.figures()["misses"]
        slow.send(fe.query(text))
        wait_until(lambda: cached.figures()["misses"] > before, 10, "it has been asked for")
        assert len(other.execute(text).fetchall()) == 11
        assert cached.figures()["misses"] == before + 2
