"""A daemon that has what one can have, while much goes wrong: promtool takes what it tells, and nearly
all rules of all sets fire under a real Prometheus.

Few of them as they are shipped, in times and in thresholds, are looked at in test_generated.py.
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import threading
import urllib.parse
import urllib.request

import psycopg
import pytest

from conftest import UPSTREAM, USER, Watching, generate, rules
from forebay_testing import ForebayDaemon, PostgresServer, ReplicaServer, free_port, wait_until

pytestmark = [
    pytest.mark.time_limit(240), pytest.mark.xdist_group("full_metrics"),
    pytest.mark.skipif(shutil.which("prometheus") is None or shutil.which("promtool") is None,
                       reason="prometheus is not installed (Debian: prometheus)")]

PROMISED = pathlib.Path(__file__).parents[1] / "http" / "metrics.txt"
OPEN = "application/openmetrics-text;version=1.0.0"
SETS = "[forebay, lms, bdc, classroom, prepnexus]"
#: Nothing is said of these in the first hour, by Forebay or by Prometheus.
AN_HOUR = {"memory-growth", "bdc-leak", "prepnexus-uptime"}
LONGEST = 10_000  #: ms that a rule's times may take as they are shipped; otherwise a second has to do
AS_SHIPPED = "cache-lease"  #: but for this one, which has a test of its own
#: What no cause can reach soon, or no test can cause on any machine. All other thresholds are as they are shipped.
LOWERED = {
    "idle-in-transaction": "warning: 2s", "server-idle-in-transaction": "warning: 2s",
    "server-long-transaction": "warning: 2s", "server-temporary-files": "info: 1MB", "server-slot": "warning: 1MB",
    "server-xids": "info: 0%", "processor": "warning: 1%", "lms-processors": "warning: 1%",
    "bdc-processors": "warning: 1%", "prepnexus-processors": "warning: 1%", "bdc-memory": "warning: 1%",
    "prepnexus-memory": "warning: 1%", "bdc-hit": "info: 0", "classroom-cached": "info: 0",
    "prepnexus-cached": "warning: 0", "prepnexus-health": "warning: 0"}
#: For signals that no rule of the sets watches; no growth of databases is told in the first ten minutes.
OWN = """
own-idle: {signal: server.idle_in_transaction_count, warning: 1, for: 1s}
own-size: {signal: server.database_size, warning: 1MB, for: 1s}
own-memory: {signal: process.memory, warning: 0%, for: 1s}
own-lease: {signal: cache.lease_age, warning: 2s, for: 1s}
"""
#: They are so with a machine, or stay when all causes below have gone.
LASTING = {
    "server-down", "replica-out", "server-xids", "server-dead-rows", "cache-troubled", "processor", "lms-processors",
    "bdc-processors", "prepnexus-processors", "bdc-memory", "prepnexus-memory", "own-size", "own-memory"}

#: Few buffers, so that a table does not fit; deadlocks are broken at once; slots for all streams that stand still.
SETTINGS = {"max_connections": 90, "shared_buffers": "2MB", "autovacuum": "off", "deadlock_timeout": "10ms",
            "max_replication_slots": 30, "max_wal_senders": 30}
MOST_CLIENTS = 40
BEYOND = 0.87  #: of what a server's connections and the daemon's files may be; there is room for those that come and go
SLOW = "SELECT pg_sleep(2.2)"  #: longer than slow calls and slow transactions have to be
KEPT = f"CREATE TABLE kept AS SELECT 1 AS id; ALTER TABLE kept OWNER TO {USER};"
DEAD = """
CREATE TABLE dead (id int);
INSERT INTO dead SELECT generate_series(1, 12000);
UPDATE dead SET id = id;
UPDATE dead SET id = id;
"""
WIDE = """
CREATE TABLE wide (text text) WITH (fillfactor = 10);
INSERT INTO wide SELECT repeat('x', 500) FROM generate_series(1, 2000);
"""


def alert_name(rule: str) -> str:
    return "Forebay" + rule.title().replace("-", "")


def configuration(primary, folder) -> str:
    """All sets, quicker where that has to be; databases with small pools, and one whose user may not decode."""
    shipped = folder / "shipped.yaml"
    shipped.write_text(UPSTREAM + f"alerts: {{rule_sets: {SETS}}}\n")
    pattern = r"^ +for: (\d+)ms\n +keep_firing_for: (\d+)ms\n +labels:\n.*\n +rule: \W?([\w-]+)"
    quicker = {}
    for hold, resolve_after, name in re.findall(pattern, generate("prometheus-rules", shipped), re.MULTILINE):
        quicker[name] = "".join(f"{key}: 1s, " for key, time in (("for", hold), ("resolve_after", resolve_after))
                                if int(time) > LONGEST)
    del quicker[AS_SHIPPED]
    overlaid = "\n".join(f"{name}: {{{times}{LOWERED.get(name, '')}}}" for name, times in quicker.items())
    asking = f"postgres://asking:{primary.passwords['asking']}@{primary.host}:{primary.port}"
    return (rules(OWN + overlaid, SETS) + "sampling: {interval: 1s}\n"
            f"users: {{{USER}: {{password: {primary.passwords[USER]}}}}}\n"
            "databases:\n"
            '  "*":\n'
            "  held: {database: shop, pool: {size: 2, overflow: 0}}\n"
            "  slow: {database: shop, pool: {size: 8, overflow: 0}}\n"
            f"  unread: {{upstream: '{asking}'}}\n")


class Prometheus:
    """A real one, which scrapes every second and applies the rules as often."""

    def __init__(self, stack: contextlib.ExitStack, folder, target: str, rules_file) -> None:
        self._place = f"127.0.0.1:{free_port()}"
        config = folder / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                          f"rule_files: ['{rules_file}']\n"
                          "scrape_configs:\n"
                          f"  - {{job_name: forebay, static_configs: [{{targets: ['{target}']}}]}}\n")
        self._log = folder / "prometheus.log"
        log = stack.enter_context(self._log.open("w"))
        self._process = stack.enter_context(subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address={self._place}"], stdout=log, stderr=log))
        stack.callback(self._process.terminate)

    def ask(self, path: str, **query):
        url = f"http://{self._place}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as reply:
            return json.load(reply)["data"]

    def has_scraped(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return bool(self.ask("query", query="up == 1")["result"])
        except OSError:
            return False

    def firing(self) -> list[dict]:
        """The labels of each alert."""
        return [alert["labels"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"]

    def fires(self, rule: str) -> bool:
        return any(labels["rule"] == rule for labels in self.firing())


@dataclasses.dataclass
class Faulty:
    watching: Watching
    prometheus: Prometheus
    causes: contextlib.ExitStack  #: they go when it is closed
    rules: str  #: for Prometheus
    lagging: str
    missing: str


@pytest.fixture(scope="module")
def servers():
    """A primary and its replica."""
    with PostgresServer(SETTINGS) as primary:
        for name in (USER, "asking"):
            primary.create_role(name)
        for name in ("shop", "silent", "unread", "wide"):
            primary.create_database(name, f"OWNER {USER}")
        primary.psql(KEPT + DEAD, dbname="shop")
        primary.psql(KEPT, dbname="silent")
        primary.psql(WIDE, dbname="wide")
        with ReplicaServer(primary, config=SETTINGS) as replica:
            replica.catch_up()
            yield primary, replica


@pytest.fixture(scope="module")
def faulty(servers, tmp_path_factory):
    primary, replica = servers
    folder = tmp_path_factory.mktemp("faulty")
    lagging, missing = f"{replica.host}:{replica.port}", f"127.0.0.1:{free_port()}"
    text = configuration(primary, folder)
    (folder / "forebay.yaml").write_text(UPSTREAM + text)
    (folder / "rules.yaml").write_text(generate("prometheus-rules", folder / "forebay.yaml"))
    flags = ["--threads", "2", "--admin", "127.0.0.1:0", "--cache", "on", "--cache-size", "1MiB", "--replica", lagging,
             "--replica", missing, "--set", f"limits.max_clients={MOST_CLIENTS}", "--set", "timeouts.wait=5min"]
    with contextlib.ExitStack() as stack:
        watching = Watching(stack.enter_context(ForebayDaemon(primary, flags, text)))
        up = f'forebay_server_state{{server="{lagging}",state="up"}}'
        wait_until(lambda: watching.metrics().get(up) == 1, 60, "the replica is up", interval=0.1)
        prometheus = Prometheus(stack, folder, watching.place, folder / "rules.yaml")
        causes = stack.enter_context(contextlib.ExitStack())
        cause_all(causes, watching, primary, replica)
        wait_until(prometheus.has_scraped, 60, "a scrape", interval=0.2)
        yield Faulty(watching, prometheus, causes, (folder / "rules.yaml").read_text(), lagging, missing)


def await_none(left, timeout: float, what: str) -> None:
    """Until left() is empty; otherwise tells what it is in the end."""
    try:
        wait_until(lambda: not left(), timeout, interval=0.5)
    except TimeoutError:
        raise AssertionError(f"{what}: {sorted(left())}") from None


# --- causes -----------------------------------------------------------------------------------------------


def send(client, text: str) -> None:
    """Nobody waits for the answer."""
    client.pgconn.send_query(text.encode())
    client.pgconn.flush()


def cause_all(causes: contextlib.ExitStack, watching, primary, replica) -> None:
    def through(database: str):
        return causes.enter_context(contextlib.closing(connect(watching.daemon, database)))

    def direct():
        return causes.enter_context(contextlib.closing(connect(primary, "shop")))

    replica.execute("SELECT pg_wal_replay_pause()")
    causes.callback(replica.execute, "SELECT pg_wal_replay_resume()")
    primary.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    causes.callback(primary.execute, "SELECT pg_drop_replication_slot('forgotten')")
    primary.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 2000000))")

    cache_much(through("shop"), watching)
    causes.callback(watching.daemon.console, "CACHE CLEAR")

    for client in [through("held") for _ in range(3)]:
        send(client, "BEGIN; SELECT 1")  # the third waits for one of the others
    direct().execute("SELECT pg_advisory_lock(7)")
    for session in [direct() for _ in range(32)]:
        send(session, "SELECT pg_advisory_xact_lock(7)")

    slow = [through(database) for database in 10 * ["slow"] + 4 * ["shop"]]
    quick = [through(database) for database in ("shop", "silent", "unread")]
    threads = causes.enter_context(contextlib.closing(Threads()))
    for client in slow:
        threads.begin(ask_slowly, client)
    threads.begin(ask_much, watching, primary, *quick)

    while watching.metrics()["forebay_clients_counted"] < MOST_CLIENTS - 1:
        through("shop")
    used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    while primary.query(used)[0][0] < BEYOND * SETTINGS["max_connections"]:
        direct()
    files, pid = resource.RLIMIT_NOFILE, watching.daemon.pid
    soft, hard = resource.prlimit(pid, files)
    resource.prlimit(pid, files, (int(watching.metrics()["process_open_fds"] / BEYOND), hard))
    causes.callback(resource.prlimit, pid, files, (soft, hard))


def connect(daemon, database: str):
    user = USER if isinstance(daemon, ForebayDaemon) else None
    return psycopg.connect(daemon.dsn(user, database), autocommit=True, prepare_threshold=None)


class Threads:
    """What goes on until close(), which raises what went wrong."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._threads = concurrent.futures.ThreadPoolExecutor(32)
        self._begun = []

    def begin(self, work, *arguments) -> None:
        self._begun.append(self._threads.submit(work, self._ended, *arguments))

    def close(self) -> None:
        self._ended.set()
        self._threads.shutdown()
        for each in self._begun:
            each.result()


