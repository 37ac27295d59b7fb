"""Messages that break the rules, of every type and in every state: that client gets an error, and no other notices.

PostgreSQL answers some with an ERROR and goes on, some with FATAL 08P01; Forebay may do as it does, or end the client with
FATAL 08P01. It never ends one without a word, lets one wait, or touches another.
"""

import contextlib
import struct

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import ConnectionClosed, RawConnection

from conversation import fate

VIOLATION = "08P01"

#: Type → a right body.
RIGHT = {
    "Q": fe.query("SELECT 1"), "P": fe.parse("SELECT $1::int", "s", (23,)), "B": fe.bind([1], "s", "p"), "D": fe.describe("S", "s"),
    "E": fe.execute("p", 1), "C": fe.close("P", "p"), "F": fe.function_call(177, [40, 2]), "S": fe.sync(), "H": fe.flush(),
    "d": fe.copy_data(b"1\tx\n"), "c": fe.copy_done(), "f": fe.copy_fail("why"), "p": fe.password("secret"), "X": fe.terminate(),
}
SHORT_ONES = "SHXECDcf"  # PostgreSQL takes at most 10,000 bytes of these


def with_length(kind: str, length: int, body: bytes = b"") -> bytes:
    return kind.encode("latin-1") + struct.pack("!I", length & 0xFFFFFFFF) + body


