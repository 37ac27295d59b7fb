"""What the protocol suites share."""

import pytest

from forebay_testing import wait_until


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After each test no backend of its database is in a transaction."""
    yield
    if "database" not in request.fixturenames:
        return
    server, name = request.getfixturevalue("server"), request.getfixturevalue("database")
    busy = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
    wait_until(lambda: not server.query(busy, (name,)), 10, "all backends idle")


@pytest.fixture(scope="module")
def things(server, database):
    """Tables of a module's database, made once so that both ways see the same OIDs."""
    server.psql("CREATE TABLE things (id int, text text); ALTER TABLE things OWNER TO app", database)
