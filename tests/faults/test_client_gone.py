"""A client vanishes at every step of the protocol: in order, by a reset, or half-way through a message.

Whatever it was doing, its transaction is rolled back, its backend is clean or closed, and the pool's counts are exact.
"""

import contextlib
import socket
import struct

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.rawpg import RawConnection
from forebay_testing.scram import ScramClient

from stand import Stand

PASSWORD = "secret-of-app"
HOW = ("fin", "rst", "half", "terminate")


def vanish(raw: RawConnection, how: str) -> None:
    if how == "half":  # a message that stops in its header, in its length, in its body
        raw.send(fe.query("SELECT 'never'")[:3])
    elif how == "terminate":
        raw.send(fe.terminate())
    elif how == "rst":
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


@pytest.fixture(scope="module")
def table(server):
    server.psql("CREATE TABLE gone (id int, text text); ALTER TABLE gone OWNER TO app")
    yield
    server.execute("DROP TABLE gone")


@pytest.fixture
def rows(server, table):
    server.execute("TRUNCATE gone")
    return lambda: server.query("SELECT count(*) FROM gone")[0][0]


# --- before it is logged in

def _first_of_scram(raw, scram):
    raw.send(fe.startup({"user": "app", "database": "postgres"}))
    raw.receive()
    raw.send(fe.sasl_initial_response("SCRAM-SHA-256", scram.first_message()))


def _final_of_scram(raw, scram):
    _first_of_scram(raw, scram)
    raw.send(fe.sasl_response(scram.final_message(raw.receive().value[1])))


LOGIN_STEPS = {
    "connect": lambda raw, scram: None,
    "SSLRequest": lambda raw, scram: raw.send(fe.ssl_request()),
    "half of a start-up packet": lambda raw, scram: raw.send(fe.startup({"user": "app"})[:9]),
    "start-up packet": lambda raw, scram: raw.send(fe.startup({"user": "app", "database": "postgres"})),
    "request for a password": lambda raw, scram: (raw.send(fe.startup({"user": "app"})), raw.receive()),
    "SASL initial response": _first_of_scram,
    "SASL challenge": lambda raw, scram: (_first_of_scram(raw, scram), raw.receive()),
    "half of a SASL response": lambda raw, scram: (_first_of_scram(raw, scram), raw.receive(),
                                                  raw.send(fe.sasl_response(b"c=biws,r=x")[:8])),
    "SASL response": _final_of_scram,
    "SASL outcome": lambda raw, scram: (_final_of_scram(raw, scram), raw.receive()),
    "greeting": lambda raw, scram: (_final_of_scram(raw, scram), raw.until_ready()),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("step", LOGIN_STEPS)
def test_during_login(calm, step, how):
    raw = calm.stranger()
    LOGIN_STEPS[step](raw, ScramClient(PASSWORD))
    with contextlib.suppress(ConnectionError):
        vanish(raw, how)
    calm.settled()
    with calm.raw() as other:
        assert other.rows("SELECT 1") == [["1"]]


def test_while_its_password_waits_to_be_looked_up(calm):
    """Nobody wants to know any more: the question leaves the queue, where it would be before those who are there."""
    def is_anybody_waiting() -> bool:
        messages = console.query("SHOW POOLS")
        names = [column.name for column in messages[0].value]
        pools = [dict(zip(names, message.value)) for message in messages if message.kind == "D"]
        return any(int(pool["maxwait"]) > 0 or int(pool["maxwait_us"]) > 0 for pool in pools)

    with calm.raw(user="postgres", database="forebay") as console:
        console.query("PAUSE")
        raw = calm.stranger()
        raw.send(fe.startup({"user": "app", "database": "postgres"}))
        wait_until(is_anybody_waiting, 10, "the question waits")
        vanish(raw, "rst")
        wait_until(lambda: not is_anybody_waiting(), 10, "nobody waits")
        console.query("RESUME")
    calm.check()


# --- in its session

INSERT = "INSERT INTO gone VALUES (1)"
#: Name → (what is sent, kinds of messages that are awaited before the client goes).
SESSION_STEPS = {
    "idle": ([], ""),
    "Query": ([fe.query("SELECT pg_sleep(0.2)")], ""),
    "inside a Query": ([fe.query("SELECT 'half a statement'")[:12]], ""),
    "inside a large Query": ([fe.query(f"SELECT '{'x' * 300_000}'")[:200_000]], ""),
    "while a Query runs": ([fe.query(f"{INSERT}; SELECT pg_sleep(20)")], "running"),
    "while rows come": ([fe.query("SELECT repeat('x', 5000) FROM generate_series(1, 5000)")], "D"),
    "Parse": ([fe.parse(INSERT)], ""),
    "Parse of a named statement": ([fe.parse(INSERT, "s"), fe.flush()], "1"),
    "Bind": ([fe.parse(INSERT), fe.bind()], ""),
    "inside a Bind": ([fe.parse("SELECT $1::text"), fe.bind(["x" * 100_000])[:50_000]], ""),
    "Execute, before Sync": ([fe.parse(INSERT), fe.bind(), fe.execute(), fe.flush()], "C"),
    "Execute with a limit": ([fe.parse("SELECT generate_series(1, 9)"), fe.bind(), fe.execute(limit=2), fe.flush()], "s"),
    "Describe": ([fe.parse(INSERT), fe.describe("S"), fe.flush()], "n"),
    "an error, before Sync": ([fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.flush()], "E"),
    "several batches": ([fe.parse("SELECT 1"), fe.bind(), fe.execute(), fe.sync()] * 20, ""),
    "Flush": ([fe.flush()], ""),
    "FunctionCall": ([fe.function_call(177, [40, 2])], ""),
    "in a transaction": ([fe.query(f"BEGIN; {INSERT}")], "Z"),
    "in a failed transaction": ([fe.query(f"BEGIN; {INSERT}; SELECT 1/0")], "Z"),
    "in a transaction, while it runs": ([fe.query(f"BEGIN; {INSERT}; SELECT pg_sleep(20)")], "running"),
    "in a savepoint": ([fe.query(f"BEGIN; SAVEPOINT a; {INSERT}")], "Z"),
    "COPY in": ([fe.query("COPY gone FROM STDIN")], "G"),
    "COPY in, with data": ([fe.query("COPY gone FROM STDIN"), fe.copy_data(b"1\tx\n")], "G"),
    "inside CopyData": ([fe.query("COPY gone FROM STDIN"), fe.copy_data(b"1\tx\n" * 50_000)[:70_000]], "G"),
    "COPY in, extended": ([fe.parse("COPY gone FROM STDIN"), fe.bind(), fe.execute(), fe.sync()], "G"),
    "COPY in, failed": ([fe.query("COPY gone FROM STDIN"), fe.copy_data(b"no number\n"), fe.copy_done()], "E"),
    "COPY out": ([fe.query("COPY (SELECT repeat('x', 5000) FROM generate_series(1, 5000)) TO STDOUT")], "d"),
    "with a temporary table": ([fe.query("CREATE TEMP TABLE left_behind (id int)")], "Z"),
    "with an advisory lock": ([fe.query("SELECT pg_advisory_lock(77)")], "Z"),
    "with settings": ([fe.query("SET TimeZone = 'Asia/Tokyo'")], "Z"),
    "while it listens": ([fe.query("LISTEN gone")], "Z"),
    "with a cursor": ([fe.query("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT")], "Z"),
    "with an SQL-level statement": ([fe.query("PREPARE left_behind AS SELECT 1")], "Z"),
}


@pytest.fixture(scope="module")
def calm(server):
    """One stand for the whole module: what one test leaves behind would show in the next."""
    with Stand(server) as stand:
        yield stand


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("step", SESSION_STEPS)
def test_in_its_session(calm, rows, step, how):
    messages, until = SESSION_STEPS[step]
    if how == "terminate" and until == "running":
        pytest.skip("the server reads Terminate when the query has ended: test_terminate_behind_a_query")
    raw = calm.raw()
    raw.send(*messages)
    if until == "running":
        calm.running("pg_sleep")
    elif until:
        raw.receive_until(until)
    vanish(raw, how)
    calm.settled()
    calm.check()
    assert rows() == 0, "an unfinished transaction was committed"


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_while_it_waits_for_a_backend(calm, how):
    """Nobody is there any more when a backend comes free: the next in the queue gets it."""
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(calm.raw()) for _ in range(calm.size)]
        for holder in holders:
            holder.query("BEGIN")
        leavers = [calm.raw() for _ in range(5)]
        for leaver in leavers:
            leaver.send(fe.query("SELECT pg_sleep(0.01)"))
        patient = stack.enter_context(calm.raw())
        patient.send(fe.query("SELECT 'patient'"))
        for leaver in leavers:
            vanish(leaver, how)
        for holder in holders:
            holder.query("COMMIT")
        assert patient.until_ready()[1].value == [b"patient"]
    calm.settled()
    calm.check()


