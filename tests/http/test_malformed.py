"""Whatever is sent, HTTP goes on for others, and clients of PostgreSQL notice nothing."""

import contextlib
import pathlib
import random
import re
import select
import socket
import time

import pytest

from conftest import Http, parse

LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def closes(connection, within: float) -> bytes:
    """What comes until the server closes."""
    received = b""
    deadline = time.monotonic() + within
    while select.select([connection], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part
    raise TimeoutError(f"the connection is still open after {within} s")


@pytest.mark.parametrize("sent", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"G\xc3\x84T / HTTP/1.1\r\n\r\n", b"GET /\x01 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200 + b"\r\n\r\n",
])
def test_what_is_no_request_is_refused(start, sent):
    http = Http(start())
    reply = parse(http.raw(sent))
    assert (reply.status, reply.json["error"]["code"]) == (400, "malformed")
    assert http.get("/health/live").status == 200


def test_long_headers_and_bodies_are_refused(start):
    http = Http(start("--set", "http.anonymous=admin"))
    for sent in (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"\r\n"):
        assert parse(http.raw(sent)).status == 431
    with http.connect() as connection:  # none of the pieces is long
        connection.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(40):
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(b"A: b\r\n" * 50)
            if select.select([connection], [], [], 0.02)[0]:
                break
        assert closes(connection, 60).startswith(b"HTTP/1.1 431 ")
    head = b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    assert parse(http.raw(head + b"Content-Length: 65537\r\n\r\n")).status == 413
    assert parse(http.raw(head + b"Content-Length: 99999999999999\r\n\r\n")).status == 413
    chunks = b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    assert parse(http.raw(head + chunks + b"8001\r\n" + b" " * 0x8001 + b"\r\n0\r\n\r\n")).status == 413
    assert http.get("/api/v1/overview").data["paused"] is False


@pytest.mark.parametrize("begun", [b"1;", b"1\r\nx\r\n0\r\nField: "])
def test_a_line_of_a_body_that_does_not_end_is_refused_and_keeps_no_processor_busy(start, begun):
    http = Http(start())
    with http.connect() as connection:
        began = time.monotonic()
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + begun)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(80):
                connection.sendall(b"a" * 1024)
        answer = closes(connection, 60)
        took = time.monotonic() - began
    # A reset may overtake it; who is given up for being slow after ten seconds is told nothing either.
    assert answer.startswith(b"HTTP/1.1 413 ") or (answer == b"" and took < 10)
    assert http.get("/health/live").status == 200


@pytest.mark.time_limit(120)
def test_a_slow_request_is_given_up(start):
    """Byte by byte, none of which is late: the whole request has ten seconds."""
    http = Http(start())
    with http.connect() as connection:
        began = sent = time.monotonic()
        longest = 0.0
        connection.setblocking(False)
        request = iter(LIVE[:-2] + b"X: y\r\n" * 1000)
        while sent - began < 50:
            if select.select([connection], [], [], 0.3)[0]:
                break
            connection.send(bytes([next(request)]))
            before, sent = sent, time.monotonic()
            longest = max(longest, sent - before)
        took = time.monotonic() - began
        assert b"200" not in closes(connection, 60)
    assert 8 < took < 15 + longest, "but for a pause of the machine"
    assert http.get("/health/live").status == 200


@pytest.mark.parametrize("said", [b"", LIVE, b"\x16\x03\x01"], ids=["nothing", "one request", "half a handshake"])
def test_who_asks_for_nothing_does_not_shut_others_out(start, said):
    """64 connections are held; a health check gets in nevertheless, and who has waited for longest goes."""
    http = Http(start())
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(http.connect()) for _ in range(64)]
        for connection in held:
            connection.sendall(said)
            # Who is just being answered is not idle: 64 of these at once are a reason to say "busy" to others.
            answer = connection.recv(65536) if said else b""
            assert b"200 OK" in answer or said != LIVE
        for _ in range(40):
            assert http.get("/health/live").status == 200
        closes(held[0], 15)


def test_who_does_not_take_his_answer_does_not_shut_others_out(start):
    """64 strangers ask again and again for what is for all and is large, and read no more than the beginning."""
    http = Http(start())
    [script] = re.findall(r'src="(/assets/[^"]+\.js)"', http.get("/").text)
    assets = f"GET {script} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 100
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            asking = stack.enter_context(socket.socket())
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asking.connect((http.host, http.port))
            asking.sendall(assets)
            assert asking.recv(12) == b"HTTP/1.1 200"
        for _ in range(40):
            assert http.get("/health/live").status == 200


def test_nobody_has_to_read_his_replies(start):
    """Pipelined requests whose replies are never read: they wait in the kernel, and no memory grows."""
    daemon = start()
    http = Http(daemon)

    def resident() -> int:
        return int(pathlib.Path(f"/proc/{daemon.pid}/statm").read_text().split()[1])

    request = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    before = resident()
    with http.connect() as connection:
        connection.setblocking(False)
        stream, sent = request * 1000, 0
        # Until nothing more is taken, or the server has given up.
        with contextlib.suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
            while sent < 64 << 20:
                sent += connection.send(stream[sent % len(stream):])
                select.select([], [connection], [], 0.5)
        assert sent < 64 << 20
        assert http.get("/health/live").status == 200
        assert resident() - before < (16 << 20) // 4096


def test_chance_finds_nothing(start, connect):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    daemon = start()
    client = connect(daemon)
    http = Http(daemon)
    seeds = [LIVE, b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   b"Content-Length: 2\r\n\r\n{}", b"GET /metrics HTTP/1.1\r\nHost: [::1]\r\nAccept: a/b;q=1\r\n\r\n"]
    for _ in range(300):
        request = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(request))
            request[at:at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 4))
        with http.connect() as connection:
            connection.sendall(bytes(request))
            connection.shutdown(1)
            closes(connection, 15)
    assert http.get("/health/live").status == 200, seed
    assert client.execute("SELECT 1").fetchone() == (1,), seed


def test_who_expected_to_be_told_to_go_on_waited_in_vain(start):
    """RFC 9110, 10.1.1: curl waits a second before it sends a longer body, others for ever."""
    http = Http(start("--set", "http.anonymous=admin"))
    head = "POST /api/v1/cache/clear HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" \
        "Connection: close\r\nContent-Length: {}\r\nExpect: {}\r\n\r\n"
    with http.connect() as connection:
        connection.sendall(head.format(2, "100-Continue").encode())
        told = b""
        while not told.endswith(b"\r\n\r\n"):
            told += connection.recv(1024)
        assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert closes(connection, 60).startswith(b"HTTP/1.1 200 ")
    # Whoever sends the body at once, or too much, or speaks HTTP/1.0, is told nothing but the reply.
    assert http.raw(head.format(2, "100-continue").encode() + b"{}").startswith(b"HTTP/1.1 200 ")
    assert http.raw(head.format(65537, "100-continue").encode()).startswith(b"HTTP/1.1 413 ")
    old = head.format(2, "100-continue").replace("HTTP/1.1", "HTTP/1.0").encode()
    with http.connect() as connection:
        connection.sendall(old)
        assert select.select([connection], [], [], 0.3)[0] == []
        connection.sendall(b"{}")
        assert closes(connection, 60).startswith(b"HTTP/1.1 200 ")


def test_what_else_is_expected_is_refused(start):
    http = Http(start())
    reply = parse(http.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\n\r\n"))
    assert (reply.status, reply.json["error"]["code"]) == (417, "expectation_failed")
