"""Cancel requests: the right key reaches the query that runs, any other reaches nothing (pitfalls: pooling 15)."""

import concurrent.futures
import contextlib
import threading

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.rawpg import RawConnection


@pytest.fixture
def running(server, database):
    """running(text): waits until a backend runs a statement that contains it."""

    def wait(text):
        sql = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND datname = %s AND strpos(query, %s) > 0"
        wait_until(lambda: server.query(sql, (database, text)), 10, f"{text!r} runs")

    return wait


@pytest.fixture
def held(reference, running):
    """`with held(raw):` this client's query runs within, and is not cancelled by anybody."""

    @contextlib.contextmanager
    def hold(raw):
        with reference.connect() as holder:
            holder.execute("SELECT pg_advisory_lock(1)")
            raw.send(fe.query("SELECT pg_advisory_xact_lock(1), 'spared' AS raw_waits"))
            running("raw_waits")
            yield
            assert raw.nothing_comes(2)
        assert state_of(raw.until_ready()) == "fine"

    return hold


def send_cancel(endpoint, pid, secret):
    with RawConnection(endpoint.host, endpoint.port) as other:
        other.send(fe.cancel_request(pid, secret))
        assert other.receive_all() == []


def state_of(messages):
    return next((message.sqlstate for message in messages if message.kind == "E"), "fine")


def test_keys_are_each_clients_own(endpoint):
    clients = [endpoint.raw() for _ in range(20)]
    assert len({client.key for client in clients}) == 20
    for client in clients:
        client.close()


def test_cancel_of_simple_and_extended_queries(endpoint, running):
    with endpoint.raw() as raw:
        for burst in ([fe.query("SELECT pg_sleep(30) AS raw_waits")],
                      [fe.parse("SELECT pg_sleep(30) AS raw_waits"), fe.bind(), fe.execute(), fe.sync()]):
            raw.send(*burst)
            running("raw_waits")
            raw.cancel()
            assert state_of(raw.until_ready()) == "57014"
            assert raw.rows("SELECT 1") == [["1"]]


def test_cancel_in_a_transaction_aborts_it(endpoint, running):
    with endpoint.raw() as raw:
        raw.query("BEGIN")
        raw.send(fe.query("SELECT pg_sleep(30) AS raw_waits"))
        running("raw_waits")
        raw.cancel()
        raw.until_ready()
        assert raw.status == "E"
        raw.query("ROLLBACK")
        assert raw.status == "I"


def test_wrong_keys_reach_nothing(endpoint, held):
    with endpoint.raw() as raw, held(raw):
        pid, secret = raw.key
        for wrong in ((pid, secret ^ 1), (pid ^ 1, secret), (0, 0), (pid, 0), (0xFFFFFFFF, 0xFFFFFFFF)):
            send_cancel(endpoint, *wrong)


def test_key_of_a_client_that_left_reaches_nothing(endpoint, held):
    with endpoint.raw() as gone:
        key = gone.key
        gone.query("SELECT 1")
        gone.leave()
    with endpoint.raw() as raw, held(raw):
        send_cancel(endpoint, *key)


def test_key_of_a_client_means_nothing_to_the_server(transaction_mode, held):
    """Were it the backend's own, whoever was served by that backend once could cancel its next clients."""
    server = transaction_mode.server
    with transaction_mode.raw() as raw, held(raw), RawConnection(server.host, server.port) as past:
        past.send(fe.cancel_request(*raw.key))
        past.receive_all()


def test_malformed_cancel_requests_are_dropped(endpoint):
    whole = fe.cancel_request(1, 2)
    for request in (whole[:8], whole[:12], b"\0\0\0\x14" + whole[4:] + b"more"):
        with RawConnection(endpoint.host, endpoint.port) as other:
            other.send(request)
            other.socket.shutdown(1)
            other.receive_all()
    with endpoint.raw() as raw:
        assert raw.rows("SELECT 1") == [["1"]]


@pytest.mark.pool(1)
def test_cancel_while_waiting_for_a_backend(transaction_mode, held):
    """Nothing runs on the server yet: the waiting query ends as a cancelled one, and never runs."""
    with transaction_mode.raw() as busy, transaction_mode.raw() as waiting:
        with held(busy):
            waiting.send(fe.query("CREATE TABLE must_not_exist ()"))
            assert waiting.nothing_comes(0.2)
            waiting.cancel()
            assert state_of(waiting.until_ready()) == "57014"
        assert waiting.rows("SELECT to_regclass('must_not_exist')") == [[None]]


@pytest.mark.pool(2)
def test_storm_of_cancels(endpoint):
    """Six clients run short queries and cancel them at random moments; six others must never be hit."""
    stop = threading.Event()

    def careful(number):
        count = 0
        with endpoint.raw() as raw:
            while not stop.is_set():
                assert raw.rows(f"SELECT {number}, pg_sleep(0.001)")[0][0] == str(number)
                count += 1
        return count

    def hasty(number):
        hit = 0
        with endpoint.raw() as raw:
            for step in range(40):
                raw.send(fe.query(f"SELECT pg_sleep({0.0005 * (step % 5)}), {number}"))
                raw.cancel()
                hit += state_of(raw.until_ready()) == "57014"
            return hit

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        bystanders = [pool.submit(careful, number) for number in range(6)]
        try:
            hits = [future.result(40) for future in [pool.submit(hasty, number) for number in range(6)]]
        finally:
            stop.set()
        assert all(bystander.result(20) > 0 for bystander in bystanders), hits