def ask_slowly(ended: threading.Event, client) -> None:
    while not ended.is_set():
        client.execute(SLOW)


def cache_much(client, watching) -> None:
    """More than the cache has room for, of what is asked for again."""
    texts = [f"SELECT repeat('x', 6000) FROM kept WHERE id <> -{number}" for number in range(300)]

    def is_full() -> bool:
        for text in texts:
            client.execute(text)
        metrics = watching.metrics()
        return metrics["forebay_cache_size_bytes"] > 0.8 * metrics["forebay_cache_size_limit_bytes"]

    wait_until(is_full, 60, "the cache is full")


def ask_much(ended: threading.Event, watching, primary, shop, silent, unread) -> None:
    """Hits and misses, errors, questions for health; and past Forebay writes, sorts that spill, tables that do not fit,
    deadlocks. The server process that tells of changes to `silent` says nothing any more, and its successors neither.
    """
    with contextlib.ExitStack() as opened:
        wide, session, other = (opened.enter_context(connect(primary, database))
                                for database in ("wide", "shop", "shop"))
        session.execute("SET work_mem = '64kB'")
        tellers = "SELECT active_pid FROM pg_replication_slots WHERE database = 'silent' AND active"
        silenced = set()
        opened.callback(lambda: [signal_to(pid, signal.SIGCONT) for pid in silenced])
        numbers = itertools.count(1)
        while not ended.wait(0.2):
            for number in itertools.islice(numbers, 30):
                shop.execute(f"SELECT id FROM kept WHERE id <> -{number}")
            for _ in range(20):
                shop.execute("SELECT id FROM kept WHERE id <> 0")
            for _ in range(5):
                with contextlib.suppress(psycopg.errors.DivisionByZero):
                    unread.execute("SELECT 1/0")
            silent.execute("SELECT id FROM kept")
            if any(name.startswith('forebay_cache_lease_age_seconds{database="silent"') for name in watching.metrics()):
                for pid, in session.execute(tellers).fetchall():
                    signal_to(pid, signal.SIGSTOP)
                    silenced.add(pid)
            watching.get("/health")
            session.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")
            session.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 50000) AS n ORDER BY -n) AS sorted")
            wide.execute("SELECT count(*) FROM wide")
            lock_crosswise(session, other)


