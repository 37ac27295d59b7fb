"""What the protocol suites share."""

import pytest

from forebay_testing.quiet import nothing_left  # noqa: F401


@pytest.fixture(scope="module")
def things(server, database):
    """Tables of a module's database, made once so that both ways see the same OIDs."""
    server.psql("CREATE TABLE things (id int, text text); ALTER TABLE things OWNER TO app", database)
