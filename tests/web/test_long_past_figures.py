"""The overview's lines of a day and of a week against what was done at times that are known, and times of answers from
memory against a standstill of the daemon (C7, L17, P8).
"""

import contextlib
import itertools
import pathlib
import re
import statistics
import time

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.boot_clock import BootClock
from forebay_testing.rawpg import RawConnection
from forebay_testing.standstill import HitTimes, Trap
from truths import COUNTED, RESOLUTION, SHOWN, figure, line, percentile, seconds_for, value_in

pytestmark = pytest.mark.time_limit(180)

HOUR, DAY = 3600, 86400
FLAGS = ("--threads", "2", "--admin", "127.0.0.1:0", "--cache", "on", "--staleness", "20s", "--pool-size", "1",
         "--pool-overflow", "0", "--set", "timeouts.wait=1d")
#: Of each point, as docs/database.md says.
POINTS = {"5 min": 1, "1 h": 10, "24 h": 300, "7 d": 300}
POINT = 300
SPANS = {"5 min": 300, "1 h": HOUR, "24 h": DAY, "7 d": 7 * DAY}
WORDS = '.note:has-text("Each point is of")'
AGAIN = "SELECT words AS again FROM distant WHERE id = 1"
#: With each number it is another question.
ONCE = "SELECT count(*) AS once FROM distant WHERE id <> "
SLOW, PAUSE = "SELECT pg_sleep(0.2) AS slow", 0.2
STANDSTILL = 0.4  #: seconds


@pytest.fixture(scope="module")
def distant(counting):
    """A server with a table that may be kept."""
    counting.psql("CREATE TABLE distant AS SELECT id, md5(id::text) AS words FROM generate_series(1, 1000) id;"
                  f" ALTER TABLE distant OWNER TO {USER}; ANALYZE distant", COUNTED)
    return counting


# --- the overview's lines