def signal_to(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(pid, number)


def lock_crosswise(one, other) -> None:
    one.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
    other.execute("BEGIN; SELECT pg_advisory_xact_lock(2)")
    send(one, "SELECT pg_advisory_xact_lock(2)")
    with contextlib.suppress(psycopg.errors.DeadlockDetected):
        other.execute("SELECT pg_advisory_xact_lock(1)")
    other.execute("ROLLBACK")
    while one.pgconn.get_result():
        pass
    one.execute("ROLLBACK")


# --- the page ---------------------------------------------------------------------------------------------

_SAMPLE = re.compile(r'((\w+)(?:\{\w+="(?:[^"\\]|\\[\\"n])*"(?:,\w+="(?:[^"\\]|\\[\\"n])*")*\})?) (\S+)')


def families(page: str) -> dict[str, list[str]]:
    """Lines of samples by family, as metrics.txt names it; their form and order are those that OpenMetrics asks for."""
    found, series = {}, set()
    for line in page.splitlines():
        words = line.split(" ")
        if line.startswith("# TYPE "):
            family, kind = words[2:]
            name = family + {"counter": "_total", "info": "_info"}.get(kind, "")
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert name not in found, line
            found[name] = []
        elif line.startswith("# UNIT "):
            assert words[2] == family and family.endswith("_" + words[3]), line
        elif not line.startswith("# "):
            parts = _SAMPLE.fullmatch(line)
            assert parts and parts[2] in [name + ending for ending in endings], line
            assert parts[1] not in series, line
            assert float(parts[3]) >= 0 or kind == "gauge", line
            series.add(parts[1])
            found[name].append(line)
    return found


def ask(watching, path: str, accept: str) -> tuple[str, str]:
    request = urllib.request.Request(f"http://{watching.place}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return reply.headers["Content-Type"], reply.read().decode()


def test_every_family_has_samples_and_promtool_and_prometheus_find_nothing_wrong(faulty):
    """In both forms; Prometheus asks for OpenMetrics, and knows units from nowhere else."""
    watching, prometheus = faulty.watching, faulty.prometheus
    promised = {line.split(" ")[0] for line in PROMISED.read_text().splitlines()}

    def without(names: set[str]) -> set[str]:
        return {name for name in promised if not {name, f"{name}_count"} & names}

    await_none(lambda: without({name.partition("{")[0] for name in watching.metrics()}), 60, "has no samples")
    page = watching.get("/metrics")
    checked = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

    kind, opened = ask(watching, "/metrics", OPEN)
    assert kind.startswith("application/openmetrics-text; version=1.0.0") and opened.endswith("\n# EOF\n")
    told = families(opened)
    assert told.keys() == promised and all(told.values())

    series = 'count by (__name__) ({job="forebay"})'

    def known() -> set[str]:
        return {each["metric"]["__name__"] for each in prometheus.ask("query", query=series)["result"]}

    await_none(lambda: without(known()), 60, "is not known to Prometheus")
    (target,) = prometheus.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert prometheus.ask("metadata")["forebay_client_sent_bytes"][0]["unit"] == "bytes"

    metrics = watching.metrics()
    for family in ("forebay_cache_hits_total", "forebay_cache_misses_total", "forebay_call_errors_total"):
        assert sum(value for name, value in metrics.items() if name.startswith(family)) > 0, family
    wait_until(lambda: watching.active("server-down"), 60, "an alert")
    assert watching.metrics()['forebay_alerts{alert="server-down",level="critical",state="active"}'] == 1


# --- the rules --------------------------------------------------------------------------------------------

#: Of some alerts the labels that tell their cause, and the worst that it comes to.
MARKS = {
    "pool-wait": {"database": "held"}, "pool-full": {"database": "held"}, "idle-in-transaction": {"database": "held"},
    "clients-full": {"severity": "critical"}, "query-errors": {"database": "unread", "severity": "critical"},
    "lms-p99": {"database": "shop", "severity": "critical"}, "classroom-query": {"database": "slow"},
    "bdc-hit-rate": {"database": "shop", "severity": "warning"}, "own-lease": {"database": "silent"},
    "cache-troubled": {"database": "unread"}, "server-blocked": {"severity": "critical"},
    "server-deadlocks": {"database": "shop", "severity": "warning"}, "server-hit-ratio": {"database": "wide"},
    "server-slot": {"slot": "forgotten"}, "server-dead-rows": {"database": "shop", "table": "public.dead"}}


def test_a_change_stream_that_stands_still_again_and_again_is_told_of_by_the_rule_as_it_is_shipped(faulty):
    """Each is given up after ten seconds, whereupon the lease had no age until the next one had proved something."""
    wait_until(lambda: faulty.prometheus.fires(AS_SHIPPED), 60, "it fires", interval=0.5)


def test_every_rule_that_a_cause_can_raise_fires_and_ends_with_it(faulty):
    """In Prometheus and in Forebay; last of all somebody pauses, which would hold up the causes."""
    watching, prometheus = faulty.watching, faulty.prometheus
    silent = AN_HOUR | {"paused"}
    expected = set(re.findall(r"rule: \W?([\w-]+)", faulty.rules)) - silent - {AS_SHIPPED}
    assert len(expected) > 50
    marks = MARKS | {"server-down": {"server": faulty.missing, "severity": "critical"},
                     "replica-out": {"server": faulty.lagging}, "replica-lag": {"server": faulty.lagging}}
    fired, raised, names = set(), set(), set()

    def missing() -> set[str]:
        for labels in prometheus.firing():
            names.add((labels["rule"], labels["alertname"]))
            if marks.get(labels["rule"], {}).items() <= labels.items():
                fired.add(labels["rule"])
        raised.update(alert["alert"] for alert in watching.alerts()["active"])
        return expected - (fired & raised)

    await_none(missing, 120, "is silent")
    assert not silent & (fired | raised)
    assert all(name == alert_name(rule) for rule, name in names)

    faulty.causes.close()
    await_none(lambda: {labels["rule"] for labels in prometheus.firing()} - LASTING, 90, "fires without a cause")
    watching.post("/api/v1/pause")
    wait_until(lambda: prometheus.fires("paused"), 60, "the pause fires", interval=0.2)
    watching.post("/api/v1/resume")
    wait_until(lambda: not prometheus.fires("paused"), 60, "it ends", interval=0.2)