def broken_messages():
    """(name, bytes): every right message with every wrong length and with its end cut off, and types that do not exist."""
    for kind, right in RIGHT.items():
        for length in (0, 3, -1, -0x80000000, 0x7FFFFFFF, 0x40000000):
            yield f"{kind} length {length}", with_length(kind, length, b"\0" * 20)
        body = right[5:]
        for size in sorted({0, 1, len(body) // 2, max(len(body) - 1, 0)} - {len(body)}):
            yield f"{kind} cut to {size}", fe.message(kind, body[:size])
        yield f"{kind} with more behind", fe.message(kind, body + b"more\0")
        yield f"{kind} of zeros", fe.message(kind, b"\0" * 40)
        yield f"{kind} of ones", fe.message(kind, b"\xff" * 40)
    for kind in SHORT_ONES:
        yield f"{kind} too long", fe.message(kind, b"x" * 20_000)
    for kind in "\0\1AGIKMNORTUVWYZabegz~\x7f\xff":
        yield f"type {kind!r}", with_length(kind, 4)
        yield f"type {kind!r} with a body", with_length(kind, 24, b"x" * 20)
    counts = struct.pack("!H", 0xFFFF)
    yield "Parse with 65535 types", fe.message("P", b"s\0SELECT 1\0" + counts)
    yield "Bind with 65535 formats", fe.message("B", b"p\0s\0" + counts)
    yield "Bind with 65535 values", fe.message("B", b"p\0s\0" + b"\0\0" + counts)
    yield "Bind with a value of -2 bytes", fe.message("B", b"p\0s\0" + struct.pack("!HHiH", 0, 1, -2, 0))
    yield "Bind with a value of 2 GiB", fe.message("B", b"p\0s\0" + struct.pack("!HHiH", 0, 1, 0x7FFFFFFF, 0))
    yield "Bind without a terminator", fe.message("B", b"x" * 40_000)
    yield "Parse without a terminator", fe.message("P", b"x" * 40_000)
    yield "Query without a terminator", fe.message("Q", b"SELECT 1" + b" " * 40_000)
    yield "Query with a zero byte inside", fe.message("Q", b"SELECT 1\0; SELECT 2\0")
    yield "Describe of neither", fe.message("D", b"X" + b"s\0")
    yield "Close of neither", fe.message("C", b"\0s\0")


BROKEN = dict(broken_messages())

#: State → what brings a client there, and the kinds of message to wait for.
STATES = {
    "idle": ([], ""),
    "in a transaction": ([fe.query("BEGIN")], "Z"),
    "in a failed transaction": ([fe.query("BEGIN; SELECT 1/0")], "Z"),
    "inside a batch": ([fe.parse("SELECT 1"), fe.bind(), fe.execute(), fe.flush()], "C"),
    "skipping to a Sync": ([fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.flush()], "E"),
    "in a COPY": ([fe.query("COPY things FROM STDIN")], "G"),
    "in a COPY, extended": ([fe.parse("COPY things FROM STDIN"), fe.bind(), fe.execute(), fe.flush()], "G"),
    "behind a running Query": ([fe.query("SELECT pg_sleep(0.02)")], ""),
    "behind a large result": ([fe.query("SELECT repeat('x', 1000) FROM generate_series(1, 100)")], "T"),
}


@pytest.fixture
def served(transaction_mode):
    """Afterwards every backend of the pool still serves, cleanly."""
    yield
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(transaction_mode.raw()) for _ in range(4)]
        for client in clients:
            client.query("BEGIN")
            assert client.status == "T"
        for client in clients:
            assert client.rows("SELECT 'served'") == [["served"]]
            client.query("ROLLBACK")


def chosen(state: str) -> dict[str, bytes]:
    """All of them for an idle client; elsewhere each type in a few ways, others in each state."""
    if state == "idle":
        return BROKEN
    names, turn = list(BROKEN), list(STATES).index(state)
    return {name: BROKEN[name] for name in names[turn % 6 :: 6]}


@pytest.mark.time_limit(240)
@pytest.mark.parametrize("state", STATES)
def test_messages_in_every_state(transaction_mode, things, served, state):
    """An error for whoever sent it; the same bystander works through all of it."""
    preparation, until = STATES[state]
    silent = []
    with transaction_mode.raw() as bystander:
        bystander.query("BEGIN")
        for number, (name, broken) in enumerate(chosen(state).items()):
            with transaction_mode.raw() as raw:
                raw.send(*preparation)
                if until:
                    raw.receive_until(until)
                try:
                    sqlstate, alive = fate(raw, broken)
                except TimeoutError:
                    silent.append(f"{name}: no answer")
                    continue
                if not alive and not sqlstate and not name.startswith("X "):
                    silent.append(f"{name}: closed without a word")
            if number % 10 == 0:
                assert bystander.rows("SELECT 'mine'") == [["mine"]]
        bystander.query("COMMIT")
    assert not silent, "\n".join(silent)


@pytest.mark.time_limit(240)
def test_same_outcome(transaction_mode, reference, served):
    """Between batches: the same SQLSTATE as PostgreSQL's and the same end, or FATAL 08P01 and the end."""
    different = []
    for name, broken in BROKEN.items():
        with reference.raw() as raw:
            direct = fate(raw, broken)
        with transaction_mode.raw() as raw:
            ours = fate(raw, broken)
        if ours not in (direct, (VIOLATION, False)):
            different.append(f"{name}: ours {ours}, direct {direct}")
    assert not different, "\n".join(different)


# --- before the login is complete

def first_packet(length: int, code: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", length & 0xFFFFFFFF, code) + body


FIRST = {
    "length 0": first_packet(0, 0x30000), "length 4": first_packet(4, 0x30000), "length 7": first_packet(7, 0x30000),
    "length -1": first_packet(-1, 0x30000), "length 10005": first_packet(10_005, 0x30000), "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH": b"SSH-2.0-OpenSSH_9.2\r\n", "zeros": b"\0" * 64, "ones": b"\xff" * 64,
    "no terminator": first_packet(8 + 9, 0x30000, b"user\0app\0"[:9]), "odd number of strings": first_packet(8 + 6, 0x30000, b"user\0\0"),
    "no user": first_packet(9, 0x30000, b"\0"), "more behind": first_packet(8 + 12, 0x30000, b"user\0app\0\0xx"),
    "only a name": first_packet(8 + 4, 0x30000, b"user"), "protocol 4": first_packet(9, 0x40000, b"\0"), "protocol 1": first_packet(9, 0x10000, b"\0"),
    "cancel, short": first_packet(12, 80877102, b"\0\0\0\1"), "cancel, long": first_packet(20, 80877102, b"\0" * 12),
    "SSLRequest with a body": first_packet(12, 80877103, b"\0\0\0\0"), "unknown request": first_packet(8, 80877105),
}


@pytest.mark.parametrize("name", FIRST)
def test_first_packet(transaction_mode, served, name):
    """An ErrorResponse or, where PostgreSQL says nothing either, the end; never a wait."""
    with RawConnection(transaction_mode.host, transaction_mode.port) as raw, transaction_mode.raw() as bystander:
        raw.send(FIRST[name])
        raw.socket.shutdown(1)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while more := raw.socket.recv(65536):
                answer += more
        assert answer[:1] in (b"E", b"", b"N")
        assert bystander.rows("SELECT 1") == [["1"]]


PASSWORDS = {
    "another type": fe.query("SELECT 1"), "length 3": with_length("p", 3), "length -1": with_length("p", -1, b"x"),
    "too long": fe.message("p", b"x" * 100_000), "empty": fe.message("p"), "no terminator": fe.message("p", b"x" * 20),
    "no such mechanism": fe.sasl_initial_response("SCRAM-MD5", b"n,,n=,r=x"), "binding that is not there":
    fe.sasl_initial_response("SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,n=,r=x"), "no response": fe.message("p", b"SCRAM-SHA-256\0\xff\xff\xff\xff"),
    "response of -2 bytes": fe.message("p", b"SCRAM-SHA-256\0\xff\xff\xff\xfe"), "response longer than it is":
    fe.message("p", b"SCRAM-SHA-256\0\0\0\1\0n,,"), "more behind the response": fe.message("p", b"SCRAM-SHA-256\0\0\0\0\3n,,more"),
    "no header": fe.sasl_initial_response("SCRAM-SHA-256", b""), "no nonce": fe.sasl_initial_response("SCRAM-SHA-256", b"n,,n="),
    "another user": fe.sasl_initial_response("SCRAM-SHA-256", b"n,a=bob,n=,r=x"), "bytes": fe.sasl_initial_response("SCRAM-SHA-256", b"\xff" * 50),
    "very long nonce": fe.sasl_initial_response("SCRAM-SHA-256", b"n,,n=,r=" + b"x" * 5000),
}


@pytest.mark.parametrize("name", PASSWORDS)
def test_password_message(transaction_mode, served, name):
    """An ErrorResponse, and the end."""
    with RawConnection(transaction_mode.host, transaction_mode.port) as raw, transaction_mode.raw() as bystander:
        raw.send(fe.startup({"user": "app", "database": transaction_mode.dbname}))
        assert raw.receive().value[0] == 10
        raw.send(PASSWORDS[name])
        messages = raw.receive_all()
        if name == "no response":  # allowed: the server asks for it
            assert not messages or messages[0].kind in "RE"
        else:
            assert [message.kind for message in messages] == ["E"]
            assert messages[0].value["S"] == "FATAL"
        assert bystander.rows("SELECT 1") == [["1"]]


@pytest.mark.parametrize("final", [b"", b"c=biws", b"c=biws,r=wrong,p=AAAA", b"c=eSws,r={nonce},p={zeros}", b"c=biws,r={nonce},p=!!!",
                                   b"c=biws,r={nonce},p={zeros},x=1", b"c=biws,r={nonce}", b"\0" * 10, b"c=biws,r={nonce},p={zeros}"])
def test_second_password_message(transaction_mode, served, final):
    with RawConnection(transaction_mode.host, transaction_mode.port) as raw:
        raw.send(fe.startup({"user": "app", "database": transaction_mode.dbname}))
        raw.receive()
        raw.send(fe.sasl_initial_response("SCRAM-SHA-256", b"n,,n=,r=abcdefghijklmnopqrstuvwx"))
        nonce = dict(part.split(b"=", 1) for part in raw.receive().value[1].split(b","))[b"r"]
        raw.send(fe.sasl_response(final.replace(b"{nonce}", nonce).replace(b"{zeros}", b"A" * 43 + b"=")))
        messages = raw.receive_all()
        assert [message.kind for message in messages] == ["E"]
        assert messages[0].sqlstate in ("28P01", VIOLATION)


def test_nothing_is_read_as_unencrypted_after_an_unfinished_message(transaction_mode):
    """A client that ends inside a message is dropped, and what it sent of it was not executed."""
    with transaction_mode.raw() as raw, transaction_mode.raw() as other:
        raw.query("CREATE TABLE half (id int)")
        raw.send(fe.query("INSERT INTO half VALUES (1)")[:-3])
        raw.socket.shutdown(1)
        with contextlib.suppress(ConnectionClosed, ConnectionResetError):
            raw.receive_all()
        assert other.rows("SELECT count(*) FROM half") == [["0"]]
        other.query("DROP TABLE half")
