"""State of one client stays with it and reaches nobody else (pitfalls: pooling 5).

Each statement below is run directly and through the endpoint: the client must then look the same in both, and a
client that comes later, on the same backend, must look as new.
"""

import socket

import pytest
from fingerprint import differences, fingerprint

#: State that goes with the client from backend to backend: it holds none, and others run in between.
CARRIED = {
    "set": "SET work_mem = '7MB'",
    "set session": "SET SESSION enable_seqscan = off",
    "set custom": "SET app.tenant = 'somebody'",
    "set_config": "SELECT set_config('DateStyle', 'German', false)",
    "set time zone": "SET TIME ZONE 'Asia/Kolkata'",
    "set names": "SET NAMES 'LATIN1'",
    "search path": "SET search_path = pg_catalog, \"one two\", public",
    "role": "SET ROLE alice",
    "characteristics": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
    "application name": "SET application_name = 'renamed'",
    "xml option": "SET XML OPTION DOCUMENT",
    "several": "SET work_mem = '7MB'; SET app.tenant = 'x'; SET statement_timeout = '20s'",
    "in a block": "DO $$ BEGIN PERFORM set_config('work_mem', '7MB', false); EXECUTE 'SET app.tenant = 1'; END $$",
    "through pg_settings": "UPDATE pg_settings SET setting = '7168' WHERE name = 'work_mem'",
    "committed": "BEGIN; SET work_mem = '7MB'; COMMIT",
    "rolled back": "BEGIN; SET work_mem = '7MB'; SET ROLE alice; ROLLBACK",
    "local": "BEGIN; SET LOCAL work_mem = '7MB'; SET LOCAL ROLE alice; COMMIT",
}

#: State that lives in one backend: the client may keep it until the state is gone.
HELD = {
    "temporary table": "CREATE TEMP TABLE t (id int PRIMARY KEY, word text)",
    "temporary table by select": "SELECT 1 AS id INTO TEMP t",
    "temporary view and sequence": "CREATE TEMP VIEW v AS SELECT 1; CREATE TEMP SEQUENCE s",
    "temporary by schema": "CREATE TABLE pg_temp.t (id int)",
    "temporary in a block": "DO $$ BEGIN CREATE TEMP TABLE t (id int); END $$",
    "advisory lock": "SELECT pg_advisory_lock(42)",
    "shared advisory lock": "SELECT pg_advisory_lock_shared(1, 2)",
    "advisory lock in a block": "DO $$ BEGIN PERFORM pg_advisory_lock(43); END $$",
    "cursor with hold": "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM generate_series(1, 5)",
    "listen": "LISTEN news; LISTEN \"Other News\"",
    "listen in a block": "DO $$ BEGIN EXECUTE 'LISTEN news'; END $$",
    "prepare": "PREPARE plan (int) AS SELECT $1 + 1",
    "prepare rolled back": "BEGIN; PREPARE plan AS SELECT 1; ROLLBACK",
}

ALL = CARRIED | HELD


@pytest.fixture
def fresh(reference):
    """How a session looks when nothing has happened in it."""
    with reference.connect() as client:
        return fingerprint(client)


@pytest.fixture
def expected(reference):
    """expected(sql): how a direct session looks after this."""

    def look(sql):
        with reference.connect() as client:
            client.execute(sql)
            return fingerprint(client)

    return look


@pytest.mark.parametrize("what", ALL)
def test_client_keeps_its_state(endpoint, expected, what):
    as_direct = expected(ALL[what])
    with endpoint.connect() as client:
        client.execute(ALL[what])
        for _ in range(3):
            assert differences(fingerprint(client), as_direct) == {}


@pytest.mark.parametrize("what", CARRIED)
def test_client_keeps_its_state_on_another_backend(endpoint, expected, moved, what):
    as_direct = expected(CARRIED[what])
    with endpoint.connect() as client:
        client.execute(CARRIED[what])
        with moved(client):
            assert differences(fingerprint(client), as_direct) == {}
        assert differences(fingerprint(client), as_direct) == {}


@pytest.mark.pool(1)
@pytest.mark.parametrize("what", CARRIED)
def test_others_on_the_only_backend_see_nothing_of_it(endpoint, fresh, expected, what):
    as_direct = expected(CARRIED[what])
    with endpoint.connect() as client, endpoint.connect() as other:
        for _ in range(3):
            client.execute(CARRIED[what])
            assert differences(fingerprint(other), fresh) == {}
            assert differences(fingerprint(client), as_direct) == {}
            with endpoint.connect() as new:
                assert differences(fingerprint(new), fresh) == {}
            client.execute("DISCARD ALL")


@pytest.mark.pool(1)
@pytest.mark.parametrize("leave", ["in order", "without a word"])
@pytest.mark.parametrize("what", ALL)
def test_what_a_client_leaves_behind_is_gone(endpoint, fresh, what, leave):
    client = endpoint.connect()
    client.execute(ALL[what])
    if leave == "in order":
        client.close()
    else:
        with socket.socket(fileno=client.pgconn.socket) as transport:
            transport.shutdown(socket.SHUT_RDWR)
            transport.detach()
        client.close()
    with endpoint.connect() as next_client:
        assert differences(fingerprint(next_client), fresh) == {}


@pytest.mark.parametrize("what", ALL)
def test_discard_all_ends_it(endpoint, fresh, what):
    with endpoint.connect() as client:
        client.execute(ALL[what])
        client.execute("DISCARD ALL")
        found = fingerprint(client)
        assert differences(found, fresh) == {}


@pytest.mark.pool(1)
@pytest.mark.parametrize("what", HELD)
def test_client_is_multiplexed_again_when_the_state_is_gone(endpoint, fresh, what):
    """The only backend must come free, with the first client still connected."""
    with endpoint.connect() as client, endpoint.connect(options="-c statement_timeout=10s") as other:
        for _ in range(2):
            client.execute(HELD[what])
            client.execute("DISCARD ALL")
            assert differences(fingerprint(client), fresh) == {}
            assert other.execute("SELECT 1").fetchone() == (1,)
