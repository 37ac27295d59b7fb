"""The server, or one of its processes, ends: each client hears of it in the right words, and service goes on."""

import contextlib
import os
import signal
import struct
import time

import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import ConnectionClosed, RawConnection, RawError

from gate import DOWN, UP, Cut, Delay
from outcomes import bytes_to_the_end, check_broken_answer, end_of, error_of
from stand import USER

#: What PostgreSQL says to its clients while it goes down, and what Forebay says when nothing was said.
SHUTDOWN, CRASH, LOST = "57P01", "57P02", "08006"
TERMINATED = "terminating connection due to administrator command"


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_killed_server(fragile, fragile_server, mode):
    """SIGKILL of the whole server: who used it is told so, who was idle never notices."""
    stand = fragile(size=2, mode=mode, flags=["--set", "timeouts.connect=20s"])
    with stand.raw(user="postgres") as idle, stand.raw() as active, stand.raw() as in_transaction:
        active.send(fe.query("SELECT pg_sleep(30)"))
        stand.running("pg_sleep")
        in_transaction.query("BEGIN")
        waiting = None
        if mode == "transaction":
            waiting = stand.raw()
            waiting.send(fe.query("SELECT 'waited'"))
        fragile_server.kill()
        assert end_of(active) == LOST
        # A process that lives a moment longer than the postmaster says so (SHUTDOWN).
        assert end_of(in_transaction) in (LOST, SHUTDOWN)
        fragile_server.start()
        if waiting is not None:
            assert [message.kind for message in waiting.until_ready()] == ["T", "D", "C", "Z"]
            waiting.close()
            assert idle.rows("SELECT 1") == [["1"]]
    stand.check()


def test_server_is_restarting(fragile, fragile_server):
    """Clients that come while it is down get their answers when it is back within the connect timeout."""
    stand = fragile(size=3, flags=["--set", "timeouts.connect=30s"])
    with stand.raw() as old, stand.raw(user="postgres", database="forebay") as console:
        assert old.rows("SELECT 1") == [["1"]]
        fragile_server.stop()
        # What the gate has not passed on yet would be the answer of whoever is lent such a backend.
        wait_until(lambda: not console.rows("SHOW SERVERS"), 20, "all backends are known to be gone")
        old.send(fe.query("SELECT 'old'"))
        with stand.stranger() as new:
            new.send(fe.startup({"user": "app", "database": "postgres"}))
            assert old.nothing_comes(0.5)
            fragile_server.start()
            assert old.until_ready()[1].value == [b"old"]
            # The stranger's password was looked up by then: the exchange goes on where it was.
            assert new.receive().kind == "R"
    stand.check()


def test_server_stays_away(fragile, fragile_server):
    """Not longer than the connect timeout; then the client hears which server, and why."""
    stand = fragile(size=2, flags=["--set", "timeouts.connect=3s"])
    with stand.raw() as client, stand.raw() as other, stand.raw(user="postgres", database="forebay") as console:
        assert client.rows("SELECT 1") == [["1"]]
        fragile_server.stop()
        wait_until(lambda: not console.rows("SHOW SERVERS"), 20, "all backends are known to be gone")
        before = time.monotonic()
        client.send(fe.query("SELECT 1"))
        other.send(fe.query("SELECT 1"))
        for one in (client, other):
            message = error_of(one.receive_all())
            assert message.sqlstate == LOST
            assert "could not connect to server" in message.value["M"]
        assert time.monotonic() - before < 15
        with stand.stranger() as new, pytest.raises(RawError) as refused:
            new.login("app", "secret-of-app")
        assert refused.value.sqlstate == LOST
        fragile_server.start()
    stand.check()


IN_TRANSACTION = ("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND state = 'idle in transaction'"
                  " AND wait_event = 'ClientRead'")


