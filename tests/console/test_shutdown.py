"""SHUTDOWN, at once, when transactions are over, and when clients have left."""

import contextlib
import os
import signal

import psycopg
import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.rawpg import RawConnection

from conftest import Console, backend_of, ended

ENDED = "terminating connection due to administrator command"


def refuses(daemon) -> bool:
    try:
        # Without a word about TLS first: what it is refused with there, libpq does not show.
        psycopg.connect(daemon.dsn(sslmode="disable"), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        assert "Connection refused" in str(error) or "shutting down" in str(error)
        return True
    return False


def test_shutdown_at_once(start, clients):
    forebay = start()
    client = clients(forebay)
    client.execute("BEGIN")
    with Console(forebay) as console:
        assert console.run("SHUTDOWN") == "SHUTDOWN"
        assert ended(forebay) == 0
    with pytest.raises(psycopg.OperationalError, match=ENDED):
        client.execute("SELECT 1")


def test_shutdown_waits_for_servers(start, clients):
    forebay = start()
    busy, idle = clients(forebay), clients(forebay)
    busy.execute("BEGIN")
    with Console(forebay) as console:
        assert console.run("SHUTDOWN WAIT_FOR_SERVERS") == "SHUTDOWN"
    with pytest.raises(psycopg.OperationalError, match=ENDED):
        idle.execute("SELECT 1")
    assert refuses(forebay)
    assert busy.execute("SELECT 1").fetchone() == (1,)
    busy.execute("COMMIT")
    assert ended(forebay) == 0


def test_shutdown_waits_for_clients(start, clients):
    forebay = start()
    first, second = clients(forebay), clients(forebay)
    with Console(forebay) as console:
        assert console.run("SHUTDOWN wait_for_clients") == "SHUTDOWN"
        wait_until(lambda: refuses(forebay), 10, "no new clients")
        assert "console command command=\"SHUTDOWN wait_for_clients\"" in forebay.log()
        for _ in range(3):
            assert backend_of(first) > 0 and backend_of(second) > 0
        first.close()
        assert backend_of(second) > 0
        assert forebay.running()
        second.close()
        # The console alone keeps nothing up.
        assert ended(forebay) == 0


def test_shutdown_of_what_nobody_uses(start):
    forebay = start()
    with Console(forebay) as console:
        console.run("SHUTDOWN WAIT_FOR_CLIENTS")
        assert ended(forebay) == 0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("place", ["tcp", "unix"])
@pytest.mark.parametrize("mode", ["", "WAIT_FOR_SERVERS", "WAIT_FOR_CLIENTS"])
def test_who_waits_to_be_accepted_is_answered(start, server, socket_folder, mode, place, threads):
    """Connections that nobody has accepted yet when SHUTDOWN comes are not closed without a word."""
    flags = ["--listen", "127.0.0.1:0", "--threads", threads]
    if place == "unix":
        flags += ["--listen", f"unix:{socket_folder}"]
    forebay = start(*flags)
    at = (str(socket_folder), 6432) if place == "unix" else (forebay.host, forebay.port)
    with contextlib.ExitStack() as stack:
        console = stack.enter_context(RawConnection(forebay.host, forebay.port))
        console.login("postgres", server.passwords["postgres"], "forebay")
        os.kill(forebay.pid, signal.SIGSTOP)
        console.send(fe.query(f"SHUTDOWN {mode}"))
        late = [stack.enter_context(RawConnection(*at)) for _ in range(400)]
        for client in late:
            client.send(fe.startup({"user": "app", "database": "postgres"}))
        os.kill(forebay.pid, signal.SIGCONT)
        answers = [client.receive() for client in late]
        # Another thread, where there is one, may have accepted some before the command was read.
        refusals = [answer for answer in answers if threads == 1 or answer.kind != "R"]
        assert refusals
        for refusal in refusals:
            assert (refusal.kind, refusal.sqlstate) == ("E", "57P03"), refusal
            assert refusal.value["M"] == "the pooler is shutting down"
    assert ended(forebay) == 0
