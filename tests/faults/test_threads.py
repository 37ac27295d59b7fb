"""Two event loops share the pools: what one of them has, the other may want, and what it forgets, the other has used."""

import concurrent.futures
import contextlib
import socket
import struct

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.rawpg import RawConnection
from forebay_testing.threads import threads_of

from gate import UP, Stall
from test_cancel_in_faults import cancel

RESET = struct.pack("ii", 1, 0)  #: SO_LINGER: closing sends a reset, which is noticed at once


def on_two_threads(stand, stack: contextlib.ExitStack) -> list[RawConnection]:
    """A client on either. Logs in some at a time: a thread that has nothing else to do takes all."""
    console = stack.enter_context(stand.raw(user="postgres", database="forebay"))
    with concurrent.futures.ThreadPoolExecutor(8) as at_once:
        for _ in range(60):
            clients = list(at_once.map(lambda _: stand.raw(), range(8)))
            threads = threads_of(console, clients)
            chosen = [clients[threads.index(thread)] for thread in sorted(set(threads))]
            for client in clients:
                if len(chosen) < 2 or client not in chosen:
                    client.leave()
            if len(chosen) == 2:
                return [stack.enter_context(client) for client in chosen]
    raise AssertionError("all clients are on one thread")


def test_idle_backend_of_another_thread_that_is_being_cancelled(stands):
    """Nobody may have it before the cancel has arrived; a client elsewhere gets one of the overflow instead."""
    stand = stands(size=1, overflow=1, flags=["--threads", "2"])
    with contextlib.ExitStack() as stack:
        client, other = on_two_threads(stand, stack)
        stall = stand.gate.add(Stall(UP, kind="cancel"))
        client.send(fe.query("SELECT pg_sleep(3)"))
        stand.running("pg_sleep")
        canceling = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1)).submit(cancel, stand, client.key)
        assert stall.hit.wait(10)
        client.until_ready()
        other.send(fe.query("SELECT 'served'"))
        assert other.until_ready()[1].value == [b"served"]
        assert not canceling.done(), "the cancel had arrived: the test shows nothing"
        stand.gate.remove(stall)


def test_pools_are_forgotten_while_their_clients_give_up(stands):
    """The server is away and clients of many pools lose their patience: what they leave behind is in nobody's way."""
    stand = stands(flags=["--threads", "2", "--auth", "trust"])
    with stand.raw(user="postgres") as survivor, stand.raw(user="postgres", database="forebay") as console:
        survivor.query("BEGIN")
        stand.gate.refuse()
        for attempt in range(2):
            with contextlib.ExitStack() as stack:
                for number in range(40):
                    stranger = stack.enter_context(stand.stranger())
                    stranger.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    stranger.send(fe.startup({"user": "app", "database": f"none_{attempt}_{number}"}))
                wait_until(lambda: len(console.rows("SHOW POOLS")) > 40, 10, "all wait")
            wait_until(lambda: len(console.rows("SHOW POOLS")) < 5, 10, "their pools are forgotten")
        stand.gate.accept()
        survivor.query("COMMIT")
        assert survivor.rows("SELECT 1") == [["1"]]
