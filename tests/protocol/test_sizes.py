"""Large messages flow through: what Forebay holds of them is bounded, whatever their size."""

import struct
import threading
import time

import pytest

from forebay_testing import frontend_messages as fe

MIB = 1 << 20

#: What the daemon may grow by while one large message passes: a burst of 64 KiB each way, what the allocator keeps of it,
#: and what is needed for the first time. The messages are tens of MiB.
BOUND = 4 * MIB


class Watch:
    """The daemon's largest growth while the block runs."""

    def __init__(self, endpoint) -> None:
        self.daemon = endpoint.daemon if endpoint.mode != "direct" else None
        self.growth = 0
        self._done = threading.Event()

    def __enter__(self) -> "Watch":
        if self.daemon:
            self._before = self.daemon.rss_bytes()
            self._thread = threading.Thread(target=self._look)
            self._thread.start()
        return self

    def __exit__(self, *exc) -> None:
        self._done.set()
        if self.daemon:
            self._thread.join()
            assert self.growth < BOUND, f"the daemon grew by {self.growth / MIB:.1f} MiB"

    def _look(self) -> None:
        while not self._done.is_set():
            self.growth = max(self.growth, self.daemon.rss_bytes() - self._before)
            time.sleep(0.01)


def skip_message(raw, kind: str) -> int:
    """Reads one message of this type without keeping it; its length."""
    head = raw._take(5)
    found, length = struct.unpack("!cI", head)
    assert found.decode() == kind
    left = length - 4 - len(raw._buffer)
    raw._buffer, kept = (b"", raw._buffer) if left >= 0 else (raw._buffer[length - 4 :], b"")
    del kept
    while left > 0:
        left -= len(raw.socket.recv(min(left, MIB)))
    return length - 4


@pytest.fixture
def raw(endpoint):
    with endpoint.raw() as raw:
        raw.socket.settimeout(50)
        raw.rows("SELECT 1")
        yield raw


@pytest.mark.time_limit(120)
def test_row_of_100_mb(endpoint, raw):
    with Watch(endpoint):
        raw.send(fe.query("SELECT repeat('x', 100000000)"))
        assert raw.receive().kind == "T"
        assert skip_message(raw, "D") == 100_000_006
        assert [message.kind for message in raw.until_ready()] == ["C", "Z"]
    assert raw.rows("SELECT 1") == [["1"]]


