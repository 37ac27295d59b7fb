"""Databases of one name on two servers have nothing in common, whatever the configuration calls them."""

import contextlib
import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until

TEXT = "SELECT word FROM words WHERE id = 1"
BOUND = 1.0  # seconds; the default of --staleness


@pytest.fixture(scope="module")
def servers():
    """Two, each with a table `words` in its database postgres that says which one it is."""
    config = {"wal_level": "logical"}
    with PostgresServer(config=config) as first, PostgresServer(config=config) as second:
        yield first, second


@pytest.fixture(autouse=True)
def words(servers):
    for server, word in zip(servers, ("first", "second")):
        server.psql("DROP TABLE IF EXISTS words; CREATE TABLE words (id int PRIMARY KEY, word text);"
                    f" INSERT INTO words VALUES (1, '{word}')")


@contextlib.contextmanager
def daemon_for(main: PostgresServer, *flags: str, **databases: PostgresServer):
    with ForebayDaemon(main, ["--cache", "on", "--auth", "trust", *flags], config=entries(**databases)) as daemon:
        yield daemon


def entries(**databases: PostgresServer) -> str:
    lines = [f"  {name}: {server.url(dbname='postgres')}" for name, server in databases.items()]
    return "databases:\n" + "\n".join(lines) + "\n"


def hits(daemon) -> int:
    with psycopg.connect(daemon.dsn(dbname="forebay"), autocommit=True) as console:
        cursor = console.execute("SHOW CACHE")
        column = [each.name for each in cursor.description].index("hits")
        return sum(row[column] for row in cursor.fetchall())


def warm(daemon, client, text: str = TEXT) -> None:
    def hit() -> bool:
        before = hits(daemon)
        client.execute(text).fetchall()
        return hits(daemon) > before

    wait_until(hit, 20, "an answer from memory", interval=0.02)


def test_one_name_on_two_servers(servers):
    first, second = servers
    with daemon_for(first, one=first, two=second) as daemon:
        with psycopg.connect(daemon.dsn(dbname="one"), autocommit=True) as one, \
                psycopg.connect(daemon.dsn(dbname="two"), autocommit=True) as two:
            warm(daemon, one)
            for _ in range(20):
                assert two.execute(TEXT).fetchall() == [("second",)]
            warm(daemon, two)
            assert one.execute(TEXT).fetchall() == [("first",)]


def test_a_reload_that_names_another_server(servers):
    """Who stays connected reads from the new server, and what changes there is seen in time."""
    first, second = servers
    with daemon_for(first, shop=first) as daemon:
        with psycopg.connect(daemon.dsn(dbname="shop"), autocommit=True) as client:
            warm(daemon, client)
            daemon.config_path.write_text(entries(shop=second))
            daemon.reload()
            wait_until(lambda: client.execute(TEXT).fetchall() == [("second",)], 10, "an answer of the new server")
            warm(daemon, client)
            assert client.execute(TEXT).fetchall() == [("second",)]
            for word in ("third", "fourth"):
                second.execute("UPDATE words SET word = %s", (word,))
                done = began = time.monotonic()
                while client.execute(TEXT).fetchall() != [(word,)]:
                    assert began < done + BOUND, "a read that began later than that sees it"
                    began = time.monotonic()
                warm(daemon, client)


def test_what_a_client_still_has_of_the_old_server_is_not_kept_for_the_new_one(servers):
    """In session pooling who is connected stays where it is, though its pool has moved."""
    first, second = servers
    with daemon_for(first, "--pool-mode", "session", shop=first) as daemon:
        with psycopg.connect(daemon.dsn(dbname="shop"), autocommit=True) as stays:
            assert stays.execute(TEXT).fetchall() == [("first",)]
            daemon.config_path.write_text(entries(shop=second))
            daemon.reload()
            with psycopg.connect(daemon.dsn(dbname="shop"), autocommit=True) as comes:
                end = time.monotonic() + 2 * BOUND
                while time.monotonic() < end:
                    assert stays.execute(TEXT).fetchall() == [("first",)]
                    assert comes.execute(TEXT).fetchall() == [("second",)]
                    time.sleep(0.01)


def test_what_is_asked_again_for_a_pool_that_has_moved_is_not_kept_for_the_old_server(servers):
    first, second = servers
    text = f"/* forebay: strategy=write-through */ {TEXT}"
    with daemon_for(first, one=first, two=first) as daemon:
        with psycopg.connect(daemon.dsn(dbname="one"), autocommit=True) as one, \
                psycopg.connect(daemon.dsn(dbname="two"), autocommit=True) as two:
            warm(daemon, one, text)
            daemon.config_path.write_text(entries(one=second, two=first))
            daemon.reload()
            with psycopg.connect(daemon.dsn(dbname="one"), autocommit=True) as moved:
                wait_until(lambda: moved.execute(TEXT).fetchall() == [("second",)], 10, "the pool has moved")
            first.execute("UPDATE words SET word = 'changed'")
            done = began = time.monotonic()
            while two.execute(text).fetchall() != [("changed",)]:
                assert began < done + BOUND, "a read that began later than that sees it"
                began = time.monotonic()
            end = time.monotonic() + BOUND
            while time.monotonic() < end:
                assert two.execute(text).fetchall() == [("changed",)]