@pytest.mark.parametrize("through", ["directly", "forebay"])
@pytest.mark.parametrize("begin, kept", [("", 1), ("BEGIN; ", 0)], ids=["alone", "in a transaction"])
def test_terminate_behind_a_query(calm, server, rows, through, begin, kept):
    """The good-bye does not overtake the query: that ends as if its client had waited, and what it did stays unless a
    transaction was left open."""
    place = server if through == "directly" else calm.forebay
    raw = RawConnection(place.host, place.port)
    raw.login("app", server.passwords["app"])
    raw.send(fe.query(f"{begin}{INSERT}; SELECT pg_sleep(4)"))
    calm.running("pg_sleep")
    vanish(raw, "terminate")
    assert any(state == "active" for _, state, *_ in calm.sessions())
    wait_until(lambda: not any(state == "active" for _, state, *_ in calm.sessions()), 10, "the query has ended")
    calm.settled()
    assert rows() == kept
    calm.check()


def test_query_of_a_client_that_left_is_cancelled(calm):
    """The server does not go on for minutes for nobody."""
    raw = calm.raw()
    raw.send(fe.query("SELECT pg_sleep(600)"))
    calm.running("pg_sleep(600)")
    raw.close()
    wait_until(lambda: not any(state == "active" for _, state, *_ in calm.sessions()), 10, "the query is cancelled")
    calm.check()


@pytest.mark.parametrize("last", [fe.terminate(), b""], ids=["Terminate", "nothing more"])
def test_what_was_sent_before_it_left_is_done(calm, rows, last):
    """As PostgreSQL does: a statement that was sent whole is executed, even if its sender does not wait."""
    for _ in range(10):
        raw = calm.raw()
        raw.send(fe.query(INSERT), last)
        raw.close()
    wait_until(lambda: rows() == 10, 10, "ten rows")
    calm.check()