def test_copy_of_one_message_of_60_mb(endpoint, raw, things):
    with Watch(endpoint):
        raw.send(fe.query("BEGIN; COPY things FROM STDIN"))
        raw.receive_until("G")
        raw.send(b"d" + struct.pack("!I", 4 + 60 * MIB))
        line = b"7\t" + b"x" * 1021 + b"\n"
        for _ in range(60 * MIB // len(line)):
            raw.send(line)
        raw.send(b" " * (60 * MIB % len(line)), fe.copy_done())
        raw.until_ready()
        assert raw.rows("SELECT count(*) FROM things") == [[str(60 * MIB // len(line))]]
        raw.query("ROLLBACK")


def test_query_of_50_mb(endpoint, raw):
    """A literal of 50 MB; the statement is not judged, and afterwards the client shares backends again."""
    body = b"SELECT length('" + b"x" * 50_000_000 + b"')\0"
    with Watch(endpoint):
        raw.send(b"Q" + struct.pack("!I", len(body) + 4), body)
        assert raw.until_ready()[1].value == [b"50000000"]
    assert raw.rows("SELECT 1") == [["1"]]


def test_bind_with_a_parameter_of_32_mb(endpoint, raw):
    value = b"x" * (32 * MIB)
    raw.send(fe.parse("SELECT length($1::text), $2::int", "large"), fe.sync())
    raw.until_ready()
    message = fe.bind([value, 5], "large")
    with Watch(endpoint):
        for _ in range(2):
            raw.send(message, fe.execute(), fe.sync())
            assert [found.value for found in raw.until_ready() if found.kind == "D"] == [[str(32 * MIB).encode(), b"5"]]


def test_parse_of_10_mb(endpoint, raw):
    """Too long to be remembered: named and unnamed, it serves its client all the same."""
    text = "SELECT length('" + "x" * 10_000_000 + "'), $1::int"
    with Watch(endpoint):
        raw.send(fe.parse(text, "long"), fe.sync())
        raw.until_ready()
        raw.send(fe.parse(text), fe.bind([1]), fe.execute(), fe.bind([2], "long"), fe.execute(), fe.sync())
        assert [found.value[1] for found in raw.until_ready() if found.kind == "D"] == [b"1", b"2"]
        raw.send(fe.close("S", "long"), fe.sync())
        raw.until_ready()
    raw.send(fe.bind([1], "long"), fe.sync())
    assert [found.sqlstate for found in raw.until_ready() if found.kind == "E"] == ["26000"]


@pytest.mark.parametrize("size", [32 * 1024 + delta for delta in (-12, -7, -6, -5, -4, -1, 0, 1, 5)]
                         + [64 * 1024 + delta for delta in (-8, -5, -1, 0, 1, 5)])
def test_sizes_around_our_buffers(raw, size):
    """Queries, statements, parameters and rows whose sizes are those of our buffers, give or take a byte."""
    text = "SELECT '" + "x" * (size - 15) + "'"
    assert len(raw.rows(text)[0][0]) == size - 15
    raw.send(fe.parse(text, "sized"), fe.bind(statement="sized"), fe.execute(), fe.close("S", "sized"), fe.sync())
    assert [len(found.value[0]) for found in raw.until_ready() if found.kind == "D"] == [size - 15]
    raw.send(fe.parse("SELECT $1::text"), fe.bind(["y" * size]), fe.execute(), fe.sync())
    assert [len(found.value[0]) for found in raw.until_ready() if found.kind == "D"] == [size]
    assert len(raw.rows(f"SELECT repeat('z', {size - 11})")[0][0]) == size - 11


def test_many_columns(endpoint, raw, reference):
    """A RowDescription of 1600 columns and more than a buffer."""
    sql = "SELECT " + ", ".join(f"{n} AS a_rather_long_name_of_a_column_{n}" for n in range(1600))
    with reference.raw() as direct:
        assert raw.query(sql) == direct.query(sql)
    raw.send(fe.parse(sql, "wide"), fe.describe("S", "wide"), fe.bind(statement="wide"), fe.describe("P"), fe.execute(), fe.sync())
    assert [message.kind for message in raw.until_ready()] == ["1", "t", "T", "2", "T", "D", "C", "Z"]


@pytest.mark.parametrize("length", [1000, 40_000, 300_000])
def test_long_errors_and_notices(raw, length):
    """Messages of the server that are longer than what is looked at as a whole."""
    raw.send(fe.query(f"DO $$ BEGIN RAISE NOTICE '%', repeat('n', {length}); RAISE EXCEPTION '%', repeat('e', {length}); END $$"))
    notice, error, ready = raw.until_ready()
    assert (notice.kind, len(notice.value["M"])) == ("N", length)
    assert (error.kind, len(error.value["M"]), ready.kind) == ("E", length, "Z")
    raw.send(fe.parse(f"SELECT '{'x' * 100}'::int" if length < 40_000 else f"SELECT '{'x' * 30_000}'::int"), fe.bind(),
             fe.execute(), fe.sync())
    assert raw.until_ready()[-2].kind == "E"
    assert raw.rows("SELECT 1") == [["1"]]


def test_long_notification(endpoint, raw):
    payload = "p" * 7999
    with endpoint.raw() as listener:
        listener.query("LISTEN large")
        raw.query(f"NOTIFY large, '{payload}'")
        message = listener.receive()
        assert (message.kind, message.value[1:]) == ("A", ("large", payload))


@pytest.mark.time_limit(120)
def test_deep_pipeline(raw):
    """Twenty thousand batches in one go."""
    batch = [fe.parse("SELECT 1"), fe.bind(), fe.execute(), fe.sync()]
    sender = threading.Thread(target=lambda: raw.send(*batch * 20_000))
    sender.start()
    for _ in range(20_000):
        assert [message.kind for message in raw.until_ready()] == ["1", "2", "D", "C", "Z"]
    sender.join()
