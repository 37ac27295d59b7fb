"""More figures of the overview, of a statement's page, of what repeats and of pools, against what clients count and
measure, the server, the kernel and the configuration (C7, L17, P8).
"""

import bisect
import concurrent.futures
import contextlib
import dataclasses
import datetime
import http.server
import itertools
import operator
import re
import signal
import socket
import subprocess
import threading
import time

import psycopg
import pytest

from browser import number_in
from conftest import USER, place
from forebay_testing import ForebayDaemon, PostgresServer, ReplicaServer, wait_until
from forebay_testing.fixtures import drop_database
from forebay_testing.forebay import forebay_binary
from truths import (COUNTED, LENGTHS, SESSIONS, SHOWN, Now, Pgbench, Result, line_in, now, of_chart, of_figure,
                    open_statement, value_in)

pytestmark = pytest.mark.time_limit(150)


@pytest.fixture
def connect(counting):
    """connect(daemon, dbname=COUNTED): a client; all are closed with the test."""
    with contextlib.ExitStack() as opened:
        yield lambda daemon, dbname=COUNTED: opened.enter_context(connected(daemon, dbname))


def connected(daemon, dbname: str = COUNTED):
    return psycopg.connect(daemon.dsn(USER, dbname), autocommit=True, prepare_threshold=None)


def moment(text: str) -> float:
    return datetime.datetime.strptime(text, "%d/%m/%Y, %H:%M:%S").timestamp()


def is_within(shown: float, began: float, ended: float) -> bool:
    """Whole seconds are shown; instants are those at which rounds of the event loop begin."""
    return began - 1.05 <= shown <= ended + 0.05


# --- lights


@pytest.fixture
def second(counting):
    """Another database."""
    counting.create_database("second", f"OWNER {USER}")
    yield "second"
    drop_database(counting, "second")


@pytest.fixture
def others(start):
    """others(daemon): two consoles and two connections that say nothing; closed with the test."""
    with contextlib.ExitStack() as opened:
        def open_them(daemon) -> None:
            for _ in range(2):
                opened.enter_context(psycopg.connect(daemon.dsn(dbname="forebay"), autocommit=True))
                opened.enter_context(socket.create_connection((daemon.host, daemon.port)))

        yield open_them


def light(browser, name: str) -> str:
    """Why the overview says that this is well, or is not."""
    return browser.text(f'.lights li:has(.name:text-is("{name}")) .why')


def test_lights_tell_of_clients_backends_and_caches_as_the_server_does(browser, counting, second, start, connect,
                                                                       others):
    """What the limit is not for does not count towards it: consoles, and who has said nothing."""
    daemon = start("--cache", "on", "--set", "limits.max_clients=6", upstream=counting)

    def wait_for(name: str, truth, what: str) -> None:
        wait_until(lambda: light(browser, name) == truth(), 20, what, interval=0.1)

    def backends() -> str:
        in_use, there = (counting.query(f"{SESSIONS} AND {which}")[0][0] for which in ("state <> 'idle'", "true"))
        return f"nobody waits; {in_use} of {there} backends in use"

    def caches() -> str:
        [(count,)] = counting.query("SELECT count(*) FROM pg_replication_slots WHERE active")
        return f"fresh within its bound for {count} database{'s' * (count != 1)}"

    others(daemon)
    clients = [connect(daemon) for _ in range(4)]
    for client in clients:
        client.execute("BEGIN")
        client.execute("SELECT 1")
    browser.open(place(daemon))
    wait_for("Pools", backends, "what the server counts")
    assert backends().startswith("nobody waits; 4 of ")
    for client in clients[1:]:
        client.execute("COMMIT")
    wait_for("Pools", backends, "what the server counts")
    assert re.fullmatch("nobody waits; 1 of ([4-9]|1.) backends in use", backends()), "there are idle ones"
    wait_for("Clients", lambda: "4 of at most 6", "the clients that count")
    wait_for("Cache", caches, "the slots that are read")
    assert caches().endswith("for 1 database")
    assert browser.text('[data-figure="clients"]') == "8", "all that are connected"

    connect(daemon, second).execute("SELECT 1")
    wait_for("Clients", lambda: "5 of at most 6 (83.3 %)", "one client more")
    wait_until(lambda: caches().endswith("for 2 databases"), 20, "another cache")
    wait_for("Cache", caches, "the slots that are read")
    connect(daemon)
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        connect(daemon)
    wait_for("Clients", lambda: "6 of at most 6 (100 %)", "as many as there may be")


