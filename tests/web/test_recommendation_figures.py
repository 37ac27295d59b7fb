"""Figures of the page Recommendations against the waits and calls that clients measure, what the server counts of
them, and the test's own clock (L17, C7, B22).

Rates are of a quarter of a minute at least, and what ends is told half a minute later: so one daemon and one load are
watched once, and each test judges what the page showed meanwhile.
"""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import json
import re
import statistics
import threading
import time
import urllib.request

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import ForebayDaemon, wait_until
from truths import COUNTED, SHOWN, cells, value_in

pytestmark = [pytest.mark.time_limit(240), pytest.mark.xdist_group("recommendation_figures")]

CONFIG = """
http: {{anonymous: admin}}
plans: {{slower_than: 1ms}}
databases:
  waited: {{pool: {{size: {size}, overflow: 0}}}}
  '*': {{}}
"""
SLEEP = 0.2
CLIENTS = 8  #: of which all but two wait
QUESTION = "SELECT count(note) FROM parcels WHERE shelf = 7"
POOL = f"Give the pool of {USER}@waited more backends"
INDEX = "Make an index for SELECT count(note) FROM parcels WHERE shelf = "
PAUSED = "Let clients use postgres again"
LOOK = 1  #: seconds that a look at all figures may take, until it is told
WINDOW = 60  #: seconds that rates are of at most; before, they are of all the time since the first look
BETWEEN = 7  #: at most, from look to look: five, by a round a second, one of which may be late
PAGE = 4  #: that the page may be behind: it asks every two seconds, and has to be answered and read


class Clients:
    """Ask again and again until they are stopped, each with so long a pause; `calls`: when each began and ended."""

    def __init__(self, daemon, database: str, statement: str, number: int = 1, pause: float = 0) -> None:
        self.calls: list[tuple[float, float]] = []
        self._statement, self._pause = statement, pause
        self._is_over = threading.Event()
        self._connections = [psycopg.connect(daemon.dsn(USER, database), autocommit=True, prepare_threshold=None)
                             for _ in range(number)]
        self._threads = concurrent.futures.ThreadPoolExecutor(number)
        self._running = [self._threads.submit(self._ask, each) for each in self._connections]

    def _ask(self, connection) -> None:
        while not self._is_over.wait(self._pause):
            began = time.monotonic()
            connection.execute(self._statement)
            self.calls.append((began, time.monotonic()))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._is_over.set()
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()
        for each in self._running:
            each.result()


@contextlib.contextmanager
def counted_by(server):
    """Yields what the server says again and again of its statement that wants an index: calls, and seconds."""
    counted, is_over = [(0, 0)], threading.Event()

    def count() -> None:
        with psycopg.connect(server.socket_dsn(dbname=COUNTED), autocommit=True) as asking:
            while not is_over.wait(0.1):
                counted.append(asking.execute(
                    "SELECT coalesce(sum(calls), 0)::int, coalesce(sum(total_exec_time), 0) / 1e3"
                    " FROM pg_stat_statements WHERE query LIKE 'SELECT count(note)%'").fetchone())

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        running = thread.submit(count)
        try:
            yield counted
        finally:
            is_over.set()
            running.result()


@dataclasses.dataclass
class Seen:
    """Times are those of time.monotonic(), of what people read those of time.time()."""

    first_look: tuple[float, float]  #: between which it was taken
    waiting: Clients  #: for one of two backends
    served: Clients  #: at once, with the same statement
    asking: Clients  #: what wants an index
    counted: list[tuple[int, float]]  #: by the server: calls of that, and seconds
    advice: list[str] = dataclasses.field(default_factory=list)  #: as the page showed it, each once
    dismissed: tuple[float, str, float] = (0, "", 0)  #: not before, what the page says, not after
    ended: tuple[float, str, float] = (0, "", 0)  #: likewise
    reloaded: tuple[float, float] = (0, 0)
    measured: list[tuple[float, float]] = dataclasses.field(default_factory=list)  #: when the page said so, and seconds

    def readings(self, title: str) -> list["Reading"]:
        """Of the time in which rates begin with the first look."""
        found = [Reading(self, text) for text in self.advice if title in text]
        return [each for each in found if each.seconds < WINDOW - 1]


