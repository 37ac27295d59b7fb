"""What is kept of figures over time, against what was really done (B22, C7, L17, L2)."""

import concurrent.futures
import time

import psycopg
import pytest

from conftest import Http
from forebay_testing import PostgresServer, wait_until

WEEK = 7 * 24 * 3600


def ask(http: Http, series: str, seconds: int) -> dict:
    return http.get(f"/api/v1/history?series={series}&seconds={seconds}").data


def test_what_there_is_is_listed_with_what_it_takes(start):
    http = Http(start())
    listed = wait_until(lambda: (data := http.get("/api/v1/history").data)["series"] and data, 10, "a second's figures")
    assert {"clients_active", "backends", "resident_bytes"} <= set(listed["series"])
    assert [(each["seconds"], each["span_seconds"]) for each in listed["resolutions"]] == [
        (1, 600), (10, 7200), (300, 604800)]
    assert 0 < listed["bytes"] == len(listed["series"]) * 40_032 <= 64 * 40_032


@pytest.mark.time_limit(120)
def test_every_query_is_in_the_history(start, connect):
    """The sum of the rates of all seconds is what was sent, whoever looked meanwhile: nobody did. Forebay's own look
    that comes late is of more than its second: then as much is sent once more, and has to come to as much."""
    daemon = start()
    http = Http(daemon)
    wait_until(lambda: "queries" in http.get("/api/v1/history").data["series"], 10, "two seconds' figures")
    client = connect(daemon, prepare_threshold=None)

    def counted() -> float:
        points = ask(http, "queries", 300)["series"]["queries"]["mean"]
        return sum(point for point in points if point is not None)

    def all_are_counted() -> bool:
        before = counted()
        for _ in range(400):
            client.execute("SELECT 1")
        sent = time.monotonic()

        def there() -> bool:
            return counted() - before == pytest.approx(400, rel=0.1) or time.monotonic() > sent + 5

        wait_until(there, 20, interval=0.05)
        return counted() - before == pytest.approx(400, rel=0.1)

    wait_until(all_are_counted, 60, "400 queries")
    coarse = ask(http, "queries", 3600)
    assert coarse["resolution_seconds"] == 10
    fine, rough = ask(http, "queries", 300), coarse["series"]["queries"]
    highest = [max(filter(None, each["most"])) for each in (fine["series"]["queries"], rough)]
    assert highest[0] == pytest.approx(highest[1], rel=0.01)

    def backends() -> float:
        return [point for point in ask(http, "backends", 60)["series"]["backends"]["mean"] if point is not None][-1]

    wait_until(lambda: backends() == 2, 30, "the client's, and that by which passwords are asked")


def test_every_error_is_in_the_history(start, connect):
    """Of the server, and Forebay's own (L2, L17, C6): an hour of a run shows when they came."""
    http = Http(daemon := start("--pool-size", "1", "--pool-overflow", "0"))
    wait_until(lambda: "errors" in http.get("/api/v1/history").data["series"], 20, "two seconds' figures")
    client, other = connect(daemon, prepare_threshold=None), connect(daemon)
    for _ in range(30):
        with pytest.raises(psycopg.errors.DivisionByZero):
            client.execute("SELECT 1 / 0")
    daemon.console("SET timeouts.wait = '100ms'")  # logging in may take longer
    with client.transaction(), pytest.raises(psycopg.OperationalError, match="no backend"):
        client.execute("SELECT 1")
        other.execute("SELECT 1")

    def counted() -> float:
        points = ask(http, "errors", 300)["series"]["errors"]["mean"]
        return sum(point for point in points if point is not None)

    # Of a look that came late the rate is of more than a second.
    wait_until(lambda: 31 / 2 < counted() < 31 * 1.1, 20, "the errors")
    overview = http.get("/api/v1/overview").data
    assert overview["errors"] == 31