# --- a load, as it was told of


#: Of 400,000 bytes, so that they take Forebay time and memory: the same from memory, and others from the server.
AGAIN = "SELECT right(repeat(words, 12500), 400000) FROM gauged WHERE id = 1"
ONCE = "SELECT left(repeat(words, 12500), 400000) FROM gauged WHERE id = "
WRITE = "INSERT INTO entered VALUES (1)"
#: Seconds in which pgbench asks as well, and those after which nobody does; and from when on the page is looked at.
FIRST, BOTH, LOOKED_AT = 11, 17, 9.4


@dataclasses.dataclass
class Log:
    """When each question was sent, and when it had been answered."""

    sent: list[float] = dataclasses.field(default_factory=list)
    answered: list[float] = dataclasses.field(default_factory=list)

    def add(self, done: Result) -> None:
        """What pgbench sent later than it wanted to is taken to have been sent when it wanted to."""
        self.answered = sorted(self.answered + done.ended)
        self.sent = sorted(self.sent + [ended - seconds for ended, seconds in zip(done.ended, done.seconds)])

    def within(self, since: float, until: float) -> tuple[int, int]:
        """How many were counted then: at least, and at most."""
        surely = bisect.bisect_right(self.answered, until) - bisect.bisect_left(self.sent, since)
        perhaps = bisect.bisect_right(self.sent, until) - bisect.bisect_left(self.answered, since)
        return max(surely, 0), perhaps