class Life:
    """Of a daemon whose clock is set forward. Moments are of that clock. Stretches, by when they begin, are what points
    of the longer charts are of."""

    def __init__(self, clock, daemon, server) -> None:
        self._clock, self.daemon, self._server = clock, daemon, server
        self.base = place(daemon)
        self.marks = []  #: from when to when somebody asked something, and that was known
        self.memory = []  #: bytes, again and again

    def now(self) -> float:
        return self._clock.now()

    def go_to(self, moment: float) -> None:
        self._clock.advance(int(moment - self.now()))
        self.await_figures()

    def moments(self, series: str, span: int) -> list[tuple[float, float | None]]:
        """When each point of that began, in seconds since 1970, and its mean."""
        past = api(self.base, f"api/v1/history?series={series}&seconds={span}")
        means = past["series"][series]["mean"] if past["series"][series] else []
        return [(past["newest"] - (past["points"] - 1 - number) * past["resolution_seconds"], mean)
                for number, mean in enumerate(means)]

    def await_figures(self) -> None:
        """Those of a second that begins later."""
        asked = time.time()
        wait_until(lambda: any(mean is not None and at > asked for at, mean in self.moments("clients_idle", 60)), 60,
                   "figures", interval=0.05)
        self.memory.append(self.daemon.rss_bytes())

    def connect(self, database: str = COUNTED):
        return psycopg.connect(self.daemon.dsn(USER, database), autocommit=True, prepare_threshold=None)

    def live(self) -> None:
        """One stretch is before all that, in one much is asked, in one all stands still, in one that is over, and one
        is hours later."""
        self._clock.advance(8 * DAY)  # that it began is no longer of the last week
        self.before = (self.now() // POINT + 2) * POINT
        self.busy, self.still, self.over = (self.before + number * POINT for number in (1, 2, 3))
        self.later = self.over + 5 * HOUR
        self.go_to(self.before + 200)
        processor = [self.daemon.cpu_seconds()]
        with contextlib.closing(self.connect()) as client, contextlib.ExitStack() as opened:
            self.go_to(self.busy + 5)
            processor.append(self.daemon.cpu_seconds())
            with self.marked():
                self._ask_much(client)
            processor.append(self.daemon.cpu_seconds())
            self.go_to(self.busy + 285)
            processor.append(self.daemon.cpu_seconds())
            self.known = self.now() - self.busy  #: seconds of that stretch
            assert self.known < POINT
            self._stand_still(opened, processor)
            #: Of what was used up to the next look a part counts there, too.
            self.processor = processor[2] - processor[1], processor[4] - processor[0]
            self.go_to(self.later + 200)
            with self.marked():
                self.waits["later"] = self.ask(client, 30)

    @contextlib.contextmanager
    def marked(self):
        asked = self.now()
        yield
        self.await_figures()
        self.marks.append((asked, self.now()))

    def ask(self, client, count: int) -> list[float]:
        return [seconds_for(client, f"{ONCE}{next(_numbers)}") for _ in range(count)]

    def _ask_much(self, client) -> None:
        self._server.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)
        again = []

        def is_from_memory() -> bool:
            calls = self._server.counted("AS again")["calls"]
            again.append(seconds_for(client, AGAIN))
            return self._server.counted("AS again")["calls"] == calls

        wait_until(is_from_memory, 30, "answers from memory")
        again += [seconds_for(client, AGAIN) for _ in range(6000)]
        once = self.ask(client, 100)
        slow = [seconds_for(client, SLOW) for _ in range(8)]
        self.by_server = {name: self._server.counted(f"AS {name}") for name in ("again", "once", "slow")}
        self.sent = {"again": len(again), "once": len(once), "slow": len(slow)}
        assert [self.by_server[name]["calls"] for name in ("once", "slow")] == [100, 8]
        missed = sorted(again)[len(again) - self.by_server["again"]["calls"]:]  # at most
        self.waits = {"busy": once + slow + missed}

    def _stand_still(self, opened, processor: list[float]) -> None:
        """One client has the only backend, two wait for it, and three are idle beside that of before."""
        began = self.now()
        holder, *waiting = (opened.enter_context(contextlib.closing(self.connect("postgres"))) for _ in range(3))
        holder.execute("BEGIN; SELECT 1")
        self.waits["others"] = [self.now() - began]
        for each in waiting:
            each.pgconn.send_query(b"SELECT 1")
            each.pgconn.flush()
        sent = self.now()
        idle = [opened.enter_context(contextlib.closing(self.connect())) for _ in range(3)]
        self.go_to(self.still + 200)
        processor.append(self.daemon.cpu_seconds())
        self.go_to(self.over + 200)
        for each in idle:
            each.close()
        released = self.now()
        holder.execute("COMMIT")
        for each in waiting:
            assert [result.status for result in iter(each.pgconn.get_result, None)] == [psycopg.pq.ExecStatus.TUPLES_OK]
        answered = self.now()
        self.for_backend = released - sent, answered - began
        self.waits["others"].append(answered - released)
        opened.close()
        self.await_figures()


_numbers = itertools.count(10_000)


@pytest.fixture(scope="module")
def life(distant):
    clock = BootClock()
    with contextlib.ExitStack() as running:
        with clock.is_in_use():
            daemon = running.enter_context(ForebayDaemon(distant, FLAGS))
        one = Life(clock, daemon, distant)
        one.await_figures()
        one.live()
        yield one


@pytest.fixture(scope="module")
def overview(browser, life):
    browser.open(life.base)
    browser.see(".ranges")
    return browser


def show(browser, span: str) -> None:
    """As it is now."""
    for each in ("5 min", span):
        browser.click(f'.ranges button:text-is("{each}")')
    browser.see(f'[aria-label^="Throughput"][aria-label*="last {span}"][aria-label*=" now, between "]')


@pytest.mark.parametrize("span", ["24 h", "7 d"])
def test_rates_are_what_was_done_by_the_time_that_a_point_is_of(overview, life, span):
    """However often Forebay looked meanwhile: the clock is set forward within these points. Of each it is known how it
    was up to when Forebay looked last."""
    show(overview, span)
    hits = life.sent["again"] - life.by_server["again"]["calls"]
    for name, count in (("queries", sum(life.sent.values())), ("from memory", hits)):
        now, least, most = line(overview, "Throughput", name)
        assert least == 0
        assert count / POINT * (1 - SHOWN) <= most <= count / life.known * (1 + SHOWN), (name, count, life.known)
        count = len(life.waits["later"]) if name == "queries" else 0
        elapsed = life.now() - life.later
        assert count / elapsed * (1 - SHOWN) <= now <= count / 200 * (1 + SHOWN), (name, count, elapsed)
    most = line(overview, "Forebay’s processor time", "processor")[2]
    tick = 0.01
    least_used, most_used = life.processor
    assert (least_used - tick) / POINT * (1 - SHOWN) <= most <= (most_used + tick) / life.known * (1 + SHOWN)


