"""The backend that a client was told of is the one it gets, for as long as there are no more clients than backends."""

import concurrent.futures
import contextlib

import pytest

from forebay_testing.fixtures import Endpoint
from forebay_testing.rawpg import RawConnection
from forebay_testing.threads import threads_of

SIZE = 40
#: So many on either thread, with homes that stay open there when they go, and the pool may still grow.
MOST_CLIENTS = 16


@pytest.fixture
def two_threads(server, database, forebays):
    flags = ("--pool-mode", "transaction", "--pool-size", str(SIZE), "--pool-overflow", "0", "--threads", "2")
    return Endpoint("transaction", forebays(*flags), server, database)


def clients_of_both_threads(endpoint, stack: contextlib.ExitStack) -> list:
    """Logs in, some at a time because a thread that has nothing else to do takes all, until either thread has three;
    on a busy machine that may take many rounds, so those of earlier ones go."""
    console = stack.enter_context(RawConnection(endpoint.host, endpoint.port))
    console.login("postgres", endpoint.password("postgres"), "forebay")
    clients, threads, logins = [], [], 0
    with concurrent.futures.ThreadPoolExecutor(8) as at_once:
        while min(threads.count(0), threads.count(1)) < 3:
            logins += 8
            assert logins < 10 * SIZE, f"all clients are on one thread: {threads}"
            if len(clients) == MOST_CLIENTS:
                for client in clients[8:]:
                    client.leave()
                del clients[8:]
            clients += map(stack.enter_context, at_once.map(lambda _: endpoint.raw(), range(8)))
            threads = threads_of(console, clients)
    return clients


def test_clients_of_two_threads_keep_their_homes(two_threads, reference):
    """Logins on one thread do not take the backends that clients of the other live in, while the pool may grow."""
    with reference.connect() as owner, contextlib.ExitStack() as stack:
        owner.execute("CREATE SEQUENCE numbers")
        stack.callback(owner.execute, "DROP SEQUENCE numbers")
        clients = clients_of_both_threads(two_threads, stack)
        drawn = [client.rows("SELECT nextval('numbers')")[0][0] for client in clients]
        for _ in range(3):
            found = [client.rows("SELECT pg_backend_pid(), lastval()")[0] for client in clients]
            assert found == [[str(client.key[0]), number] for client, number in zip(clients, drawn)]
