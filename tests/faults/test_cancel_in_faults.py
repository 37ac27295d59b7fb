"""Cancel requests on slow ways and in storms: they reach their own query or nothing (pitfalls: pooling 15)."""

import threading
import time

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.rawpg import RawConnection

from gate import UP, Delay, Stall
from outcomes import error_of

CANCELED = "57014"


def sqlstates(messages):
    return [message.sqlstate for message in messages if message.kind == "E"]


def cancel(stand, key):
    # Told of the end when the server has been told, or when that is given up after timeouts.connect.
    with RawConnection(stand.forebay.host, stand.forebay.port, timeout=20) as other:
        other.send(fe.cancel_request(*key))
        other.receive_all()


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("threads", [1, 2])
def test_storm_of_cancels_hits_only_its_own(stands, size, threads):
    """One client is cancelled all the time, another shares its backends and must never notice."""
    stand = stands(size=size, flags=["--threads", threads])
    stop, failures, hits = threading.Event(), [], []

    def victim():
        with stand.raw() as raw:
            keys.append(raw.key)
            while not stop.is_set():
                hits.extend(sqlstates(raw.query("SELECT pg_sleep(0.02)")))

    def stormer():
        while not stop.is_set():
            cancel(stand, keys[0])

    def bystander():
        with stand.raw() as raw:
            end = time.monotonic() + 4
            while time.monotonic() < end:
                raw.send(fe.query("SELECT pg_sleep(0.005)"))
                failures.extend(sqlstates(raw.until_ready()))
        stop.set()

    keys: list[tuple[int, int]] = []
    runners = [threading.Thread(target=victim)]
    runners[0].start()
    wait_until(lambda: keys, 10, "the victim is logged in")
    runners += [threading.Thread(target=stormer) for _ in range(3)] + [threading.Thread(target=bystander)]
    for runner in runners[1:]:
        runner.start()
    for runner in runners:
        runner.join(50)
        assert not runner.is_alive()
    assert failures == []
    assert set(hits) == {CANCELED}, "the storm hit nothing: the test shows nothing"
    stand.check()


def test_cancel_that_is_late(stands):
    """The cancel is on a slow way; meanwhile its query has ended and the backend would be free for the next client."""
    stand = stands(size=1)
    with stand.raw() as first, stand.raw() as second:
        with stand.gate.fault(Delay(UP, seconds=4.0, kind="cancel")) as delay:
            first.send(fe.query("SELECT pg_sleep(2)"))
            stand.running("pg_sleep")
            cancel(stand, first.key)
            assert delay.hit.wait(10)
            assert sqlstates(first.until_ready()) == []
            second.send(fe.query("SELECT pg_sleep(2)"))
            assert sqlstates(second.until_ready()) == []
    stand.check()


@pytest.mark.time_limit(90)
def test_cancel_that_arrives_after_we_gave_it_up(stands):
    """Longer on its way than anybody waits for it: it must still not hit whoever uses the backend by then."""
    stand = stands(size=1, flags=["--set", "timeouts.connect=2s"])
    with stand.raw(timeout=40) as first, stand.raw(timeout=40) as second:
        stall = stand.gate.add(Stall(UP, kind="cancel"))
        first.send(fe.query("SELECT pg_sleep(3)"))
        stand.running("pg_sleep")
        before = time.monotonic()
        cancel(stand, first.key)
        assert time.monotonic() - before < 8, "given up later than timeouts.connect says"
        assert stall.hit.wait(10)
        assert sqlstates(first.until_ready()) == []
        second.send(fe.query("SELECT pg_sleep(20), 'second'"))
        wait_until(lambda: any("second" in query and state == "active" for _, state, _, query in stand.sessions()), 30,
                   "the second client is served")
        stand.gate.remove(stall)
        assert sqlstates(second.until_ready()) == []
    stand.check()


def test_cancel_to_a_server_that_refuses(stand):
    """The cancel finds no server; the query goes on, and so does everything else."""
    with stand.raw() as client:
        client.send(fe.query("SELECT pg_sleep(3), 'spared'"))
        stand.running("pg_sleep")
        stand.gate.refuse()
        cancel(stand, client.key)
        stand.gate.accept()
        assert sqlstates(client.until_ready()) == []
        client.send(fe.query("SELECT pg_sleep(30)"))
        stand.running("pg_sleep(30)")
        cancel(stand, client.key)
        assert error_of(client.until_ready()).sqlstate == CANCELED
    stand.check()
