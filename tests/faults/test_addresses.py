"""A server's name that stands for several addresses: they are tried in turn, as libpq does."""

import os
import shutil
import socket
import time

import pytest

from forebay_testing import ForebayDaemon
from forebay_testing import frontend_messages as fe
from forebay_testing import forebay
from forebay_testing.rawpg import RawConnection, RawError

#: Loopback addresses; the server listens on the first only.
SERVED, REFUSED = "127.0.0.1", ("127.0.0.2", "::1", "127.0.0.3")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can give one process another /etc/hosts"
)


@pytest.fixture
def known_as(tmp_path, monkeypatch):
    """known_as(addresses): from now on the daemons of this test find the name many.test at these."""

    def write(*addresses: str) -> None:
        hosts = tmp_path / "hosts"
        hosts.write_text("".join(f"{address} many.test\n" for address in addresses))
        program = tmp_path / "forebay"
        mount = f'mount --bind "{hosts}" /etc/hosts && exec "{forebay.forebay_binary()}" "$@"'
        program.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{mount}' forebay \"$@\"\n")
        program.chmod(0o755)
        monkeypatch.setenv("FOREBAY_BINARY", str(program))

    return write


def upstream(server, port: int | None = None) -> str:
    return f"postgres://postgres:{server.passwords['postgres']}@many.test:{port or server.port}?sslmode=disable"


def come(daemon, server) -> RawConnection:
    raw = RawConnection(daemon.host, daemon.port, 20)
    raw.login("app", server.passwords["app"])
    return raw


@pytest.mark.parametrize("place", range(len(REFUSED) + 1))
def test_one_of_several_addresses_serves(server, known_as, place):
    addresses = list(REFUSED)
    addresses.insert(place, SERVED)
    known_as(*addresses)
    with ForebayDaemon(upstream(server)) as daemon, come(daemon, server) as client:
        assert client.rows("SELECT 1") == [["1"]]
        client.send(fe.query("SELECT pg_sleep(30)"))
        assert client.nothing_comes(0.3)
        with RawConnection(daemon.host, daemon.port) as other:
            other.send(fe.cancel_request(*client.key))
            other.receive_all()
        assert "57014" in [message.sqlstate for message in client.until_ready() if message.kind == "E"]


def test_no_address_serves(server, known_as):
    """The client reads what became of each."""
    known_as(*REFUSED[:2])
    with ForebayDaemon(upstream(server), ["--set", "timeouts.connect=1s"]) as daemon:
        with pytest.raises(RawError) as refused:
            come(daemon, server)
        assert refused.value.sqlstate == "08006"
        for address in REFUSED[:2]:
            assert f"{address}: Connection refused" in refused.value.message.value["M"]


def test_address_that_does_not_answer(server, known_as):
    """It costs the connect timeout once: afterwards the one that answered is tried first."""
    with socket.socket() as deaf, socket.socket() as queue:
        deaf.bind(("127.0.0.2", server.port))
        deaf.listen(0)
        queue.connect(deaf.getsockname())  # its queue is full: the kernel drops who comes next
        known_as("127.0.0.2", SERVED)
        with ForebayDaemon(upstream(server), ["--set", "timeouts.connect=3s"]) as daemon:
            with come(daemon, server) as first:
                assert first.rows("SELECT 1") == [["1"]]
                before = time.monotonic()
                first.query("BEGIN")
                with come(daemon, server) as second:
                    second.query("BEGIN")
                assert time.monotonic() - before < 2.7
