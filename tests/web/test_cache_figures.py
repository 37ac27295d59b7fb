"""What pages say of the cache, against what clients have sent and what of that came to the server (C7, L17, P8)."""

import concurrent.futures
import contextlib
import itertools
import os
import re
import signal
import statistics
import threading
import time

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import PostgresServer, wait_until
from truths import COUNTED, LATE, RESOLUTION, cells, figure, now, of_figure, open_statement, percentile, value_in

#: Twelve milliseconds of the server; with each number it is another question.
SLOW = "SELECT count(*) FROM stored WHERE md5(repeat(words, 50)) <> 'slow' AND id <> "
WARM = "SELECT words FROM stored WHERE id = 1"
#: Answers of 20,000 bytes, which fill a cache soon.
LARGE = "SELECT left(repeat(words, 625), 20000) AS large FROM stored WHERE id = "
LARGE_BYTES = 20_000
OVERHEAD_BYTES = 1024  #: at most, of an entry beside its answer

pytestmark = pytest.mark.time_limit(240)


@pytest.fixture(scope="module")
def stored(counting):
    """A table whose reading takes a while."""
    counting.psql("CREATE TABLE stored AS SELECT id, md5(id::text) AS words FROM generate_series(1, 5000) id;"
                  f" ALTER TABLE stored OWNER TO {USER}; ANALYZE stored", COUNTED)
    return counting


@pytest.fixture
def begin(start, stored):
    """begin(config=None): a client of a daemon whose cache is at work, and its address. The server counts from now."""
    with contextlib.ExitStack() as opened:
        def run(config: str | None = None):
            # So that a machine that stands still for a while ends nothing.
            daemon = start("--cache", "on", "--staleness", "20s", upstream=stored, config=config)
            base = place(daemon)
            client = opened.enter_context(psycopg.connect(daemon.dsn(USER, COUNTED), autocommit=True,
                                                          prepare_threshold=None))
            warm(client, base)
            stored.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)
            return client, base

        yield run


def hits(base: str) -> int:
    return sum(each["hits"] for each in api(base, "api/v1/cache")["databases"])


def warm(client, base: str) -> None:
    """The cache is at work, and what it has is proved to be fresh."""
    def is_from_memory() -> bool:
        before = hits(base)
        client.execute(WARM)
        return hits(base) > before

    wait_until(is_from_memory, 20, "an answer from memory")


def seconds_for(client, number: int) -> float:
    began = time.monotonic()
    client.execute(f"{SLOW}{number}")
    return time.monotonic() - began


def counts(browser) -> dict[str, int]:
    return {name: int(text.replace(",", "")) for name, text in cells(browser, COUNTED).items()
            if name in ("Hits", "Misses", "Entries", "Ended by writes", "Cannot be kept", "Shared waits")}


