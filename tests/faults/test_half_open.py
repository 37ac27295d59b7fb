"""Connections that are open for one side only: nothing comes any more, and nobody says so."""

import time

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.rawpg import RawError

from gate import DOWN, UP, Corrupt, Cut, Delay, Stall
from outcomes import end_of, error_of

LOST, CANCELED = "08006", "57014"


def both_ways(stand, **options):
    return [stand.gate.add(Stall(way, **options)) for way in (UP, DOWN)]


def release(stand, faults):
    for fault in faults:
        stand.gate.remove(fault)


def test_server_that_accepts_and_says_nothing(stands):
    """Opening a backend takes at most the connect timeout; the client hears of it, the next one is served."""
    stand = stands(flags=["--set", "timeouts.connect=3s"])
    with stand.raw() as idle:  # the password is known from here on
        faults = both_ways(stand)
        stand.gate.cut_all()
        wait_until(lambda: not stand.known(), 10, "it is known to be cut off")
        before = time.monotonic()
        idle.send(fe.query("SELECT 1"))
        message = error_of(idle.receive_all())
        assert message.sqlstate == LOST
        assert "no answer in time" in message.value["M"]
        assert time.monotonic() - before < 12
        release(stand, faults)
    stand.check()


def test_password_cannot_be_looked_up(stands):
    """The server that would know the password is stalled: the client is refused in time, and told why."""
    stand = stands(flags=["--set", "timeouts.connect=3s"])
    faults = both_ways(stand)
    with stand.stranger() as client, pytest.raises(RawError) as refused:
        client.login("app", stand.server.passwords["app"])
    assert refused.value.sqlstate == LOST
    release(stand, faults)
    stand.check()


def test_idle_backend_dies_when_it_is_asked_for_a_password(stand):
    """It may have been dead for long: a login is not refused before a new one has been asked."""
    with stand.raw():  # the backend that knows passwords is open from here on
        cut = stand.gate.add(Cut(DOWN, user="postgres", at="T", answering=b"pg_authid"))
        with stand.raw() as client:
            assert cut.hit.is_set()
            assert client.rows("SELECT 1") == [["1"]]
    stand.check()


def test_command_timeout(stands):
    """A statement that runs for too long is cancelled; the session goes on."""
    stand = stands(flags=["--set", "timeouts.command=1s"])
    with stand.raw() as client:
        client.send(fe.query("SELECT pg_sleep(30)"))
        assert error_of(client.until_ready()).sqlstate == CANCELED
        assert client.rows("SELECT 1") == [["1"]]
    stand.check()


def test_command_timeout_is_not_put_off_by_what_is_sent_behind(stands):
    """Each message that came behind it began the time anew."""
    stand = stands(flags=["--set", "timeouts.command=1s"])
    with stand.raw() as client:
        client.send(fe.query("SELECT pg_sleep(30)"))
        sent, end = 0, time.monotonic() + 15
        while client.nothing_comes(0.15):
            assert time.monotonic() < end, "each message begins the time anew"
            client.send(fe.query("SELECT 1"))
            sent += 1
        assert error_of(client.until_ready()).sqlstate == CANCELED
        for _ in range(sent):
            assert "E" not in {message.kind for message in client.until_ready()}
    stand.check()


def test_command_timeout_with_a_stalled_server(stands):
    """The cancel does not arrive either: the client must not wait for ever, nor may the backend serve another."""
    stand = stands(flags=["--set", "timeouts.command=3s", "--set", "timeouts.connect=3s"])
    with stand.raw() as client, stand.raw() as other:
        client.query("BEGIN")
        faults = both_ways(stand, user="app") + both_ways(stand, kind="cancel")
        client.send(fe.query("SELECT 'lost'"))
        assert end_of(client) in (LOST, CANCELED)
        release(stand, faults)
        assert other.rows("SELECT 'mine'") == [["mine"]]
    stand.check()


def test_idle_backend_is_half_open(stands):
    """A backend that was idle for long is tested before use; one that does not answer is replaced unnoticed."""
    stand = stands(size=1, flags=["--set", "timeouts.test_after=100ms", "--set", "timeouts.connect=2s"])
    with stand.raw() as client:
        assert client.rows("SELECT 1") == [["1"]]
        old = {pid for pid, *_ in stand.sessions()}
        stall = stand.gate.add(Stall(UP, user="app"))
        wait_until(lambda: "used" in [row["state"] for row in stand.backends()], 10, "the backend is idle for so long that it is tested")
        client.send(fe.query("SELECT pg_backend_pid()"))
        assert stall.hit.wait(10)
        # Only what exists is stalled: the new connection finds the way free.
        wait_until(lambda: stand.gate.links("app") != 1 or not client.nothing_comes(0.05), 10, "the backend is given up")
        stand.gate.remove(stall)
        pid = int(client.until_ready()[1].value[0])
        assert pid not in old
    stand.gate.cut_all()
    stand.check()


def test_stall_shorter_than_every_timeout(stand):
    """A pause of the network is no error."""
    with stand.raw() as client:
        faults = both_ways(stand)
        client.send(fe.query("SELECT 'late'"))
        assert client.nothing_comes(0.5)
        release(stand, faults)
        assert client.until_ready()[1].value == [b"late"]
    stand.check()


def test_slow_login_of_backends(stand):
    """A server that is slow to log in delays those who need a new backend; who has one does not wait."""
    with stand.raw() as one, stand.raw() as two:
        one.query("BEGIN")
        with stand.gate.fault(Delay(DOWN, seconds=0.3, user="app")):
            two.send(fe.query("SELECT 2"))
            assert two.until_ready()[1].value == [b"2"]
        assert one.rows("SELECT 1") == [["1"]]
        one.query("COMMIT")
    stand.check()


@pytest.mark.parametrize("at", ["T", "D", "C", "Z"])
def test_answer_with_a_broken_type(stand, at):
    """A byte that no server sends: that backend is given up, its client told, nobody else touched."""
    with stand.raw() as client, stand.raw() as other:
        other.query("BEGIN")
        stand.gate.add(Corrupt(DOWN, at=at, mask=0x80, answering=b"marked"))
        client.send(fe.query("SELECT 'marked'"))
        assert end_of(client) == LOST
        assert other.rows("SELECT 1") == [["1"]]
        other.query("COMMIT")
    stand.check()


@pytest.mark.parametrize("plus, mask", [(1, 0x80), (1, 0x7F), (2, 0x10), (4, 0x0D)])
def test_answer_with_a_broken_length(stand, plus, mask):
    """A length that cannot be: negative, too long for any message, too long for this one, or too short."""
    with stand.raw() as client, stand.raw() as other:
        other.query("SELECT 1")
        stand.gate.add(Corrupt(DOWN, at="C", plus=plus, mask=mask, answering=b"marked"))
        client.send(fe.query("SELECT 'marked'"))
        assert end_of(client) == LOST
        assert other.rows("SELECT 1") == [["1"]]
    stand.check()
