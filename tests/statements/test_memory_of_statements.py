"""What docs/statements.md says of memory holds where two threads meet every statement, and for texts that are long, or
hold several statements, or are called with values that are no text."""

import concurrent.futures
import contextlib
import json
import sys
import urllib.request

import pytest

from forebay_testing import ForebayDaemon
from forebay_testing import frontend_messages as fe
from forebay_testing.directories import REPOSITORY
from forebay_testing.fixtures import Endpoint
from forebay_testing.rawpg import RawConnection
from forebay_testing.threads import threads_of

sys.path.insert(0, str(REPOSITORY / "scripts"))

from processes import memory_bytes  # noqa: E402

MOST = 10_000
#: What docs/statements.md states, of each statement and thread.
BYTES_EACH = 3_000
#: Likewise, of the values that are kept of each.
BYTES_OF_VALUES = 5_000
LEAST_EACH = 320  #: its counters alone: forty or so of eight bytes
LONGEST_TEXT = 1024  #: so much of a text is kept
COLUMNS = ", ".join(f"{number} AS a_column_with_as_long_a_name_as_an_orm_gives_{number}" for number in range(60))
TEXTS = {
    "short": "SELECT 1 AS a_rather_long_name_of_column_{}",
    "long": f"SELECT 1 AS begin_{{0}}, {COLUMNS}, 1 AS end_{{0}}",
}
BYTEA = 17  #: pg_type.oid


class Place(Endpoint):
    """A daemon whose statistics are off until they are asked for, so that all else can reach its size before."""

    threads: list[RawConnection]  #: a client on either

    def configure(self, statements: str) -> None:
        self.daemon.config_path.write_text(f"statements: {{{statements}}}\nplans: {{enabled: false}}\n")
        self.daemon.console("RELOAD")
        self.daemon.show("statements")  # asks both threads, behind what the reload has told them

    def heap_bytes(self) -> int:
        return memory_bytes(self.daemon.pid)["Pss_Anon"]

    def heap_bytes_in_use(self) -> int:
        """What is free inside of it is given back before, or what comes would take that and seem to take nothing."""
        self.http("/api/v1/memory/release", b"{}")
        return self.heap_bytes()

    def http(self, path: str, body: bytes | None = None) -> dict:
        address = self.daemon.log().partition("HTTP is served on ")[2].split()[0]
        request = urllib.request.Request(f"http://{address}{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)["data"]

    def calls_and_errors(self) -> tuple[int, int]:
        rows = self.daemon.show("statements")
        return sum(row["calls"] for row in rows), sum(row["errors"] for row in rows)


def run(client: RawConnection, messages: list[bytes], at_a_time: int = 50) -> None:
    """Each message makes the server say that it is ready once."""
    for first in range(0, len(messages), at_a_time):
        part = messages[first:first + at_a_time]
        client.send(*part)
        for _ in part:
            client.until_ready()


def run_on_both(place: Place, messages: list[bytes]) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as both:
        list(both.map(lambda client: run(client, messages), place.threads))


def queries(text: str, numbers: range) -> list[bytes]:
    return [fe.query(text.format(number)) for number in numbers]


@pytest.fixture(scope="module")
def uncounted(server, shop):
    """The server's own count would take longer than everything else here: it has less room than there are texts."""
    server.execute(f"ALTER DATABASE {shop} SET pg_stat_statements.track = none")
    return shop


@pytest.fixture
def place(server, uncounted):
    """A Place with a pool that is large enough for all clients. They log in some at a time, because a thread that has
    nothing else to do takes all."""
    with contextlib.ExitStack() as stack:
        flags = ("--threads", "2", "--pool-size", "20", "--admin", "127.0.0.1:0", "--set", "http.anonymous=admin")
        daemon = stack.enter_context(ForebayDaemon(server, flags, "statements: {enabled: false}\n"))
        place = Place("transaction", daemon, server, uncounted)
        console = stack.enter_context(RawConnection(daemon.host, daemon.port))
        console.login(server.superuser, server.passwords[server.superuser], "forebay")
        at_once = stack.enter_context(concurrent.futures.ThreadPoolExecutor(8))
        for _ in range(60):
            clients = list(at_once.map(lambda _: place.raw(), range(8)))
            by_thread = dict(zip(threads_of(console, clients), clients))
            place.threads = list(by_thread.values()) if len(by_thread) == 2 else []
            for client in clients:
                if client not in place.threads:
                    client.leave()
            if place.threads:
                break
        assert place.threads, "all clients are on one thread"
        for client in place.threads:
            stack.enter_context(client)
            client.socket.settimeout(60)  # the machine may be busy
        yield place


def told_by_console(place: Place) -> int:
    [process] = [row for row in place.daemon.show("mem") if row["name"] == "process"]
    assert process["memtotal"] == process["size"] * process["used"]
    return process["memtotal"]


def told_by_http(place: Place) -> int:
    return place.http("/api/v1/memory")["resident_bytes"]


@pytest.mark.time_limit(300)
@pytest.mark.parametrize("kind", TEXTS)
def test_two_threads_that_meet_ten_thousand(place, kind):
    text = TEXTS[kind]
    first, second = place.threads
    texts = queries(text, range(MOST))
    run_on_both(place, texts)
    place.configure(f"enabled: true, max: {MOST}")
    sizes = [place.heap_bytes_in_use()]
    for client in (first, second):
        run(client, texts)
        sizes.append(place.heap_bytes())
    rows = place.daemon.show("statements")
    assert {row["calls"] for row in rows if row["database"] is not None} == {2}, "both threads have met each of them"
    assert sum(row["calls"] for row in rows) == 2 * MOST
    run_on_both(place, queries(text, range(MOST, 2 * MOST)))
    sizes.append(place.heap_bytes())
    assert place.calls_and_errors() == (4 * MOST, 0), "no call is lost"
    on_one, on_other, replaced = growth = [after - before for before, after in zip(sizes, sizes[1:])]
    print(f"growth of memory, by one thread, by the other, by what took the places of all: {growth}")
    assert on_one < MOST * BYTES_EACH and on_other < MOST * BYTES_EACH
    assert on_other > MOST * LEAST_EACH, "each thread keeps its own figures"
    assert on_one + on_other + replaced < 2 * MOST * BYTES_EACH
    if kind == "long":  # what else differs from thread to thread is more than short ones take
        assert on_other < on_one - MOST * LONGEST_TEXT / 2, "texts are kept once for all threads"
    for told in (told_by_console, told_by_http):
        around = place.daemon.rss_bytes(), told(place), place.daemon.rss_bytes()
        assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=0.02)


