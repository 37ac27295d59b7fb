"""Figures of what has been against outside truths: the overview's lines over time, how old answers from memory were,
and the past of single statements (C7, L17, P8).
"""

import bisect
import concurrent.futures
import contextlib
import datetime
import itertools
import math
import os
import re
import signal
import statistics
import threading
import time

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import wait_until
from truths import (COUNTED, LATE, LENGTHS, SHOWN, Pgbench, line, line_in, now, number, of_chart, open_statement,
                    seconds_for, steady, value_in, watch)

pytestmark = pytest.mark.time_limit(240)

#: Of each point of a statement's past hour, in seconds.
STRETCH = 30
AGAIN = "SELECT words AS again FROM told WHERE id = 1"
#: With each number it is another question.
ONCE = "SELECT count(*) AS once FROM told WHERE id <> "
#: Seconds between two proofs of freshness, as docs/freshness.md says.
LEASE = 0.05


@pytest.fixture(scope="module")
def told(counting):
    """A server with a table that may be kept."""
    counting.psql("CREATE TABLE told AS SELECT id, md5(id::text) AS words FROM generate_series(1, 5000) id;"
                  f" ALTER TABLE told OWNER TO {USER}; ANALYZE told", COUNTED)
    return counting


def reset(server) -> None:
    server.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)


def show_an_hour(browser, chart: str) -> None:
    browser.click('.ranges button:text("1 h")')
    browser.see(f'[aria-label^="{chart}"][aria-label*="last 1 h"][aria-label*=" now, between "]')


# --- the overview's lines


@contextlib.contextmanager
def asking(daemon, text, pause):
    """In the background a client asks text(0), text(1) …, with pause() seconds in between. Yields when each had been
    answered, which grows."""
    ended, is_over = [], threading.Event()

    def ask() -> None:
        with psycopg.connect(daemon.dsn(USER, COUNTED), autocommit=True, prepare_threshold=None) as client:
            for asked in itertools.count():
                client.execute(text(asked))
                ended.append(time.time())
                if is_over.wait(pause()):
                    return

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        done = threads.submit(ask)
        try:
            yield ended
        finally:
            is_over.set()
        done.result(20)


class Asked:
    """What two clients asked: one the same again and again, of which `missed` went to the server, one always anew."""

    def __init__(self, again: list[float], once: list[float], missed: int) -> None:
        self._again, self._once, self._missed = again, once, missed

    def bounds(self, chosen: list[tuple]) -> tuple[tuple[float, float], tuple[float, float]]:
        """The least and the most that hits each second, and their share, can have been in one of the windows. At its
        ends one question more or less may belong to it."""
        rates, shares = [], []
        for since, until in chosen:
            hits, misses = how_many(self._again, since, until), how_many(self._once, since, until)
            least, most = max(hits - self._missed - 1, 0), hits + 1
            rates += [least / (until - since), most / (until - since)]
            shares += [least / (hits + misses + 1), most / (most + max(misses - 1, 0))]
        return (min(rates), max(rates)), (min(shares), max(shares))


def how_many(moments: list[float], since: float, until: float) -> int:
    return bisect.bisect_right(moments, until) - bisect.bisect_left(moments, since)


def latest_seconds(end: float) -> list[tuple[float, float]]:
    """What the second may be that a page was told of last, and when a client came to count in it."""
    return [(end + late - length, end + late) for late in LATE for length in LENGTHS]


def windows(since: float, until: float, *lengths: float) -> list[tuple[float, float]]:
    """All of one of these lengths within that time."""
    return [(since + step / 10, since + step / 10 + length) for length in lengths
            for step in range(int((until - since - length) * 10))]


