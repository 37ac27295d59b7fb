"""Clients that do not read, or send at a trickle: memory stays bounded and others are served."""

import contextlib
import time

import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

from gate import DOWN, UP, Throttle

MIB = 1 << 20

#: What the daemon may grow by, whatever is not read: for each client one burst of 64 KiB in either direction and what
#: the allocator keeps of it; for the daemon what it needs for the first time. The results are a hundred times larger.
BOUND_PER_CLIENT, BOUND = MIB // 2, 3 * MIB

LARGE = "SELECT repeat('x', 1000) FROM generate_series(1, 300000)"  # about 300 MB


def peak_rss(forebay, seconds: float) -> int:
    """The daemon's largest resident size while `seconds` pass."""
    end = time.monotonic() + seconds
    peak = 0
    while time.monotonic() < end:
        peak = max(peak, forebay.rss_bytes())
        time.sleep(0.05)
    return peak


@pytest.mark.parametrize("threads", [1, 2])
def test_reader_that_does_not_read(stands, threads):
    """Four clients let a result of 300 MB stand; the daemon stops reading it, and the fifth works on."""
    stand = stands(size=5, flags=["--threads", threads])
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(stand.raw())
        slow = [stack.enter_context(stand.raw()) for _ in range(4)]
        for client in slow:
            client.query("SELECT 1")
        before = stand.forebay.rss_bytes()
        for client in slow:
            client.send(fe.query(LARGE))
            assert client.receive().kind == "T"
        peak = peak_rss(stand.forebay, 1.5)
        assert peak - before < BOUND + len(slow) * BOUND_PER_CLIENT, f"grew by {(peak - before) / MIB:.1f} MiB"
        for _ in range(50):
            assert other.rows("SELECT 'served'") == [["served"]]
        # Its rows are all there once it reads.
        assert sum(message.kind == "D" for message in slow[0].until_ready()) == 300_000
        for client in slow[1:]:
            client.close()
    stand.settled()
    stand.check()


