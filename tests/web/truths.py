"""What the figures of the pages are held against: pgbench, a server that counts statements, and the pages' units."""

import bisect
import math
import re
import statistics
import subprocess
import time

from browser import number_in
from forebay_testing import PostgresServer, postgres_binary, wait_until

COUNTED = "counted"  #: the database of a CountingServer that clients use
USER = "app"
RESOLUTION = 1 / 16  #: of percentiles, as docs/statements.md says
#: Three digits are shown.
SHOWN = 0.006
#: What the server says of those that are connected by TCP, without Forebay's own questions.
SESSIONS = ("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND client_port > 0"
            " AND application_name !~ '^forebay '")
_UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400,
          "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "%": 0.01}
_PART = re.compile(r"([\d,.]+) (" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")(?!\w)")


def value_in(text: str) -> float:
    """The first time, size or share in a text, in seconds, bytes or parts of one; not a number where there is none."""
    found = _PART.search(text)
    if not found:
        return float("nan")
    value = float(found.group(1).replace(",", "")) * _UNITS[found.group(2)]
    further = _PART.match(text, found.end() + 1)  # "2 min 3 s"
    return value + (value_in(further.group()) if further else 0)


def number(text: str) -> float:
    """With a unit or without."""
    value = value_in(text)
    return number_in(text) if math.isnan(value) else value


def line(browser, chart: str, name: str) -> tuple[float, float, float]:
    """Of the chart whose title begins so, in words: what a line is now, the least and the most that it was.
    Not numbers where there is none."""
    label = browser.do("attribute", at=f'[aria-label^="{chart}"]', name="aria-label").removesuffix(".")
    part = next(each for each in label.split(". ") if each.startswith(f"{name}: ")).removeprefix(f"{name}: ")
    found = re.fullmatch("(.*) now, between (.*) and (.*)", part)
    return tuple(map(number, found.groups())) if found else (math.nan,) * 3


def figure(browser, name: str, part: str = "strong") -> str:
    """Of the page that is open, what stands under that name; part: or beside it, "small"."""
    return browser.text(f'.figure:has(dt:text-is("{name}")) {part}')


def cells(browser, row: str) -> dict[str, str]:
    """The row of the page's table that has this text, by the headings; empty while there is none."""
    shown = browser.do("value", script=f"""(() => {{
        const row = [...document.querySelectorAll("tbody tr")].find((each) => each.innerText.includes({row!r}));
        const texts = (of) => [...of.cells].map((each) => each.innerText.replace(/[↓↑]/g, "").trim());
        return row ? [texts(row.closest("table").tHead.rows[0]), texts(row)] : [[], []];
    }})()""")
    return dict(zip(*shown))


def seconds_for(client, text: str) -> float:
    began = time.monotonic()
    client.execute(text)
    return time.monotonic() - began


def open_statement(browser, base: str, text: str) -> None:
    browser.open(f"{base}#/statements")
    browser.click(f'table a:has-text("{text}")')
    browser.see('section[aria-labelledby="statement"]', text)


class CountingServer(PostgresServer):
    """With pg_stat_statements."""

    def __init__(self) -> None:
        super().__init__({"shared_preload_libraries": "pg_stat_statements"})

    def prepare(self) -> None:
        self.create_role(USER)
        self.create_database(COUNTED, f"OWNER {USER}")
        self.execute("CREATE EXTENSION pg_stat_statements", dbname=COUNTED)

    def counted(self, part: str) -> dict[str, float]:
        """What the server says of the clients' statement with this in its text; times are in seconds."""
        rows = self.query(
            "SELECT calls, rows, total_exec_time / 1e3, min_exec_time / 1e3, max_exec_time / 1e3, mean_exec_time / 1e3"
            " FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid"
            " WHERE rolname = %s AND strpos(query, %s) > 0", (USER, part), dbname=COUNTED)
        assert len(rows) <= 1, rows
        return dict(zip(("calls", "rows", "total", "min", "max", "mean"), rows[0] if rows else [0] * 6))


class Pgbench:
    """Runs through a daemon in front of a server, in the background; its log has the latency of each transaction."""

    def __init__(self, daemon, script: str, *flags: str, **connection) -> None:
        folder = daemon.directory
        (folder / "script.sql").write_text(script)
        self._log = folder / "transactions"
        command = [postgres_binary("pgbench"), "--no-vacuum", f"--file={folder / 'script.sql'}", "--random-seed=1",
                   "--log", f"--log-prefix={self._log}", *flags, daemon.dsn(USER, **connection)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def is_running(self) -> bool:
        return self._process.poll() is None

    def result(self) -> "Result":
        said, _ = self._process.communicate(timeout=100)
        assert self._process.returncode == 0, said
        lines = self._log.with_name(f"{self._log.name}.{self._process.pid}").read_text().splitlines()
        return Result(said, [line.split() for line in lines])


class Result:
    """What pgbench counted and measured."""

    def __init__(self, said: str, lines: list[list[str]]) -> None:
        self.failed = sum(line[2] == "failed" for line in lines)
        done = sorted((int(line[4]) + int(line[5]) / 1e6, int(line[2]) / 1e6) for line in lines if line[2] != "failed")
        self.ended = [ended for ended, _ in done]  #: seconds since 1970
        self.seconds = [seconds for _, seconds in done]
        self.count = int(re.search(r"transactions actually processed: (\d+)", said).group(1))
        assert self.count == len(self.seconds)

    def within(self, since: float = 0, until: float = float("inf")) -> list[float]:
        """Of those that ended then."""
        return self.seconds[bisect.bisect_left(self.ended, since):bisect.bisect_right(self.ended, until)]

    def means(self, at: float) -> list[float]:
        """What the mean of the last five seconds can have been then."""
        return [statistics.mean(self.within(at - begin, at - end)) for begin, end in WINDOWS]


#: From and to how many seconds ago: windows that may be those of a page's means of five seconds, told once a second.
WINDOWS = tuple((begin, end) for end in range(3) for begin in range(end + 5, end + 8))


def percentile(values: list[float], share: float) -> float:
    """The least that at least that share does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def watch(running: Pgbench, read) -> list[tuple]:
    """When, and what read() returned each second while pgbench ran; without the first seven, in which windows of five
    seconds come to be full."""
    readings = []

    def has_ended() -> bool:
        readings.append((time.time(), read()))
        return not running.is_running()

    wait_until(has_ended, 60, "pgbench has ended", interval=1)
    chosen = [(at, value) for at, value in readings[:-1] if at >= readings[0][0] + 7]
    assert len(chosen) >= 3, readings
    return chosen
