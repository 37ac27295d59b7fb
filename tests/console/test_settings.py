"""RELOAD and SET change what runs, and say what is wrong where they cannot."""

import pytest
from psycopg import errors

from conftest import Background, Console, backend_of


def setting(console: Console, key: str) -> str:
    return {row["key"]: row["value"] for row in console.show("CONFIG")}[key]


def test_reload_applies_a_changed_limit(start, clients, database):
    forebay = start(config="pool: {size: 1, overflow: 0}\n")
    with Console(forebay) as console:
        first, second = clients(forebay), clients(forebay)
        first.execute("BEGIN")
        waiting = Background(backend_of, second)
        console.wait_for_pool(database, cl_waiting=1)
        forebay.config_path.write_text("pool: {size: 2, overflow: 0}\n")
        assert console.run("RELOAD") == "RELOAD"
        assert setting(console, "pool.size") == "2"
        assert waiting.result() > 0
        assert console.pool(database)["sv_most"] == 2
        first.execute("COMMIT")


def test_a_bad_configuration_changes_nothing(start, clients, database):
    forebay = start(config="pool: {size: 3}\n")
    with Console(forebay) as console:
        client = clients(forebay)
        forebay.config_path.write_text("pool: {sise: 4}\n")
        with pytest.raises(errors.ConfigFileError) as caught:
            console.run("RELOAD")
        assert "sise" in caught.value.diag.message_detail and "size" in caught.value.diag.message_detail
        assert setting(console, "pool.size") == "3"
        assert backend_of(client) > 0


def test_set(start, clients, database):
    forebay = start("--pool-size", "1", "--pool-overflow", "0")
    with Console(forebay) as console:
        first, second = clients(forebay), clients(forebay)
        first.execute("BEGIN")
        waiting = Background(backend_of, second)
        console.wait_for_pool(database, cl_waiting=1)
        assert console.run("SET pool.size = 2") == "SET pool.size=2"
        assert waiting.result() > 0
        first.execute("COMMIT")
        assert setting(console, "pool.size") == "2"


@pytest.mark.parametrize(
    "command, key, value",
    [
        ("SET default_pool_size TO 7", "pool.size", "7"),
        ("set SERVER_LIFETIME = 90", "timeouts.recycle", "90s"),
        ("SET timeouts.wait = '1min 5s'", "timeouts.wait", "65s"),
        ("SET query_wait_timeout='250ms';", "timeouts.wait", "250ms"),
        ("SET pool_mode = session", "pool.mode", "session"),
        ("SET max_client_conn=12", "limits.max_clients", "12"),
        ("SET log.level = debug", "log.level", "debug"),
    ],
)
def test_set_under_either_name(start, command, key, value):
    with Console(start()) as console:
        console.run(command)
        assert setting(console, key) == value


@pytest.mark.parametrize(
    "command, error, words",
    [
        ("SET pool.size = 0", errors.InvalidParameterValue, "pool.size"),
        ("SET pool.size = many", errors.InvalidParameterValue, "many"),
        ("SET pool.min_size = 500", errors.InvalidParameterValue, "min_size"),
        ("SET pool.sise = 5", errors.UndefinedObject, "pool.size"),
        ("SET threads = 5", errors.CantChangeRuntimeParam, "restart"),
        ("SET auth.mode = trust", errors.CantChangeRuntimeParam, "RELOAD"),
        ("SET pool.size", errors.SyntaxError, "SET key = value"),
        ("SET pool.size = 1 2", errors.SyntaxError, "SET key = value"),
        ("SET = 1", errors.SyntaxError, "SET key = value"),
    ],
)
def test_set_refuses_with_a_reason(start, command, error, words):
    with Console(start()) as console:
        before = console.show("CONFIG")
        with pytest.raises(error) as caught:
            console.run(command)
        assert words in f"{caught.value.diag.message_primary} {caught.value.diag.message_hint}"
        assert console.show("CONFIG") == before


def test_reload_takes_back_what_set_changed(start):
    forebay = start(config="pool: {size: 3}\n")
    with Console(forebay) as console:
        console.run("SET pool.size = 9")
        console.run("RELOAD")
        assert setting(console, "pool.size") == "3"