@contextlib.contextmanager
def in_background(step, pause: float):
    """step() again and again, with so many seconds in between."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(pause):
            step()

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        done = threads.submit(run)
        try:
            yield
        finally:
            is_over.set()
        done.result(20)


@contextlib.contextmanager
def asking(daemon, text, pause: float):
    """A client asks text(1), text(2) …, with so many seconds in between. Yields a Log, which grows."""
    log, numbers = Log(), itertools.count(1)

    def ask() -> None:
        log.sent.append(time.time())
        client.execute(text(next(numbers)))
        log.answered.append(time.time())

    with connected(daemon) as client, in_background(ask, pause):
        yield log


@contextlib.contextmanager
def asking_the_kernel(daemon):
    """Fifty times a second. Yields when, processor time and memory, which grow."""
    told = []

    def look() -> None:
        told.append((time.time(), daemon.cpu_seconds(), daemon.rss_bytes()))

    with in_background(look, 0.02):
        yield told


@dataclasses.dataclass
class Reading:
    """What the page showed at one time, and of which seconds."""

    of: Now
    figures: dict[str, float]

    def windows(self, lengths: tuple | None) -> list[tuple[float, float]]:
        """That its figures may be of: all the seconds, or so many of the last ones. What was counted was read a little
        before the instant that is told."""
        begins = [self.of.begin] if lengths is None else [self.of.end - length for length in lengths]
        return [(begin - before, self.of.end - before) for begin in begins for before in (0, 0.02, 0.05, 0.1, 0.2)]


def read(browser) -> Reading:
    of = now(browser, of_figure("Throughput"), of_chart("Throughput, per second"), of_figure("Throughput", "small"),
             of_figure("Hit rate"), of_figure("Hit rate", "small"), of_chart("Forebay’s processor time, of one"),
             of_chart("Forebay’s memory"))
    rate, rates, in_all, hit_rate, note, processor, memory = of.texts
    return Reading(of, {
        "throughput": number_in(rate), "queries": line_in(rates, "queries")[0], "in all": number_in(in_all),
        "hit rate": value_in(hit_rate), "hits": number_in(note), "share": value_in(note.partition(", now ")[2]),
        "processor": line_in(processor, "processor")[0], "memory": line_in(memory, "memory")[0]})


moment_of = operator.itemgetter(0)


@dataclasses.dataclass
class Watched:
    """What clients asked; how many of the first kind went to the server, in all and while the page was looked at; what
    the kernel said; and what the page showed meanwhile and afterwards."""

    again: Log
    once: Log
    written: Log
    missed_in_all: int
    missed: int
    kernel: list[tuple[float, float, int]]
    readings: list[Reading]
    last: Reading
    version: str

    def asked(self, since: float, until: float) -> tuple[int, int]:
        """How many queries of all kinds: at least, and at most."""
        least, most = zip(*(log.within(since, until) for log in (self.again, self.once, self.written)))
        return sum(least), sum(most)

    def hits(self, since: float, until: float) -> tuple[int, int]:
        least, most = self.again.within(since, until)
        return max(least - self.missed, 0), most

    def seconds_of_processor(self, since: float, until: float) -> tuple[float, float]:
        """At least, and at most. What the kernel was asked at a moment it has answered before the next one."""
        def before(at: float) -> float:
            return self.kernel[max(bisect.bisect_right(self.kernel, at, key=moment_of) - 2, 0)][1]

        def after(at: float) -> float:
            return self.kernel[min(bisect.bisect_left(self.kernel, at, key=moment_of), len(self.kernel) - 1)][1]

        return max(before(until) - after(since), 0), after(until) - before(since)


@pytest.fixture(scope="module")
def watched(browser, counting):
    """Of a load that becomes less after a while."""
    counting.psql("CREATE TABLE gauged AS SELECT id, md5(id::text) AS words FROM generate_series(1, 1000) id;"
                  f" CREATE TABLE entered (number int); ALTER TABLE gauged OWNER TO {USER};"
                  f" ALTER TABLE entered OWNER TO {USER}; ANALYZE gauged", COUNTED)
    flags = ["--threads", "2", "--admin", "127.0.0.1:0", "--cache", "on", "--staleness", "20s"]
    with ForebayDaemon(counting, flags) as daemon, asking_the_kernel(daemon) as kernel:
        browser.open(place(daemon))
        browser.see('[aria-label^="Throughput"][aria-label*=" now"]')
        browser.see("dl.figures[data-end]")
        readings = []

        def look() -> bool:
            readings.append(read(browser))
            return time.time() > begun + BOTH

        def missed() -> int:
            return counting.counted("SELECT right(repeat(words")["calls"]

        with (asking(daemon, lambda _: WRITE, 0.008) as written,
              asking(daemon, lambda number: f"{ONCE}{number}", 0.25) as once,
              asking(daemon, lambda _: AGAIN, 0.03) as again):
            wait_until(lambda: read(browser).figures["hits"] > 20, 20, "answers from memory", interval=0.1)
            before, begun = missed(), time.time()
            options = ("--client=2", "--rate=800", f"--time={FIRST}")
            with Pgbench(daemon, f"{AGAIN};\n", *options, dbname=COUNTED) as often:
                wait_until(look, 60, "a while of it", interval=0.3)
                by_pgbench = often.result()
        again.add(by_pgbench)
        wait_until(lambda: read(browser).figures["queries"] == 0, 20, "nobody asks any more")
        last, version = read(browser), browser.see('section[aria-labelledby="process"] header .note')
    chosen = [each for each in readings if each.of.end > begun + LOOKED_AT]
    return Watched(again, once, written, missed(), missed() - before, kernel, chosen, last, version)


def check(watched: Watched, name: str, lengths: tuple | None, bounds) -> None:
    """Each time it is within those of one of the windows."""
    assert len(watched.readings) > 5
    for each in watched.readings:
        all_bounds = [bounds(*window) for window in each.windows(lengths)]
        least, most = min(low for low, _ in all_bounds), max(high for _, high in all_bounds)
        assert least * (1 - SHOWN) <= each.figures[name] <= most * (1 + SHOWN), (name, least, most, each)


one_load = pytest.mark.xdist_group("overview")


@one_load
def test_the_version_is_that_of_the_program(watched):
    told = subprocess.run([forebay_binary(), "--version"], check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"forebay \d+\.\d+\S*\n", told)
    assert watched.version == told.strip().replace("forebay", "Forebay")


@one_load
def test_throughput_is_what_clients_sent(watched):
    """Over five seconds, over the last one in the chart, and in all."""
    def rates(since: float, until: float) -> tuple[float, float]:
        least, most = watched.asked(since, until)
        return least / (until - since), most / (until - since)

    check(watched, "throughput", None, rates)
    check(watched, "queries", LENGTHS, rates)
    assert watched.last.figures["in all"] == sum(
        len(log.answered) for log in (watched.again, watched.once, watched.written))


@one_load
def test_the_share_of_all_queries_is_smaller_than_the_hit_rate_by_the_writes(watched):
    def rates(since: float, until: float) -> tuple[float, float]:
        (least, most), (fewest_misses, most_misses) = watched.hits(since, until), watched.once.within(since, until)
        return least / max(least + most_misses + watched.missed, 1), most / max(most + fewest_misses, 1)

    def shares(since: float, until: float) -> tuple[float, float]:
        (least, most), (fewest, most_of_all) = watched.hits(since, until), watched.asked(since, until)
        return least / max(most_of_all, 1), most / max(fewest, 1)

    assert watched.missed < len(watched.again.sent) / 20, "a client that gets nothing else is answered from memory"
    check(watched, "hit rate", None, rates)
    check(watched, "share", None, shares)
    assert all(each.figures["share"] < each.figures["hit rate"] for each in watched.readings)
    assert watched.last.figures["hits"] == len(watched.again.answered) - watched.missed_in_all


@one_load
def test_the_chart_of_processor_time_is_what_the_kernel_says(watched):
    def shares(since: float, until: float) -> tuple[float, float]:
        least, most = watched.seconds_of_processor(since, until)
        return least / (until - since), most / (until - since)

    check(watched, "processor", LENGTHS, shares)


@one_load
def test_the_chart_of_memory_is_what_the_kernel_says(watched):
    """It grows by what is kept."""
    for each in (*watched.readings, watched.last):
        sizes = [size for at, _, size in watched.kernel if each.of.end - 0.3 <= at <= each.of.end + 0.3]
        shown = each.figures["memory"]
        assert min(sizes) * (1 - SHOWN) <= shown <= max(sizes) * (1 + SHOWN), (min(sizes), max(sizes), each)
    assert watched.last.figures["memory"] - watched.readings[0].figures["memory"] > 3 * 2**20


# --- no figures


@contextlib.contextmanager
def refusing(port: int):
    """Who asks there for the stream is told that there is none. Yields when somebody did, which grows."""
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/api/v1/events":
                asked.append(time.time())
            self.send_error(503)

        def log_message(self, *_) -> None:
            pass

    with (http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer) as server,
          concurrent.futures.ThreadPoolExecutor(1) as threads):
        threads.submit(server.serve_forever, 0.05)
        try:
            yield asked
        finally:
            server.shutdown()


def test_the_last_figures_are_of_when_it_stopped_and_attempts_come_when_it_is_said(browser, start, server):
    """Nothing breaks when a process stands still: only silence tells. Words and timers may be a second or so late."""
    daemon = start()
    base = place(daemon)
    browser.open(base)
    browser.see('[data-figure="clients"]', "0")
    began = time.time()
    with psycopg.connect(daemon.dsn()):
        wait_until(lambda: browser.text('[data-figure="clients"]') == "1", 20, "the client is shown")
        daemon.signal(signal.SIGSTOP)
        stopped = time.time()
        try:
            told = browser.see('[role="status"]', "Not live")
        finally:
            daemon.kill()
    times = {time.strftime("%H:%M:%S", time.localtime(second)) for second in range(int(began), int(stopped) + 3)}
    assert re.search(r"The last figures are of (.*)\.", told).group(1) in times, (told, times)

    readings = []
    with refusing(int(base.rstrip("/").split(":")[-1])) as attempts:
        def has_kept_its_word() -> bool:
            """To wait for three seconds or more."""
            at, found = time.time(), re.fullmatch(r"Next attempt in (\d+) s\.", browser.text(".link p > span"))
            readings.extend([(at, int(found.group(1)))] if found else [])
            return any(seconds >= 3 and attempts and attempts[-1] > at + 1 for at, seconds in readings)

        wait_until(has_kept_its_word, 60, "a longer pause is over", interval=0.1)
    for at, seconds in readings[:-1]:
        assert any(seconds - 2 <= attempt - at <= seconds + 2 for attempt in attempts), (at, seconds, attempts)


# --- one statement


PLANNED = ("SELECT gauge_kinds.kind, count(*) FROM gauges JOIN gauge_kinds USING (kind) WHERE gauges.size = {}"
           " GROUP BY gauge_kinds.kind ORDER BY count(*) DESC")


def asked_at(browser) -> float:
    """0: it has not been asked."""
    notes = browser.texts('section[aria-labelledby="plan"] > header .note')
    return moment(notes[0].removeprefix("asked for at ")) if notes else 0


def first_seen(browser) -> float:
    note = browser.text('section[aria-labelledby="plan"] > p.note:has-text("For any values")')
    return moment(re.search(r"Since (.*)\.", note).group(1))


def explain_now(browser) -> float:
    """In another second than before; when the button was pressed. A server may have no backend to spare at once."""
    before = asked_at(browser)
    wait_until(lambda: time.time() > before + 1, 10, "another second")
    began = time.time()
    for _ in range(4):
        browser.click('button:text("Explain now")')
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: asked_at(browser) > before, 5, "a plan", interval=0.1)
            return began
    raise AssertionError("no plan in four attempts")


def steps_of(node: dict, whole: float) -> list[tuple]:
    """Of EXPLAIN's tree: kind, cost, per cent of the whole that are spent here where it is half of it, and rows."""
    below, rows = node.get("Plans", []), node["Plan Rows"]
    share = (node["Total Cost"] - sum(each["Total Cost"] for each in below)) / whole
    own = (node["Node Type"], pytest.approx(node["Total Cost"], rel=SHOWN),
           str(int(share * 100 + 0.5)) if share >= 0.5 else None, f"{rows:,} row{'s' * (rows != 1)}")
    return [own, *(step for each in below for step in steps_of(each, whole))]


