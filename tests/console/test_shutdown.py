"""SHUTDOWN, at once, when transactions are over, and when clients have left."""

import psycopg
import pytest

from forebay_testing import wait_until

from conftest import Console, backend_of, ended

ENDED = "terminating connection due to administrator command"


def refuses(daemon) -> bool:
    try:
        psycopg.connect(daemon.dsn(), connect_timeout=5).close()
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