@pytest.mark.parametrize("span", ["24 h", "7 d"])
def test_means_and_counts_are_those_of_what_they_are_of(overview, life, span):
    show(overview, span)
    others = max(life.waits["others"] + life.waits["later"])
    calls = sum(each["calls"] for each in life.by_server.values())
    by_server = sum(each["total"] for each in life.by_server.values()) / calls
    assert len(life.waits["busy"]) == calls
    most = line(overview, "Latency", "mean")[2]
    assert by_server * (1 - SHOWN) <= most <= max(statistics.mean(life.waits["busy"]), others) * (1 + SHOWN)
    most = line(overview, "Latency", "95 % under")[2]
    assert PAUSE * (1 - RESOLUTION) <= most <= max(percentile(life.waits["busy"], 0.95), others) * (1 + RESOLUTION)
    most = line(overview, "Latency", "wait for a backend")[2]
    least_waited, most_waited = life.for_backend
    assert least_waited - 1 <= most <= most_waited, "whole seconds are shown"

    hits = life.sent["again"] - life.by_server["again"]["calls"]
    now, least, most = line(overview, "Answers from memory", "hit rate")
    assert now == least == 0
    assert hits / (hits + calls) - 0.001 <= most <= hits / (hits + life.by_server["once"]["calls"]) + 0.001

    assert {name: line(overview, "Clients", name)[2] for name in ("active", "waiting", "idle")} == {
        "active": 1, "waiting": 2, "idle": 4}
    assert line(overview, "Clients", "waiting")[:2] == (0, 0)
    status = pathlib.Path(f"/proc/{life.daemon.pid}/status").read_text()
    highest = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
    for shown in line(overview, "Forebay’s memory", "memory"):
        assert min(life.memory) * (1 - SHOWN) <= shown <= highest * (1 + SHOWN)


def drawn(browser, chart: str, colour: str) -> tuple[list[tuple[float, float]], float]:
    """Of each column of the chart in which there is something of the line: how far to the right it is, and how far up
    the line comes. And how wide a column is."""
    columns, width = browser.do("value", script=f"""(() => {{
        const place = document.querySelector('[aria-label^="{chart}"]');
        const canvas = place.querySelector("canvas");
        const [all, part] = [canvas, place.querySelector(".u-over")].map((each) => each.getBoundingClientRect());
        const [left, top, width, height] = [part.x - all.x, part.y - all.y, part.width, part.height].map((each) =>
            Math.round((each * canvas.width) / all.width));
        const sample = document.createElement("canvas").getContext("2d");
        sample.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("{colour}");
        sample.fillRect(0, 0, 1, 1);
        const wanted = sample.getImageData(0, 0, 1, 1).data;
        const pixels = canvas.getContext("2d").getImageData(left, top, width, height + 2).data;
        const isOfLine = (at) =>
            pixels[at + 3] > 60 && [0, 1, 2].every((of) => Math.abs(pixels[at + of] - wanted[of]) < 12);
        const rows = Array.from({{ length: height + 2 }});
        const found = [];
        for (let column = 0; column < width; column += 1) {{
            const row = rows.findIndex((_, each) => isOfLine(4 * (each * width + column)));
            if (row >= 0) found.push([(column + 0.5) / width, 1 - (row + 0.5) / height]);
        }}
        return [found, 1 / width];
    }})()""")
    return [tuple(each) for each in columns], width


def check_place(browser, life, chart: str, colour: str, begin: float, end: float) -> None:
    """The line has its top in these stretches, is low beside them, and goes on for as long as figures are known."""
    columns, column = wait_until(lambda: (found := drawn(browser, chart, colour))[0] and found, 20, "it is drawn")
    whole = life.now() // POINT * POINT - life.before

    def is_between(at: float, first: float, last: float) -> bool:
        beside = 3 * column  # a line is two wide
        return (first - life.before) / whole - beside <= at <= (last - life.before) / whole + beside

    top = max(up for _, up in columns)
    assert top > 0.3
    assert all(is_between(at, begin, end) for at, up in columns if up > top - 0.02), columns
    assert all(is_between(at, begin - POINT, end + POINT) for at, up in columns if up > top / 2), columns
    known = [at for at, _ in columns if not is_between(at, life.later, life.now())]
    assert is_between(known[0], life.before, life.before) and is_between(known[-1], life.over, life.over), columns