def test_hits_and_misses_are_what_was_sent_and_what_came_to_the_server(browser, begin, stored):
    client, base = begin()
    browser.open(f"{base}#/cache")
    browser.see("dl.figures[data-end]")  # its last minute has begun
    before, before_saved = counts(browser), value_in(figure(browser, "Time saved"))
    sent, waits, again = 0, [0.0] * 100, []  # the longest of each: that for the server
    for turn in range(4):
        for number in range(100):
            waited = seconds_for(client, number)
            waits[number] = max(waits[number], waited)
            again += [waited] if turn > 1 else []
            sent += 1
    for _ in range(30):
        client.execute("SELECT clock_timestamp()")
    by_server = stored.counted("md5")
    answered = sent - by_server["calls"]
    assert 200 < answered <= 300 and by_server["calls"] >= 100

    def grown() -> dict[str, int]:
        return {name: value - before[name] for name, value in counts(browser).items()}

    asked = time.time()
    wait_until(lambda: grown()["Cannot be kept"] >= 30 and now(browser).end > asked + 0.5, 20, "the latest figures",
               interval=0.2)
    assert grown() == {"Hits": answered, "Misses": by_server["calls"], "Entries": 100, "Ended by writes": 0,
                       "Cannot be kept": 30, "Shared waits": 0}
    after = counts(browser)
    of_all = after["Hits"] / (after["Hits"] + after["Misses"])
    assert value_in(cells(browser, COUNTED)["Hit rate"]) == pytest.approx(of_all, abs=0.001)
    assert int(browser.text('[data-figure="entries"]')) == before["Entries"] + 100
    # In the last minute: with what came before, for as long as that is not older.
    least, most = sorted((answered / sent, of_all))
    assert least - 0.02 <= value_in(figure(browser, "Hit rate")) <= most + 0.02
    within = value_in(figure(browser, "Answered within"))
    assert 0 < within <= percentile(again, 0.95) * (1 + RESOLUTION), "what is kept takes the client longer, never less"
    # At least what the server took by itself, at most what the client waited for it.
    least, most = answered * by_server["mean"] * 0.98, 3 * sum(waits) * 1.02
    saved = value_in(figure(browser, "Time saved"))
    assert least <= saved - before_saved <= most
    assert value_in(cells(browser, COUNTED)["Time saved"]) == saved
    browser.do("go", url=f"{base}#/")
    assert f"{before['Hits'] + answered} answered from memory" in browser.see('.figure:has([data-figure="hit-rate"])')
    assert value_in(browser.text('[data-figure="saved"]')) == saved
    told = browser.see('.slow li:has-text("FROM stored WHERE md5") span')
    assert f"in {by_server['calls']} calls of a server" in told, "no hits among them"

    open_statement(browser, base, "SELECT count(*) FROM stored")
    assert (figure(browser, "Calls"), figure(browser, "From memory")) == (str(sent), str(answered))
    assert least <= value_in(figure(browser, "From memory", "small")) <= most
    assert by_server["mean"] * 0.99 <= value_in(figure(browser, "Mean")) <= sum(waits) / 100 * 1.05, "no hits in it"
    browser.do("go", url=f"{base}#/statements")
    browser.see("table", "FROM stored")
    assert value_in(cells(browser, "FROM stored WHERE md5")["From memory"]) == pytest.approx(answered / sent, abs=0.001)


def test_what_writes_have_ended_is_what_has_to_be_asked_anew(browser, begin, stored):
    client, base = begin()
    for _ in range(3):
        for number in range(20):
            client.execute(f"{SLOW}{number}")
    new = stored.query("UPDATE stored SET words = words || '!' WHERE id = 1 RETURNING words", dbname=COUNTED)

    def is_known() -> bool:
        """Its new value comes from memory: the change has come by, for all that read the table."""
        before = hits(base)
        return client.execute(WARM).fetchall() == new and hits(base) > before

    wait_until(is_known, 20, "the write is known")
    browser.open(f"{base}#/cache")
    browser.see("table", COUNTED)
    before, calls = counts(browser), stored.counted("md5")["calls"]
    for number in range(20):
        client.execute(f"{SLOW}{number}")
    wait_until(lambda: counts(browser)["Misses"] - before["Misses"] >= 20, 20, "the latest figures")
    after = counts(browser)
    assert stored.counted("md5")["calls"] - calls == 20
    assert [after[name] - before[name] for name in ("Ended by writes", "Misses", "Hits")] == [20, 20, 0]


