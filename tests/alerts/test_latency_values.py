"""Values of alerts on what takes Forebay a fraction of a millisecond as a rule, from below as well: the daemon stands
still while it has answers at hand, for a time that is known (L18, C12, P8).
"""

import contextlib
import http.client
import time

import pytest

from conftest import RESOLUTION, USER, broken, rules
from forebay_testing import PostgresServer, wait_until
from forebay_testing.rawpg import RawConnection
from forebay_testing.standstill import HitTimes, Trap, standstill, unread

pytestmark = pytest.mark.time_limit(120)

STANDSTILL = 0.8  #: seconds; who comes with a wrong token waits for less
KEPT = "SELECT name FROM kept WHERE name <> 'stand still'"


def watch_for_minutes(signal: str) -> str:
    """Longer than a test takes, so that all is within it."""
    return rules(broken(signal)).replace("window: 10s", "window: 2min")


@pytest.fixture(scope="module")
def own():
    """It counts statements."""
    with PostgresServer({"shared_preload_libraries": "pg_stat_statements"}) as server:
        server.create_role(USER)
        server.execute("CREATE EXTENSION pg_stat_statements")
        server.execute(f"CREATE TABLE kept AS SELECT 1 AS id, 'one' AS name; ALTER TABLE kept OWNER TO {USER}")
        yield server


def test_hits_take_as_long_as_a_standstill_when_one_in_a_hundred_is_in_the_midst_of_it(start, own):
    """And not when there are more others."""
    trap = Trap()
    with trap.is_set():
        watching = start("--cache", "on", "--staleness", "20s", upstream=own,
                         config=watch_for_minutes("cache.hit_p99=0ms"))
    calls = "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements WHERE query LIKE 'SELECT name FROM kept%'"
    with RawConnection(watching.daemon.host, watching.daemon.port) as client:
        client.login(USER, own.passwords[USER])
        times = HitTimes(trap, watching.daemon, client, KEPT, lambda: own.query(calls)[0][0])

        def await_value() -> tuple[float, float]:
            """The least and the most that it can be."""
            times.ask(1)  # by which those before are over
            least, most = times.percentile(0.99)
            wait_until(lambda: least * (1 - RESOLUTION) <= watching.values().get("cache-hit_p99", 0)
                       <= most * (1 + RESOLUTION), 20, f"a value from {least} to {most}", interval=0.1)
            return least, most

        times.ask_and_stand_still(30, STANDSTILL)
        for _ in range(150):
            times.ask(10)
        assert await_value()[0] >= STANDSTILL
        while times.percentile(0.99)[1] >= STANDSTILL:
            for _ in range(50):
                times.ask(10)
        assert await_value()[1] < STANDSTILL


def test_answers_of_health_take_as_long_as_a_standstill_on_average(start):
    """Who comes with a wrong token is kept waiting, so that requests are at hand when the daemon stands still."""
    watching = start(config=watch_for_minutes("health.mean=0ms"))
    host, port = watching.place.split(":")
    least, waits = 0, []

    def ask() -> None:
        began = time.monotonic()
        watching.get("/health/live")
        waits.append(time.monotonic() - began)

    def await_value() -> float:
        """The most that it can be."""
        low, high = least / len(waits), sum(waits) / len(waits)
        wait_until(lambda: low <= watching.values().get("health-mean", 0) <= high, 20, f"a mean from {low} to {high}",
                   interval=0.1)
        return high

    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=20)))
                   for _ in range(12)]

        def stand_still() -> float:
            """The sum of what the answers that were at hand have taken by that."""
            began = time.monotonic()
            for each in clients:
                each.request("GET", "/health/detailed", headers={"Authorization": "Bearer unknown"})
            sockets = [each.sock for each in clients]
            wait_until(lambda: not any(asked for asked, _ in unread(int(port), sockets)), 20, "all have been read")
            ask()  # whose answer comes when those before have been understood
            with standstill(watching.daemon):
                stopped = time.monotonic()
                at_hand = unread(int(port), sockets).count((0, 0))
                time.sleep(STANDSTILL)
                stood = time.monotonic() - stopped
            for each in clients:
                assert each.getresponse().read()
                waits.append(time.monotonic() - began)
            return at_hand * stood

        while least < len(waits) * STANDSTILL / 2 or not waits:
            least += stand_still()
        assert await_value() >= STANDSTILL / 2
        for _ in range(10 * len(waits)):
            ask()
        assert await_value() < STANDSTILL
