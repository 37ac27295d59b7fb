"""HTTP speaks TLS by the same rules as for clients: tls.mode decides (C14)."""

import http.client
import re
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


@pytest.mark.parametrize("mode, plain", [("prefer", 200), ("require", 426)])
def test_whoever_asks_chooses_unless_tls_is_demanded(server, tls_flags, certificates, mode, plain):
    with ForebayDaemon(server, tls_flags(mode, "--admin", "127.0.0.1:0")) as daemon:
        place = re.compile(r"HTTP is served on 127\.0\.0\.1:(\d+)")
        port = int(wait_until(lambda: place.search(daemon.log()), 10, "HTTP is served").group(1))
        for _ in range(3):
            assert ask(port, certificates, tls=True) == (200, b'{"status":"live"}\n')
        assert ask(port, certificates, tls=False)[0] == plain
