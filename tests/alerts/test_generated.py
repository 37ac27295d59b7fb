"""What is generated for others: promtool takes the rules, they fire under a real Prometheus, all names are known."""

import concurrent.futures
import contextlib
import json
import re
import shutil
import subprocess
import threading
import urllib.parse
import urllib.request

import psycopg
import pytest

from conftest import UPSTREAM, USER, generate, rules
from forebay_testing import PostgresServer, free_port, wait_until
from forebay_testing.forebay import forebay_binary

SETS = "[forebay, lms, bdc, classroom, prepnexus]"
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus is not installed (Debian: prometheus)")


@needs_prometheus
@pytest.mark.parametrize("sets", ["[]", "[forebay]", SETS])
def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path, sets):
    """Those of all profiles, too (L18, B18, C11, P8)."""
    config = tmp_path / "forebay.yaml"
    own = 'own: {signal: pool.use, warning: 80%, match: ["database=a\\"b.*", "user=x"], description: "say \\"so\\": #"}'
    config.write_text(UPSTREAM + rules(own, sets))
    file = tmp_path / "rules.yaml"
    file.write_text(generate("prometheus-rules", config))
    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    if sets == SETS:
        for name in ("ForebayServerDown", "ForebayLmsP99", "ForebayBdcHitRate", "ForebayClassroomLag",
                     "ForebayPrepnexusErrors"):
            assert f"alert: {name}\n" in file.read_text()


