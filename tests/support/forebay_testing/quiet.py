"""What a conftest imports to have it seen to that nothing of a test is left on the server."""

import pytest

from .waiting import wait_until


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After each test no backend of its database is in a transaction, and no advisory lock is left."""
    yield
    if "database" not in request.fixturenames:
        return
    server, name = request.getfixturevalue("server"), request.getfixturevalue("database")
    busy = ("SELECT pid, state, query FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
            " AND backend_type = 'client backend'")
    locks = ("SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database"
             " WHERE locktype = 'advisory' AND datname = %s")
    wait_until(lambda: not server.query(busy, (name,)) and not server.query(locks, (name,)), 10, "all backends idle")