def test_hit_rate_and_time_saved_are_those_of_the_last_seconds(browser, begin, stored):
    """One client asks always anew, and another one thrice for what that had asked half a second before: who has had an
    answer of the server has none from memory for a moment. Times are at least what the server took by itself, and at
    most what the client waited."""
    client, base = begin()
    asked, again = [], []  # when it was answered, after how long, and how long when it was first asked
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            waited = seconds_for(client, len(asked))
            asked.append((time.time(), waited, None))

    def ask_again(other) -> None:
        for number in range(100_000):
            wait_until(lambda: len(asked) > number + 40 or is_over.is_set(), 40, "forty more")  # noqa: B023
            if is_over.is_set():
                return
            for _ in range(3):
                waited = seconds_for(other, number)
                again.append((time.time(), waited, asked[number][1]))

    def look() -> bool:
        readings.append(now(browser, of_figure("Hit rate"), of_figure("Hit rate", "small"),
                            of_figure("Time saved", "small"), of_figure("Latency")))
        return time.time() > began + 18

    browser.open(base)
    browser.see(".figures[data-end]")
    began, readings = time.time(), []
    with (psycopg.connect(client.info.dsn, password=client.info.password, autocommit=True,
                          prepare_threshold=None) as other,
          concurrent.futures.ThreadPoolExecutor(2) as threads):
        running = [threads.submit(ask), threads.submit(ask_again, other)]
        try:
            wait_until(look, 60, "a while of it", interval=1)
        finally:
            is_over.set()
        for each in running:
            each.result(40)
    by_server = stored.counted("md5")
    assert by_server["calls"] == len(asked), "what was asked before came from memory"
    asked += again
    chosen = [each for each in readings if each.begin >= began]
    assert len(chosen) > 5, readings
    for each in chosen:
        rate, saved, latency = (value_in(each.texts[at]) for at in (0, 2, 3))
        share = value_in(each.texts[1].split("now ")[-1])
        rates, saved_by_server, saved_by_client, waits = [], [], [], []
        for since, until in itertools.product(*([at + late for late in LATE] for at in (each.begin, each.end))):
            within = [(waited, first) for at, waited, first in asked if since <= at <= until]
            saved_waits = [first for _, first in within if first is not None]
            rates.append(len(saved_waits) / len(within))
            saved_by_server.append(len(saved_waits) * by_server["min"] / (each.end - each.begin))
            saved_by_client.append(sum(saved_waits) / (each.end - each.begin))
            waits.append(statistics.mean(waited for waited, first in within if first is None))
        assert min(rates) - 0.01 <= rate <= max(rates) + 0.01, (each, rates)
        assert min(rates) - 0.01 <= share <= max(rates) + 0.01, "nothing else was sent"
        assert by_server["min"] * 0.99 <= latency <= max(waits) * 1.05, (each, waits)
        assert min(saved_by_server) * 0.99 <= saved <= max(saved_by_client) * 1.05, each
    saved_waits = [first for _, _, first in asked if first is not None]

    def total() -> float:
        return value_in(browser.text('[data-figure="saved"]'))

    wait_until(lambda: total() >= by_server["mean"] * len(saved_waits) * 0.98, 20, "what the server would have taken")
    assert total() <= sum(saved_waits) * 1.05


def test_who_waited_for_anothers_answer_is_counted_once_each(browser, begin, stored):
    """One of six asks the server, which is kept from answering until the five are seen to wait."""
    client, base = begin()
    browser.open(f"{base}#/cache")
    browser.see("table", COUNTED)
    before = counts(browser)

    def grown(name: str) -> int:
        return counts(browser)[name] - before[name]

    def asked() -> int:
        return stored.query("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = %s"
                            " AND query LIKE %s", (USER, f"{SLOW}7%"))[0][0]

    with contextlib.ExitStack() as opened:
        leader, *followers = [opened.enter_context(psycopg.connect(
            client.info.dsn, password=client.info.password, autocommit=True)) for _ in range(6)]
        threads = opened.enter_context(concurrent.futures.ThreadPoolExecutor(6))
        blocker = opened.enter_context(psycopg.connect(stored.dsn(dbname=COUNTED)))
        blocker.execute("LOCK TABLE stored IN ACCESS EXCLUSIVE MODE")
        answers = [threads.submit(leader.execute, f"{SLOW}7")]
        wait_until(lambda: asked() == 1, 20, "the first one asks the server")
        answers += [threads.submit(each.execute, f"{SLOW}7") for each in followers]
        wait_until(lambda: grown("Shared waits") == 5, 20, "the others wait for its answer", interval=0.2)
        assert asked() == 1
        blocker.rollback()
        assert {answer.result(20).fetchone() for answer in answers} == {(4999,)}
    assert stored.counted("md5")["calls"] == 1
    wait_until(lambda: grown("Hits") == 5, 20, "they are answered from memory", interval=0.2)
    assert (grown("Misses"), grown("Shared waits"), grown("Entries")) == (1, 5, 1)


