#!/usr/bin/python3
"""What sending reads to replicas costs: instructions of Forebay itself for a query of pgbench -S, with one replica and
without, counted by valgrind's callgrind. They hardly depend on what else the machine does, as times do.

The kernel's part is not in it. Needs valgrind; takes a minute or two, for each instruction is interpreted.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "scripts")]

import interruption  # noqa: E402
from contestants import FOREBAY, HBA, SERVER, dsn, start_server  # noqa: E402
from forebay_testing import DaemonError, ForebayDaemon, ReplicaServer, forebay_binary, postgres_binary  # noqa: E402
from forebay_testing import wait_until  # noqa: E402
from forebay_testing.directories import temporary_directory  # noqa: E402

PROTOCOLS = ("simple", "extended", "prepared")
CLIENTS = 16


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench route_instructions", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", type=int, default=500, help="of each of 16 clients (default %(default)s)")
    arguments = parser.parse_args()
    return interruption.watched(lambda stack: report(measure(stack, arguments.transactions)),
                                (DaemonError, OSError, subprocess.CalledProcessError))


def measure(stack: contextlib.ExitStack, transactions: int) -> dict[str, list[float]]:
    """By protocol: without replicas, with one."""
    folder = stack.enter_context(temporary_directory("callgrind"))
    with interruption.whole():
        primary = start_server(stack, 1)
        replica = stack.enter_context(ReplicaServer(primary, "replica", SERVER, HBA))
    os.environ["FOREBAY_BINARY"] = under_callgrind(folder)
    counted: dict[str, list[float]] = {protocol: [] for protocol in PROTOCOLS}
    for replicas in ([], ["--replica", f"{replica.host}:{replica.port}", "--set", "health.slow_start=0"]):
        with ForebayDaemon(primary, [*FOREBAY, *replicas]) as daemon:
            if replicas:
                wait_until(lambda: all(row["state"] == "up" for row in daemon.show("topology")), 60, "all are up")
            for protocol in PROTOCOLS:
                run(daemon, protocol, 100)
                control("--zero", daemon)
                run(daemon, protocol, transactions)
                control("--dump", daemon)
                counted[protocol].append(newest_total(folder, daemon.pid) / (CLIENTS * transactions))
                what = "one replica" if replicas else "no replica"
                print(f"   {protocol:9} {what:12}{counted[protocol][-1]:8.0f}", flush=True)
    return counted


def under_callgrind(folder: pathlib.Path) -> str:
    """A program that runs Forebay's instructions one by one, and counts them in files of the folder."""
    slowly = folder / "forebay"
    slowly.write_text(f"#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file={folder}/out.%p "
                      f'{forebay_binary()} "$@"\n')
    slowly.chmod(0o755)
    return str(slowly)


def run(daemon: ForebayDaemon, protocol: str, transactions: int) -> None:
    subprocess.run([postgres_binary("pgbench"), "--no-vacuum", "--select-only", f"--client={CLIENTS}", "--jobs=2",
                    f"--protocol={protocol}", f"--transactions={transactions}", dsn(daemon)],
                   check=True, capture_output=True)


def control(what: str, daemon: ForebayDaemon) -> None:
    subprocess.run(["callgrind_control", what, str(daemon.pid)], check=True, capture_output=True)


def newest_dump(folder: pathlib.Path, pid: int) -> list[str]:
    newest = max(folder.glob(f"out.{pid}*"), key=lambda path: path.stat().st_mtime_ns)
    return newest.read_text().splitlines()


def newest_total(folder: pathlib.Path, pid: int) -> int:
    return next(int(line.split()[1]) for line in newest_dump(folder, pid) if line.startswith("totals:"))


def report(counted: dict[str, list[float]]) -> int:
    print("\ninstructions per query in Forebay, with all its threads")
    for protocol, (plain, routed) in counted.items():
        print(f"  {protocol:9} without replicas {plain:6.0f}   with one {routed:6.0f}   {routed - plain:+6.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
