"""The demonstration's live table and its closing comparison."""

import shutil
import statistics
import sys
from dataclasses import dataclass, field

from pgbench import Figures

_HEADER = f"{'':21}{'requests/s':>12}{'average':>12}{'95 % within':>14}{'connections':>13}{'round':>7}"


@dataclass(frozen=True)
class Pattern:
    """How an application connects."""

    title: str
    clients: int
    connect_each: bool
    lead_in: int  # seconds before each round in which its connections warm up
    options: tuple[str, ...]


@dataclass
class Cell:
    """One pattern, one way to the server: what its rounds have shown so far."""

    rounds: list[Figures] = field(default_factory=list)
    connections: int = 0  # most that were open at the server at one time
    memory: int = 0  # bytes of the server with all its processes
    now: tuple[float, float] | None = None  # requests per second and latency, while a round is running

    def median(self, of) -> float:
        return statistics.median(of(figures) for figures in self.rounds) if self.rounds else float("nan")

    @property
    def per_second(self) -> float:
        return self.median(lambda figures: figures.per_second)

    @property
    def average(self) -> float:
        return self.median(lambda figures: figures.average)

    @property
    def p95(self) -> float:
        return self.median(lambda figures: figures.percentile(95))

    @property
    def failures(self) -> int:
        return sum(figures.failures for figures in self.rounds)


class Table:
    """Redrawn in place on a terminal; elsewhere a line for each round."""

    def __init__(self, patterns: tuple[Pattern, ...], ways: tuple[str, ...], rounds: int) -> None:
        self.cells = {pattern: {way: Cell() for way in ways} for pattern in patterns}
        self._rounds = rounds
        self._terminal = sys.stdout.isatty()
        self._drawn = 0

    def draw(self) -> None:
        if not self._terminal:
            return
        width = shutil.get_terminal_size().columns - 1
        lines = [line[:width] for line in self._lines()]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        print(up + "\n".join(f"\x1b[2K{line}" for line in lines), flush=True)
        self._drawn = len(lines)

    def round_done(self, pattern: Pattern, way: str) -> None:
        self.draw()
        if not self._terminal:
            cell = self.cells[pattern][way]
            figures = cell.rounds[-1]
            print(f"   round {len(cell.rounds)}/{self._rounds}  {pattern.title:36}{way:18}"
                  f"{figures.per_second:7.0f}/s  average {figures.average:7.2f} ms", flush=True)

    def close(self, memory_of_forebay: int) -> None:
        """The comparison: medians of the rounds."""
        for pattern, ways in self.cells.items():
            (_, direct), (_, through) = ways.items()
            print(f"\n== {pattern.title} ({pattern.clients} clients)")
            print(f"   {'':34}{'directly':>14}{'through Forebay':>18}")
            rows = (
                ("requests per second", direct.per_second, through.per_second, "{:.0f}"),
                ("average time of a request, ms", direct.average, through.average, "{:.2f}"),
                ("95 % of requests within, ms", direct.p95, through.p95, "{:.2f}"),
                ("connections at the server, peak", direct.connections, through.connections, "{:.0f}"),
                ("memory of the server, MB *", direct.memory / 1e6, through.memory / 1e6, "{:.0f}"),
                ("failed requests", direct.failures, through.failures, "{:.0f}"),
            )
            for title, left, right, form in rows:
                ratio = f"{right / left:9.2f} x" if left > 0 and right > 0 else ""
                print(f"   {title:34}{form.format(left):>14}{form.format(right):>18}{ratio}")
        print(f"\n   Medians of {self._rounds} rounds. * beside shared buffers; Forebay's own memory is "
              f"{memory_of_forebay / 1e6:.0f} MB.")

    def _lines(self) -> list[str]:
        lines = [_HEADER]
        for pattern, ways in self.cells.items():
            lines.append(f"{pattern.title} ({pattern.clients} clients)")
            lines += [self._row(way, cell) for way, cell in ways.items()]
        return lines

    def _row(self, way: str, cell: Cell) -> str:
        if cell.now:
            return (f" > {way:18}{cell.now[0]:12.0f}{cell.now[1]:9.2f} ms{'':14}{cell.connections:13}"
                    f"{len(cell.rounds) + 1:>5}/{self._rounds}")
        if not cell.rounds:
            return f"   {way}"
        return (f"   {way:18}{cell.per_second:12.0f}{cell.average:9.2f} ms{cell.p95:11.2f} ms{cell.connections:13}"
                f"{len(cell.rounds):>5}/{self._rounds}")
