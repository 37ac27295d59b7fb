"""What the tests of alerts share: a daemon that watches, and somebody who is told."""

import contextlib
import json
import math
import re
import subprocess
import time
import urllib.error
import urllib.request

import psycopg
import pytest

from forebay_testing import ForebayDaemon, forebay_binary, wait_until

USER = "app"
RESOLUTION = 1 / 16  #: of percentiles, as docs/statements.md says
UPSTREAM = "upstream: postgres://forebay:secret@127.0.0.1:5432\n"
_PLACE = re.compile(r"HTTP is served on (\S+):(\d+)")


class Watching:
    """A ForebayDaemon that serves HTTP to administrators."""

    def __init__(self, daemon: ForebayDaemon) -> None:
        self.daemon = daemon
        found = wait_until(lambda: _PLACE.search(daemon.log()), 10, "HTTP is served")
        self.place = f"127.0.0.1:{found.group(2)}"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.place}{path}", timeout=20) as reply:
            return reply.read().decode()

    def alerts(self) -> dict:
        return json.loads(self.get("/api/v1/alerts"))["data"]

    def active(self, name: str) -> dict | None:
        return next((alert for alert in self.alerts()["active"] if alert["alert"] == name), None)

    def await_active(self, name: str, timeout: float = 30) -> dict:
        return wait_until(lambda: self.active(name), timeout, f"the alert {name}", interval=0.1)

    def await_resolved(self, name: str, timeout: float = 30) -> dict:
        def found():
            alerts = self.alerts()
            is_active = any(alert["alert"] == name for alert in alerts["active"])
            return not is_active and next((each for each in alerts["resolved"] if each["alert"] == name), None)

        return wait_until(found, timeout, f"the end of the alert {name}", interval=0.1)

    def values(self) -> dict[str, float]:
        """Of all that is active, by the rule; for rules of which one thing at most is beyond its limit."""
        return {alert["alert"]: alert["value"] for alert in self.alerts()["active"]}

    def post(self, path: str, **body) -> tuple[int, dict]:
        request = urllib.request.Request(f"http://{self.place}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def metrics(self) -> dict[str, float]:
        lines = [line for line in self.get("/metrics").splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def rules(text: str, sets: str = "[]", more: str = "") -> str:
    """A configuration whose rules are these lines, each `name: {…}`; `more`: further keys of `alerts`."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return f"http:\n  anonymous: admin\nalerts:\n  rule_sets: {sets}\n  window: 10s\n{more}  rules:\n{lines}"


def broken(*signals: str) -> str:
    """A rule of each signal's name with dashes, which any value breaks."""
    return "\n".join(f"{signal.replace('.', '-')}: {{signal: {signal}, warning: {limit}, for: 0, resolve_after: 0}}"
                     for signal, limit in (each.split("=") for each in signals))


def percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]


def generate(what: str, config=None) -> str:
    command = [forebay_binary(), "generate", what] + (["--config", config] if config else [])
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture
def start(server):
    """start(*flags, config=…): a Watching of the test's own, on two threads."""
    with contextlib.ExitStack() as running:

        def run(*flags, config: str, upstream=None) -> Watching:
            flags = ["--threads", "2", "--admin", "127.0.0.1:0", *flags]
            return Watching(running.enter_context(ForebayDaemon(upstream or server, flags, config)))

        yield run


@pytest.fixture
def connect(server, database):
    """connect(watching): a new client of the test's database; all are closed at the end."""
    with contextlib.ExitStack() as opened:

        def one(watching: Watching, **options):
            dsn = watching.daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
            options = {"autocommit": True, "connect_timeout": 20} | options
            return opened.enter_context(contextlib.closing(psycopg.connect(dsn, **options)))

        yield one


def quiet_for(seconds: float, condition) -> bool:
    """Whether `condition` stays false for so long: for what must not happen, there is no event to wait for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return False
        time.sleep(0.1)
    return True