def test_mistakes_in_the_file_are_told(tmp_path):
    config = tmp_path / "forebay.yaml"
    config.write_text(UPSTREAM + rules("x: {signal: pool.us, warning: 80%}"))
    done = subprocess.run([forebay_binary(), "generate", "prometheus-rules", "--config", config],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "did you mean pool.use?" in done.stderr


class Prometheus:
    """A real one, which scrapes every second and applies the rules as often."""

    def __init__(self, folder, target: str, rules_file) -> None:
        self._folder, self._port = folder, free_port("127.0.0.1")
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{rules_file}']\n"
            "scrape_configs:\n"
            f"  - {{job_name: forebay, static_configs: [{{targets: ['{target}']}}]}}\n")

    def __enter__(self):
        self._log = (self._folder / "prometheus.log").open("w")
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={self._folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address=127.0.0.1:{self._port}"],
            stdout=self._log, stderr=self._log)
        wait_until(self._is_ready, 40, "Prometheus", interval=0.1)
        return self

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=5).status == 200
        except OSError:
            return False

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def ask(self, path: str, **query):
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as reply:
            return json.load(reply)["data"]

    def firing(self) -> list[dict]:
        return [alert for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"]


@needs_prometheus
@pytest.mark.time_limit(240)
def test_the_rules_fire_under_a_real_prometheus(start, connect, tmp_path, database):
    """The same fault raises the alert here and there, and each expression can be computed."""
    own = ("idle: {signal: transaction.idle, critical: 1s, for: 1s}\n"
           "errors: {signal: query.error_ratio, warning: 20%, for: 1s}\n"
           "slow: {signal: query.slow, warning: 1000}")
    watching = start("--cache", "on", config=rules(own, SETS))
    config = tmp_path / "forebay.yaml"
    config.write_text(UPSTREAM + rules(own, SETS))
    file = tmp_path / "rules.yaml"
    file.write_text(generate("prometheus-rules", config))
    with Prometheus(tmp_path, watching.place, file) as prometheus:
        client = connect(watching, prepare_threshold=None)
        wait_until(lambda: prometheus.ask("query", query="up == 1")["result"], 30, "a scrape", interval=0.2)
        holder = connect(watching, autocommit=False)
        holder.execute("SELECT 1")

        def fails():
            for _ in range(10):
                try:
                    client.execute("SELECT 1/0")
                except Exception:
                    pass
            return {alert["labels"]["alertname"] for alert in prometheus.firing()} >= {"ForebayIdle", "ForebayErrors"}

        wait_until(fails, 60, "both alerts fire in Prometheus", interval=0.5)
        idle = next(alert for alert in prometheus.firing() if alert["labels"]["alertname"] == "ForebayIdle")
        assert (idle["labels"]["severity"], idle["labels"]["database"]) == ("critical", database)
        # Prometheus may be quicker by the part of a second that lies between two rounds of Forebay's own.
        assert watching.await_active("idle")["level"] == "critical" and watching.await_active("errors")
        (group,) = prometheus.ask("rules")["groups"]
        sick = {rule["name"]: rule["lastError"] for rule in group["rules"] if rule["health"] == "err"}
        assert not sick and len(group["rules"]) > 40


#: Of three profiles' sets, as they are, and the level that a fault below reaches.
SHIPPED = {
    ("ForebayLmsErrors", "critical"), ("ForebayLmsP99", "critical"), ("ForebayLmsP95", "warning"),
    ("ForebayClassroomErrors", "warning"), ("ForebayClassroomQuery", "warning"), ("ForebayPrepnexusErrors", "warning"),
    ("ForebayPrepnexusQuery", "warning"), ("ForebayQueryErrors", "critical")}


#: Enough for a percentile within the window of ten seconds.
CLIENTS = 40


@needs_prometheus
@pytest.mark.time_limit(240)
def test_rules_as_they_are_shipped_fire_under_a_real_prometheus(start, tmp_path):
    """Slow and failing statements, then a server that is gone (L18, C11, P8); Forebay raises the same itself."""
    text = rules("own: {signal: paused, warning: true}", "[forebay, lms, classroom, prepnexus]")
    file = tmp_path / "rules.yaml"
    (tmp_path / "forebay.yaml").write_text(UPSTREAM + text)
    file.write_text(generate("prometheus-rules", tmp_path / "forebay.yaml"))
    with PostgresServer() as own:
        own.create_role(USER)
        watching = start("--pool-size", str(CLIENTS), upstream=own, config=text)
        with Prometheus(tmp_path, watching.place, file) as prometheus:

            def firing() -> set:
                return {(alert["labels"]["alertname"], alert["labels"]["severity"]) for alert in prometheus.firing()}

            def raised() -> set:
                named = {(each["alert"], each["level"]) for each in watching.alerts()["active"]}
                return {("Forebay" + name.title().replace("-", ""), level) for name, level in named}

            dsn = watching.daemon.dsn(user=USER, dbname="postgres", password=own.passwords[USER])
            ended = threading.Event()

            def ask_slowly_and_in_vain():
                with psycopg.connect(dsn, autocommit=True) as client:
                    while not ended.is_set():
                        client.execute("SELECT pg_sleep(2.1)")
                        with contextlib.suppress(psycopg.errors.DivisionByZero):
                            client.execute("SELECT 1/0")

            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
                asking = [threads.submit(ask_slowly_and_in_vain) for _ in range(CLIENTS)]
                try:
                    wait_until(lambda: SHIPPED <= firing(), 150, "all fire in Prometheus", interval=1)
                    wait_until(lambda: SHIPPED <= raised(), 20, "all are active in Forebay", interval=0.2)
                finally:
                    ended.set()
            for each in asking:
                each.result()
            down = ("ForebayServerDown", "critical")
            assert down not in firing() | raised()
            own.stop()
            wait_until(lambda: down in firing(), 60, "it fires in Prometheus", interval=0.5)
            wait_until(lambda: down in raised(), 20, "it is active in Forebay", interval=0.2)


@needs_prometheus
@pytest.mark.time_limit(240)
def test_rules_about_a_server_end_when_it_does_not_answer(start, tmp_path):
    """What it wrote within the window is still known to Prometheus then, and none of now."""
    text = "sampling: {interval: 1s}\n" + rules(
        "spill: {signal: server.temporary_bytes, warning: 1MB, for: 0, resolve_after: 0}\n"
        "ids: {signal: server.xids_used, warning: 0%, for: 0, resolve_after: 0}").replace("window: 10s", "window: 2min")
    file = tmp_path / "rules.yaml"
    (tmp_path / "forebay.yaml").write_text(UPSTREAM + text)
    file.write_text(generate("prometheus-rules", tmp_path / "forebay.yaml"))
    with PostgresServer() as own:
        watching = start(upstream=own, config=text)
        with Prometheus(tmp_path, watching.place, file) as prometheus:

            def firing() -> set:
                return {alert["labels"]["alertname"] for alert in prometheus.firing()}

            def is_told():
                own.execute("SET work_mem = '64kB'; SELECT count(*) FROM (SELECT n FROM generate_series(1, 200000) AS n"
                            " ORDER BY -n) AS sorted")
                return firing() == {"ForebaySpill", "ForebayIds"}

            wait_until(is_told, 60, "both fire in Prometheus", interval=1)
            # Prometheus may be quicker by the part of a second that lies between two rounds of Forebay's own.
            wait_until(lambda: watching.active("spill") and watching.active("ids"), 20, "both are active in Forebay")
            own.stop()
            wait_until(lambda: not firing(), 30, "neither fires any more", interval=0.5)
            within = "sum(increase(forebay_postgres_temporary_bytes_total[2m]))"
            (value,) = prometheus.ask("query", query=within)["result"]
            assert float(value["value"][1]) > 1e6, "it is still within the window"
            watching.await_resolved("spill")


def test_every_expression_names_metrics_that_there_are(start, connect, tmp_path):
    """Of the dashboard's panels and of the rules of all sets."""
    text = rules("own: {signal: pool.use, warning: 50%}", SETS)
    watching = start("--cache", "on", config=text)
    config = tmp_path / "forebay.yaml"
    config.write_text(UPSTREAM + text)
    client = connect(watching)
    client.execute("SELECT 1")
    known = set(re.findall(r"^# TYPE (\S+)", watching.get("/metrics"), re.MULTILINE))
    text = generate("grafana", config) + generate("prometheus-rules", config)
    named = set(re.findall(r"\b(?:forebay|process)_[a-z0-9_]+\b(?!\")", text))
    endings = re.compile(r"_(?:bucket|sum|count)$")
    unknown = {name for name in named if name not in known and endings.sub("", name) not in known}
    assert not unknown


def test_a_dashboard_and_rules_without_a_file_are_those_of_the_default(tmp_path):
    assert "ForebayServerDown" in generate("prometheus-rules")
    assert json.loads(generate("grafana"))["title"] == "Forebay"