def test_what_gave_way_to_others_is_what_the_server_is_asked_for_again(browser, start, stored):
    """A cache with room for all is made smaller, and larger again: nothing else gives way while all is asked
    for anew."""
    daemon = start("--cache", "on", "--staleness", "30s", upstream=stored, config="cache: {size: 16MiB}\n")
    base = place(daemon)
    stored.execute("SELECT pg_stat_statements_reset()", dbname=COUNTED)

    def resize(size: str) -> None:
        daemon.config_path.write_text(f"cache: {{size: {size.replace(' ', '')}}}\n")
        daemon.reload()
        wait_until(lambda: figure(browser, "Memory", "small") == f"of {size}", 20, "its size", interval=0.2)

    def shown() -> tuple[int, int, float]:
        """Entries, how many gave way, bytes."""
        gone = figure(browser, "Entries", "small").removesuffix(" gave way to others")
        return int(browser.text('[data-figure="entries"]')), int(gone), value_in(figure(browser, "Memory"))

    def is_share_right(size: float, limit: int) -> bool:
        text = browser.text('section[aria-labelledby="store"] .share')
        share = pytest.approx(size / limit, rel=0.01)
        return text.endswith(" of cache.size in use") and value_in(text) == share

    def connect():
        return psycopg.connect(daemon.dsn(USER, COUNTED), autocommit=True, prepare_threshold=None)

    def ask_for_all() -> int:
        """How many of the hundred the server was asked for. Each by a client of its own: who has had an
        answer of the server has none from memory for a moment, as that might be older."""
        before = stored.counted("AS large")["calls"]
        for number in range(1, 101):
            with connect() as client:
                (answer,), = client.execute(f"{LARGE}{number}")
            assert len(answer) == LARGE_BYTES
        return stored.counted("AS large")["calls"] - before

    wait_until(lambda: ask_for_all() == 0, 30, "all come from memory")
    browser.open(f"{base}#/cache")
    browser.see("table", COUNTED)
    assert figure(browser, "Memory", "small") == "of 16 MiB"
    entries, gone, size = shown()
    assert (entries, gone) == (100, 0)
    assert 100 * LARGE_BYTES * 0.995 <= size <= 100 * (LARGE_BYTES + OVERHEAD_BYTES)
    assert is_share_right(size, 2**24)

    resize("1 MiB")
    entries, gone, size = shown()
    assert entries * LARGE_BYTES * 0.995 <= size <= min(entries * (LARGE_BYTES + OVERHEAD_BYTES), 2**20)
    assert is_share_right(size, 2**20)
    assert cells(browser, COUNTED)["Memory"] == figure(browser, "Memory")
    resize("16 MiB")
    with connect() as client:
        warm(client, base)  # while nobody asked, nothing was proved to be fresh
    assert gone == ask_for_all() == 100 - entries > 50
    wait_until(lambda: shown()[:2] == (101, gone), 20, "all are there again", interval=0.2)


def test_what_forebay_asks_by_itself_is_no_query_of_a_client(browser, begin, stored):
    """Throughput counted the answers that were asked for anew before their lifetime ended (refresh-ahead)."""
    client, base = begin("cache: {lifetime: 1200ms}\n")

    def queries() -> int:
        """As shown, once it is the latest."""
        def is_latest():
            shown = int(browser.text('.figure:has([data-figure="throughput"]) small').split()[1].replace(",", ""))
            return shown == api(base, "api/v1/overview")["traffic"]["queries"] and shown

        return wait_until(is_latest, 20, "the latest figures", interval=0.1)

    browser.open(base)
    browser.see('[data-figure="throughput"]')
    before, sent = queries(), 0

    def are_asked_anew() -> bool:
        nonlocal sent
        client.execute(f"{SLOW}1")
        sent += 1
        return stored.counted("md5")["calls"] >= 8

    wait_until(are_asked_anew, 30, "the same several times", interval=0.02)
    assert queries() - before == sent


