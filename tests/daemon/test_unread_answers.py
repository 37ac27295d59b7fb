"""Who does not take his answers is not read from: they were all remembered for him."""

import select
import threading

import psycopg

from forebay_testing import ForebayDaemon
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

MIB = 1 << 20
MOST = 64 * MIB  #: what is sent, as long as it is taken

#: What may be taken all the same: as much as makes the answers fill a socket, and what fills the other way.
#: A Unix socket holds some 200 KiB each way; how much one of TCP holds grows as the kernel thinks fit.
TAKEN = 8 * MIB

#: What the daemon may grow by: a burst each way, and what is needed for the first time. The answers to all
#: would come to 24 MiB.
BOUND = 4 * MIB

#: Both are answered by the daemon itself: the statement stays on the server, for "a" is the same.
AGAIN = fe.close("S", "b") + fe.parse("select 1", "b")
ANSWERS = fe.message("3") + fe.message("1")


def send_until_full(raw: RawConnection, unit: bytes, most: int) -> int:
    """The same again and again, until nothing has been taken for a second; the number of bytes that were."""
    piece = unit * (65536 // len(unit))
    sent = 0
    raw.socket.setblocking(False)
    while sent < most and select.select([], [raw.socket], [], 1)[1]:
        sent += raw.socket.send(piece[sent % len(unit):])
    return sent


def test_answers_that_nobody_reads_were_remembered_without_bound(server, socket_folder):
    flags = ["--listen", "127.0.0.1:0", "--listen", f"unix:{socket_folder}"]
    with ForebayDaemon(server, flags) as daemon, RawConnection(str(socket_folder), 6432) as raw:
        raw.login("app", server.passwords["app"])
        raw.send(fe.parse("select 1", "a"), fe.parse("select 1", "b"), fe.sync(), AGAIN * 100, fe.sync())
        kinds = "".join(message.kind for _ in range(2) for message in raw.until_ready())
        assert kinds == "11Z" + "31" * 100 + "Z"
        before = daemon.rss_bytes()
        sent = send_until_full(raw, AGAIN, MOST)
        growth = daemon.rss_bytes() - before
        assert sent < TAKEN, f"{sent / MIB:.1f} MiB were taken"
        assert growth < BOUND, f"the daemon grew by {growth / MIB:.1f} MiB"
        raw.socket.settimeout(10)
        pairs = -(-sent // len(AGAIN))
        rest = AGAIN[len(AGAIN) - (pairs * len(AGAIN) - sent):]  # of the last one
        sender = threading.Thread(target=raw.send, args=(rest, fe.sync()))
        sender.start()
        assert raw._take(pairs * len(ANSWERS)).count(ANSWERS) == pairs
        assert [message.kind for message in raw.until_ready()] == ["Z"]
        sender.join(10)
        assert raw.rows("SELECT 'served'") == [["served"]]


def test_ends_of_copies_that_were_none_were_remembered_without_bound(server, socket_folder):
    flags = ["--listen", "127.0.0.1:0", "--listen", f"unix:{socket_folder}"]
    with ForebayDaemon(server, flags) as daemon, RawConnection(str(socket_folder), 6432) as raw:
        raw.login("app", server.passwords["app"])
        with psycopg.connect(daemon.dsn(), autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(4711)")
            raw.send(fe.query("SELECT pg_advisory_lock(4711)"))
            before = daemon.rss_bytes()
            sent = send_until_full(raw, fe.copy_done(), MOST)
            growth = daemon.rss_bytes() - before
            assert growth < BOUND, f"the daemon grew by {growth / MIB:.1f} MiB for {sent / MIB:.1f} MiB"
        raw.socket.settimeout(10)
        raw.until_ready()
        rest = -sent % len(fe.copy_done())
        raw.send(fe.copy_done()[len(fe.copy_done()) - rest:] if rest else b"")
        assert raw.rows("SELECT 'served'") == [["served"]]