def test_server_that_ends_while_its_reader_does_not_read(server):
    """Over a Unix socket the end shows at once, and goes on to show: that must not keep a processor busy."""
    upstream = f"postgres://postgres@/postgres?host={server.socket_directory}&port={server.port}"
    with ForebayDaemon(upstream, ["--auth", "trust"]) as forebay:
        with RawConnection(forebay.host, forebay.port) as client:
            client.login("app")
            client.send(fe.query(LARGE))
            assert client.receive().kind == "T"
            stuck = "SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND wait_event = 'ClientWrite'"
            [(pid,)] = wait_until(lambda: server.query(stuck), 10, "the server cannot write")
            server.query("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            before = forebay.cpu_seconds()
            time.sleep(1)
            assert forebay.cpu_seconds() - before < 0.2
            assert "Z" not in [message.kind for message in client.receive_all()]


def test_reader_of_a_giant_row_that_does_not_read(stand):
    """One row of 200 MB is no different from many rows."""
    with stand.raw() as slow, stand.raw() as other:
        before = stand.forebay.rss_bytes()
        slow.send(fe.query("SELECT repeat('x', 200000000)"))
        assert slow.receive().kind == "T"
        peak = peak_rss(stand.forebay, 1.0)
        assert peak - before < BOUND + BOUND_PER_CLIENT, f"grew by {(peak - before) / MIB:.1f} MiB"
        assert other.rows("SELECT 1") == [["1"]]
    stand.settled()
    stand.check()


def test_slow_reader_gets_everything(stand):
    """A client on a slow way gets every byte in order."""
    with stand.client_gate.fault(Throttle(DOWN, bytes_per_second=2 * MIB, piece=4096)), stand.raw(gated=True) as slow:
        rows = slow.rows("SELECT n, repeat(chr(65 + n % 26), 100) FROM generate_series(1, 20000) n")
        assert rows == [[str(n), chr(65 + n % 26) * 100] for n in range(1, 20001)]
    stand.check()


@pytest.mark.parametrize("piece", [1, 7])
def test_sender_at_a_trickle(stand, piece):
    """Messages arrive in pieces of a byte or a few."""
    burst = [fe.parse("SELECT $1::int + $2::int", "sum"), fe.describe("S", "sum"), fe.bind([40, 2], "sum"), fe.execute(),
             fe.sync(), fe.query("SELECT 'simple'"), fe.close("S", "sum"), fe.sync()]
    with stand.client_gate.fault(Throttle(UP, bytes_per_second=20_000, piece=piece)), stand.raw(gated=True) as slow:
        slow.send(*burst)
        kinds = "".join(message.kind for _ in range(3) for message in slow.until_ready())
        assert kinds == "1tT2DCZTDCZ3Z"
    stand.check()


@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_server_at_a_trickle(stand, piece):
    """The server's answers arrive in pieces of a byte or a few."""
    with stand.raw() as client:
        client.query("SELECT 1")
        with stand.gate.fault(Throttle(DOWN, bytes_per_second=50_000, piece=piece)):
            client.send(fe.parse("SELECT n, 'row' FROM generate_series(1, 20) n"), fe.bind(), fe.describe("P"),
                        fe.execute(), fe.sync(), fe.query("SET TimeZone = 'UTC'; SELECT 1/0"))
            kinds = "".join(message.kind for _ in range(2) for message in client.until_ready())
            assert kinds.replace("S", "") == "12T" + "D" * 20 + "CZ" + "CEZ"
    stand.check()


def test_slow_copy_does_not_starve_the_others(stands):
    """One thread, one COPY in at a trickle and one COPY out that nobody reads: short queries stay short."""
    stand = stands(size=4, flags=["--threads", 1])
    stand.server.psql("DROP TABLE IF EXISTS copied; CREATE TABLE copied (text text); GRANT ALL ON copied TO app")
    with stand.raw() as sender, stand.raw() as reader, stand.raw() as quick:
        sender.send(fe.query("COPY copied FROM STDIN"))
        assert sender.receive().kind == "G"
        reader.send(fe.query(f"COPY ({LARGE}) TO STDOUT"))
        assert reader.receive().kind == "H"
        slowest = 0.0
        for _ in range(200):
            sender.send(fe.copy_data(b"x" * 2000 + b"\n"))
            before = time.monotonic()
            assert quick.rows("SELECT 1") == [["1"]]
            slowest = max(slowest, time.monotonic() - before)
        sender.send(fe.copy_done())
        assert [message.kind for message in sender.until_ready()] == ["C", "Z"]
        assert slowest < 2, f"a short query took {slowest:.2f} s"
    stand.settled()
    stand.check()


def test_fast_copy_shares_its_thread(stands):
    """A COPY as fast as it goes, both ways at once, leaves room for others on the same thread."""
    stand = stands(size=4, flags=["--threads", 1])
    with stand.raw() as reader, stand.raw() as quick:
        reader.send(fe.query(f"COPY ({LARGE}) TO STDOUT"))
        rows = latencies = 0
        reader.socket.settimeout(20)
        slowest = 0.0
        while rows < 300_000:
            message = reader.receive()
            rows += message.kind == "d"
            if message.kind == "d" and rows % 3000 == 0:
                before = time.monotonic()
                assert quick.rows("SELECT 1") == [["1"]]
                slowest = max(slowest, time.monotonic() - before)
                latencies += 1
        assert latencies == 100
        assert slowest < 2, f"a short query took {slowest:.2f} s"
    stand.settled()
    stand.check()


def test_server_that_does_not_read(stand):
    """A client sends more than the server takes: the daemon stops reading from it, and keeps a bounded buffer."""
    stand.server.psql("DROP TABLE IF EXISTS copied; CREATE TABLE copied (text text); GRANT ALL ON copied TO app")
    with stand.raw() as sender, stand.raw() as locker, stand.raw() as other:
        locker.query("BEGIN; LOCK copied")
        before = stand.forebay.rss_bytes()
        sender.send(fe.query("COPY copied FROM STDIN"))
        stand.running("COPY copied")
        sender.socket.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200 * MIB:
                sent += sender.socket.send(fe.copy_data(b"x" * 65000 + b"\n"))
        assert sent < 200 * MIB
        assert stand.forebay.rss_bytes() - before < BOUND + BOUND_PER_CLIENT
        locker.query("COMMIT")
        assert other.rows("SELECT 1") == [["1"]]
    wait_until(lambda: not stand.server.query("SELECT 1 FROM copied"), 10, "nothing was copied")
    stand.settled()
    stand.check()