def test_lines_of_answers_from_memory_are_what_the_server_was_not_asked(browser, start, told):
    """One client asks the same again and again, in turns of eight seconds often and seldom; another one, before,
    meanwhile and after, is never answered from memory."""
    daemon = start("--cache", "on", "--staleness", "20s", upstream=told)
    browser.open(place(daemon))
    browser.see('[data-figure="hit-rate"]')
    reset(told)
    readings = []

    def look() -> bool:
        readings.append(now(browser, of_chart("Throughput"), of_chart("Answers from memory")))
        return time.time() > begun + 27

    with asking(daemon, lambda number: f"{ONCE}{number}", lambda: 0.05) as once:
        wait_until(lambda: len(once) > 30, 20, "more than a second of it")
        with asking(daemon, lambda _: AGAIN, lambda: 0.01 if time.time() % 16 < 8 else 0.06) as again:
            wait_until(lambda: how_many(again, time.time() - 1, time.time()) > 5, 20, "both ask")
            begun, missed = time.time(), told.counted("AS again")["calls"]
            wait_until(look, 60, "a while of it", interval=1)
        ended = len(once)
        wait_until(lambda: len(once) > ended + 30, 20, "more than a second of it")
    missed = told.counted("AS again")["calls"] - missed
    assert told.counted("AS once")["calls"] == len(once)
    assert missed < len(again) / 20, "a client that gets nothing else is answered from memory"
    truth = Asked(again, once, missed)
    chosen = [each for each in readings if each and each.end > begun + max(LENGTHS)]
    assert len(chosen) > 8, readings
    for each in chosen:
        rate, share = (line_in(text, name)[0] for text, name in zip(each.texts, ("from memory", "hit rate")))
        rates, shares = truth.bounds(latest_seconds(each.end))
        assert rates[0] * (1 - SHOWN) <= rate <= rates[1] * (1 + SHOWN), (each, rates)
        assert shares[0] * (1 - SHOWN) <= share <= shares[1] * (1 + SHOWN), (each, shares)
    wait_until(lambda: line(browser, "Throughput", "from memory")[0] == 0, 20, "nobody asks any more")
    wait_until(lambda: math.isnan(line(browser, "Answers from memory", "hit rate")[0]), 20, "nothing has no share")
    # One of the hour's points, of ten of these seconds each, is of nothing but this; the others of a part of it.
    show_an_hour(browser, "Throughput")
    rates, shares = truth.bounds(windows(begun, begun + 27, 8, 9, 10, 11))
    most_rates, _ = truth.bounds(windows(again[0], again[-1], 8, 9, 10, 11))
    most = line(browser, "Throughput", "from memory")[2]
    assert rates[0] * (1 - SHOWN) <= most <= most_rates[1] * (1 + SHOWN), (most, rates, most_rates)
    _, most_shares = truth.bounds(windows(again[0], again[-1], 1))
    most = line(browser, "Answers from memory", "hit rate")[2]
    assert shares[0] * (1 - SHOWN) <= most <= most_shares[1] * (1 + SHOWN), (most, shares, most_shares)


def test_the_line_of_waits_is_what_clients_wait_longer_than_the_server_takes(browser, start, counting):
    """Three clients on one backend: pgbench's latency is the wait and the sleep."""
    sleep = 0.2
    daemon = start("--pool-size", "1", "--pool-overflow", "0", upstream=counting)
    browser.open(place(daemon))
    browser.see('[data-figure="wait"]')
    reset(counting)
    with Pgbench(daemon, f"SELECT pg_sleep({sleep});\n", "--client=3", "--time=24", dbname=COUNTED) as running:
        readings = watch(running, browser, of_chart("Latency"))
        truth = running.result()
    by_server = counting.counted("pg_sleep")
    # A wait counts when it is over, and then the answer has still to come: the first ones had nobody to wait for.
    for each in steady(readings, truth.ended[2]):
        shown, *_ = line_in(each.texts[0], "wait for a backend")
        means = [mean for length in LENGTHS for mean in truth.means(each.last(length))]
        least = min(2 * by_server["mean"], min(means) - by_server["mean"])
        assert least * 0.85 <= shown <= (max(means) - sleep) * 1.05, (each, means, readings)
    wait_until(lambda: math.isnan(line(browser, "Latency", "wait for a backend")[0]), 20, "nobody waits any more")
    show_an_hour(browser, "Latency")
    most = line(browser, "Latency", "wait for a backend")[2]
    waits = statistics.mean(truth.seconds) - by_server["mean"]
    assert min(2 * by_server["mean"], waits) * 0.85 <= most <= max(truth.seconds) - sleep, most


