"""Runs pg_regress or pg_isolation_regress against an address and reads what it says."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from .build import Suites

SUITES = ("regress", "isolation")
# Lines of pg_regress in PostgreSQL 15, for a test alone and for one of a group:
#   test boolean                      ... ok           61 ms
#        char                         ... FAILED       26 ms
_RESULT = re.compile(r"^(?:test | {5})(\S+)\s+\.\.\. (ok|FAILED|failed \(ignored\))")


@dataclass(frozen=True)
class Address:
    """Where and as whom the tests connect."""

    host: str
    port: int
    user: str
    password: str


@dataclass
class Outcome:
    """What became of a suite. `results` holds the output of every test that ran, as <test>.out."""

    suite: str
    schedule: list[str]
    seconds: float = 0.0
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    is_timed_out: bool = False
    trouble: str = ""  #: what server or proxy did wrong beside answering
    log: str = ""
    results: pathlib.Path = pathlib.Path()

    @property
    def not_run(self) -> list[str]:
        known = {*self.passed, *self.failed}
        return [name for name in self.schedule if name not in known]


def schedule_of(suites: Suites, suite: str) -> list[str]:
    lines = _schedule_file(suites, suite).read_text().splitlines()
    groups = [line.removeprefix("test:").split() for line in lines if line.startswith("test:")]
    return [name for group in groups for name in group]


class Driver:
    """One run of one suite. `directory` belongs to the user that the tests (and the server) run as.

    credentials: arguments for subprocess.Popen, when that user is another one.
    """

    def __init__(
        self, suites: Suites, suite: str, address: Address, directory: pathlib.Path, credentials: dict
    ) -> None:
        self._suites = suites
        self._suite = suite
        self._address = address
        self._directory = directory
        self._credentials = credentials

    def run(self, tests: list[str], time_limit: float, on_result, on_time_limit) -> Outcome:
        """Runs the whole schedule, or only `tests` one after another.

        on_result(name, passed) is told about each test as it ends. After `time_limit` seconds on_time_limit() is
        called, while everything still stands as it stood, and then the tests are ended.
        """
        outcome = Outcome(self._suite, tests or schedule_of(self._suites, self._suite))
        outcome.results = self._directory / "results"
        started = time.monotonic()
        process = subprocess.Popen(
            self._command(tests),
            cwd=self._directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that psql and all can be ended with it
            **self._credentials,
        )

        def end() -> None:
            outcome.is_timed_out = True
            on_time_limit()
            os.killpg(process.pid, signal.SIGKILL)

        alarm = threading.Timer(time_limit, end)
        alarm.start()
        try:
            with process.stdout:
                self._read(process.stdout, outcome, on_result)
            process.wait()
        finally:
            alarm.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        outcome.seconds = time.monotonic() - started
        return outcome

    def _read(self, stream, outcome: Outcome, on_result) -> None:
        # A line is complete only when its test has ended: its beginning is printed before.
        for raw in stream:
            line = raw.decode(errors="replace")
            outcome.log += line
            found = _RESULT.match(line)
            if found:
                passed = found.group(2) == "ok"
                (outcome.passed if passed else outcome.failed).append(found.group(1))
                on_result(found.group(1), passed)

    def _command(self, tests: list[str]) -> list[str]:
        command = [
            self._suites.driver(self._suite, _DRIVERS[self._suite]),
            f"--inputdir={pathlib.Path(self._suites.tests, self._suite)}",
            f"--outputdir={self._directory}",
            f"--bindir={self._suites.programs}",
            f"--host={self._address.host}",
            f"--port={self._address.port}",
        ]
        if self._suite == "regress":
            command += [f"--dlpath={self._suites.libraries}", "--max-concurrent-tests=20"]
        return [*map(str, command), *(tests or [f"--schedule={_schedule_file(self._suites, self._suite)}"])]

    def _environment(self) -> dict[str, str]:
        # Whatever a developer has set for libpq would reach the tests.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        clean.pop("LANGUAGE", None)
        return clean | {
            "PGUSER": self._address.user,
            "PGPASSWORD": self._address.password,
            # Seconds after which a step that still waits is cancelled; after twice as long the test gives up.
            "PGISOLATIONTIMEOUT": "30",
            "LC_ALL": "C",
            "HOME": str(self._directory),  # no ~/.pgpass, no ~/.psqlrc
        }


_DRIVERS = {"regress": "pg_regress", "isolation": "pg_isolation_regress"}
_SCHEDULES = {"regress": "parallel_schedule", "isolation": "isolation_schedule"}


def _schedule_file(suites: Suites, suite: str) -> pathlib.Path:
    return pathlib.Path(suites.tests, suite, _SCHEDULES[suite])
