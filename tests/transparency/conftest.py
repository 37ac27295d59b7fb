"""What the transparency suites share: moving a client to another backend, and waiting until a pool is clean."""

import concurrent.futures
import contextlib
import os
import socket

import psycopg
import pytest

from forebay_testing import wait_until
from forebay_testing.fixtures import POOL_SIZE
from forebay_testing.quiet import nothing_left  # noqa: F401


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
            # Where it must not be held, a busy machine may take its time.
            occupied = _occupy(endpoint, stack, before, startup_of(client), patience=2 if may_hold else 10)
            assert occupied or may_hold, f"nobody else gets the client's backend: {endpoint.daemon.show('clients')}"
            assert (backend_of(client) != before) == occupied
            yield

    return move


def startup_of(client) -> dict:
    """What this client connected with beside the address and who it is; a proxy may keep backends apart by it."""
    parameters = client.info.get_parameters()
    return {name: parameters[name] for name in ("options", "client_encoding") if name in parameters}


def _occupy(endpoint, stack: contextlib.ExitStack, pid: int, startup: dict, patience: float) -> bool:
    """Puts a client into a transaction on this backend, or has the backend closed to make room for a client.

    False when neither comes about although so many clients want one as there are backends, each for so many seconds.
    """
    def is_alive() -> list:
        return endpoint.server.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,))

    got = []
    with contextlib.ExitStack() as others:
        for _ in range(POOL_SIZE["transaction"]):
            client = endpoint.connect(autocommit=False, **startup)
            got.append(_backend_soon(client, patience))
            if got[-1] == pid or not is_alive():
                stack.callback(client.close)
                return True
            others.callback(client.close)
        if None in got:
            return False
        # All that the pool may have are others: that one is told to end, which the server takes a moment for.
        wait_until(lambda: not is_alive(), 10, "the backend that was closed has ended")
        return True


def _backend_soon(client, patience: float) -> int | None:
    """The backend that this client gets, or None when it gets none for so many seconds because all are held."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(backend_of, client)
        try:
            return asking.result(patience)
        except concurrent.futures.TimeoutError:
            with socket.socket(fileno=os.dup(client.fileno())) as transport:
                transport.shutdown(socket.SHUT_RDWR)  # gives up waiting
            with contextlib.suppress(psycopg.OperationalError):
                asking.result(10)
            return None