# --- how old answers are


class Reader:
    """A client of one row that is written past Forebay."""

    def __init__(self, server, client) -> None:
        self._server, self._client = server, client
        self.write()

    def write(self) -> float:
        """When it had been done."""
        self._written = self._server.query(
            "UPDATE told SET words = md5(words) WHERE id = 1 RETURNING words", dbname=COUNTED)
        return time.monotonic()

    def read(self) -> list[tuple]:
        return self._client.execute(AGAIN).fetchall()

    def is_answered_from_memory(self) -> bool:
        calls = self._server.counted("AS again")["calls"]
        self.read()
        return self._server.counted("AS again")["calls"] == calls

    def learn(self) -> float:
        """What was written is seen, and comes from memory: so freshness was proved anew after the time that is
        returned ("No way back" in docs/freshness.md)."""
        def has_been_told():
            began = time.monotonic()
            return self.read() == self._written and began

        began = wait_until(has_been_told, 30, "the write is seen")
        wait_until(self.is_answered_from_memory, 30, "it is in memory")
        return began

    def get_old_answers(self, seconds: float) -> tuple[float, float]:
        """While nothing tells of changes. How old the last of them was: at least, and at most."""
        self.write()
        proved = self.learn()
        old = self._written
        with stream_stands_still(self._server):
            written = self.write()

            def age() -> float:
                asked = time.monotonic()
                assert self.read() == old
                return asked - written

            least = wait_until(lambda: (reached := age()) >= seconds and reached, 30, "an answer so old")
        self.learn()
        return least, time.monotonic() - proved


@contextlib.contextmanager
def stream_stands_still(server):
    [(pid,)] = server.query("SELECT active_pid FROM pg_replication_slots WHERE database = %s", (COUNTED,))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def proofs(server) -> int:
    """How often the server was asked where its log ends."""
    return server.query("SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements"
                        " WHERE query LIKE '%%pg_current_wal_insert_lsn() AS inserted%%'", dbname=COUNTED)[0][0]


def ages(browser) -> list[float]:
    """p50, p99, and the oldest."""
    text = browser.text('dt:text-is("Age of answers") + dd')
    return [number(each) for each in re.fullmatch("p50 (.*), p99 (.*), at most (.*)", text).groups()]


def test_ages_of_answers_are_those_of_old_answers_that_a_client_got(browser, start, told, connect):
    """The server's process that tells of changes stands still again and again: more than one age in a hundred is of
    these times, and only two are of the longest, as what was asked for at its beginning is as old at its end."""
    daemon = start("--cache", "on", "--staleness", "20s", upstream=told)
    browser.open(f"{place(daemon)}#/cache")
    reset(told)
    began = time.monotonic()
    reader = Reader(told, connect(daemon))
    wait_until(lambda: reader.learn() and proofs(told) > 150, 60, "ages, of which two are less than one in fifty")
    short = []
    while len(short) < 5 + proofs(told) / 100:
        short.append(reader.get_old_answers(1.2))
    longest = reader.get_old_answers(4)
    wait_until(lambda: reader.read() and ages(browser)[2] >= longest[0] * (1 - SHOWN), 20, "the latest figures")
    p50, p99, oldest = ages(browser)
    count, elapsed = proofs(told), time.monotonic() - began
    assert len(short) + 1 > count / 100 + 2, "what makes the 99th percentile one of the short ones"
    assert oldest <= longest[1] * (1 + SHOWN), (longest, oldest)
    least, most = min(each for each, _ in short), max(each for _, each in short)
    assert least * (1 - SHOWN) <= p99 <= most * (1 + SHOWN), (short, p99)
    running = elapsed - longest[0] - sum(each for each, _ in short)
    assert LEASE * (1 - SHOWN) <= p50 <= 2 * running / count, (running, count, p50)


