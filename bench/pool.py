#!/usr/bin/python3
"""pgbench -S through Forebay, through PgBouncer and directly: throughput, latency, processor time, memory.

The three take turns, round after round, on the same server; figures are medians of the rounds. Processor time is
that of the proxy with all its threads, divided by the queries it served. Then thousands of idle clients, for the
memory each takes, and ten thousand at once, of which none may be lost.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "scripts")]

import interruption  # noqa: E402
from contestants import Field, dsn, start_field, start_server, versions  # noqa: E402
from crowd import measure_crowd, measure_idle, raise_file_limit  # noqa: E402
from forebay_testing import DaemonError  # noqa: E402
from pgbench import Pgbench, PgbenchError  # noqa: E402
from pool_report import markdown, terminal_table  # noqa: E402
from processes import processor_seconds  # noqa: E402

NAMES = ("direct", "PgBouncer", "Forebay")
PROTOCOLS = ("simple", "extended", "prepared")
CLIENTS = (1, 16, 200)
WARM_UP_CLIENTS = 8


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench pool", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round: does it all run?")
    parser.add_argument("--rounds", type=int, default=3, help="default %(default)s")
    parser.add_argument("--seconds", type=int, default=5, help="of each run (default %(default)s)")
    parser.add_argument("--threads", type=int, help="of Forebay (default: its own choice)")
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append", help="only this (may be repeated)")
    parser.add_argument("--clients", type=int, action="append", help="only so many (may be repeated)")
    parser.add_argument("--only", choices=("throughput", "crowd"), help="only this part")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench", metavar="FOLDER",
                        help="for pool.json and pool.md (default build/bench)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 1
    return interruption.watched(lambda stack: report(measure(stack, arguments), arguments.output),
                                (DaemonError, PgbenchError, OSError))


def measure(stack: contextlib.ExitStack, arguments: argparse.Namespace) -> dict:
    protocols = arguments.protocol or PROTOCOLS
    clients = arguments.clients or CLIENTS
    scale = 1 if arguments.quick else 10
    print(f"== Starting PostgreSQL (pgbench scale {scale}), PgBouncer and Forebay", flush=True)
    with interruption.whole():
        server = start_server(stack, scale)
    result = {
        "machine": {"processors": os.cpu_count(), "model": processor_model(), "kernel": platform.release()},
        "versions": versions(server),
        "settings": {"rounds": arguments.rounds, "seconds": arguments.seconds, "scale": scale,
                     "threads": arguments.threads, "open_files": raise_file_limit()},
    }
    if arguments.only != "crowd":
        with contextlib.ExitStack() as daemons:
            with interruption.whole():
                field = start_field(daemons, server, arguments.threads, max(WARM_UP_CLIENTS, *clients))
            result["throughput"] = measure_throughput(field, protocols, clients, arguments)
    if arguments.only != "throughput":
        result["idle"] = measure_idle(server, arguments.threads)
        result["crowd"] = measure_crowd(server, arguments.threads, seconds=2 if arguments.quick else 10)
    return result


def measure_throughput(field: Field, protocols, clients, arguments) -> list[dict]:
    cases = [(protocol, count) for protocol in protocols for count in clients]
    runs = {case: {name: [] for name in NAMES} for case in cases}
    number, total = 0, len(cases) * len(NAMES) * arguments.rounds
    warm_up(field, protocols)
    for turn in range(arguments.rounds):
        for case in cases:
            for name in NAMES[turn % 3:] + NAMES[:turn % 3]:
                run = one_run(field, name, *case, arguments.seconds)
                runs[case][name].append(run)
                number += 1
                print(f"   [{number:3}/{total}] {case[0]:9} {case[1]:4} clients  {name:10}{run['per_second']:9.0f}/s"
                      + (f"  {run['failures']} FAILED" if run["failures"] else ""), flush=True)
    return [
        {"protocol": protocol, "clients": count, "runs": by_name, "medians": medians(by_name)}
        for (protocol, count), by_name in runs.items()
    ]


def warm_up(field: Field, protocols) -> None:
    for name in NAMES:
        for protocol in protocols:
            one_run(field, name, protocol, WARM_UP_CLIENTS, 1)


def one_run(field: Field, name: str, protocol: str, clients: int, seconds: int) -> dict:
    daemon = field.daemon(name, protocol)
    options = ["--select-only", f"--protocol={protocol}"]
    before = processor_seconds(daemon.pid)
    with interruption.whole():
        load = Pgbench(dsn(daemon), options, seconds, clients, threads=min(clients, os.cpu_count() or 1),
                       sampling=1.0 if clients == 1 else 0.2)
    with load:
        load.follow()
        spent = processor_seconds(daemon.pid) - before
        figures = load.figures()
    return {
        "per_second": figures.per_second,
        "p50_ms": figures.percentile(50),
        "p99_ms": figures.percentile(99),
        # The postmaster's own time says nothing of the processes that serve.
        "proxy_us_per_query": None if name == "direct" else spent / max(1, figures.transactions) * 1e6,
        "failures": figures.failures,
        "errors": figures.errors[:3],
    }


def medians(by_name: dict[str, list[dict]]) -> dict[str, dict]:
    keys = ("per_second", "p50_ms", "p99_ms", "proxy_us_per_query")
    found = {
        name: {key: statistics.median(run[key] for run in runs) for key in keys if runs[0][key] is not None}
        for name, runs in by_name.items()
    }
    bouncer, forebay = found["PgBouncer"], found["Forebay"]
    found["Forebay to PgBouncer"] = {key: forebay[key] / bouncer[key] for key in keys if bouncer[key]}
    return found


def report(result: dict, folder: pathlib.Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pool.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "pool.md").write_text(markdown(result))
    print("\n" + terminal_table(result))
    print(f"== Every run: {folder}/pool.json; for documents: {folder}/pool.md")
    lost = [run for case in result.get("throughput", []) for runs in case["runs"].values() for run in runs
            if run["failures"]]
    broken = [text for part in ("idle", "crowd") for text in result.get(part, {}).get("failed", [])]
    for text in [str(run["errors"]) for run in lost] + broken:
        print(f"!! {text}", file=sys.stderr)
    return 1 if lost or broken else 0


def processor_model() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
