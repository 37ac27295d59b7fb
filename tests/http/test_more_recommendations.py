"""Recommendations that take a cluster, limits, a cache or days: their figures are held against what was done, then what
they say is done to the letter, and they go (B22, L17, C7, C10). The clock is set forward, or goes faster."""

import contextlib
import itertools
import re
import statistics
import threading
import time

import psycopg
import pytest

from conftest import USER, Http
from forebay_testing import PostgresServer, ReplicaServer, wait_until
from forebay_testing.boot_clock import BootClock

ADMIN = "http: {anonymous: admin}\n"
DAY = 86400
UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "days": DAY}
BYTES = {"kB": 1e3, "MB": 1e6}

pytestmark = pytest.mark.time_limit(300)


class Hurry:
    """Time goes by five times as fast for the processes that a BootClock is for, and clients ask meanwhile: each
    question between two leaps, so that none seems to have taken four seconds more."""

    def __init__(self, clock: BootClock) -> None:
        self._clock, self._turn, self._stop = clock, threading.Lock(), threading.Event()
        self._questions, self._asked, self._failures = {}, {}, []

    def __enter__(self):
        self._threads = [threading.Thread(target=self._guard, args=(run,)) for run in (self._leap, self._ask)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        assert not self._failures, self._failures

    def add(self, name: str, ask) -> None:
        self._asked.setdefault(name, [])
        self._questions[name] = ask

    @contextlib.contextmanager
    def nobody_asks(self):
        with self._turn:
            yield

    def made(self, name: str, seconds: float) -> tuple[tuple[int, int], tuple[float, float]]:
        """How often that was asked in so many seconds, and how long it took in all, each at least and at most: they
        end now, or before the longest pause since. While the machine stands still nobody asks, and nobody looks."""
        now, asked = self._clock.now(), list(self._asked[name])
        moments = [at for at, _ in asked if at > now - seconds] + [now]
        pause = max((after - before for before, after in itertools.pairwise(moments)), default=0)
        windows = [[took for at, took in asked if end - seconds < at <= end] for end in (now, now - pause)]
        counts, sums = [len(took) for took in windows], [sum(took) for took in windows]
        return (min(counts), max(counts)), (min(sums), max(sums))

    def means(self, name: str, seconds: float) -> tuple[float, float]:
        """Of what it took in as many questions as were asked in the last so many seconds: the least and the greatest,
        which a pause of the machine is in."""
        took = [each for _, each in self._asked[name]]
        [_, count], _ = self.made(name, seconds)
        means = [statistics.fmean(took[first:first + count]) for first in range(len(took) - count + 1)]
        return min(means), max(means)

    def _guard(self, run) -> None:
        try:
            run()
        except Exception as error:  # the test's thread fails by it
            self._failures.append(error)

    def _leap(self) -> None:
        while not self._stop.wait(1):
            with self._turn:
                self._clock.advance(4)

    def _ask(self) -> None:
        while not self._stop.wait(0.001):
            for name in list(self._questions):
                with self._turn:
                    began = time.perf_counter()
                    self._questions[name]()
                    self._asked[name].append((self._clock.now(), time.perf_counter() - began))
                time.sleep(0.001)  # for who waits for the turn


def told(http: Http, where: str, kind: str, about: str = "") -> dict | None:
    """The first recommendation of a kind, about this, in one of the lists."""
    return next((each for each in http.get("/api/v1/recommendations").data[where]
                 if each["kind"] == kind and about in each["id"]), None)


def awaited(http: Http, where: str, kind: str, about: str = "", seconds: float = 90) -> dict:
    return wait_until(lambda: told(http, where, kind, about), seconds, f"{kind} among {where}", interval=0.2)


def goes(http: Http, kind: str, about: str = "") -> None:
    wait_until(lambda: told(http, "open", kind, about) is None, 40, f"{kind} goes", interval=0.2)


def effect_of(done: dict, figure: str, unit: str) -> tuple[float, float]:
    """Before and after."""
    assert (done["outcome"], done["effect"]["figure"]) == ("done", figure), done
    assert done["effect"]["measured_seconds"] >= 60
    before, after = done["effect"]["before"], done["effect"]["after"]
    assert before["unit"] == after["unit"] == unit
    return before["value"], after["value"]


def number_in(text: str) -> int:
    return int(text.replace(",", ""))


def seconds_in(text: str) -> float:
    value, unit = text.split()
    return float(value.replace(",", "")) * UNITS[unit]


def bytes_in(text: str) -> float:
    value, unit = text.split()
    return float(value) * BYTES[unit]


def reload(daemon, http: Http, *parts: str) -> None:
    daemon.config_path.write_text(ADMIN + "".join(f"{part}\n" for part in parts))
    assert http.post("/api/v1/reload").data == {"reloaded": True, "needs_restart": []}


# --- servers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair():
    """A primary and its replica."""
    with PostgresServer() as primary, ReplicaServer(primary) as replica:
        primary.create_database("shop")
        replica.catch_up()
        yield primary, replica


def name_of(server) -> str:
    return f"{server.host}:{server.port}"


def test_servers_that_do_not_serve_and_what_keeps_clients_out_are_told_until_they_are_seen_to(start, pair):
    primary, replica = pair
    clock = BootClock()
    with clock.is_in_use():
        daemon = start("--replica", name_of(replica), "--set", "routing.max_lag=20s", upstream=primary)
    http = Http(daemon)
    wait_until(lambda: [row["state"] for row in daemon.show("topology")] == ["up", "up"], 20, "both are up")
    with Hurry(clock):
        check_a_replica_that_lags_and_a_database_that_is_disabled(clock, daemon, http, primary, replica)
        check_a_replica_that_is_gone_and_a_pause(daemon, http, replica)
        check_a_primary_that_is_gone(http, primary)


def check_a_replica_that_lags_and_a_database_that_is_disabled(clock, daemon, http, primary, replica) -> None:
    since = clock.now()
    replica.execute("SELECT pg_wal_replay_pause()")
    primary.execute("CREATE TABLE written (id int)")
    daemon.console("DISABLE shop")
    disabled = awaited(http, "open", "restricted-database")
    assert (disabled["urgency"], disabled["title"]) == ("now", "Let clients use shop again")
    assert disabled["evidence"] == "shop is disabled: new clients are refused."
    assert disabled["change"] == {"form": "console", "text": "ENABLE shop;"}
    lagging = awaited(http, "open", "replica-lagging")
    assert lagging["subject"] == {"server": name_of(replica)} and lagging["urgency"] == "soon"
    behind = re.fullmatch(r"It is (.+) behind the primary and answers no reads: "
                          r"it is more than 20000 ms behind the primary\.", lagging["evidence"])
    assert 20 <= seconds_in(behind[1]) <= clock.now() - since + 4
    with pytest.raises(psycopg.OperationalError, match="shop"):
        psycopg.connect(daemon.dsn(dbname="shop"))
    daemon.console(disabled["change"]["text"])
    psycopg.connect(daemon.dsn(dbname="shop")).close()
    replica.execute("SELECT pg_wal_replay_resume()")
    goes(http, "restricted-database")
    goes(http, "replica-lagging")


def check_a_replica_that_is_gone_and_a_pause(daemon, http, replica) -> None:
    replica.stop()
    daemon.console("PAUSE")
    paused = awaited(http, "open", "readiness")
    assert (paused["id"], paused["title"]) == ("readiness:paused", "End the pause")
    assert paused["evidence"] == "Readiness: all databases are paused."
    away = awaited(http, "open", "server-away")
    assert (away["subject"], away["title"]) == ({"server": name_of(replica)}, f"Bring {name_of(replica)} back")
    assert re.fullmatch(r"It is down: .+\. Others answer in its place\.", away["evidence"])
    daemon.console(paused["change"]["text"])
    replica.start()
    goes(http, "readiness")
    goes(http, "server-away")


def check_a_primary_that_is_gone(http, primary) -> None:
    primary.stop()
    gone = awaited(http, "open", "readiness")
    assert (gone["id"], gone["urgency"], gone["title"]) == ("readiness:no_primary", "now", "See to the primary")
    assert gone["evidence"].startswith(f"Readiness: {name_of(primary)} was the primary and is down: ")
    primary.start()
    goes(http, "readiness")


# --- limits ---------------------------------------------------------------------------------------------------------


def test_limits_that_hold_clients_up_are_told_and_the_gain_of_lifting_them_is_measured(
        start, connect, server, database):
    clock = BootClock()
    limits, narrow = "limits: {max_clients: 10}", f"databases: {{{database}: {{limits: {{max_backends: 1}}}}}}"
    with clock.is_in_use():
        daemon = start("--set", "timeouts.wait=1h", config="\n".join((ADMIN, limits, narrow)))
    http = Http(daemon)
    waiter = connect(daemon, user="alice", password=server.passwords["alice"])
    waiter.execute("SELECT 1")
    idle, *_ = [connect(daemon) for _ in range(7)]
    idle.execute("BEGIN; SELECT 1")
    since = clock.now()
    waiting = threading.Thread(target=lambda: waiter.execute("SELECT 2"))
    waiting.start()
    wait_until(lambda: any(pool["cl_waiting"] for pool in daemon.show("pools")), 20, "it waits")
    clock.advance(61)
    sleeps = check_who_is_idle_and_who_waits_for_it(clock, http, database, since)
    full = check_how_many_are_connected(daemon, http, connect)

    reload(daemon, http, limits)  # the pool may grow
    waiting.join(20)
    assert not waiting.is_alive()
    goes(http, "pool-held-back")
    idle.execute("ROLLBACK")
    reload(daemon, http, full["change"]["text"], sleeps["change"]["text"])
    assert connect(daemon).execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
    clock.advance(61)
    before, after = effect_of(awaited(http, "done", "client-limit"), "clients of the limit", "share")
    assert 0.8 <= before <= 1 and after == pytest.approx(11 / 20)
    before, after = effect_of(awaited(http, "done", "idle-transactions"), "longest time idle in a transaction",
                              "seconds")
    assert 61 <= before < clock.now() - since and after == 0
    assert told(http, "open", "client-limit") is None and told(http, "open", "idle-transactions") is None


def check_who_is_idle_and_who_waits_for_it(clock, http, database, since) -> dict:
    sleeps = awaited(http, "open", "idle-transactions")
    assert sleeps["id"] == f"idle-transactions:{USER}@{database}"
    assert sleeps["change"] == {"form": "yaml", "text": "timeouts:\n  idle_in_transaction: 1min"}
    idle_for = re.search(r"nothing in its transaction for (\S+ \w+): ", sleeps["evidence"])[1]
    assert 61 <= seconds_in(idle_for) <= clock.now() - since
    held = awaited(http, "open", "pool-held-back")
    assert (held["id"], held["change"]) == (f"pool-held-back:alice@{database}", None)
    waited = re.fullmatch(r"1 client waits for a backend, the first for (\S+ \w+); 0 of 60 backends are in use\.",
                          held["evidence"])[1]
    assert 61 <= seconds_in(waited) <= clock.now() - since
    return sleeps


def check_how_many_are_connected(daemon, http, connect) -> dict:
    near = awaited(http, "open", "client-limit")
    assert (near["evidence"], near["urgency"]) == ("8 of at most 10 are connected (80 %).", "soon")
    for _ in range(2):
        connect(daemon)
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        connect(daemon)
    full = wait_until(lambda: (one := told(http, "open", "client-limit")) and one["urgency"] == "now" and one, 20,
                      "it is full", interval=0.2)
    assert full["evidence"] == "10 of at most 10 are connected (100 %)."
    assert full["change"] == {"form": "yaml", "text": "limits:\n  max_clients: 20"}
    return full


# --- what servers say of themselves ---------------------------------------------------------------------------------


@pytest.fixture
def neglected():
    """A server with old transaction ids, dead rows and an index that is of no use; it says that it has run for nine
    days. What is prepared and forgotten keeps it from freezing."""
    config = {"autovacuum": "off", "autovacuum_freeze_max_age": 100_000, "synchronous_commit": "off"}
    with PostgresServer(config) as own:
        own.create_database("stock")
        own.psql("CREATE OR REPLACE FUNCTION pg_catalog.pg_postmaster_start_time() RETURNS timestamptz STABLE"
                 " LANGUAGE sql AS $$ SELECT now() - interval '9 days' $$;"
                 "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'forgotten';", dbname="stock")
        own.psql("DO $$ BEGIN FOR i IN 1..210000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
        own.psql("CREATE TABLE moves AS SELECT n AS id, repeat('x', 450) AS note FROM generate_series(1, 40000) n;"
                 "DELETE FROM moves WHERE id <= 24000;"
                 "CREATE TABLE archive AS SELECT n AS id, repeat(md5(n::text), 4) AS label"
                 " FROM generate_series(1, 110000) n; CREATE INDEX archive_label ON archive (label);", dbname="stock")
        yield own


def test_what_a_server_neglects_is_told_and_the_gain_of_seeing_to_it_is_measured(start, neglected):
    clock = BootClock()
    with clock.is_in_use():
        daemon = start(config="sampling: {interval: 1s}\n", upstream=neglected.url(dbname="stock"))
    http = Http(daemon)
    dead, old = check_dead_rows(http, neglected), check_transaction_ids(http, neglected)

    def eight_days_later() -> dict | None:
        clock.advance(8 * DAY)
        http.get("/api/v1/activity")  # somebody looks: the server is asked at once
        time.sleep(2)
        return told(http, "open", "unused-index")

    assert told(http, "open", "unused-index") is None
    unused = wait_until(eight_days_later, 40, "an index that nothing has used for eight days")
    size, = neglected.query("SELECT pg_relation_size('archive_label')", dbname="stock")[0]
    check_unused_index(unused, size)

    neglected.execute("ROLLBACK PREPARED 'forgotten'", dbname="stock")
    for found in (unused, dead, old):
        neglected.execute(found["change"]["text"], dbname="stock")

    def done(kind: str, about: str) -> dict | None:
        clock.advance(61)
        time.sleep(1.5)
        return told(http, "done", kind, about)

    after = [wait_until(lambda: done(*each), 40, each[0]) for each in (
        ("unused-index", "archive_label"), ("dead-rows", "moves"), ("transaction-ids", "stock"))]
    assert effect_of(after[0], "size of the index", "bytes") == (size, 0)
    assert effect_of(after[1], "dead rows", "rows") == (24_000, 0)
    before, now = effect_of(after[2], "age of the oldest transaction id", "ids")
    assert before > 210_000 > 10_000 > now
    assert not [kind for kind in ("unused-index", "dead-rows") if told(http, "open", kind)]
    assert told(http, "open", "transaction-ids", "stock") is None


def check_dead_rows(http, neglected) -> dict:
    found = awaited(http, "open", "dead-rows")
    size, = neglected.query("SELECT pg_table_size('moves')", dbname="stock")[0]
    assert (found["id"], found["title"]) == ("dead-rows:public.moves@stock", "Vacuum public.moves of stock")
    told_size = re.fullmatch(r"The server estimates 24,000 dead rows, 60 % of all, in (\S+ MB); "
                             r"never vacuumed since the server counts\.", found["evidence"])[1]
    assert bytes_in(told_size) == pytest.approx(size, rel=0.005)
    assert found["change"] == {"form": "sql", "text": "VACUUM (ANALYZE) public.moves;"}
    assert found["gain"]["value"] == pytest.approx(size * 0.6) and found["gain"]["unit"] == "bytes"
    return found


def check_transaction_ids(http, neglected) -> dict:
    found = awaited(http, "open", "transaction-ids", "stock")
    age, = neglected.query("SELECT age(datfrozenxid) FROM pg_database WHERE datname = 'stock'")[0]
    figures = re.fullmatch(r"Its oldest transaction id is ([\d,]+) old; autovacuum should have begun at 100,000\. "
                           r"The server takes no more writes after another ([\d,]+)\.", found["evidence"])
    told_age, left = (number_in(figure) for figure in figures.groups())
    assert age - 100 <= told_age <= age and left == 2**31 - 1 - 3_000_000 - told_age
    assert (found["urgency"], found["title"]) == ("soon", "Freeze the old rows of stock")
    assert found["change"] == {"form": "sql", "text": "VACUUM (FREEZE);"}
    assert (found["gain"]["value"], found["gain"]["unit"]) == (told_age, "ids")
    return found


def check_unused_index(found: dict, size: int) -> None:
    assert found["title"] == "Drop the index public.archive_label of stock"
    told_size = re.fullmatch(r"No scan has used it in at least 8 days; it takes (\S+ MB), and each write to archive "
                             r"has to keep it\.", found["evidence"])[1]
    assert bytes_in(told_size) == pytest.approx(size, rel=0.005)
    assert found["change"] == {"form": "sql", "text": "DROP INDEX CONCURRENTLY public.archive_label;"}
    assert (found["gain"]["value"], found["gain"]["unit"]) == (size, "bytes")


# --- the cache ------------------------------------------------------------------------------------------------------

DEAR = "SELECT count(*) FROM goods WHERE length(name) > 3"
CALLING = "SELECT sum(doubled(id)) FROM shelves"
NEVER_AGAIN = "SELECT name FROM goods WHERE id = %s"
IN_TURN = "SELECT body FROM notes WHERE id = %s"
TABLES = f"""
CREATE TABLE goods (id int PRIMARY KEY, name text);
INSERT INTO goods SELECT n, 'goods ' || n FROM generate_series(1, 40000) n;
CREATE TABLE shelves AS SELECT n AS id FROM generate_series(1, 8000) n;
CREATE TABLE notes AS SELECT n AS id, string_agg(md5((n * m)::text), '') AS body
  FROM generate_series(1, 700) n, generate_series(1, 48) m GROUP BY n;
ALTER TABLE notes ADD PRIMARY KEY (id);
CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2 * n; END $$;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {USER}; ANALYZE;
"""


@pytest.fixture
def poor():
    """A server that does not decode its changes."""
    with PostgresServer({"wal_level": "replica"}) as own:
        own.create_role(USER)
        own.create_database("shop", f"OWNER {USER}")
        own.psql(TABLES, dbname="shop")
        yield own


def check_rate(hurry: Hurry, name: str, evidence: str) -> None:
    """Calls and their time are what was asked then. A look is up to five seconds ago."""
    counted = re.search(r"([\d,]+) (?:calls|reads) .*took (\S+ \w+) of (?:servers'|their) time in the last (\S+ \w+)\.",
                        evidence)
    calls, took, period = number_in(counted[1]), seconds_in(counted[2]), seconds_in(counted[3])
    [fewest, most], [shortest, longest] = hurry.made(name, period)
    assert 0.75 * fewest <= calls <= 1.25 * most, evidence
    assert 0.3 * shortest < took < 1.25 * longest, evidence


class Caches:
    """Four Forebays side by side, whose clients ask: `off` has no cache, `ttl` keeps what has a lifetime, the server of
    `poor` tells of no changes, and `small` has too little room for what is asked for in turn."""

    def __init__(self, start, connect, server, database, poor) -> None:
        upstream = server.url(dbname=database)
        with_cache = ("--cache", "on", "--staleness", "30s")  # of a clock that hurries
        self.daemons = {"off": start(config=ADMIN + "cache: {enabled: off}\n", upstream=upstream),
                        "ttl": start(*with_cache, "--cache-level", "ttl", config=ADMIN, upstream=upstream),
                        "poor": start(*with_cache, config=ADMIN, upstream=poor.url(dbname="shop")),
                        "small": start(*with_cache, config=ADMIN + "cache: {size: 1MiB}\n", upstream=upstream)}
        self.http = {name: Http(daemon) for name, daemon in self.daemons.items()}
        self._connect, self._of_poor = connect, {"dbname": "shop", "password": poor.passwords[USER]}

    def connect(self, name: str):
        options = self._of_poor if name == "poor" else {}
        return self._connect(self.daemons[name], prepare_threshold=None, **options)

    def ask_by(self, hurry: Hurry) -> None:
        for name in ("off", "ttl", "poor"):
            hurry.add(name, asking(self.connect(name), DEAR))
        hurry.add("calling", asking(self.connect("small"), CALLING))  # a client that is held asks no cache
        client, numbers, others = self.connect("small"), itertools.count(), itertools.count(100_000)
        hurry.add("in turn", lambda: ask_all(client, IN_TURN, [1 + next(numbers) % 700 for _ in range(10)]))
        hurry.add("never again", lambda: ask_all(client, NEVER_AGAIN, [next(others) for _ in range(5)]))

    def told(self, name: str, kind: str) -> dict:
        return awaited(self.http[name], "open", kind)

    def apply(self, name: str, change: str) -> None:
        reload(self.daemons[name], self.http[name], change)

    def restart(self, name: str, change: str) -> None:
        self.daemons[name].config_path.write_text(ADMIN + change)
        self.daemons[name].restart()
        self.http[name] = Http(self.daemons[name])

    def hits(self, name: str) -> float:
        metrics = self.http[name].metrics()
        return sum(value for figure, value in metrics.items() if figure.startswith("forebay_cache_hits_total"))


def asking(client, text: str):
    return lambda: client.execute(text).fetchall()


def ask_all(client, text: str, values: list[int]) -> None:
    for value in values:
        client.execute(text, (value,)).fetchall()


def test_what_keeps_answers_out_of_memory_is_told_and_the_gain_of_seeing_to_it_is_measured(
        start, connect, server, database, poor):
    server.psql(TABLES, dbname=database)
    clock = BootClock()
    with clock.is_in_use():
        caches = Caches(start, connect, server, database, poor)
    with Hurry(clock) as hurry:
        caches.ask_by(hurry)
        level = check_cache_level(hurry, caches)  # takes a minute: all others are told by then
        off = check_cache_off(hurry, caches)
        lifetimes = check_lifetimes(hurry, caches, database)
        calling = check_cache_statement(hurry, caches)
        memory = check_cache_memory(hurry, caches)
        leave_out = check_leave_out(hurry, caches)

        took = hurry.means("calling", 60)  # an effect is measured over as long at least
        caches.apply("ttl", lifetimes["change"]["text"])
        caches.apply("small", memory["change"]["text"])
        server.execute("ALTER FUNCTION doubled(int) IMMUTABLE", dbname=database)
        with hurry.nobody_asks():
            poor.execute(level["change"]["text"])
            poor.restart()
            with clock.is_in_use():
                caches.restart("off", off["change"]["text"])
            hurry.add("off", asking(caches.connect("off"), DEAR))
        check_gains(caches, took)
        caches.apply("small", f'{memory["change"]["text"]}\n{leave_out["change"]["text"]}')
        wait_until(lambda: told(caches.http["small"], "open", "leave-out") is None, 40, "it is left out", interval=0.2)


def check_cache_off(hurry: Hurry, caches: Caches) -> dict:
    found = caches.told("off", "cache-off")
    assert found["title"] == "Answer repeated reads from memory"
    check_rate(hurry, "off", found["evidence"])
    assert found["change"] == {"form": "yaml", "text": "cache:\n  enabled: auto"}
    assert found["gain"]["unit"] == "server_seconds_per_hour" and found["gain"]["value"] >= 36
    return found


def check_lifetimes(hurry: Hurry, caches: Caches, database: str) -> dict:
    found = caches.told("ttl", "lifetimes")
    assert found["title"] == f"Say how long results of {database} may be kept"
    check_rate(hurry, "ttl", found["evidence"])
    assert found["change"] == {"form": "yaml", "text": f'policies:\n  "{database}-reads":\n    relations: ["goods"]\n'
                                                       "    lifetime: 5s"}
    return found


def check_cache_statement(hurry: Hurry, caches: Caches) -> dict:
    found = caches.told("small", "cache-statement")
    assert found["title"] == f"Make this fit to be kept in memory: {CALLING}"
    why = "doubled() may depend on more than its arguments"
    assert found["evidence"].startswith(f"Its results are not kept: {why}. ")
    check_rate(hurry, "calling", found["evidence"])
    assert found["change"] == {"form": "sql", "text": f"EXPLAIN (FOREBAY) {CALLING};"}
    assert caches.connect("small").execute(found["change"]["text"]).fetchone() == (f"Kept: no; {why}",)
    return found


def check_cache_memory(hurry: Hurry, caches: Caches) -> dict:
    found = caches.told("small", "cache-memory")
    figures = re.fullmatch(r"It is full \((\S+ \w+)\), let ([\d,]+) entries go in the last (\S+ \w+), and answered "
                           r"<?(\d+) % of ([\d,]+) look-ups\.", found["evidence"])
    assert 0.9 * 2**20 < bytes_in(figures[1]) <= 2**20 * 1.005
    asked = {"in turn": 10, "never again": 5}  # at a time
    made = {name: hurry.made(name, seconds_in(figures[3]))[0] for name in asked}
    fewest, most = (sum(many * made[name][which] for name, many in asked.items()) for which in (0, 1))
    assert 0.75 * fewest <= number_in(figures[5]) <= 1.25 * most and int(figures[4]) < 50
    assert 0 < number_in(figures[2]) <= most
    assert found["change"] == {"form": "yaml", "text": "cache:\n  size: 2MiB"}
    return found


def check_leave_out(hurry: Hurry, caches: Caches) -> dict:
    text = NEVER_AGAIN.replace("%s", "$1")
    found = wait_until(lambda: (one := told(caches.http["small"], "open", "leave-out"))
                       and one["subject"]["statement"] == text and one, 40, "leave-out", interval=0.2)
    assert found["title"] == f"Do not keep results of this: {text}"
    figures = re.fullmatch(r"Of its last ([\d,]+) kept results 0 were asked for again; of ([\d,]+) calls in the last "
                           r"(\S+ \w+) 0 were answered from memory\.", found["evidence"])
    assert number_in(figures[1]) >= 512
    [fewest, most], _ = hurry.made("never again", seconds_in(figures[3]))
    assert 0.75 * 5 * fewest <= number_in(figures[2]) <= 1.25 * 5 * most
    assert re.fullmatch(rf'policies:\n  leave-out-[0-9a-f]{{8}}:\n    statement: "{re.escape(text)}"\n    keep: false',
                        found["change"]["text"])
    return found


def check_cache_level(hurry: Hurry, caches: Caches) -> dict:
    found = caches.told("poor", "cache-level")
    assert found["title"] == "Let the cache of shop prove its freshness"
    figures = re.fullmatch(r"It runs at the level ttl: wal_level is replica, not logical; no outbox is installed\. "
                           r"([\d,]+) queries a second were asked in the last (\S+ \w+)\.", found["evidence"])
    seconds = seconds_in(figures[2])
    [fewest, most], _ = hurry.made("poor", seconds)
    # The figure is told without decimals.
    assert min(0.75 * fewest / seconds, fewest / seconds - 0.5) <= number_in(figures[1])
    assert number_in(figures[1]) <= max(1.25 * most / seconds, most / seconds + 0.5)
    assert found["change"] == {"form": "sql", "text": "ALTER SYSTEM SET wal_level = logical;"}
    return found


def check_gains(caches: Caches, calling: tuple[float, float]) -> None:
    """calling: what one of those calls took."""
    before, after = effect_of(awaited(caches.http["small"], "done", "cache-statement"), "servers' time for each call",
                              "milliseconds")
    assert 0.5 * calling[0] * 1000 <= before <= 1.5 * calling[1] * 1000 and after < before / 3
    before, after = effect_of(awaited(caches.http["small"], "done", "cache-memory"), "answers from memory", "share")
    assert before < 0.45 and 0.5 < after <= 2 / 3 + 0.1, "of three look-ups two are for what is asked for in turn"
    before, after = effect_of(awaited(caches.http["poor"], "done", "cache-level"), "answers from memory", "share")
    assert before == 0 and after > 0.7
    before, after = effect_of(awaited(caches.http["ttl"], "done", "lifetimes"), "answers from memory", "share")
    assert before == 0 and after > 0.9, "all is asked for again and again"
    assert caches.hits("off") > 0 and caches.hits("ttl") > 0
    for name, kind in (("off", "cache-off"), ("ttl", "lifetimes"), ("small", "cache-statement"),
                       ("small", "cache-memory"), ("poor", "cache-level")):
        assert told(caches.http[name], "open", kind) is None, kind
