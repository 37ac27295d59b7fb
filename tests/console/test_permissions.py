"""Who may use the console, and for what."""

import psycopg
import pytest
from psycopg import errors

from conftest import Console

CONFIG = "admin: {users: [alice], stats_users: [bob]}\n"
COMMANDS = (
    "PAUSE", "RESUME", "RELOAD", "KILL", "KILL_CLIENT 1", "RECONNECT", "WAIT_CLOSE", "DISABLE x", "ENABLE x",
    "SHUTDOWN", "SUSPEND", "SET pool.size = 5",
)


def test_stats_users_may_only_show(start):
    with Console(start(config=CONFIG), user="bob") as console:
        assert console.show("POOLS") is not None and console.show("CONFIG")
        for command in COMMANDS:
            with pytest.raises(errors.InsufficientPrivilege):
                console.run(command)
        assert console.run("SET extra_float_digits = 3") == "SET"  # drivers do this when they connect


def test_administrators_may_do_both(start):
    with Console(start(config=CONFIG), user="alice") as console:
        assert console.run("RECONNECT") == "RECONNECT"
        assert console.show("USERS")


@pytest.mark.parametrize("dbname", ["forebay", "pgbouncer"])
def test_nobody_else(start, server, dbname):
    forebay = start(config=CONFIG)
    for user in ("app", server.superuser):
        with pytest.raises(psycopg.OperationalError, match="may not use the console"):
            Console(forebay, dbname, user=user)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        Console(forebay, dbname, user="alice", password="wrong")


def test_the_upstreams_user_unless_somebody_is_named(start, server):
    forebay = start()
    with Console(forebay) as console:
        assert console.run("RECONNECT") == "RECONNECT"
    with pytest.raises(psycopg.OperationalError, match="may not use the console"):
        Console(forebay, user="app")


def test_administrators_come_in_when_it_is_full(start, clients):
    """And when everything is paused."""
    forebay = start(config="limits: {max_clients: 1}\n")
    clients(forebay)
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        clients(forebay)
    with Console(forebay) as console:
        console.run("PAUSE")
        with Console(forebay) as another:
            assert another.run("RESUME") == "RESUME"
