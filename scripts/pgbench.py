"""One run of pgbench: its options, its progress while it runs, its figures afterwards."""

import collections
import contextlib
import re
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from forebay_testing import postgres_binary, temporary_directory

_PROGRESS = re.compile(r"progress: ([\d.]+) s, ([\d.]+) tps, lat ([\d.]+|NaN) ms")
_PROCESSED = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


class PgbenchError(RuntimeError):
    """pgbench could not run at all; the text holds its own words."""


@dataclass
class Figures:
    """What one run showed. Times in milliseconds."""

    transactions: int
    per_second: float
    failures: int  # failed transactions and clients that gave up
    errors: list[str]
    latencies: list[float] = field(repr=False)  # sorted

    @property
    def average(self) -> float:
        return sum(self.latencies) / len(self.latencies) if self.latencies else float("nan")

    def percentile(self, percent: float) -> float:
        """Nearest rank."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))]


class Pgbench:
    """A run that has been started. Use it as a context manager: leaving the block ends the program.

    connect_each: a connection per transaction. A latency is then the time from one completed transaction of a
    client to its next, so that it holds the connecting and disconnecting too, which pgbench's own latency does not.
    lead_in: seconds before the `seconds` that count, in which connections warm up.
    sampling: the part of the transactions whose latency is kept; 1 with connect_each or lead_in.
    """

    def __init__(self, dsn: str, options: list[str], seconds: int, clients: int, threads: int,
                 connect_each: bool = False, lead_in: int = 0, sampling: float = 1.0) -> None:
        self._seconds = seconds
        self._lead_in = lead_in
        self._connect_each = connect_each
        self._stack = contextlib.ExitStack()
        self._logs = self._stack.enter_context(temporary_directory("pgbench"))
        command = [
            # Ends with us, even if we are killed.
            "setpriv", "--pdeathsig", "KILL", postgres_binary("pgbench"), "--no-vacuum", "--progress=1",
            f"--time={lead_in + seconds}", f"--client={clients}", f"--jobs={threads}", "--log",
            f"--log-prefix={self._logs}/log", *options,
        ]
        if connect_each:
            command.append("--connect")
        if sampling < 1:
            command.append(f"--sampling-rate={sampling:g}")
        self._output = tempfile.TemporaryFile("w+")
        self._errors: list[str] = []
        self.process = subprocess.Popen(
            [*command, dsn], stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.PIPE)

    def __enter__(self) -> "Pgbench":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self._output.close()
        self._stack.close()

    def follow(self, on_progress=lambda per_second, latency: None, on_tick=lambda: None) -> None:
        """Returns when the run is over. on_progress is called each second of it, on_tick a few times a second."""
        pipe, rest = self.process.stderr, b""
        while True:
            ready = _readable(pipe, 0.2)
            on_tick()
            if not ready:
                continue
            read = pipe.read1(65536)
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                self._take(line.decode(errors="replace"), on_progress)
        self.process.wait()

    def run_for(self, seconds: float) -> None:
        """Lets it run for so long, or until its end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if _readable(self.process.stderr, 0.1):
                self.process.stderr.read1(65536)

    def figures(self) -> Figures:
        """After follow()."""
        self._output.seek(0)
        text = self._output.read()
        processed = _PROCESSED.search(text)
        if not processed:
            raise PgbenchError("pgbench: " + "\n".join(self._errors or [f"status {self.process.returncode}"]))
        rows = self._rows()
        gave_up = sum("aborted" in line for line in self._errors)
        failed = _FAILED.search(text)
        per_second = _TPS.search(text)  # is not printed when nothing was done
        return Figures(
            transactions=int(processed.group(1)),
            per_second=len(rows) / self._seconds if self._lead_in else float(per_second.group(1)) if per_second else 0,
            failures=gave_up + (int(failed.group(1)) if failed else 0),
            errors=self._errors,
            latencies=sorted(self._latencies(rows)),
        )

    def _take(self, line: str, on_progress) -> None:
        progress = _PROGRESS.search(line)
        if progress:
            on_progress(float(progress.group(2)), float(progress.group(3)))
        elif line.startswith("pgbench: error"):
            self._errors.append(line)

    def _rows(self) -> list[tuple[int, int, int]]:
        """Client, latency and moment of completion, both in microseconds, of every transaction that counts."""
        # client, transaction, microseconds, script, and the moment of completion in seconds and microseconds:
        # https://www.postgresql.org/docs/15/pgbench.html, Per-Transaction Logging
        words = (line.split() for file in self._logs.iterdir() for line in file.read_text().splitlines())
        rows = [(int(row[0]), int(row[2]), int(row[4]) * 1_000_000 + int(row[5])) for row in words]
        if not self._lead_in or not rows:
            return rows
        start = max(row[2] for row in rows) - self._seconds * 1_000_000
        return [row for row in rows if row[2] > start]

    def _latencies(self, rows: list[tuple[int, int, int]]) -> list[float]:
        if not self._connect_each:
            return [row[1] / 1000 for row in rows]
        ends = collections.defaultdict(list)
        for client, _, end in rows:
            ends[client].append(end)
        return [
            (later - earlier) / 1000
            for moments in map(sorted, ends.values()) for earlier, later in zip(moments, moments[1:])
        ]


def _readable(pipe, seconds: float) -> bool:
    poll = select.poll()  # select() ends at descriptor 1023, and the caller may hold thousands
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
