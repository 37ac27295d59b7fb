"""Fixtures of the fault tests: stands on the run's server, and stands with a server of their own that may be killed."""

import contextlib

import pytest

from forebay_testing import PostgresServer

from stand import USER, Stand


@pytest.fixture
def stands(server):
    """stands(…): a Stand in front of the run's server; arguments as Stand's. Ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Stand(server, *args, **options))


@pytest.fixture
def stand(stands):
    """Two backends in transaction mode."""
    return stands()


@pytest.fixture(scope="module")
def fragile_server():
    """A server of the module's own: it may be killed and started again."""
    with PostgresServer() as postgres:
        postgres.create_role(USER)
        yield postgres
        if not postgres.running():  # the last test has ended it
            postgres.kill()


@pytest.fixture
def fragile(fragile_server):
    """fragile(…): a Stand in front of a server that the test may kill; the server runs at the start of each test."""
    if not fragile_server.running():
        fragile_server.kill()
        fragile_server.start()
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Stand(fragile_server, *args, **options))
