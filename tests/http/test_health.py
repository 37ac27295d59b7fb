"""Health is answered from what is known already: never by asking a server (P1, P6, P8, C10, B17)."""

import contextlib
import signal
import socket
import statistics
import threading
import time
from http.client import HTTPConnection

import psycopg
import pytest

from conftest import Http
from forebay_testing import PostgresServer, wait_until


def codes(reply) -> list[str]:
    return [reason["code"] for reason in reply.json["reasons"]]


def becomes(http: Http, status: int, code: str | None = None):
    """Polls until /health/ready says so."""

    def there():
        reply = http.get("/health/ready")
        return reply if reply.status == status and (code is None or code in codes(reply)) else None

    return wait_until(there, 20, f"/health/ready is {status} {code or ''}", interval=0.05)


def test_readiness_follows_the_server(start):
    with PostgresServer() as own:
        daemon = start(upstream=own)
        http = Http(daemon)
        assert becomes(http, 200).json == {"status": "ready", "reasons": []}
        own.stop()
        lost = becomes(http, 503, "server_down")
        assert lost.json["status"] == "not_ready"
        assert f"{own.host}:{own.port}" in lost.json["reasons"][0]["message"]
        assert http.get("/health/live").json == {"status": "live"}
        assert http.get("/health").status == 503
        detailed = http.get("/health/detailed")
        assert (detailed.status, detailed.json["servers"][0]["state"]) == (503, "down")
        assert http.metrics()["forebay_ready"] == 0
        own.start()
        becomes(http, 200)
        assert http.metrics()["forebay_ready"] == 1
        states = {name: value for name, value in http.metrics().items()
                  if name.startswith("forebay_server_state_changes_total") and value}
        assert {name.split('state="')[1][:-2]: value for name, value in states.items()} == {"up": 2, "down": 1}
        assert [row["state"] for row in daemon.show("topology")] == ["up"]


def test_health_is_told_while_the_server_answers_nothing(start):
    """P8: within 50 ms, connecting included; the median, for others use this machine too."""
    with PostgresServer() as own:
        daemon = start(upstream=own)
        http = Http(daemon)
        becomes(http, 200)
        seen = []
        own.signal_all(signal.SIGSTOP)
        try:
            for path in ("/health/ready", "/health/live", "/health/detailed") * 50:
                began = time.perf_counter()
                assert http.get(path).status in (200, 503)
                seen.append(time.perf_counter() - began)
            becomes(http, 503, "server_down")
        finally:
            own.signal_all(signal.SIGCONT)
        becomes(http, 200)
    assert sorted(seen)[len(seen) // 2] < 0.05


def test_who_gets_no_backend_because_the_server_hangs_is_not_told_to_enlarge_the_pool(start):
    with PostgresServer() as own:
        daemon = start("--auth", "trust", "--pool-size", "1", "--pool-overflow", "0", "--set", "timeouts.wait=3s",
                       upstream=own)
        http = Http(daemon)
        becomes(http, 200)
        dsn = daemon.dsn(user="postgres", dbname="postgres")
        with psycopg.connect(dsn, autocommit=True) as holder, psycopg.connect(dsn, autocommit=True) as other:
            holder.execute("BEGIN; SELECT 1")
            own.signal_all(signal.SIGSTOP)
            try:
                becomes(http, 503, "server_down")
                with pytest.raises(psycopg.OperationalError) as refused:
                    other.execute("SELECT 2")
            finally:
                own.signal_all(signal.SIGCONT)
        told = str(refused.value)
        assert "DETAIL:  The server does not answer: no answer within" in told
        assert "Raise" not in told


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/detailed"])
def test_health_takes_less_than_a_millisecond(start, path):
    """On a connection that is kept, and more than what the same client waits for somebody who has nothing to do but to
    answer: others use this machine too, and Python its part."""
    http = Http(start())
    becomes(http, 200)
    with bare_answers() as bare, kept_connection(http.host, http.port) as ours, kept_connection(*bare) as theirs:

        def once(connection: HTTPConnection) -> float:
            began = time.perf_counter()
            connection.request("GET", path)
            assert connection.getresponse().read()
            return time.perf_counter() - began

        def more() -> float:
            """In turn, so that whatever else goes on is in both."""
            taken = [(once(ours), once(theirs)) for _ in range(100)]
            return statistics.median(our for our, _ in taken) - statistics.median(their for _, their in taken)

        wait_until(lambda: more() < 0.001, 30, "a hundred that are quick")


def kept_connection(host: str, port: int):
    return contextlib.closing(HTTPConnection(host, port, timeout=20))


@contextlib.contextmanager
def bare_answers():
    """Yields where each request of one client is answered at once, whatever it is."""

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(65536):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer, daemon=True)  # ends with its client
        answering.start()
        yield listener.getsockname()


def test_pausing_makes_it_not_ready(start):
    daemon = start("--set", "http.anonymous=admin")
    http = Http(daemon)
    becomes(http, 200)
    assert http.post("/api/v1/pause").data["paused"] is True
    assert codes(http.get("/health/ready")) == ["paused"]
    assert http.get("/health/live").status == 200
    assert http.post("/api/v1/resume").data == {"paused": False}
    assert http.get("/health/ready").status == 200


def test_draining_makes_it_not_ready_until_the_end(start, connect):
    daemon = start()
    http = Http(daemon)
    becomes(http, 200)
    client = connect(daemon, autocommit=False)
    client.execute("SELECT 1")
    daemon.signal(signal.SIGTERM)
    assert "shutting_down" in codes(becomes(http, 503, "shutting_down"))
    assert http.metrics()["forebay_draining"] == 1
    client.rollback()
    client.close()


def test_a_server_that_nobody_may_watch_is_not_held_against_it(start, server):
    """Without a user in the upstream's URL nothing is known of the server, and nothing is made up."""
    users = "users:\n  app: {password: secret}\n"
    daemon = start(upstream=f"postgres://{server.host}:{server.port}", config=users)
    http = Http(daemon)
    assert http.get("/health/ready").json == {"status": "ready", "reasons": []}
    assert http.get("/health/detailed").json["servers"] == []


def test_a_server_that_does_not_let_the_watch_in_is_not_held_against_it(start):
    """Without a database in the upstream's URL the watch goes to `postgres`; clients go to their own."""
    with PostgresServer() as own:
        own.create_role("svc")
        own.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
        secret = own.passwords["svc"]
        daemon = start(upstream=f"postgres://svc:{secret}@{own.host}:{own.port}")
        http = Http(daemon)
        wait_until(lambda: "permission denied" in http.get("/api/v1/servers").text, 20, "the watch is refused")
        assert http.get("/health/ready").status == 200
        own.stop()
        becomes(http, 503)


def test_strangers_are_told_codes_alone(start):
    with PostgresServer() as own:
        http = Http(start("--set", "http.anonymous=none", upstream=own))
        becomes(http, 200)
        own.stop()
        assert becomes(http, 503, "server_down").json["reasons"] == [{"code": "server_down"}]
