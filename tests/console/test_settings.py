"""RELOAD and SET change what runs, and say what is wrong where they cannot."""

import psycopg
import pytest
from psycopg import errors

from forebay_testing import wait_until

from conftest import USER, Background, Console, backend_of


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


def reload(console: Console) -> list[str]:
    """What RELOAD says beside its tag."""
    said = []
    console.connection.add_notice_handler(lambda notice: said.append(f"{notice.severity}: {notice.message_primary}"))
    console.run("RELOAD")
    return said


def test_reload_shows_the_running_value_of_what_needs_a_restart(start):
    """It showed the file's, and warned of the wrong reload: not of the second, but of the way back."""
    before = "unix_socket_mode: 0700\ncache: {staleness: 1s}\n"
    forebay = start(config=before)
    with Console(forebay) as console:
        forebay.config_path.write_text("unix_socket_mode: 0770\ncache: {staleness: 10s}\npool: {size: 3}\n")
        for _ in range(2):
            assert reload(console)[-1] == "WARNING: only a restart can change unix_socket_mode, cache.staleness"
            assert setting(console, "unix_socket_mode") == "0700"
            assert setting(console, "cache.staleness") == "1s"
            assert setting(console, "pool.size") == "3"
        assert forebay.log().count("a changed setting needs a restart") == 4
        forebay.config_path.write_text(before)
        assert reload(console) == []
        assert forebay.log().count("a changed setting needs a restart") == 4


@pytest.mark.parametrize("enabled, other", [("off", "true"), ("on", "false")])
def test_the_cache_is_not_switched_by_a_reload(start, server, database, enabled, other):
    """New sessions had the new value, old ones the old: what old ones wrote stayed in memory for new ones."""
    text = "cache: {{enabled: {}, level: ttl}}\npolicies: {{all: {{relations: kept, lifetime: 1h}}}}\n"
    forebay = start(config=text.format(enabled))
    server.execute("DROP TABLE IF EXISTS kept", dbname=database)
    server.execute("CREATE TABLE kept AS SELECT 1 AS n", dbname=database)
    server.execute("GRANT ALL ON kept TO app", dbname=database)
    dsn = forebay.dsn(user=USER, dbname=database, password=server.passwords[USER])
    read = "SELECT n FROM kept"
    with psycopg.connect(dsn, autocommit=True) as writer, Console(forebay) as console:
        assert writer.execute(read).fetchone() == (1,)
        forebay.config_path.write_text(text.format(other))
        assert "only a restart can change cache.enabled" in reload(console)[-1]
        assert setting(console, "cache.enabled") == enabled
        with psycopg.connect(dsn, autocommit=True) as reader:
            for value in range(2, 10):
                assert [reader.execute(read).fetchone()[0] for _ in range(3)] == [value - 1] * 3
                writer.execute("UPDATE kept SET n = %s", (value,))
            assert reader.execute(read).fetchone() == (value,)


@pytest.mark.parametrize("relation", ["", "nowhere"])
@pytest.mark.parametrize("enabled, told", [("false", "the cache is off: nothing is kept"), ("true", "no ")])
def test_cache_clear_says_when_nothing_was_forgotten(start, relation, enabled, told):
    with Console(start(config=f"cache: {{enabled: {enabled}}}\n")) as console:
        said = []
        console.connection.add_notice_handler(lambda notice: said.append(notice.message_primary))
        assert console.run(f"CACHE CLEAR {relation}") == "CACHE CLEAR"
        assert said[-1].startswith(told) and ("off" in told or relation in said[-1])


def test_cache_clear_tells_how_many_results_were_forgotten(start, server, database, clients):
    forebay = start(config="cache: {enabled: true, level: ttl}\npolicies: {all: {relations: counted, lifetime: 1h}}\n")
    server.execute("CREATE TABLE counted AS SELECT 1 AS n", dbname=database)
    server.execute("GRANT ALL ON counted TO app", dbname=database)
    client = clients(forebay)
    with Console(forebay) as console:
        said = []
        console.connection.add_notice_handler(lambda notice: said.append(notice.message_primary))

        def is_kept() -> bool:
            client.execute("SELECT n FROM counted")
            return len(console.show("CACHE_ENTRIES")) == 1

        wait_until(is_kept, 10, "a kept result")
        for _ in range(2):
            console.run("CACHE CLEAR counted")
        assert said == ["1 kept result was forgotten", 'no kept result depends on "counted"']
        wait_until(is_kept, 10, "a kept result")
        console.run("CACHE CLEAR TAG nothing")
        console.run("CACHE CLEAR")
        assert said[2:] == ['no kept result has a tag that "nothing" fits', "1 kept result was forgotten"]
