#!/usr/bin/python3
"""What counting statements costs, and looking for those that repeat: instructions of Forebay itself for a query of
pgbench -S, counted by valgrind's callgrind. They hardly depend on what else the machine does, as times do.

pgbench -S repeats one statement with other values on and on, outside of transactions: the worst case but for the
looks at results, which come to their end after two. What is still done with statistics switched off is told by the
lines of source that instructions belong to: those of the files which count and watch. The kernel's part is not in it.
Needs valgrind; takes some minutes.
"""

import argparse
import contextlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "scripts")]

import interruption  # noqa: E402
from contestants import FOREBAY, start_server  # noqa: E402
from forebay_testing import DaemonError, ForebayDaemon  # noqa: E402
from forebay_testing.directories import temporary_directory  # noqa: E402
from route_instructions import (CLIENTS, PROTOCOLS, control, newest_dump, newest_total, run,  # noqa: E402
                                under_callgrind)

CASES = {
    "off": ["--set", "statements.enabled=false"],
    "counted": ["--set", "statements.repetitions=false"],
    "repetitions": [],
}
#: What exists for statistics alone.
WATCHING = re.compile(
    r"/src/(alert|monitor|advise|http)/|/src/observe/histogram|/src/engine/(explain|hit_latency|repetition_"
    r"|sample_values|session_(calls|repetitions|statistics)|statement_(key|table)|trace_comment|value_hash)")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench statement_instructions", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", type=int, default=500, help="of each of 16 clients (default %(default)s)")
    arguments = parser.parse_args()
    return interruption.watched(lambda stack: report(measure(stack, arguments.transactions)),
                                (DaemonError, OSError, subprocess.CalledProcessError))


def measure(stack: contextlib.ExitStack, transactions: int) -> dict[tuple[str, str], float]:
    """By case and protocol."""
    folder = stack.enter_context(temporary_directory("callgrind"))
    with interruption.whole():
        primary = start_server(stack, 1)
    os.environ["FOREBAY_BINARY"] = under_callgrind(folder)
    counted = {}
    for case, flags in CASES.items():
        with ForebayDaemon(primary, [*FOREBAY, *flags]) as daemon:
            for protocol in PROTOCOLS:
                run(daemon, protocol, 500)  # the looks are over
                control("--zero", daemon)
                run(daemon, protocol, transactions)
                control("--dump", daemon)
                counted[case, protocol] = newest_total(folder, daemon.pid) / (CLIENTS * transactions)
                print(f"   {protocol:9} {case:12}{counted[case, protocol]:8.0f}", flush=True)
                if case == "off":
                    watching = sum(cost for file, cost in cost_by_file(newest_dump(folder, daemon.pid)).items()
                                   if WATCHING.search(file))
                    counted["watching", protocol] = watching / (CLIENTS * transactions)
    return counted


def cost_by_file(dump: list[str]) -> dict[str, int]:
    """Instructions by the file of source that they come from, inlined or not. The form is told in valgrind's manual,
    "Callgrind Format Specification": a name stands behind its number once, and a call's line is of what it calls."""
    names, costs, file, is_of_call = {}, {}, "", False
    for line in dump:
        if found := re.fullmatch(r"(c?)f[lie]=\((\d+)\)(?: (.*))?", line):
            called, number, name = found.groups()
            name = names.setdefault(number, name)
            file = file if called else name
        elif line.startswith("calls="):
            is_of_call = True
        elif found := re.fullmatch(r"[\d+*-]\S* (\d+)", line):
            if not is_of_call:
                costs[file] = costs.get(file, 0) + int(found.group(1))
            is_of_call = False
    return costs


def report(counted: dict[tuple[str, str], float]) -> int:
    print("\ninstructions per query in Forebay, with all its threads")
    for protocol in PROTOCOLS:
        off, plain, all_on = (counted[case, protocol] for case in CASES)
        watching = counted["watching", protocol]
        print(f"  {protocol:9} off {off:6.0f}   counted {plain - off:+5.0f}   repetitions {all_on - plain:+5.0f}"
              f"   of what is off {watching:4.0f} ({watching / off:.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