@pytest.mark.parametrize("span", ["24 h", "7 d"])
def test_lines_are_drawn_at_the_time_of_what_was_done_and_nowhere_else(overview, life, span):
    show(overview, span)
    check_place(overview, life, "Throughput", "--line-2", life.busy, life.busy)
    check_place(overview, life, "Clients", "--line-3", life.still, life.over)


def test_each_point_is_of_the_time_that_it_is_said_to_be_of(overview, life):
    """By the distance of points of what was done at times that are known."""
    with contextlib.closing(life.connect()) as client:
        for seconds in (1200, 200):
            life.go_to(life.now() + seconds)
            with life.marked():
                life.ask(client, 1)
    for span, seconds in SPANS.items():
        points = [(number, at - time.time() + life.now(), mean)
                  for number, (at, mean) in enumerate(life.moments("queries", seconds))]
        first, *_, last = [(number, at) for number, at, mean in points if mean]
        marks = [mark for mark in life.marks if mark[0] > life.now() - seconds]
        for (_, at), (asked, known) in ((first, marks[0]), (last, marks[-1])):
            assert asked - POINTS[span] - 0.1 <= at <= known, (span, at, marks)
        distance = (last[0] - first[0]) * POINTS[span]
        late = [known - asked for asked, known in (marks[0], marks[-1])]
        assert abs(distance - (marks[-1][0] - marks[0][0])) <= POINTS[span] + max(late) + 0.1, (span, marks)
        overview.click(f'.ranges button:text-is("{span}")')
        if span == "5 min":
            assert overview.texts(WORDS) == [], "whose points are of a second, which nobody can tell from others"
        else:
            said = overview.see(f'section:has([aria-label*="last {span}"]) {WORDS}')
            assert value_in(said.removeprefix("Each point is of ")) == POINTS[span], said


def test_what_is_longer_ago_than_a_chart_goes_back_is_no_more_in_it(overview, life):
    life.go_to(life.now() + 25 * HOUR)
    show(overview, "24 h")
    assert line(overview, "Throughput", "queries") == (0, 0, 0)
    show(overview, "7 d")
    assert line(overview, "Throughput", "queries")[2] > 0
    check_place(overview, life, "Throughput", "--line-2", life.busy, life.busy)
    life.go_to(life.now() + 7 * DAY)
    show(overview, "7 d")
    assert line(overview, "Throughput", "queries") == (0, 0, 0)


# --- answers from memory


def test_answers_from_memory_come_within_a_standstill_when_one_in_twenty_is_in_the_midst_of_it(browser, start, distant):
    """And within less when there are more others."""
    trap = Trap()
    with trap.is_set():
        daemon = start("--cache", "on", "--staleness", "20s", upstream=distant)
    distant.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)
    browser.open(f"{place(daemon)}#/cache")
    browser.see('[data-figure="entries"]')
    question = "SELECT words AS still FROM distant WHERE id = 2 AND words <> 'stand still'"
    with RawConnection(daemon.host, daemon.port) as client:
        client.login(USER, distant.passwords[USER], COUNTED)
        times = HitTimes(trap, daemon, client, question, lambda: distant.counted("AS still")["calls"])

        def await_figure() -> tuple[float, float]:
            """The least and the most that it can be."""
            times.ask(1)  # by which those before are over
            least, most = times.percentile(0.95)
            wait_until(lambda: least * (1 - RESOLUTION) <= value_in(figure(browser, "Answered within"))
                       <= most * (1 + RESOLUTION), 20, f"a figure from {least} to {most}", interval=0.2)
            assert time.monotonic() - began < 60, "all of these are of the last minute"
            return least, most

        began = time.monotonic()
        times.ask_and_stand_still(60, STANDSTILL)
        for _ in range(70):
            times.ask(10)
        assert await_figure()[0] >= STANDSTILL
        while times.percentile(0.95)[1] >= STANDSTILL:
            for _ in range(20):
                times.ask(10)
        assert await_figure()[1] < STANDSTILL
