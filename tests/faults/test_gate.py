"""The gate itself, between a plain client and PostgreSQL: each fault is what it says."""

import time

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import ConnectionClosed, RawConnection

from framing import Framer, FrontendFramer
from gate import DOWN, UP, Corrupt, Cut, Delay, Gate, Stall, Throttle


@pytest.fixture
def gate(server):
    with Gate(server.host, server.port) as gate:
        yield gate


@pytest.fixture
def raw(server, gate):
    with RawConnection(gate.host, gate.port) as raw:
        raw.login("app", server.passwords["app"])
        yield raw


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_messages_are_found_however_the_stream_is_cut(piece):
    stream = fe.query("SELECT 1") + fe.sync() + fe.parse("SELECT 2") + fe.terminate()
    framer, found = Framer(), []
    for at in range(0, len(stream), piece):
        found += [(at + offset, kind) for offset, kind in framer.feed(stream[at : at + piece])]
    assert [kind for _, kind in found] == ["Q", "S", "P", "X"]
    assert all(chr(stream[offset]) == kind for offset, kind in found)


@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_packets_without_a_type_are_told_apart(piece):
    stream = fe.ssl_request() + fe.startup({"user": "me"}) + fe.query("SELECT 1")
    framer, found = FrontendFramer(), []
    for at in range(0, len(stream), piece):
        found += [(at + offset, kind) for offset, kind in framer.feed(stream[at : at + piece])]
    assert (framer.kind, framer.parameters, framer.one_byte_answers) == ("session", {"user": "me"}, 1)
    assert found == [(len(stream) - len(fe.query("SELECT 1")), "Q")]


def test_passes_everything_on(raw, gate):
    assert raw.rows("SELECT repeat('x', 300000)") == [["x" * 300000]]
    assert gate.links() == gate.links("app") == 1
    assert gate.links("somebody else") == 0


def test_cut_inside_a_message(raw, gate):
    cut = gate.add(Cut(DOWN, at="D", plus=3))
    raw.send(fe.query("SELECT 1"))
    assert raw.receive().kind == "T"
    with pytest.raises(ConnectionClosed) as closed:
        raw.receive()
    assert len(closed.value.received) == 3
    assert cut.hit.is_set()


def test_cut_with_a_reset(raw, gate):
    gate.add(Cut(UP, at="Q", how="rst"))
    raw.send(fe.query("SELECT 1"))
    with pytest.raises(ConnectionResetError):
        raw.receive()


def test_faults_choose_their_connections(raw, gate):
    gate.add(Cut(DOWN, at="D", user="somebody else"))
    assert raw.rows("SELECT 1") == [["1"]]


def test_stall_and_after(raw, gate):
    with gate.fault(Stall(DOWN)):
        raw.send(fe.query("SELECT 1"))
        assert raw.nothing_comes()
    assert [message.kind for message in raw.until_ready()] == ["T", "D", "C", "Z"]


def test_corruption(raw, gate):
    gate.add(Corrupt(DOWN, at="D", plus=11, mask=0x01))
    assert raw.rows("SELECT 'abc'") == [["`bc"]]
    assert raw.rows("SELECT 'abc'") == [["abc"]]


@pytest.mark.parametrize("fault", [Delay(DOWN, seconds=0.3), Throttle(DOWN, bytes_per_second=200, piece=1)],
                         ids=["delay", "throttle"])
def test_slow_ways(raw, gate, fault):
    with gate.fault(fault):
        before = time.monotonic()
        assert raw.rows("SELECT 1") == [["1"]]
        assert time.monotonic() - before > 0.2


def test_refusing_and_accepting(server, gate):
    gate.refuse()
    with pytest.raises(ConnectionRefusedError):
        RawConnection(gate.host, gate.port)
    gate.accept()
    with RawConnection(gate.host, gate.port) as raw:
        raw.login("app", server.passwords["app"])