@pytest.mark.parametrize("how", ["smart", "fast", "immediate"])
def test_ordinary_shutdown(fragile, fragile_server, how):
    """What the server says when it goes down reaches the clients that use it, word for word."""
    stand = fragile(size=2)
    with stand.raw() as in_transaction:
        in_transaction.query("BEGIN")
        # A backend that has not come back from sending its last answer says nothing (socket_flush, libpq/pqcomm.c).
        wait_until(lambda: fragile_server.query(IN_TRANSACTION)[0][0] == 1, 10, "the backend reads")
        number = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how]
        fragile_server.signal(number)
        if how == "smart":  # waits for clients
            in_transaction.query("COMMIT")
            stand.forebay.stop()
        else:
            messages = in_transaction.receive_all()
            severity, sqlstate = {"fast": ("FATAL", SHUTDOWN), "immediate": ("WARNING", SHUTDOWN)}[how]
            assert (messages[0].value["S"], messages[0].sqlstate) == (severity, sqlstate)
            assert error_of(messages).value["S"] == "FATAL"
        wait_until(lambda: not fragile_server.running(), 20, "the server is down")
    if how == "smart":
        stand.forebay.start()


@pytest.mark.parametrize("busy", ["in a query", "in a transaction", "idle"])
def test_terminated_backend(stand, busy):
    """pg_terminate_backend: the client that used it gets the server's own words; an unused one is just replaced."""
    with stand.raw() as client, stand.raw() as other:
        pid = int(client.rows("SELECT pg_backend_pid()")[0][0])
        if busy == "in a query":
            client.send(fe.query("SELECT pg_sleep(30)"))
            pid = stand.running("pg_sleep")
        elif busy == "in a transaction":
            client.query("BEGIN")
            pid = int(client.rows("SELECT pg_backend_pid()")[0][0])
        stand.server.query("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        if busy == "idle":
            wait_until(lambda: pid not in stand.known(), 10, "it is known to be gone")
            assert client.rows("SELECT 1") == [["1"]]
        else:
            message = error_of(client.receive_all())
            assert (message.sqlstate, message.value["M"]) == (SHUTDOWN, TERMINATED)
        assert other.rows("SELECT 2") == [["2"]]
    stand.check()


def test_backend_terminated_behind_an_answer_is_nobodys(server):
    """What it says last comes together with the answer, for which the client has left it."""
    with ForebayDaemon(server) as daemon, RawConnection(daemon.host, daemon.port) as client:
        client.login(USER, server.passwords[USER])
        client.send(fe.query("SELECT pg_sleep(3)"))
        asleep = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
        [(pid,)] = wait_until(lambda: server.query(asleep), 10, "it runs")
        daemon.signal(signal.SIGSTOP)
        answered = "SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'idle'"
        wait_until(lambda: server.query(answered, (pid,)), 10, "it is answered")
        assert server.query("SELECT pg_terminate_backend(%s, 10000)", (pid,)) == [(True,)]
        daemon.signal(signal.SIGCONT)
        assert [message.kind for message in client.until_ready()] == ["T", "D", "C", "Z"]
        assert client.rows("SELECT 1") == [["1"]]


def test_backend_terminated_while_the_settings_are_read_back(stand):
    """It was Forebay's question that the server did not answer any more; the client hears why its session has ended."""
    with stand.raw() as client:
        pid = int(client.rows("SELECT pg_backend_pid()")[0][0])
        with stand.gate.fault(Delay(UP, seconds=3.0, user="app")):
            client.query("SET work_mem = '8MB'")
            # The question about it is in the gate now.
            stand.server.query("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            message = error_of(client.receive_all())
        assert (message.sqlstate, message.value["M"]) == (SHUTDOWN, TERMINATED)
    stand.check()


def test_backend_terminated_while_it_gets_a_clients_settings(stands):
    """Nothing of the client's had been sent: another backend does as well."""
    stand = stands(size=1)
    with stand.raw() as client, stand.raw() as other:
        client.query("SET work_mem = '8MB'")
        pid = int(other.rows("SELECT pg_backend_pid()")[0][0])
        with stand.gate.fault(Delay(UP, seconds=3.0, user="app")) as delay:
            client.send(fe.query("SHOW work_mem"))
            assert delay.hit.wait(10)
            stand.server.query("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        assert client.until_ready()[1].value == [b"8MB"]
    stand.check()


def test_idle_backends_terminated_under_load(server):
    """A backend that ends between two uses costs nobody an error. There is no gate, which might not have passed on yet
    what a backend says last: that would be the answer of whoever is lent it."""
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(ForebayDaemon(server, ["--pool-size", "2"]))
        clients = [stack.enter_context(RawConnection(daemon.host, daemon.port)) for _ in range(2)]
        for client in clients:
            client.login(USER, server.passwords[USER])
        for _ in range(30):
            for client in clients:
                assert client.rows("SELECT 1") == [["1"]]
            server.query("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'app'")


def test_killed_backend(fragile, fragile_server):
    """SIGKILL of one server process: the server throws all of them out (57P02) and recovers."""
    stand = fragile(size=2, flags=["--set", "timeouts.connect=30s"])
    with stand.raw() as victim, stand.raw() as bystander, stand.raw(user="postgres") as idle:
        bystander.query("BEGIN")
        victim.send(fe.query("SELECT pg_sleep(30)"))
        pid = stand.running("pg_sleep")
        os.kill(pid, signal.SIGKILL)
        assert end_of(victim) == LOST
        messages = bystander.receive_all()
        assert messages[0].sqlstate == CRASH
        assert error_of(messages).sqlstate == LOST
        wait_until(lambda: stand.gate.links() == 0, 10, "Forebay has let go of the old backends")
        assert idle.rows("SELECT 1") == [["1"]]
    stand.check()


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("at, plus", [("T", 0), ("T", 9), ("D", 0), ("D", 2), ("D", 30), ("C", 0), ("Z", 0), ("Z", 5)])
def test_cut_in_the_middle_of_a_result(stand, how, at, plus):
    """Wherever the answer breaks off, the client gets true bytes, then one error, and nobody gets the rest."""
    sql = "SELECT n, repeat('x', 50) FROM generate_series(1, 200) n"
    with stand.raw() as client, stand.raw() as other:
        client.send(fe.query(sql))
        whole = b"".join(fe.message(message.kind, message.body) for message in client.until_ready())
        other.query("BEGIN")
        cut = stand.gate.add(Cut(DOWN, at=at, plus=plus, how=how, answering=b"repeat"))
        client.send(fe.query(sql))
        received = bytes_to_the_end(client)
        assert cut.hit.is_set()
        assert check_broken_answer(received, whole) in (LOST, "")
        assert other.rows("SELECT 'mine'") == [["mine"]]
        other.query("COMMIT")
    stand.check()


#: Type, length, one column, its length.
_HEAD_OF_LARGE_ROW = b"D" + struct.pack("!IHI", 500_000 + 4 + 2 + 4, 1, 500_000)


def test_cut_inside_a_row_that_is_streamed(stand):
    """The client has half of a row: no message can follow it, so the connection ends without one."""
    with stand.raw() as client:
        stand.gate.add(Cut(DOWN, at="D", plus=40_000, answering=b"repeat"))
        client.send(fe.query("SELECT repeat('x', 500000)"))
        assert client.receive().kind == "T"
        received = bytes_to_the_end(client)
        assert received.rstrip(b"x") in (b"", _HEAD_OF_LARGE_ROW), "something follows half of a row"
    stand.check()


@pytest.mark.parametrize("at", ["R", "S", "K", "Z"])
def test_cut_while_a_backend_logs_in(stand, at):
    """A login that breaks off is tried again while the client's patience lasts."""
    with stand.stranger() as client:
        cut = stand.gate.add(Cut(DOWN, at=at, user="app"))
        client.login("app", stand.server.passwords["app"])
        assert cut.hit.is_set()
        assert client.rows("SELECT 1") == [["1"]]
    stand.check()