class Reading:
    """A recommendation as the page showed it once: what it says in figures, and when that was."""

    def __init__(self, seen: Seen, text: str) -> None:
        self.text = text
        self.seconds = float(re.findall(r"in the last ([\d.]+) s\b", text)[-1])
        self.least_end, self.most_end = (at + self.seconds for at in seen.first_look)
        self.gain = re.search(r"Gain: (.*)\.", text)[1]

    def hourly(self, seconds: float) -> float:
        return seconds / self.seconds * 3600

    def find(self, pattern: str) -> list[str]:
        found = re.search(pattern, self.text)
        assert found, self.text
        return [part.replace(",", "") for part in found.groups()]


def post(base: str, what: str, **body) -> None:
    request = urllib.request.Request(f"{base}api/v1/{what}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="module")
def seen(browser, counting):
    counting.create_database("waited", f"OWNER {USER}")
    counting.psql(f"CREATE TABLE parcels AS SELECT n AS id, n % 5000 AS shelf, repeat('x', 100) AS note"
                  f" FROM generate_series(1, 200000) n; ALTER TABLE parcels OWNER TO {USER};"
                  f" ALTER TABLE parcels SET (parallel_workers = 0); VACUUM ANALYZE parcels;", COUNTED)
    counting.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)
    with contextlib.ExitStack() as stack:
        stack.callback(counting.execute, "DROP DATABASE waited WITH (FORCE)")
        stack.callback(counting.execute, "DROP TABLE parcels", dbname=COUNTED)
        began = time.monotonic()
        daemon = stack.enter_context(
            ForebayDaemon(counting, ["--threads", "2", "--admin", "127.0.0.1:0"], CONFIG.format(size=2)))
        base = place(daemon)
        api(base, "api/v1/recommendations")
        first_look = (began, time.monotonic())
        with (Clients(daemon, "waited", f"SELECT pg_sleep({SLEEP})", CLIENTS) as waiting,
              Clients(daemon, COUNTED, f"SELECT pg_sleep({SLEEP})") as served,
              counted_by(counting) as counted,
              Clients(daemon, COUNTED, QUESTION, pause=0.1) as asking):
            one = Seen(first_look, waiting, served, asking, counted)
            browser.open(f"{base}#/recommendations")
            dismiss_and_restore(browser, base, one)
            watch_gains(browser, one)
            watch_what_comes_of_it(browser, base, daemon, one)
        yield one


def dismiss_and_restore(browser, base: str, seen: Seen) -> None:
    """What is paused: it goes on afterwards."""
    post(base, "pause", database="postgres")
    browser.see(".advice li", PAUSED)
    began = time.time()
    browser.click(f'button[aria-label="Dismiss: {PAUSED}"]')
    browser.see('.done[role="status"]', f"Dismissed: {PAUSED}.")
    ended = time.time()
    browser.see("tbody tr", PAUSED)
    seen.dismissed = began, cells(browser, PAUSED)["At"], ended
    browser.click(f'button[aria-label="Restore: {PAUSED}"]')
    browser.see('.done[role="status"]', f"Restored: {PAUSED}.")
    post(base, "resume", database="postgres")


def watch_gains(browser, seen: Seen) -> None:
    def are_seen() -> bool:
        seen.advice += [text for text in browser.texts(".advice li") if text not in seen.advice]
        return all(len(seen.readings(title)) >= 2 for title in (POOL, INDEX))

    wait_until(are_seen, WINDOW, "two sizes of each gain", interval=0.1)


def watch_what_comes_of_it(browser, base: str, daemon, seen: Seen) -> None:
    """The pool gets enough backends, and nothing is paused any more."""
    daemon.config_path.write_text(CONFIG.format(size=2 * CLIENTS))
    began = time.monotonic()
    post(base, "reload")
    seen.reloaded = began, time.monotonic()

    def has_ended() -> bool:
        asked = time.time()
        done = api(base, "api/v1/recommendations")["done"]
        if any(each["title"] == PAUSED for each in done):
            seen.ended = seen.ended[0], "", time.time()
            return True
        seen.ended = asked, "", 0
        return False

    def are_measured() -> bool:
        shown = cells(browser, POOL).get("Measured for")
        if shown:
            seen.measured.append((time.monotonic(), value_in(shown)))
        if not seen.ended[2] and has_ended():
            browser.see("tbody tr", PAUSED)
            seen.ended = seen.ended[0], cells(browser, PAUSED)["Until"], seen.ended[2]
        return seen.ended[2] and len({seconds for _, seconds in seen.measured}) >= 3

    wait_until(are_measured, 90, "the end of what was paused, and a pool that is measured", interval=0.1)


