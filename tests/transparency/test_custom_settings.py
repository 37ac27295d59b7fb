"""Settings with a dot in their name are in no list of the server: what code sets has to be known by name."""

import concurrent.futures

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.fixtures import Endpoint

VALUE = "SELECT current_setting('app.late', true)"
BLOCK = "DO $$ BEGIN EXECUTE 'SET app.late = 1'; END $$"


@pytest.fixture
def alone(server, database):
    """A daemon of the test's own, with one backend: the names are kept for the whole process."""
    with ForebayDaemon(server, ["--pool-mode", "transaction", "--pool-size", "1", "--pool-overflow", "0"]) as daemon:
        yield Endpoint("transaction", daemon, server, database)


def test_what_a_block_sets_reaches_nobody_else_though_nothing_has_named_it_before(alone):
    with alone.connect() as client, alone.connect() as other:
        client.execute(BLOCK)
        assert other.execute(VALUE).fetchone()[0] in (None, "")
        assert client.execute(VALUE).fetchone() == ("1",)


def test_what_code_sets_is_kept_from_others_when_no_more_names_can_be_remembered(alone):
    with alone.connect() as many:
        many.execute("; ".join(f"SET many.name{n} = 1" for n in range(1001)))
    with alone.connect() as client, alone.connect() as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        client.execute(BLOCK)
        reading = pool.submit(lambda: other.execute(VALUE).fetchone())
        with psycopg.connect(alone.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            pools = "SHOW POOLS"
            wait_until(lambda: 1 in [row["cl_waiting"] for row in console.execute(pools)], 10, "a client that waits")
        assert client.execute(VALUE).fetchone() == ("1",)
        client.close()
        assert reading.result(20)[0] in (None, "")
