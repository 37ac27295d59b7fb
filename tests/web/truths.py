"""What the figures of the pages are held against: pgbench, a server that counts statements, and the pages' units."""

import bisect
import dataclasses
import json
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
    return line_in(browser.do("attribute", at=f'[aria-label^="{chart}"]', name="aria-label"), name)


def line_in(label: str, name: str) -> tuple[float, float, float]:
    label = label.removesuffix(".")
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

    def windows(self, of: "Now") -> list[list[float]]:
        """What a page's figures of that time can be of: those whose answers Forebay saw end then. pgbench has read
        these answers when it came to it."""
        return [self.within(of.begin + first, of.end + last) for first in LATE for last in LATE]

    def means(self, of: "Now") -> list[float]:
        return [statistics.mean(each) for each in self.windows(of) if each]


#: Seconds after which a client may come to read an answer, when the machine has other things to do; and what was
#: counted was read a little before the instant that the page tells.
LATE = (-0.2, -0.05, 0, 0.1, 0.3, 0.6, 1, 1.5)


#: Seconds that the last of a line may be of: it comes once a second, and may be late. The figures of now tell.
LENGTHS = (0.9, 1, 1.1, 1.3, 1.7, 2.2)


@dataclasses.dataclass(frozen=True)
class Now:
    """What the overview or the page Cache showed at one time, and from when to when, since 1970, its figures are of."""

    begin: float
    end: float
    texts: tuple[str, ...]

    def last(self, seconds: float) -> "Now":
        return dataclasses.replace(self, begin=self.end - seconds)


def of_figure(name: str, part: str = "strong") -> str:
    """For now(): as figure()."""
    return f"""[...document.querySelectorAll(".figure")].find((each) =>
        each.querySelector("dt").innerText === {json.dumps(name)}).querySelector({json.dumps(part)}).innerText"""


def of_chart(title: str) -> str:
    """For now(): what the chart whose title begins so is in words."""
    selector = f'[aria-label^="{title}"]'
    return f'document.querySelector({json.dumps(selector)}).getAttribute("aria-label")'


def now(browser, *parts: str) -> Now | None:
    """None while the figures are of no time."""
    begin, end, *texts = browser.do("value", script=f"""(() => {{
        const {{ begin, end }} = document.querySelector("dl.figures").dataset;
        return [begin, end, {", ".join(parts)}];
    }})()""")
    return None if end is None else Now(float(begin), float(end), tuple(texts))


def percentile(values: list[float], share: float) -> float:
    """The least that at least that share does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def watch(running: Pgbench, browser, *parts: str) -> list[Now]:
    """What was shown each second while pgbench ran; without what is of a time before it had begun."""
    began, readings = time.time(), []

    def has_ended() -> bool:
        readings.append(now(browser, *parts))
        return not running.is_running()

    wait_until(has_ended, 60, "pgbench has ended", interval=1)
    chosen = [each for each in readings[:-1] if each and each.begin >= began]
    assert len(chosen) >= 3, readings
    return chosen


def steady(readings: list[Now], since: float) -> list[Now]:
    """Those that are of nothing before."""
    chosen = [each for each in readings if each.begin > since]
    assert len(chosen) >= 3, readings
    return chosen
