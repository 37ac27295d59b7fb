"""The slope of Forebay's memory against what the kernel says of it (L18, P8).

An hour of it is needed at least: the daemon's clock is set forward, as when a machine was suspended.
"""

import json

import pytest

from conftest import USER, broken, rules
from forebay_testing import wait_until
from forebay_testing.boot_clock import BootClock

pytestmark = pytest.mark.time_limit(120)

RULE = "process-memory_growth"
HOUR = 3600
WINDOW = 6 * HOUR
QUIET = 100_000  #: bytes that answers to the test itself may take
STEP = 300  #: seconds from one moment that the test knows the memory of to the next
#: Of the slope: the daemon looks within a second or two after the clock was set.
EXACT = 0.01


class Remembered:
    """The daemon's clock, and what the kernel said of its memory whenever the daemon had come to look."""

    def __init__(self, watching, clock) -> None:
        self._watching, self._clock = watching, clock
        self._seen = []  # when, and the least and the most that it was then, in bytes
        self.advance(WINDOW + 60)  # what was while it started is no longer of the window

    def advance(self, seconds: int) -> None:
        """In which the memory stays as it is."""
        before = self._settled()
        self._clock.advance(seconds)
        at = self._clock.now()
        wait_until(self._has_looked, 20, "a look at the memory", interval=0.1)
        after = self._watching.daemon.rss_bytes()
        self._seen.append((at, min(before, after), max(before, after)))

    def slope(self, without=()) -> tuple[float, float]:
        """The least and the most by the hour, by least squares; `without`: the least and the most of what is no part
        of the last ones, which came in between."""
        points = [each for each in self._seen if self._clock.now() - each[0] <= WINDOW]
        for number, (least, most) in enumerate(without, len(points) - len(without)):
            at, least_of_all, most_of_all = points[number]
            points[number] = (at, least_of_all - most, most_of_all - least)
        mean = sum(at for at, _, _ in points) / len(points)
        below = sum((at - mean) ** 2 for at, _, _ in points)
        slopes = [sum((at - mean) * (high if (at > mean) == is_most else low) for at, low, high in points) / below
                  for is_most in (False, True)]
        return slopes[0] * HOUR, slopes[1] * HOUR

    def told(self) -> float | None:
        return self._watching.values().get(RULE)

    def _settled(self) -> int:
        seen = [0]

        def is_quiet() -> bool:
            seen.append(self._watching.daemon.rss_bytes())
            return abs(seen[-1] - seen[-2]) < QUIET

        wait_until(is_quiet, 20, "memory that stays as it is", interval=0.2)
        return seen[-1]

    def _has_looked(self) -> bool:
        """In the last two seconds of its own clock, or since that was set forward."""
        history = self._watching.get("/api/v1/history?series=resident_bytes&seconds=2")
        series = json.loads(history)["data"]["series"]["resident_bytes"]
        return series is not None and any(series["mean"])


@pytest.fixture
def remember(start):
    """remember(*flags): a Remembered, and its Watching."""
    def run(*flags):
        clock = BootClock()
        with clock.is_in_use():
            watching = start(*flags, config=rules(broken("process.memory_growth=1B/h")))
        return Remembered(watching, clock), watching

    return run


def is_told(remembered, bounds: tuple[float, float]) -> bool:
    told, slack = remembered.told(), bounds[1] * EXACT
    return told is not None and bounds[0] - slack <= told <= bounds[1] + slack


def test_growth_of_memory_is_the_slope_of_what_the_kernel_says(remember, connect):
    """A client prepares more and more, then nothing. No slope is told of less than an hour, and none of what was before
    the last six."""
    remembered, watching = remember()
    client = connect(watching, prepare_threshold=0)
    client.prepared_max = 100_000
    for number in range(14):
        for part in range(5 * number):
            client.execute(f"SELECT length('{number}-{part}-{20_000 * 'x'}')")
        assert number * STEP >= HOUR or remembered.told() is None
        remembered.advance(STEP)
    bounds = remembered.slope()
    assert bounds[0] > 5e6
    wait_until(lambda: is_told(remembered, bounds), 8, f"between {bounds}", interval=0.1)

    remembered.advance(5 * HOUR + STEP // 2)  # half of what was is in the window
    bounds = remembered.slope()
    assert 0 < bounds[0]
    wait_until(lambda: is_told(remembered, bounds), 8, f"between {bounds}", interval=0.1)
    remembered.advance(WINDOW + STEP)
    watching.await_resolved(RULE)


def test_results_that_are_kept_are_no_growth(remember, connect, server, database):
    """Keys and what is known of each result come to less than a twentieth of results as large as these."""
    size, count = 65_000, 400
    server.psql(f"CREATE TABLE kept AS SELECT 1 AS id; ALTER TABLE kept OWNER TO {USER}", dbname=database)
    remembered, watching = remember("--cache", "on", "--cache-size", "64MiB", "--set", "cache.lifetime=1d")
    client = connect(watching, prepare_threshold=None)

    def ask(count: int) -> None:
        for number in range(count):
            rows = client.execute(f"SELECT repeat('x', {size}) FROM kept WHERE id <> -{number}").fetchall()
            assert len(rows[0][0]) == size

    def kept() -> float:  # what is waited for
        return watching.metrics()["forebay_cache_size_bytes"]

    wait_until(lambda: ask(1) or kept() > 0, 20, "the first result is kept", interval=0.02)
    for _ in range(11):
        remembered.advance(STEP)
    wait_until(lambda: ask(count) or kept() >= count * size, 30, "all are kept")
    for _ in range(2):
        remembered.advance(STEP)
    in_all = remembered.slope()
    bounds = remembered.slope(without=2 * [(count * size, count * size * 1.05)])
    assert bounds[1] < in_all[0] / 2
    wait_until(lambda: is_told(remembered, bounds), 8, f"between {bounds}", interval=0.1)