def steps_shown(browser) -> list[tuple]:
    steps = '.plan[aria-label="Steps of the plan"] li'
    told = zip(browser.texts(f"{steps} > b"), browser.texts(f"{steps} > .soft"), strict=True)
    found = [(title, re.fullmatch(r"cost (\S+?)(?: \((\d+) % here\))?, ([\d,]+ rows?) expected", text))
             for title, text in told]
    return [(re.split(" on | using ", title)[0], number_in(each.group(1)), each.group(2), each.group(3))
            for title, each in found]


def test_a_plan_has_the_servers_costs_and_rows_and_the_times_at_which_it_was_asked(browser, start, counting, connect):
    counting.psql("CREATE TABLE gauges WITH (autovacuum_enabled = off) AS"
                  " SELECT i AS id, i % 5000 AS size, i % 300 AS kind FROM generate_series(1, 50000) i;"
                  " CREATE TABLE gauge_kinds WITH (autovacuum_enabled = off) AS"
                  f" SELECT i AS kind FROM generate_series(1, 300) i; ALTER TABLE gauges OWNER TO {USER};"
                  f" ALTER TABLE gauge_kinds OWNER TO {USER}; ANALYZE gauges, gauge_kinds", COUNTED)
    daemon = start("--set", "plans.slower_than=1h", "--set", "http.anonymous=admin", upstream=counting)
    connect(daemon).execute(PLANNED.format(7))
    with psycopg.connect(counting.dsn(USER, COUNTED), autocommit=True) as direct:
        direct.execute("SET plan_cache_mode = force_generic_plan")
        direct.execute(f"PREPARE same AS {PLANNED.format('$1')}")

        def by_server() -> list[tuple]:
            plan = direct.execute("EXPLAIN (FORMAT JSON) EXECUTE same(NULL)").fetchone()[0][0]["Plan"]
            return steps_of(plan, plan["Total Cost"])

        open_statement(browser, place(daemon), "FROM gauges JOIN")
        began = explain_now(browser)
        first, scanned = first_seen(browser), by_server()
        assert is_within(first, began, time.time()) and is_within(asked_at(browser), began, time.time())
        assert steps_shown(browser) == scanned
        assert any(step[0] == "Seq Scan" and step[2] for step in scanned), "a step that takes most of it"

        again = explain_now(browser)
        assert is_within(asked_at(browser), again, time.time())
        assert first_seen(browser) == first, "the plan is the same"

        counting.execute("CREATE INDEX ON gauges (size)", dbname=COUNTED)
        indexed = explain_now(browser)
        browser.see(".changes")
        for shown in (first_seen(browser), asked_at(browser)):
            assert is_within(shown, indexed, time.time())
        assert steps_shown(browser) == by_server() != scanned
    earlier = browser.text('details summary:has-text("Until")')
    until, cost = re.match(r"Until (\S+, \S+), cost (\S+): ", earlier).groups()
    assert is_within(moment(until), again, indexed)
    assert scanned[0][1] == number_in(cost)