def test_deadlocks_and_the_hit_ratio_of_a_server_have_a_history(start):
    """As the server itself counts them (C6)."""
    with PostgresServer({"shared_buffers": "1MB", "deadlock_timeout": "10ms"}) as own:
        own.psql("CREATE TABLE pages AS SELECT n AS id, repeat('x', 500) AS filler FROM generate_series(1, 20000) n;"
                 " ALTER TABLE pages ADD PRIMARY KEY (id); VACUUM pages", "postgres")
        http = Http(start("--set", "sampling.interval=1s", "--cache", "off", upstream=own))
        place = f"{own.host}:{own.port}"
        names = [f"server_deadlocks/{place}", f"server_hit_ratio/{place}"]
        wait_until(lambda: set(names) <= set(http.get("/api/v1/history").data["series"]), 40, "two answers of it")

        def counted() -> tuple[int, int, int]:
            sums = ", ".join(f"sum({name})::int" for name in ("deadlocks", "blks_hit", "blks_read"))
            return own.query(f"SELECT {sums} FROM pg_stat_database")[0]

        def points(name: str) -> list[float]:
            means = ask(http, name, 300)["series"][name]["mean"]
            return [point for point in means if point is not None]

        before = counted()
        with (psycopg.connect(own.dsn(), autocommit=True) as one,
              psycopg.connect(own.dsn(), autocommit=True) as other):
            one.execute("BEGIN; SELECT FROM pages WHERE id = 1 FOR UPDATE")
            other.execute("BEGIN; SELECT FROM pages WHERE id = 2 FOR UPDATE")
            with concurrent.futures.ThreadPoolExecutor(1) as threads:
                waiting = threads.submit(one.execute, "SELECT FROM pages WHERE id = 2 FOR UPDATE")
                errors = 0
                for ask_for in (lambda: other.execute("SELECT FROM pages WHERE id = 1 FOR UPDATE"), waiting.result):
                    try:
                        ask_for()
                    except psycopg.errors.DeadlockDetected:
                        errors += 1
                        other.rollback()
                assert errors == 1
        for _ in range(5):
            own.query("SELECT sum(length(filler)) FROM pages")
        wait_until(lambda: sum(points(names[0])) > 0.4, 40, "the deadlock")
        # Of a look that came late the rate is of more than a second.
        assert 1 / 2 < sum(points(names[0])) < 1.1
        after = wait_until(lambda: (now := counted())[2] - before[2] > 5000 and now, 40, "pages that were read")
        assert after[0] - before[0] == 1
        hits, reads = after[1] - before[1], after[2] - before[2]
        wait_until(lambda: min(points(names[1])) <= 1.1 * hits / (hits + reads) + 0.02, 40, "the pages that were read")
        assert max(points(names[1])) <= 1


def test_resolution_follows_from_the_time_that_is_wanted(start):
    http = Http(start())
    expected = ((1, 1, 1), (300, 1, 300), (3600, 10, 360), (86400, 300, 288), (WEEK, 300, 2016))
    for seconds, resolution, points in expected:
        told = ask(http, "backends", seconds)
        assert (told["resolution_seconds"], told["points"]) == (resolution, points)

        def is_recent() -> bool:
            asked = time.time()
            newest = ask(http, "backends", seconds)["newest"]  # noqa: B023
            assert newest <= time.time()
            return newest > asked - 2 * resolution  # noqa: B023

        wait_until(is_recent, 20, "the figures of just now")


def test_what_was_never_known_is_null_and_what_is_wrong_is_told(start):
    http = Http(start())
    wait_until(lambda: http.get("/api/v1/history").data["series"], 10, "a second's figures")
    told = ask(http, "nobody_counts_this,backends", 10)["series"]
    assert told["nobody_counts_this"] is None
    assert len(told["backends"]["mean"]) == 10
    for wrong in ("seconds=0&series=backends", f"series=backends&seconds={WEEK + 1}", "serie=backends",
                  "series=" + ",".join("abcdefghijklmnopq"), "series=%zz"):
        assert http.get(f"/api/v1/history?{wrong}").status == 400, wrong
