"""HTTP speaks TLS by the same rules as for clients: tls.mode decides (C14)."""

import contextlib
import http.client
import re
import socket
import ssl

import pytest

from forebay_testing import ForebayDaemon, wait_until


def ask(port: int, certificates, tls: bool) -> tuple[int, bytes]:
    if tls:
        context = ssl.create_default_context(cafile=certificates / "ca.crt")
        connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=context)
    else:
        connection = http.client.HTTPConnection("localhost", port, timeout=20)
    try:
        connection.request("GET", "/health/live")
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def port_of(daemon: ForebayDaemon) -> int:
    place = re.compile(r"HTTP is served on 127\.0\.0\.1:(\d+)")
    return int(wait_until(lambda: place.search(daemon.log()), 10, "HTTP is served").group(1))


@pytest.mark.parametrize("mode, plain", [("prefer", 200), ("require", 426)])
def test_whoever_asks_chooses_unless_tls_is_demanded(server, tls_flags, certificates, mode, plain):
    with ForebayDaemon(server, tls_flags(mode, "--admin", "127.0.0.1:0")) as daemon:
        port = port_of(daemon)
        for _ in range(3):
            assert ask(port, certificates, tls=True) == (200, b'{"status":"live"}\n')
        assert ask(port, certificates, tls=False)[0] == plain


def test_who_says_no_good_bye_does_not_shut_others_out(server, tls_flags, certificates):
    """64 strangers ask for what is for all, and leave the farewell of TLS without an answer."""
    with ForebayDaemon(server, tls_flags("prefer", "--admin", "127.0.0.1:0")) as daemon:
        port = port_of(daemon)
        context = ssl.create_default_context(cafile=certificates / "ca.crt")
        with contextlib.ExitStack() as stack:
            for _ in range(64):
                plain = socket.create_connection(("localhost", port), 20)
                asking = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
                asking.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert asking.recv(12) == b"HTTP/1.1 200"
            for _ in range(40):
                assert ask(port, certificates, tls=False)[0] == 200
