#!/usr/bin/python3
"""pgbench -S through a Forebay that spreads the reads over two replicas, and through ones that choose nothing.

Three PostgreSQL servers run; the Forebays take turns, round after round. Processor time is that of Forebay with all
its threads, divided by the queries it served. `two databases`: the same replicas, as databases of their own, each
asked by half of the clients: what that costs less is the routing. `one server`: the primary alone; what that costs
less is also that two servers need more of the processors' caches than one. Then: how evenly reads are spread over
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
from contestants import DATABASE, FOREBAY, HBA, SERVER, dsn, start_server  # noqa: E402
from forebay_testing import DaemonError, ForebayDaemon, ReplicaServer, wait_until  # noqa: E402
from pgbench import Pgbench, PgbenchError  # noqa: E402
from processes import processor_seconds  # noqa: E402

THREADS = os.cpu_count() or 1
PROTOCOLS = ("simple", "extended", "prepared")
PLAIN, SPLIT, ROUTED = "one server", "two databases", "two replicas"


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
    print("== Starting PostgreSQL, two replicas and three Forebays", flush=True)
    with interruption.whole():
        primary = start_server(stack, 1 if arguments.quick else 10)
        replicas = [stack.enter_context(ReplicaServer(primary, f"replica{i}", SERVER, HBA)) for i in range(2)]
        plain = stack.enter_context(ForebayDaemon(primary, FOREBAY))
        databases = "\n".join(f"  half{i}: {replica.url(dbname=DATABASE)}" for i, replica in enumerate(replicas))
        split = stack.enter_context(ForebayDaemon(primary, FOREBAY, config=f"databases:\n{databases}\n"))
        places = [word for replica in replicas for word in ("--replica", f"{replica.host}:{replica.port}")]
        routed = stack.enter_context(ForebayDaemon(primary, [*FOREBAY, *places, "--set", "health.slow_start=0"]))
        wait_until(lambda: all(row["state"] == "up" for row in routed.show("topology")), 20, "all servers are up")
    daemons = {PLAIN: (plain, [DATABASE]), SPLIT: (split, ["half0", "half1"]), ROUTED: (routed, [DATABASE])}
    runs: dict = {protocol: {name: [] for name in daemons} for protocol in PROTOCOLS}
    for daemon, names in daemons.values():
        for protocol in PROTOCOLS:
            one_run(daemon, names, protocol, arguments.clients, 1)
    for turn in range(arguments.rounds):
        for protocol in PROTOCOLS:
            for name in list(daemons)[::1 if turn % 2 else -1]:
                run = one_run(*daemons[name], protocol, arguments.clients, arguments.seconds)
                runs[protocol][name].append(run)
                print(f"   {protocol:9} {name:13}{run['per_second']:9.0f}/s {run['us_per_query']:7.2f} us", flush=True)
    before = assignments(routed)
    one_run(routed, [DATABASE], "prepared", arguments.clients, arguments.seconds)
    even = [after - was for after, was in zip(assignments(routed), before)]
    slow = measure_slow(routed, replicas[0], arguments)
    return {"settings": {"rounds": arguments.rounds, "seconds": arguments.seconds, "clients": arguments.clients},
            "runs": runs, "even": even, "slow": slow}


def one_run(daemon, databases: list[str], protocol: str, clients: int, seconds: int) -> dict:
    """The clients are spread over the databases."""
    before = processor_seconds(daemon.pid)
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(
            Pgbench(dsn(daemon, dbname=database), ["--select-only", f"--protocol={protocol}"], seconds,
                    clients // len(databases), threads=max(1, THREADS // len(databases)), sampling=0.2))
            for database in databases]
        for load in loads:
            load.follow()
        spent = processor_seconds(daemon.pid) - before
        figures = [load.figures() for load in loads]
    for each in figures:
        if each.failures:
            raise PgbenchError(f"{each.failures} failures: {each.errors[:3]}")
    return {"per_second": sum(each.per_second for each in figures),
            "us_per_query": spent / max(1, sum(each.transactions for each in figures)) * 1e6}


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
        one_run(routed, [DATABASE], "prepared", arguments.clients, 1)
        before = assignments(routed)
        one_run(routed, [DATABASE], "prepared", arguments.clients, arguments.seconds)
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
        micros = {name: statistics.median(run["us_per_query"] for run in runs) for name, runs in by_name.items()}
        told = "   ".join(f"{name} {value:6.2f} us" for name, value in micros.items())
        ratios = ", ".join(f"{micros[ROUTED] / micros[name]:4.2f} times {name}" for name in (SPLIT, PLAIN))
        print(f"  {protocol:9} {told}   {ROUTED}: {ratios}")
    for what, counts in (("equal replicas", result["even"]), ("the first one slow", result["slow"])):
        total = max(1, sum(counts))
        shares = "   ".join(f"{name} {count / total:6.1%}"
                            for name, count in zip(("primary", "first", "second"), counts))
        print(f"reads, {what}:  {shares}")
    print(f"== Every run: {folder}/route.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
