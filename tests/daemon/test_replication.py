"""Replication connections, which flow through in session mode."""

import struct
import time

import pytest

from forebay_testing import ForebayDaemon, PostgresServer
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

SIGN_OF_LIFE = fe.copy_data(b"r" + struct.pack("!QQQQB", 0, 0, 0, 0, 0))


@pytest.fixture(scope="module")
def source():
    with PostgresServer({"wal_level": "logical"}) as postgres:
        postgres.execute("CREATE TABLE long_texts (text text)")
        yield postgres


def test_a_stream_whose_reader_stood_still_was_cut_for_want_of_signs_of_life(source):
    """Its server reads them while it waits for room to send, and so must whoever is in between."""
    with ForebayDaemon(source, ["--pool-mode", "session"]) as daemon, RawConnection(daemon.host, daemon.port) as raw:
        raw.login("postgres", source.passwords["postgres"], replication="database", options="-c wal_sender_timeout=2s")
        raw.rows("CREATE_REPLICATION_SLOT still TEMPORARY LOGICAL test_decoding")
        raw.send(fe.query("START_REPLICATION SLOT still LOGICAL 0/0"))
        raw.receive_until("W")
        source.execute("INSERT INTO long_texts SELECT repeat('x', 1000) FROM generate_series(1, 30000)")
        until = time.monotonic() + 6  # three times as long as its server waits for a sign
        while time.monotonic() < until:
            raw.send(SIGN_OF_LIFE)
            time.sleep(0.25)
        rows = 0
        while True:
            message = raw.receive()
            assert message.kind == "d", message
            rows += b"INSERT: text" in message.value
            if b"COMMIT" in message.value[25:] and rows:
                break
        assert rows == 30000