# --- one statement


def seen(browser) -> list[float]:
    """When for the first and for the last time, in whole seconds since 1970."""
    text = browser.text('section[aria-labelledby="statement"] > .note:has-text("First seen")')
    return [moment(each) for each in re.search("First seen (.*), last seen (.*?)\\.", text).groups()]


def moment(text: str) -> float:
    return datetime.datetime.strptime(text, "%d/%m/%Y, %H:%M:%S").timestamp()


def is_within(shown: float, began: float, ended: float) -> bool:
    """Whole seconds are shown; instants are those at which rounds of the event loop begin."""
    return began - 1.05 <= shown <= ended + 0.05


def test_first_and_last_seen_are_when_clients_called(browser, start, counting, connect):
    daemon = start(upstream=counting)
    client = connect(daemon)

    def call() -> tuple[float, float]:
        began = time.time()
        client.execute("SELECT pg_sleep(0.1) AS seen")
        return began, time.time()

    first = call()
    client.execute("SELECT pg_sleep(2.5) AS meanwhile")
    last = call()
    client.execute("SELECT pg_sleep(2.5) AS meanwhile")
    open_statement(browser, place(daemon), "AS seen")
    told = seen(browser)
    assert is_within(told[0], *first) and is_within(told[1], *last), (told, first, last)
    later = call()
    wait_until(lambda: seen(browser)[1] > told[1], 20, "the latest figures", interval=0.2)
    assert seen(browser)[0] == told[0]
    assert is_within(seen(browser)[1], *later), (seen(browser), later)


def test_the_last_hour_has_the_calls_of_each_half_minute_and_their_mean(browser, start, counting, connect):
    """A point of one call that takes long; when it is there, the next half minute has just begun, which has many."""
    daemon = start(upstream=counting)
    client = connect(daemon)
    slow, quick, count = 0.4, 0.02, 75
    client.execute("SELECT 'tells when half minutes begin'")
    name = wait_until(lambda: api(place(daemon), "api/v1/statements")["statements"], 20, "a statement")[0]["id"]
    began = api(place(daemon), f"api/v1/statements/{name}")["explained"]["past"]["newest_began"]
    # A look that goes over an end would share out the one call.
    wait_until(lambda: 6 < (time.time() - began) % STRETCH < 18, STRETCH + 5, "a half minute without an end near it")
    waited = seconds_for(client, f"SELECT pg_sleep({slow}) AS often")
    open_statement(browser, place(daemon), "AS often")

    def wait_for(calls: int, timeout: float) -> None:
        wanted = pytest.approx(calls / STRETCH, rel=SHOWN)
        wait_until(lambda: line(browser, "Calls per second", "calls")[0] == wanted, timeout, f"{calls}", interval=0.1)

    wait_for(1, 2 * STRETCH + 20)
    reset(counting)
    waits = [seconds_for(client, f"SELECT pg_sleep({quick}) AS often") for _ in range(count)]
    by_server = counting.counted("AS often")
    assert by_server["calls"] == count
    wait_for(count, STRETCH + 30)
    assert line(browser, "Calls per second", "calls")[1:] == pytest.approx((1 / STRETCH, count / STRETCH), rel=SHOWN)
    latest, least, most = line(browser, "Time of a call", "mean")
    assert by_server["mean"] * (1 - SHOWN) <= latest <= statistics.mean(waits) * (1 + SHOWN)
    assert least == latest
    assert slow * (1 - SHOWN) <= most <= waited * (1 + SHOWN)