def test_a_database_that_is_used_again_has_its_figures_since_the_start(browser, begin):
    """Its row began anew, under the words "since the start", while the overview's sums went on."""
    client, base = begin()
    again = {"conninfo": client.info.dsn, "password": client.info.password, "autocommit": True}
    for _ in range(20):
        client.execute(WARM)
    browser.open(f"{base}#/cache")
    assert "since the start" in browser.see('section[aria-labelledby="databases"]', COUNTED)
    before = counts(browser)["Hits"]
    assert before >= 20
    client.close()
    browser.see(".notice", "No database has a cache")
    with psycopg.connect(**again) as client:
        wait_until(lambda: client.execute(WARM) and cells(browser, COUNTED), 30, "its row is there again", interval=0.2)
        assert counts(browser)["Hits"] >= before


def test_what_was_saved_since_the_start_is_told_when_nobody_is_connected_any_more(browser, begin):
    """It was counted from nothing again when a database had had no client for ten seconds."""
    client, base = begin()
    for _ in range(3):
        for number in range(20):
            client.execute(f"{SLOW}{number}")
    browser.open(f"{base}#/cache")
    browser.see('[data-figure="entries"]')
    assert "since the start" in browser.see('section[aria-labelledby="store"]')
    saved = value_in(figure(browser, "Time saved"))
    assert saved > 0.3
    client.close()
    browser.see(".notice", "No database has a cache")
    browser.do("go", url=f"{base}#/")
    assert value_in(browser.see('[data-figure="saved"]')) >= saved
    note = browser.text('.figure:has([data-figure="hit-rate"]) small')
    assert int(re.search(r"(\d+) answered from memory", note).group(1)) >= 20


def test_the_lease_is_as_old_as_what_was_heard_last_of_the_server(browser, start):
    """The process there that tells of changes stands still; before the second lease no answer has an age."""
    with PostgresServer({"wal_level": "logical"}) as own:
        own.create_role(USER)
        own.execute(f"CREATE TABLE goods (id int); GRANT SELECT ON goods TO {USER}")
        daemon = start("--cache", "on", upstream=own)
        browser.open(f"{place(daemon)}#/cache")
        with psycopg.connect(daemon.dsn(USER), autocommit=True) as client:

            def ask() -> bool:
                client.execute("SELECT count(*) FROM goods")
                return True

            teller = "SELECT pid FROM pg_stat_replication"
            wait_until(lambda: ask() and own.query(teller), 30, "the stream", interval=0.05)
            (pid,), = own.query(teller)
            wait_until(lambda: ask() and "proved" in freshness(browser), 30, "a lease", interval=0.05)
            os.kill(pid, signal.SIGSTOP)
            try:
                own.execute("CREATE TABLE written (id int)")  # what has been told of covers all, until something comes
                stopped = time.monotonic()
                for seconds in (3, 8):
                    wait_until(lambda: ask() and lease(browser) >= seconds, 30, "an old lease", interval=0.05)
                    elapsed = time.monotonic() - stopped
                    assert elapsed - 6 <= lease(browser) <= elapsed + 2, "one every 50 ms; looked at every few seconds"
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_until(lambda: ask() and lease(browser) < 1, 30, "a new one", interval=0.05)


def freshness(browser) -> str:
    return browser.do("value", script="document.querySelector('.pairs')?.innerText ?? ''")


def lease(browser) -> float:
    return value_in(freshness(browser).split("proved ")[-1])