@pytest.mark.time_limit(300)
def test_what_makes_room_gives_its_memory_back(place):
    """Others take the places of ten thousand, five times."""
    lots = 6
    run_on_both(place, queries(TEXTS["short"], range(MOST)))
    place.configure(f"enabled: true, max: {MOST}")
    sizes = [place.heap_bytes_in_use()]
    for lot in range(lots):
        run_on_both(place, queries(TEXTS["short"], range(lot * MOST, (lot + 1) * MOST)))
        sizes.append(place.heap_bytes())
    assert place.calls_and_errors() == (2 * lots * MOST, 0), "no call is lost"
    full, *later = [after - before for before, after in zip(sizes, sizes[1:])]
    print(f"growth of memory, until all places were taken: {full}, and by what took their places: {later}")
    # Maps that grow, and pages of which a part is in use, take a half; slots whose place no other can take, all of it.
    assert sum(later) < 0.75 * full


@pytest.mark.time_limit(120)
def test_texts_of_several_statements_that_fail(place):
    """Sixty-four in each, of which the server runs none: the first has failed."""
    many = 4_000  # so that what does not depend on their number counts for little
    rest = "; ".join(f"SELECT 1 c{{0}}x{number}" for number in range(63))
    texts = queries("SELECT no_such_column; " + rest, range(many))
    client = place.threads[0]
    run(client, texts)
    place.configure(f"enabled: true, max: {MOST}")
    before = place.heap_bytes_in_use()
    run(client, texts)
    growth = place.heap_bytes() - before
    assert place.calls_and_errors() == (0, many)
    assert growth < many * BYTES_EACH, f"{growth / many:.0f} bytes each"


@pytest.mark.time_limit(120)
def test_values_that_are_shown_by_their_bytes(place):
    """Thirty-two of the slowest call of each, of forty bytes."""
    many = 4_000
    names = ", ".join(f"${number}" for number in range(1, 33))
    values = fe.bind([bytes(range(40))] * 32, formats=(1,)) + fe.execute() + fe.sync()
    calls = [fe.parse(f"SELECT 1 AS c{number} WHERE '' IN ({names})", types=(BYTEA,) * 32) + values
             for number in range(many)]
    client = place.threads[0]
    place.configure(f"enabled: true, max: {MOST}, samples: off")
    run(client, calls)
    place.configure(f"enabled: true, max: {MOST}, samples: on")
    before = place.heap_bytes_in_use()
    run(client, calls)
    growth = place.heap_bytes() - before
    assert place.calls_and_errors() == (2 * many, 0)
    assert growth < many * BYTES_OF_VALUES, f"{growth / many:.0f} bytes each"