def test_the_slowest_call_is_the_one_that_the_client_waited_for_longest(browser, start, counting, connect):
    """Neither the first nor the last."""
    daemon = start("--set", "statements.samples=on", "--set", "http.anonymous=admin", upstream=counting)
    client = connect(daemon)

    def call(seconds: float) -> tuple[float, float]:
        began = time.time()
        client.execute(f"SELECT pg_sleep({seconds}) AS slowest")
        return began, time.time()

    call(0.1)
    client.execute("SELECT pg_sleep(1.3) AS between")
    began, ended = call(0.8)
    client.execute("SELECT pg_sleep(1.3) AS between")
    call(0.2)
    open_statement(browser, place(daemon), "AS slowest")
    duration, at = browser.see('section[aria-labelledby="values"] > header .note').split(", ", 1)
    assert 0.8 * (1 - SHOWN) <= value_in(duration) <= (ended - began) * (1 + SHOWN), (duration, ended - began)
    assert is_within(moment(at), began, ended), (at, began, ended)


# --- what repeats


#: The page has the first twenty of these.
REPEATED = 24
HAS_ALL = "SHOW REPETITIONS has them all."


def repetitions(browser) -> dict[str, dict[str, list[str]]]:
    """By text: the figures of each that is listed, and what stands beside them."""
    return dict(browser.do("value", script="""[...document.querySelectorAll(".repetitions > li")].map((each) => [
        each.querySelector('[aria-label="Repeated statement"]').innerText.trim(),
        Object.fromEntries([...each.querySelectorAll(".figure")].map((one) => [
            one.querySelector("dt").innerText,
            [one.querySelector("strong").innerText, one.querySelector("small")?.innerText ?? ""]]))])"""))