def time_in(text: str) -> float:
    """That the page shows: local, to the second."""
    return datetime.datetime.strptime(text, "%d/%m/%Y, %H:%M:%S").astimezone().timestamp()


def test_more_backends_gain_the_time_that_clients_wait_longer_than_one_that_has_to_wait_for_nobody(seen):
    readings = seen.readings(POOL)
    unqueued = statistics.mean(ended - began for began, ended in seen.served.calls)
    for reading in readings:
        done = [call for call in seen.waiting.calls if call[1] - SLEEP <= reading.least_end]
        begun = [call for call in seen.waiting.calls if call[0] <= reading.most_end + LOOK]
        least = sum(max(ended - began - unqueued, 0) for began, ended in done) * 0.95
        most = sum(min(ended - SLEEP, reading.most_end + LOOK) - began for began, ended in begun)
        assert least > 0.5 * (CLIENTS - 2) * reading.seconds and most < 1.5 * least, "the truth is known well enough"

        clients, mean, checkouts = reading.find(
            r"([\d.]+) clients waited on average in the last .*?, ([\d.]+ m?s) for each of ([\d,]+) checkouts;")
        assert len(done) <= int(checkouts) <= len(begun)
        assert least * 0.98 <= float(clients) * reading.seconds <= most * 1.02, "two digits"
        assert least * (1 - SHOWN) <= value_in(mean) * int(checkouts) <= most * (1 + SHOWN)
        each, in_all = reading.gain.split(" less waiting for each checkout, ")
        assert each == f"up to {mean}" and in_all.endswith(" of clients' time each hour")
        assert reading.hourly(least) * (1 - SHOWN) <= value_in(in_all) <= reading.hourly(most) * (1 + SHOWN)


def test_an_index_gains_the_time_that_the_server_takes_for_its_statement(seen):
    """No less than the server says, no more than the client measures."""
    ended = [ended for _, ended in seen.asking.calls]
    for reading in seen.readings(INDEX):
        done, least = max(count for count in seen.counted
                          if count[0] == 0 or ended[count[0] - 1] <= reading.least_end)
        begun = [call for call in seen.asking.calls if call[0] <= reading.most_end + LOOK]
        most = sum(ended - began for began, ended in begun)
        assert done > 20 and len(begun) < 1.5 * done, "the truth is known well enough"

        calls, took = reading.find(r"([\d,]+) calls of it took ([\d.]+ (?:m?s|min)) of servers' time")
        assert done <= int(calls) <= len(begun)
        assert least * (1 - SHOWN) <= value_in(took) <= most * (1 + SHOWN)
        told = re.fullmatch("at most (.*) of servers' time each hour", reading.gain)[1]
        assert reading.hourly(least) * (1 - SHOWN) <= value_in(told) <= reading.hourly(most) * (1 + SHOWN)


def test_what_is_dismissed_is_so_since_the_click(seen):
    began, shown, ended = seen.dismissed
    assert int(began) <= time_in(shown) <= ended


def test_what_has_ended_lasted_until_it_is_told_no_longer(seen):
    before, shown, ended = seen.ended
    assert int(before - LOOK) <= time_in(shown) <= ended


def test_what_was_seen_to_is_measured_for_as_long_as_it_has_been_so(seen):
    """But for the look that is to come; the first one is of some time before the change, too."""
    began, ended = seen.reloaded
    for at, shown in seen.measured:
        assert at - ended - BETWEEN - PAGE <= shown <= at - began + BETWEEN, seen.measured
    first = {shown: at for at, shown in reversed(seen.measured)}  # in which the page said so
    assert max(first) - min(first) == pytest.approx(first[max(first)] - first[min(first)], abs=PAGE)
