"""What one session prepares is remembered, and that is bounded."""

from forebay_testing import ForebayDaemon
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

MIB = 1 << 20
LIMIT = 64 * MIB  #: of the texts of one session, together
SIZE = 30_000  #: of a text: longer ones than 32 KiB are not remembered
AT_ONCE = 20

#: What the daemon may grow by: each text is kept with its statement, and in the table of the shared ones.
BOUND = 2 * LIMIT + 32 * MIB


def text(number: int) -> str:
    return f"SELECT {number}, '".ljust(SIZE - 1, "x") + "'"


def test_long_texts_of_one_session_were_remembered_without_bound(server):
    with ForebayDaemon(server, ["--threads", "1"]) as daemon:
        with RawConnection(daemon.host, daemon.port) as raw:
            raw.login("app", server.passwords["app"])
            before = peak = daemon.rss_bytes()
            for first in range(0, (LIMIT + 8 * MIB) // SIZE, AT_ONCE):
                numbers = range(first, first + AT_ONCE)
                raw.send(*(fe.parse(text(number), f"s{number}") for number in numbers), fe.sync())
                last = raw.receive_until("Z", "E")[-1]
                peak = max(peak, daemon.rss_bytes())
                if last.kind == "E":
                    break
            assert last.kind == "E", "more than the limit has been taken"
            assert last.sqlstate == "53400"
            assert "prepared statements have more than 64 MiB" in last.value["M"]
            assert "Close statements" in last.value["H"]
            assert first * SIZE <= LIMIT < (first + AT_ONCE) * SIZE, "neither too early nor too late"
            assert peak - before < BOUND, f"the daemon grew by {(peak - before) / MIB:.1f} MiB"
            raw.receive_all()
        with RawConnection(daemon.host, daemon.port) as other:
            other.login("app", server.passwords["app"])
            other.send(fe.parse(text(0), "s"), fe.bind(statement="s"), fe.execute(), fe.sync())
            assert [message.kind for message in other.until_ready()] == [*"12DCZ"]
