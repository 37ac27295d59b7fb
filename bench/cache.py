#!/usr/bin/python3
"""Repeated reads from memory: Forebay beside Redis GET, Pgpool-II's memory cache and PostgreSQL directly.

First by pgbench, with and without writes; then by a client as cheap as redis-benchmark, so that the servers are
compared and not their clients; then questions that are never in memory, with the cache on and off; at last how stale
answers are while others write past Forebay, and what that costs the server. All take turns, round after round; figures
are medians. Processor time is that of the server under test with all its processes and
threads, divided by the questions it answered.
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
from cache_cases import DEPTH, HOT_KEYS, MISS, PAGE, PROTOCOLS, SMALL  # noqa: E402
from cache_cases import Case, all_cases, bursts, fill, payload_bytes, quick_cases  # noqa: E402
from cache_contestants import DATABASE, HBA, SERVER, USER, Field, Meter, dsn  # noqa: E402
from cache_contestants import missing, redis_get, start_field, versions  # noqa: E402
from cache_flood import FloodError, compiled, flood  # noqa: E402
from cache_report import markdown, terminal_table  # noqa: E402
from cache_staleness import SCHEMA, Cost, Prober, proof_ages, summary  # noqa: E402
from forebay_testing import DaemonError, PostgresServer, temporary_directory  # noqa: E402
from pgbench import Figures, Pgbench, PgbenchError  # noqa: E402
from pool import processor_model  # noqa: E402

NAMES = ("direct", "Pgpool-II", "Forebay")
PARTS = ("pgbench", "flood", "miss", "staleness")


def main() -> int:
    arguments = parse()
    return interruption.watched(lambda stack: report(measure(stack, arguments), arguments.output),
                                (DaemonError, PgbenchError, FloodError, OSError))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench cache", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round of a few cases: does it all run?")
    parser.add_argument("--rounds", type=int, default=3, help="default %(default)s")
    parser.add_argument("--seconds", type=int, default=5, help="of each run (default %(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="default %(default)s")
    parser.add_argument("--threads", type=int, help="of Forebay (default: its own choice)")
    parser.add_argument("--rows", type=int, default=100_000, help="of the smaller tables (default %(default)s)")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part (may be repeated)")
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append", help="only this (may be repeated)")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench", metavar="FOLDER",
                        help="for cache.json and cache.md (default build/bench)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.rows = 1, 1, 10_000
    arguments.protocols = arguments.protocol or PROTOCOLS
    arguments.parts = arguments.only or PARTS
    return arguments


def measure(stack: contextlib.ExitStack, arguments: argparse.Namespace) -> dict:
    print("== Starting PostgreSQL, Forebay and whatever else is installed", flush=True)
    for text in missing():
        print(f"   {text}: left out", flush=True)
    program = compiled(arguments.output)
    folder = stack.enter_context(temporary_directory("bench"))
    with interruption.whole():
        server = stack.enter_context(PostgresServer(config=SERVER, hba=HBA))
        fill(server, DATABASE, arguments.rows)
        field = start_field(stack, server, arguments.threads, ["--cache", "on", "--cache-size", "256MiB"])
    result = {
        "machine": {"processors": os.cpu_count(), "model": processor_model(), "kernel": platform.release()},
        "versions": versions(server),
        "settings": {"rounds": arguments.rounds, "seconds": arguments.seconds, "clients": arguments.clients,
                     "rows": arguments.rows, "threads": arguments.threads, "hot_keys": HOT_KEYS, "depth": DEPTH},
        "missing": missing(),
    }
    runner = Runner(field, folder, program, arguments)
    for part in arguments.parts:
        result[part] = getattr(runner, part)()
    if field.redis:
        result["payloads"] = runner.payloads()
    return result


class Runner:
    """The three parts. Each returns a list of cases with every run and the medians."""

    def __init__(self, field: Field, folder: pathlib.Path, program: pathlib.Path, arguments) -> None:
        self._field = field
        self._folder = folder
        self._program = program
        self._arguments = arguments

    def pgbench(self) -> list[dict]:
        cases = quick_cases() if self._arguments.quick else all_cases()
        return self._turns("pgbench", cases, NAMES, self._run_pgbench)

    def flood(self) -> list[dict]:
        workloads = (SMALL,) if self._arguments.quick else (SMALL, PAGE)
        cases = [Case(workload, "hot", protocol) for workload in workloads for protocol in PROTOCOLS]
        return self._turns("flood", cases, (*NAMES, "Redis"), self._run_flood)

    def payloads(self) -> dict[str, int]:
        return {workload.name: payload_bytes(self._field.server, DATABASE, workload) for workload in (SMALL, PAGE)}

    def miss(self) -> list[dict]:
        cases = [Case(MISS, "hot", protocol) for protocol in PROTOCOLS]
        return self._turns("miss", cases, ("Forebay, cache off", "Forebay"), self._run_pgbench)

    def staleness(self) -> list[dict]:
        """Of each load: first what it costs, then how stale answers are."""
        self._field.server.psql(SCHEMA, DATABASE)
        cases = [Case(SMALL, "hot", "prepared", writes) for writes in (0, 10)]
        return [self._run_staleness(case) for case in cases]

    def _turns(self, part: str, cases: list[Case], names, run) -> list[dict]:
        cases = [case for case in cases if case.protocol in self._arguments.protocols]
        names = [name for name in names if self._field.daemon(name)]
        runs = {case: {name: [] for name in names} for case in cases}
        number, total = 0, len(cases) * len(names) * self._arguments.rounds
        for turn in range(self._arguments.rounds):
            for case in cases:
                for name in names[turn % len(names):] + names[:turn % len(names)]:
                    found = run(case, name)
                    number += 1
                    runs[case][name].append(found)
                    failed = f"  {found['failures']} FAILED {found['errors'][:1]}" if found["failures"] else ""
                    what = f"{case.name:16} {case.protocol:9} {case.writes:3} % writes  {name:18}"
                    rate = f"{found['per_second']:11.0f}/s"
                    print(f"   {part} [{number:3}/{total}] {what}{rate}{failed}", flush=True)
        return [
            {"what": case.name, "protocol": case.protocol, "writes": case.writes, "runs": by_name,
             "medians": medians(by_name)}
            for case, by_name in runs.items()
        ]

    def _run_pgbench(self, case: Case, name: str) -> dict:
        daemon = self._field.daemon(name)
        options = case.options(self._folder, self._arguments.rows)
        self._load(daemon, options, 1)  # what is asked again and again is in memory
        meter = Meter(daemon)
        figures = self._load(daemon, options, self._arguments.seconds, meter.look)
        questions = figures.transactions * case.questions
        return {
            "per_second": figures.per_second * case.questions,
            "p50_ms": figures.percentile(50),
            "p99_ms": figures.percentile(99),
            "us_per_request": meter.seconds() / max(1, questions) * 1e6,
            "failures": figures.failures,
            "errors": figures.errors[:3],
        }

    def _run_staleness(self, case: Case) -> dict:
        forebay, seconds = self._field.forebay, self._arguments.seconds * self._arguments.rounds
        options = case.options(self._folder, self._arguments.rows)
        self._load(forebay, options, 1)
        cost = Cost(self._field.server)
        self._load(forebay, options, seconds)
        per_second = cost.per_second()
        with Prober(self._field.server, forebay) as prober:
            self._load(forebay, options, seconds)
        ages = proof_ages(forebay, DATABASE)
        if prober.error:
            raise PgbenchError(f"staleness could not be measured: {prober.error}")
        found = summary(prober.found)
        print(f"   staleness  {case.name}, {case.writes} % writes: {found['max']:.0f} ms at most", flush=True)
        return {"what": case.name, "writes": case.writes, "staleness_ms": found, "proof_age_ms": ages, **per_second}

    def _load(self, daemon, options: list[str], seconds: int, tick=lambda: None) -> Figures:
        clients, threads = self._arguments.clients, os.cpu_count() or 1
        with interruption.whole():
            load = Pgbench(dsn(daemon), options, seconds, clients, threads, sampling=0.05)
        with load:
            load.follow(on_tick=tick)
            return load.figures()

    def _run_flood(self, case: Case, name: str) -> dict:
        daemon, seconds, clients = self._field.daemon(name), self._arguments.seconds, self._arguments.clients
        if name == "Redis":
            payload = payload_bytes(self._field.server, DATABASE, case.workload)
            return redis_get(daemon, payload, HOT_KEYS, clients, case.questions, seconds)
        sent = bursts(case)
        flood(self._program, daemon, USER, DATABASE, sent, clients, 1)
        meter = Meter(daemon)
        found = flood(self._program, daemon, USER, DATABASE, sent, clients, seconds)
        return {
            "per_second": found["per_second"] * case.questions,
            "p50_ms": found["p50_ms"],
            "p99_ms": found["p99_ms"],
            "us_per_request": meter.seconds() / max(1, found["bursts"] * case.questions) * 1e6,
            "failures": found["errors"],
            "errors": [],
        }


def medians(by_name: dict[str, list[dict]]) -> dict[str, dict]:
    keys = ("per_second", "p50_ms", "p99_ms", "us_per_request")
    return {name: {key: statistics.median(run[key] for run in runs) for key in keys} for name, runs in by_name.items()}


def report(result: dict, folder: pathlib.Path) -> int:
    (folder / "cache.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "cache.md").write_text(markdown(result))
    print("\n" + terminal_table(result))
    print(f"== Every run: {folder}/cache.json; for documents: {folder}/cache.md")
    failed = [f"{case['what']}, {case['protocol']}, {name}: {run['failures']} failed {run['errors']}"
              for part in PARTS for case in result.get(part, [])
              for name, runs in case.get("runs", {}).items() for run in runs
              if run["failures"]]
    for text in failed:
        print(f"!! {text}", file=sys.stderr)
    return 1 if any("Forebay" in text for text in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
