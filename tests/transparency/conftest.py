"""What the transparency suites share: moving a client to another backend, and waiting until a pool is clean."""

import contextlib

import pytest

from forebay_testing import wait_until
from forebay_testing.fixtures import POOL_SIZE


def backend_of(client) -> int:
    return client.execute("SELECT pg_backend_pid()").fetchone()[0]


@pytest.fixture
def moved(endpoint):
    """`with moved(client):` runs its body on another backend than before, so that carried state proves itself.

    It occupies the client's last backend with another client's transaction. Elsewhere than in transaction mode a
    client has one backend only, and nothing happens. The client must be outside a transaction. may_hold: state
    that a proxy may carry as well as keep the client's backend for; nothing happens when it does the latter.
    """

    @contextlib.contextmanager
    def move(client, may_hold=False):
        if endpoint.mode != "transaction":
            yield
            return
        before = backend_of(client)
        with contextlib.ExitStack() as stack:
            occupied = _occupy(endpoint, stack, before)
            assert occupied or may_hold, "nobody else gets the client's backend: it is held"
            assert (backend_of(client) != before) == occupied
            yield

    return move


def _occupy(endpoint, stack: contextlib.ExitStack, pid: int) -> bool:
    """Makes a client that is in a transaction on this backend; false when all others have been tried in vain."""
    with contextlib.ExitStack() as others:
        for _ in range(POOL_SIZE["transaction"] - 1):
            client = endpoint.connect(autocommit=False)
            if backend_of(client) == pid:
                stack.callback(client.close)
                return True
            others.callback(client.close)
    return False


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After each test no backend of its database is in a transaction, and no advisory lock is left."""
    yield
    if "database" not in request.fixturenames:
        return
    server, name = request.getfixturevalue("server"), request.getfixturevalue("database")
    busy = "SELECT pid, state, query FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
    locks = "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = %s"
    wait_until(lambda: not server.query(busy, (name,)) and not server.query(locks, (name,)), 10, "all backends idle")
