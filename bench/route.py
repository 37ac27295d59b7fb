#!/usr/bin/python3
"""pgbench -S through a Forebay with one server and through one that spreads the reads over two replicas.

Three PostgreSQL servers run; both Forebays have the same primary and take turns, round after round. Processor time
is that of Forebay with all its threads, divided by the queries it served. Then: how evenly reads are spread over
equal replicas, and how many go to one that has been made slow.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "scripts")]

import interruption  # noqa: E402
from contestants import FOREBAY, HBA, SERVER, dsn, start_server  # noqa: E402
from forebay_testing import DaemonError, ForebayDaemon, ReplicaServer, wait_until  # noqa: E402
from pgbench import Pgbench, PgbenchError  # noqa: E402
from processes import processor_seconds  # noqa: E402

PROTOCOLS = ("simple", "extended", "prepared")
PLAIN, ROUTED = "one server", "two replicas"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench route", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round: does it all run?")
    parser.add_argument("--rounds", type=int, default=3, help="default %(default)s")
    parser.add_argument("--seconds", type=int, default=5, help="of each run (default %(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="default %(default)s")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench", metavar="FOLDER",
                        help="for route.json (default build/bench)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 2
    return interruption.watched(lambda stack: report(measure(stack, arguments), arguments.output),
                                (DaemonError, PgbenchError, OSError))


def measure(stack: contextlib.ExitStack, arguments) -> dict:
    print("== Starting PostgreSQL, two replicas and two Forebays", flush=True)
    with interruption.whole():
        primary = start_server(stack, 1 if arguments.quick else 10)
        replicas = [stack.enter_context(ReplicaServer(primary, f"replica{i}", SERVER, HBA)) for i in range(2)]
        plain = stack.enter_context(ForebayDaemon(primary, FOREBAY))
        places = [word for replica in replicas for word in ("--replica", f"{replica.host}:{replica.port}")]
        routed = stack.enter_context(ForebayDaemon(primary, [*FOREBAY, *places, "--set", "health.slow_start=0"]))
        wait_until(lambda: all(row["state"] == "up" for row in routed.show("topology")), 20, "all servers are up")
    daemons = {PLAIN: plain, ROUTED: routed}
    runs: dict = {protocol: {name: [] for name in daemons} for protocol in PROTOCOLS}
    for name, daemon in daemons.items():
        for protocol in PROTOCOLS:
            one_run(daemon, protocol, arguments.clients, 1)
    for turn in range(arguments.rounds):
        for protocol in PROTOCOLS:
            for name in list(daemons)[::1 if turn % 2 else -1]:
                run = one_run(daemons[name], protocol, arguments.clients, arguments.seconds)
                runs[protocol][name].append(run)
                print(f"   {protocol:9} {name:13}{run['per_second']:9.0f}/s {run['us_per_query']:7.2f} us", flush=True)
    before = assignments(routed)
    one_run(routed, "prepared", arguments.clients, arguments.seconds)
    even = [after - was for after, was in zip(assignments(routed), before)]
    slow = measure_slow(routed, replicas[0], arguments)
    return {"settings": {"rounds": arguments.rounds, "seconds": arguments.seconds, "clients": arguments.clients},
            "runs": runs, "even": even, "slow": slow}


def one_run(daemon, protocol: str, clients: int, seconds: int) -> dict:
    before = processor_seconds(daemon.pid)
    load = Pgbench(dsn(daemon), ["--select-only", f"--protocol={protocol}"], seconds, clients,
                   threads=min(clients, os.cpu_count() or 1), sampling=0.2)
    with load:
        load.follow()
        spent = processor_seconds(daemon.pid) - before
        figures = load.figures()
    if figures.failures:
        raise PgbenchError(f"{figures.failures} failures: {figures.errors[:3]}")
    return {"per_second": figures.per_second, "us_per_query": spent / max(1, figures.transactions) * 1e6}


def measure_slow(routed, slow: ReplicaServer, arguments) -> list[int]:
    """One replica stands still half of the time, five milliseconds in ten."""
    ended = threading.Event()

    def slow_down() -> None:
        while not ended.is_set():
            for number in (signal.SIGSTOP, signal.SIGCONT):
                slow.signal_all(number)
                time.sleep(0.005)

    thread = threading.Thread(target=slow_down, daemon=True)
    thread.start()
    try:
        one_run(routed, "prepared", arguments.clients, 1)
        before = assignments(routed)
        one_run(routed, "prepared", arguments.clients, arguments.seconds)
        return [after - was for after, was in zip(assignments(routed), before)]
    finally:
        ended.set()
        thread.join()


def assignments(daemon) -> list[int]:
    return [int(row["assignments"]) for row in daemon.show("topology")]


def report(result: dict, folder: pathlib.Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "route.json").write_text(json.dumps(result, indent=1) + "\n")
    print("\nprocessor time per query in Forebay, medians")
    for protocol, by_name in result["runs"].items():
        plain, routed = (statistics.median(run["us_per_query"] for run in by_name[name]) for name in (PLAIN, ROUTED))
        print(f"  {protocol:9} {PLAIN} {plain:6.2f} us   {ROUTED} {routed:6.2f} us   {routed / plain:5.2f} times")
    for what, counts in (("equal replicas", result["even"]), ("the first one slow", result["slow"])):
        total = max(1, sum(counts))
        shares = "   ".join(f"{name} {count / total:6.1%}"
                            for name, count in zip(("primary", "first", "second"), counts))
        print(f"reads, {what}:  {shares}")
    print(f"== Every run: {folder}/route.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