#: What it does not sleep is constant, and so worked out by the planner.
MEASURED = "SELECT pg_sleep({}) AS measured, md5(repeat('{}', {}))"
#: Which takes the planner a while.
LENGTH = 20_000_000


def test_planning_and_execution_of_a_measured_run_are_the_servers(browser, start, counting, connect):
    """At least what the statement sleeps, and what planning takes the server when it is asked directly; at most, and
    together, what is waited for the page."""
    daemon = start("--set", "http.anonymous=admin", upstream=counting)
    connect(daemon).execute(MEASURED.format(0.1, "x", 1))
    with psycopg.connect(counting.dsn(USER, COUNTED), autocommit=True) as direct:
        planning = min(planning_of(direct, MEASURED.format(0, "x", LENGTH)) for _ in range(5))
    open_statement(browser, place(daemon), "AS measured")
    browser.click('summary:has-text("Execute it once")')
    before = []
    for sleep, length in ((0.3, LENGTH), (0.9, LENGTH), (0.3, 1)):
        began = time.time()
        for which, value in enumerate((sleep, "x", length)):
            browser.do("fill", at=f".values label >> nth={which} >> input", text=str(value))
        browser.click('button:text("Execute and explain")')
        before = wait_until(lambda: (texts := browser.texts(".measured > .note")) != before and texts, 20, "the latest")
        elapsed = time.time() - began
        (told,) = before
        assert is_within(measured_at(browser), began, time.time())
        planned, executed = map(value_in, re.fullmatch("Planned in (.*), executed in (.*)\\.", told).groups())
        assert planned >= planning * 0.5 if length == LENGTH else planned < planning, (told, planning)
        assert executed >= sleep * (1 - SHOWN), told
        assert planned + executed <= elapsed * (1 + SHOWN), (told, elapsed)


def planning_of(direct, text: str) -> float:
    lines = [each for (each,) in direct.execute(f"EXPLAIN (ANALYZE) {text}")]
    return next(value_in(each) for each in lines if each.startswith("Planning Time"))


def measured_at(browser) -> float:
    return moment(browser.text(".measured h3").removeprefix("As it was executed at "))


def test_time_of_servers_in_what_repeats_is_what_the_server_and_the_client_measured(browser, start, counting, connect):
    """Not what goes on in between, nor what is asked alone."""
    counting.psql("CREATE TABLE pages AS SELECT 50 + i AS id FROM generate_series(1, 12) i;"
                  " CREATE TABLE notes AS SELECT 50 + i % 12 AS page, 'n' || i AS words FROM generate_series(1, 40) i;"
                  f" ALTER TABLE pages OWNER TO {USER}; ALTER TABLE notes OWNER TO {USER}", COUNTED)
    daemon = start(upstream=counting)
    client = connect(daemon)
    reset(counting)
    notes, waits = "SELECT pg_sleep({}), count(words) FROM notes WHERE page = {}", []
    for _ in range(3):
        with client.transaction():
            for (page,) in client.execute("SELECT id FROM pages").fetchall():
                waits.append(seconds_for(client, notes.format(0.06, page)))
                client.execute("SELECT pg_sleep(0.06) AS meanwhile")
    by_server = counting.counted("FROM notes")
    assert by_server["calls"] == len(waits) == 36
    client.execute("SELECT pg_sleep(0.3) AS meanwhile")
    client.execute(notes.format(0.5, 51))
    browser.open(f"{place(daemon)}#/statements")
    one = 'section[aria-labelledby="repeated"] li:has-text("FROM notes")'
    browser.see(one)
    assert browser.text(f'{one} .figure:has(dt:text-is("Executions")) strong') == "36"
    shown = value_in(browser.text(f'{one} .figure:has(dt:text-is("Time of servers")) strong'))
    assert by_server["total"] * (1 - SHOWN) <= shown <= sum(waits) * (1 + SHOWN), (by_server, shown, sum(waits))
