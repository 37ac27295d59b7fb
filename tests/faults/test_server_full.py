"""A server that takes no more connections: what there is has to do for all (C3, L7)."""

import concurrent.futures

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer

CLIENTS = 12


@pytest.fixture(scope="module")
def small():
    """It takes five connections of applications."""
    with PostgresServer(config={"max_connections": 8, "superuser_reserved_connections": 3}) as server:
        server.create_role("app")
        yield server


def ask(client) -> str:
    return client.execute("SELECT pg_sleep(0.05)::text || 'done'").fetchone()[0]


def test_clients_share_the_backends_of_a_server_that_takes_no_more(small):
    """They waited for ten seconds beside idle backends, and then were refused."""
    with ForebayDaemon(small, ["--set", "timeouts.connect=5s"]) as daemon:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
            clients = list(threads.map(lambda _: psycopg.connect(daemon.dsn(user="app"), autocommit=True,
                                                                 connect_timeout=20), range(CLIENTS)))
            try:
                for _ in range(5):
                    assert list(threads.map(ask, clients)) == ["done"] * CLIENTS
            finally:
                for client in clients:
                    client.close()


def test_a_client_of_another_kind_gets_a_connection_of_a_full_server(small):
    """It needs a backend of its own start-up parameters: an idle one that suits nobody who waits makes room."""
    with ForebayDaemon(small, ["--set", "timeouts.connect=5s"]) as daemon:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
            clients = list(threads.map(lambda _: psycopg.connect(daemon.dsn(user="app"), autocommit=True,
                                                                 connect_timeout=20), range(CLIENTS)))
            list(threads.map(ask, clients))
            with psycopg.connect(daemon.dsn(user="app", options="-c geqo=off"), autocommit=True) as other:
                assert ask(other) == "done"
            for client in clients:
                client.close()


def test_a_client_with_a_backend_does_not_wait_behind_those_who_want_one_more(small):
    with ForebayDaemon(small, ["--set", "timeouts.connect=5s", "--set", "timeouts.command=4s"]) as daemon:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
            first = psycopg.connect(daemon.dsn(user="app"), autocommit=True)
            ask(first)
            taken = []
            with pytest.raises(psycopg.OperationalError, match="connection slots"):
                while True:
                    taken.append(psycopg.connect(small.dsn(user="app")))
            more = [threads.submit(psycopg.connect, daemon.dsn(user="app"), autocommit=True) for _ in range(3)]
            assert ask(first) == "done"
            for client in [*(future.result(15) for future in more), first, *taken]:
                client.close()