def test_what_repeats_is_counted_as_the_client_ran_it_and_the_rest_is_told_of(browser, start, counting, connect):
    """Each statement, with another number of columns, another number of times, in one, two or three transactions."""
    counting.psql("CREATE TABLE leaves AS SELECT i AS page, 'n' || i AS words FROM generate_series(1, 50) i;"
                  f" ALTER TABLE leaves OWNER TO {USER}", COUNTED)
    daemon = start(upstream=counting)
    client, wanted = connect(daemon), {}
    for which in range(REPEATED):
        text = f"SELECT words{', page' * which} FROM leaves WHERE page = "
        times = [5 + which, 9 + which, 6][:1 + which % 3]
        for executions in times:
            with client.transaction():
                for page in range(executions):
                    client.execute(f"{text}{page}")
        windows = f"in {len(times)} window{'s' * (len(times) > 1)}"
        wanted[f"{text}$1"] = {"At most together": [str(max(times)), "executions"],
                               "Executions": [str(sum(times)), windows]}
        assert counting.counted(text)["calls"] == sum(times)
    browser.open(f"{place(daemon)}#/statements")
    rest = REPEATED - 20
    wait_until(lambda: browser.texts('section[aria-labelledby="repeated"] > p.note') == [f"And {rest} more: {HAS_ALL}"],
               20, "all of them", interval=0.2)
    shown = repetitions(browser)
    assert len(shown) == 20
    for text, figures in shown.items():
        assert {name: figures[name] for name in wanted[text]} == wanted[text], text


