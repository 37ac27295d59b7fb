#!/usr/bin/python3
"""What it costs to be watched: processor time of Forebay for a query with everything that tells of it switched on,
beside the same without: statistics of statements, repetitions, HTTP with its history, alerts and samples of the server.

Queries are those of pgbench -S, answered by the server, and one small row of a hundred, answered from memory, one by
one and sixteen in a burst. Two Forebays with the same server take turns; a turn is short, so that what else the
machine does falls on both alike, and the median of the turns' ratios is told, with its interval: a turn in which the
machine did something else counts no more than any other. The one with it runs between two without, and is compared
with the mean of these, so that a machine that becomes faster or slower makes no difference. `off to off` are the two
without: what that says is what the machine adds by itself. The last lines are of all turns together, and say whether
that is within what it may cost at most; the status is 1 if not (with --quick it says nothing).
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "scripts")]

import interruption  # noqa: E402
from cache_cases import SMALL, Case, bursts, fill  # noqa: E402
from cache_flood import FloodError, compiled, flood  # noqa: E402
from contestants import FOREBAY, USER, dsn, start_server  # noqa: E402
from forebay_testing import DaemonError, ForebayDaemon, wait_until  # noqa: E402
from pgbench import Pgbench, PgbenchError  # noqa: E402
from processes import processor_seconds  # noqa: E402

CLIENTS = 16
POOL = ("simple", "extended", "prepared")
MEMORY = {"from memory, simple": Case(SMALL, "hot", "simple"), "from memory, prepared": Case(SMALL, "hot", "prepared"),
          "from memory, 16 deep": Case(SMALL, "hot", "pipelined")}
#: What it may cost at most, of all turns of these: three hundredths of Forebay's processor time.
MOST = 1.03
TOGETHER = {"pass-through": POOL, "from memory": MEMORY}
PAIRS = ("on to off", "off to off")
OFF = ["--set", "statements.enabled=false"]
ON = ["--admin", "127.0.0.1:0", "--set", "sampling.interval=10s"]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench overhead", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round: does it all run?")
    parser.add_argument("--rounds", type=int, default=25, help="default %(default)s")
    parser.add_argument("--seconds", type=int, default=1, help="of each turn (default %(default)s)")
    parser.add_argument("--only", choices=("pool", "memory"), help="pass-through, or answers from memory")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench", metavar="FOLDER",
                        help="for overhead.json (default build/bench)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds = 1
    return interruption.watched(lambda stack: report(measure(stack, arguments), arguments),
                                (DaemonError, PgbenchError, FloodError, OSError))


def measure(stack: contextlib.ExitStack, arguments) -> dict[str, dict[str, list[float]]]:
    """Microseconds per query, by what is asked and by Forebay, in the order of the turns."""
    print("== Starting PostgreSQL and six Forebays", flush=True)
    program = compiled(arguments.output)
    with interruption.whole():
        server = start_server(stack, 1 if arguments.quick else 10)
        fill(server, "items", 10_000)
        kinds = {"off": OFF, "on": ON, "off again": OFF}
        cached = [*FOREBAY]
        cached[cached.index("--cache") + 1] = "on"
        passing, keeping = ({kind: stack.enter_context(ForebayDaemon(server, [*common, *flags]))
                             for kind, flags in kinds.items()} for common in (FOREBAY, cached))
        for daemon in keeping.values():
            wait_until(lambda daemon=daemon: is_leased(daemon, program), 30, "a lease of the cache")
    asked = {"pool": POOL, "memory": MEMORY}.get(arguments.only, (*POOL, *MEMORY))
    spent: dict = {}
    for what in asked:
        spent[what] = {kind: [] for kind in kinds}
        for turn in range(arguments.rounds + 1):
            for kind in list(kinds)[::1 if turn % 2 else -1]:
                micros = (pass_through(passing[kind], what, arguments.seconds) if what in POOL else
                          from_memory(keeping[kind], program, MEMORY[what], arguments.seconds))
                if turn > 0 or arguments.quick:  # the first fills caches
                    spent[what][kind].append(micros)
        told = "   ".join(f"{kind} {statistics.median(values):6.2f}" for kind, values in spent[what].items())
        print(f"   {what:22} us per query: {told}", flush=True)
    return spent


def is_leased(daemon, program: pathlib.Path) -> bool:
    flood(program, daemon, USER, "items", bursts(MEMORY["from memory, simple"]), 1, 0.1)
    return any(row["level"] == "bounded" for row in daemon.show("cache"))


def pass_through(daemon, protocol: str, seconds: int) -> float:
    before = processor_seconds(daemon.pid)
    load = Pgbench(dsn(daemon), ["--select-only", f"--protocol={protocol}"], seconds, CLIENTS,
                   threads=min(CLIENTS, os.cpu_count() or 1), sampling=0.2)
    with load:
        load.follow()
        spent = processor_seconds(daemon.pid) - before
        figures = load.figures()
    if figures.failures:
        raise PgbenchError(f"{figures.failures} failures: {figures.errors[:3]}")
    return spent / max(1, figures.transactions) * 1e6


def from_memory(daemon, program: pathlib.Path, case: Case, seconds: int) -> float:
    before = processor_seconds(daemon.pid)
    found = flood(program, daemon, USER, "items", bursts(case), CLIENTS, seconds)
    spent = processor_seconds(daemon.pid) - before
    return spent / max(1, found["bursts"] * case.questions) * 1e6


def report(spent: dict, arguments) -> int:
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overhead.json").write_text(json.dumps(spent, indent=1) + "\n")
    print("\nprocessor time per query, median of the turns' ratios and its interval of 95 %")
    has_missed = False
    for name, parts in {**{what: [what] for what in spent}, **TOGETHER}.items():
        if all(part in spent for part in parts):
            told = {pair: [ratio for part in parts for ratio in ratios_of(spent[part])[pair]] for pair in PAIRS}
            is_too_much = name in TOGETHER and statistics.median(told["on to off"]) > MOST
            has_missed |= is_too_much
            print(f"  {name:22} " + "   ".join(f"{pair} {median_ratio(ratios)}" for pair, ratios in told.items())
                  + (f"   at most {MOST}: {'MISSED' if is_too_much else 'held'}" if name in TOGETHER else ""))
    print(f"== Every turn: {folder}/overhead.json")
    return 1 if has_missed and not arguments.quick else 0


def ratios_of(by_kind: dict[str, list[float]]) -> dict[str, list[float]]:
    """Of each turn."""
    turns = list(zip(by_kind["off"], by_kind["on"], by_kind["off again"]))
    return {"on to off": [2 * on / (before + after) for before, on, after in turns],
            "off to off": [after / before for before, _, after in turns]}


def median_ratio(ratios: list[float]) -> str:
    """With the interval that holds the true median in 95 of 100 measurements, whatever the turns' distribution."""
    ratios = sorted(ratios)
    median = statistics.median(ratios)
    outside = outside_on_each_side(len(ratios))
    if outside is None:
        return f"{median:6.3f}"
    return f"{median:6.3f} ({ratios[outside]:.3f} to {ratios[-1 - outside]:.3f})"


def outside_on_each_side(count: int) -> int | None:
    """How many of so many sorted values may be left out at each end: each lies beyond the true median half of the
    time. None where there are too few."""
    below, outside = 0.0, None
    for number in range(count // 2):
        below += math.comb(count, number) / 2 ** count
        if below > 0.025:
            break
        outside = number
    return outside


if __name__ == "__main__":
    sys.exit(main())
