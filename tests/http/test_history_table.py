"""Figures over time in the database: what is written is what memory has; nothing else is touched (C6, C7, B22)."""

import datetime
import re

import psycopg
import pytest

from conftest import USER, Http
from forebay_testing import FakeClock, PostgresServer, wait_until

KEEP = "history: {keep: on}\n"
SLOW = pytest.mark.time_limit(180)


def month_after(day: datetime.date, months: int) -> datetime.date:
    number = day.year * 12 + day.month - 1 + months
    return datetime.date(number // 12, number % 12 + 1, 1)


def partition(day: datetime.date) -> str:
    return f"points_{day.year:04}_{day.month:02}"


def today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()


@pytest.fixture
def own():
    """A server of the test's own, which it may stop."""
    with PostgresServer() as server:
        yield server


def count(server, where: str = "true", schema: str = "forebay_history") -> int:
    if server.query("SELECT to_regclass(%s)", (f"{schema}.points",)) == [(None,)]:
        return 0
    return server.query(f"SELECT count(*) FROM {schema}.points WHERE {where}")[0][0]


def partitions(server, schema: str = "forebay_history") -> set[str]:
    return {name for name, in server.query(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        (f"{schema}.points",))}


def writing(http: Http) -> dict:
    return http.get("/health/detailed").json["history"]


def await_rows(server, where: str, least: int, seconds: float = 60) -> None:
    wait_until(lambda: count(server, where) >= least, seconds, f"{least} rows where {where}", interval=0.5)


@SLOW
def test_what_is_written_is_what_memory_has(start, own):
    daemon = start(upstream=own, config=KEEP)
    http = Http(daemon)
    await_rows(own, "series = 'resident_bytes' AND seconds = 10", 3)
    rows = own.query("SELECT extract(epoch FROM time)::float8, instance, mean::float8, least::float8, most::float8 FROM"
                     " forebay_history.points WHERE series = 'resident_bytes' AND seconds = 10 ORDER BY time")
    told = http.get("/api/v1/history?series=resident_bytes&seconds=3600").data
    points = told["series"]["resident_bytes"]
    known = [told["newest"] - 10 * (told["points"] - 1 - index) for index in range(told["points"])]
    for time, instance, mean, least, most in rows:
        index = min(range(len(known)), key=lambda each: abs(known[each] - time))
        assert abs(known[index] - time) < 0.5
        assert (mean, least, most) == tuple(
            pytest.approx(points[what][index], rel=1e-6) for what in ("mean", "least", "most"))
        assert instance.endswith(f":{http.port}")
    gaps = [later[0] - earlier[0] for earlier, later in zip(rows, rows[1:])]
    assert all(gap == pytest.approx(10, abs=0.1) for gap in gaps), "none is missing, none comes twice"
    series = {name for name, in own.query("SELECT DISTINCT series FROM forebay_history.points")}
    assert {"clients_active", "backends", "cpu"} <= series
    metrics = http.metrics()
    assert metrics['forebay_history_rows_total{result="written"}'] >= count(own) - 64
    assert metrics["forebay_history_troubled"] == 0 and writing(http)["kept_in_database"] is True


@SLOW
def test_the_next_months_partition_is_there_and_old_ones_go_with_what_is_ours_alone(start, own):
    old, kept = month_after(today(), -14), month_after(today(), -12)
    daemon = start(upstream=own, config=KEEP)
    wait_until(lambda: count(own, schema="forebay_history") >= 0 and own.query(
        "SELECT to_regclass('forebay_history.points') IS NOT NULL") == [(True,)], 30, "the table")
    wait_until(lambda: len(partitions(own)) == 2, 20, "two partitions")
    assert partitions(own) == {partition(today()), partition(month_after(today(), 1))}
    daemon.stop()
    for day, name in ((old, partition(old)), (kept, partition(kept)), (month_after(old, -24), "somebody_elses")):
        own.execute(f"CREATE TABLE forebay_history.{name} PARTITION OF forebay_history.points"
                    f" FOR VALUES FROM ('{day}') TO ('{month_after(day, 1)}')")
    alone = partition(month_after(old, -1))
    own.execute(f"CREATE TABLE forebay_history.{alone} (id int)")
    own.execute(f"INSERT INTO forebay_history.points VALUES ('{old}', 'x', 'cpu', 10, 1, 1, 1)")
    start(upstream=own, config=KEEP)
    wait_until(lambda: partition(old) not in partitions(own), 30, "the old partition is gone")
    assert partitions(own) == {partition(today()), partition(month_after(today(), 1)), partition(kept),
                               "somebody_elses"}
    left = {name for name, in own.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'forebay_history'::regnamespace AND relkind = 'r'")}
    assert alone in left, "what is not part of the table is none of ours, whatever it is called"
    assert partition(old) not in left
    await_rows(own, "seconds = 10", 1)


@SLOW
@pytest.mark.parametrize("wrong", ["1999-12-31 23:59:00", "2059-12-31 23:59:00"])
def test_rows_of_a_wrong_clock_did_not_keep_all_others_waiting(start, own, wrong):
    """A machine that boots without a clock, and is told the time later: for 1999 there is no partition."""
    clock = FakeClock(f"@{wrong}")
    own.stop()
    with clock.is_in_use():
        daemon = start("--set", "timeouts.connect=1s", upstream=own, config=KEEP)
    http = Http(daemon)
    wait_until(lambda: writing(http)["waiting"] > 0, 30, "rows of the wrong time wait")
    clock.set("+0")
    own.start()
    await_rows(own, "true", 1)
    daemon.wait_for_log("rows of the history have no place")
    assert http.metrics()['forebay_history_rows_total{result="dropped"}'] > 0
    assert count(own, f"time::date <> '{today()}'") == 0
    wait_until(lambda: http.metrics()["forebay_history_troubled"] == 0, 10, "all is well")


@SLOW
def test_a_server_that_is_away_for_a_while_misses_nothing(start, own):
    daemon = start(upstream=own, config=KEEP)
    http = Http(daemon)
    await_rows(own, "series = 'cpu' AND seconds = 10", 1)
    own.stop()
    wait_until(lambda: writing(http)["problem"], 20, "the problem is told")
    wait_until(lambda: writing(http)["waiting"] > 0, 30, "rows wait", interval=0.5)
    assert http.metrics()["forebay_history_troubled"] == 1
    assert http.get("/health/live").status == 200
    own.start()
    wait_until(lambda: not writing(http)["problem"] and writing(http)["waiting"] == 0, 30, "all is written")
    await_rows(own, "series = 'resident_bytes' AND seconds = 10", 3)
    times = [time for time, in own.query("SELECT extract(epoch FROM time)::float8 FROM forebay_history.points"
                                         " WHERE series = 'resident_bytes' AND seconds = 10 ORDER BY time")]
    assert all(later - earlier == pytest.approx(10, abs=0.1) for earlier, later in zip(times, times[1:]))
    assert writing(http)["dropped"] == 0
    log = daemon.log()
    assert len(re.findall("history is not written", log)) == len(re.findall("history is written again", log)) == 1


@SLOW
def test_what_the_user_may_not_do_is_told_with_the_grant(start, own):
    own.create_role(USER)
    own.create_database("shop")
    daemon = start(upstream=own.url(user=USER, dbname="shop"), config=KEEP)
    http = Http(daemon)
    wait_until(lambda: "GRANT" in writing(http)["problem"], 20, "the right that is missing")
    assert f'GRANT CREATE ON DATABASE "shop" TO "{USER}"' in writing(http)["problem"]
    daemon.wait_for_log("history is not written")
    own.execute(f'GRANT CREATE ON DATABASE "shop" TO "{USER}"')
    wait_until(lambda: not writing(http)["problem"], 30, "it is written", interval=0.5)
    there = "SELECT to_regclass('forebay_history.points') IS NOT NULL"
    wait_until(lambda: own.query(there, dbname="shop") == [(True,)], 20, "the table")


@SLOW
def test_two_processes_write_side_by_side(start, own):
    first, second = (start(upstream=own, config=KEEP) for _ in range(2))
    await_rows(own, "series = 'cpu' AND seconds = 10 AND instance LIKE '%:" + str(Http(first).port) + "'", 1)
    await_rows(own, "series = 'cpu' AND seconds = 10 AND instance LIKE '%:" + str(Http(second).port) + "'", 1)


@SLOW
def test_where_it_is_not_asked_for_nothing_is_made_and_a_reload_begins_and_ends_it(start, own):
    daemon = start(upstream=own, config="history: {schema: figures}\n")
    http = Http(daemon)
    wait_until(lambda: http.get("/api/v1/history").data["series"], 10, "a second's figures")
    assert writing(http) == {"kept_in_database": False, "problem": "", "written": 0, "dropped": 0, "waiting": 0}
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forebay history'"
    assert own.query(ours) == [(0,)]
    daemon.config_path.write_text("history: {schema: figures, keep: on}\n")
    daemon.reload()
    wait_until(lambda: count(own, schema="figures") > 0, 40, "rows", interval=0.5)
    assert own.query(ours) == [(1,)]
    daemon.config_path.write_text("history: {schema: figures}\n")
    daemon.reload()
    wait_until(lambda: own.query(ours) == [(0,)], 20, "the connection is gone")


def test_a_name_that_is_none_is_told(start):
    with pytest.raises(Exception, match="small letters"):
        start(config='history: {keep: on, schema: "a b"}\n')


@SLOW
def test_a_client_never_waits_for_it(start, own):
    """Somebody holds the table; clients and HTTP go on."""
    daemon = start(upstream=own, config=KEEP)
    http = Http(daemon)
    await_rows(own, "seconds = 10", 1)
    with psycopg.connect(own.dsn()) as holder, psycopg.connect(daemon.dsn(), autocommit=True) as client:
        holder.execute("LOCK TABLE forebay_history.points")
        wait_until(lambda: own.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forebay history'"
                                     " AND wait_event_type = 'Lock'") == [(1,)], 40, "the writer waits", interval=0.2)
        assert client.execute("SELECT 1").fetchone() == (1,)
        assert http.get("/health/ready").status == 200 and http.get("/api/v1/history").status == 200
        holder.rollback()
        wait_until(lambda: writing(http)["waiting"] == 0, 40, "all is written", interval=0.5)