# --- pools


POOLS = """
databases:
  by_session: {{database: {0}, pool: {{mode: session}}}}
  by_statement: {{database: {0}, pool: {{mode: statement}}}}
  "*": {{}}
"""
WHERE = "SELECT inet_server_port()"


def pools(browser) -> set[tuple[str, ...]]:
    """Pool, server, for what, and mode, of the clients' user."""
    rows = browser.do("value", script="""[...document.querySelectorAll("tbody tr")].map((row) =>
        [...row.cells].slice(0, 4).map((each) => each.innerText.trim()))""")
    return {tuple(row) for row in rows if row[0].startswith(f"{USER}@")}


@contextlib.contextmanager
def pausing(daemon, name: str):
    daemon.console(f"PAUSE {name}")
    try:
        yield
    finally:
        daemon.console(f"RESUME {name}")


def test_pools_are_for_what_they_answer_in_the_mode_of_their_database_and_paused_when_they_were(
        browser, start, server, database):
    modes = {"by_session": "session", "by_statement": "statement", database: "transaction"}
    with ReplicaServer(server) as replica, contextlib.ExitStack() as opened:
        replica.catch_up()
        daemon = start("--replica", f"{replica.host}:{replica.port}", config=POOLS.format(database))
        clients = {name: opened.enter_context(psycopg.connect(
            daemon.dsn(USER, name, server.passwords[USER]), autocommit=True, prepare_threshold=None)) for name in modes}

        def port(name: str) -> int:
            return clients[name].execute(WHERE).fetchone()[0]

        def rows(name: str, *servers: tuple[PostgresServer, str]) -> set[tuple[str, ...]]:
            return {(f"{USER}@{name}", f"{each.host}:{each.port}", what, modes[name]) for each, what in servers}

        for client in clients.values():
            client.execute("CREATE TABLE IF NOT EXISTS on_the_primary ()")
        wanted = rows("by_session", (server, "all"))
        assert port("by_session") == server.port, "whoever keeps a backend reads from the primary"
        for name in ("by_statement", database):
            wait_until(lambda: port(name) == replica.port, 20, "it reads from the replica")  # noqa: B023
            wanted |= rows(name, (server, "all"), (replica, "reads"))
        browser.open(f"{place(daemon)}#/pools")
        wait_until(lambda: pools(browser) == wanted, 20, f"{wanted}", interval=0.2)

        with concurrent.futures.ThreadPoolExecutor(1) as threads, pausing(daemon, "by_statement"):
            answer = threads.submit(port, "by_statement")
            paused = {(*rest, "statement, paused" if mode == "statement" else mode) for *rest, mode in wanted}
            wait_until(lambda: pools(browser) == paused, 20, f"{paused}", interval=0.2)
            assert not answer.done() and port(database), "only that one is paused"
        assert answer.result(20)
        wait_until(lambda: pools(browser) == wanted, 20, f"{wanted}", interval=0.2)
