#!/usr/bin/python3
"""A learning platform on a private PostgreSQL: its load directly and through Forebay, in turns.

Two kinds of application: a web server whose every request connects anew, and services whose many connections stand
all day. Both run the same mix of requests (profiles/lms/mix), in several short rounds, directly and through
Forebay by turns and with as many clients. Then everything stays up for you to connect.
"""

import argparse
import contextlib
import os
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import interruption  # noqa: E402
import lms  # noqa: E402
from demo_table import Pattern, Table  # noqa: E402
from forebay_testing import DaemonError, ForebayDaemon, PostgresServer, wait_until  # noqa: E402
from interruption import Stopped, whole  # noqa: E402
from pgbench import Pgbench, PgbenchError  # noqa: E402
from processes import client_backends, family_memory_bytes, memory_bytes  # noqa: E402

ROLE = "lms"
DIRECTLY, THROUGH = "directly", "through Forebay"
PATTERNS = (
    Pattern("web server: each request connects", clients=40, connect_each=True, lead_in=0,
            options=("--protocol=simple",)),
    Pattern("services: connections stand", clients=200, connect_each=False, lead_in=3,
            options=("--protocol=prepared",)),
)
# What goes on at the end, so that there is something to see. pgbench keeps a line of each request: not for ever.
STAYING = Pattern("afterwards", clients=8, connect_each=False, lead_in=0, options=("--protocol=prepared", "--rate=100"))
STAYING_SECONDS = 600
MOST_ROUNDS = 3
WARM_UP_SECONDS = 3

# A server as one would run it: nothing that makes it fast and forgetful.
SERVER = {
    "max_connections": 300,
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "full_page_writes": "on",
}
# No password on either way: where each request connects, the client's own share of SCRAM, the same both ways, would
# be most of what is measured when client and server have one machine between them.
HBA = f"""\
local all all trust
host all {ROLE} 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


_DASHBOARD = re.compile(r"HTTP is served on (\S+:\d+)")


class Gone(Exception):
    """A process that we need has ended."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="load in all, in seconds (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the data (default %(default)s)")
    parser.add_argument("--users", type=int, default=25000, help="accounts in the data (default %(default)s)")
    parser.add_argument("--exit", action="store_true", help="end after the comparison instead of staying up")
    arguments = parser.parse_args()
    interruption.catch()
    try:
        with contextlib.ExitStack() as stack:
            Demo(stack, arguments).run()
    except Stopped:
        print("\n== Stopped before its end; nothing is left behind.")
        return 130
    except (DaemonError, Gone, PgbenchError, RuntimeError) as error:
        print(f"\n!! {error}", file=sys.stderr)
        return 1
    print("\n== Ended; nothing is left behind.")
    return 0


class Demo:
    """The parts in their order. All that is started is ended by `stack`."""

    def __init__(self, stack: contextlib.ExitStack, arguments: argparse.Namespace) -> None:
        self._stack = stack
        self._arguments = arguments
        slots = arguments.seconds // (len(PATTERNS) * 2)
        self._rounds = max(1, min(MOST_ROUNDS, slots))
        self._round_seconds = max(1, slots // self._rounds)
        self._table = Table(PATTERNS, (DIRECTLY, THROUGH), self._rounds)

    def run(self) -> None:
        try:
            self._run()
        except PgbenchError:
            # It may only say what became of it when one of the others ended, which is seen a moment later.
            with contextlib.suppress(TimeoutError):
                wait_until(self._ended, 1, "a part that has ended")
            self._check()
            raise

    def _run(self) -> None:
        self._start_server()
        self._measure_memory(DIRECTLY)  # before Forebay is there: its connections are not to count
        self._start_forebay()
        self._measure_memory(THROUGH)
        self._run_rounds()
        self._table.close(memory_bytes(self._forebay.pid)["Rss"])
        if not self._arguments.exit:
            self._stay()

    def _start_server(self) -> None:
        print("== Starting a private PostgreSQL (wal_level=logical)", flush=True)
        with whole():
            self._server = self._stack.enter_context(PostgresServer(config=SERVER, hba=HBA))
        self._server.psql(f"create role {ROLE} login")
        start = time.monotonic()
        print("== Loading the learning platform:", end="", flush=True)
        lms.load(self._server, lambda stage: print(f" {stage} …", end="", flush=True),
                 seed=self._arguments.seed, users=self._arguments.users)
        self._server.psql(
            f"grant select, insert, update, delete on all tables in schema public to {ROLE};"
            f"grant usage on all sequences in schema public to {ROLE}", dbname=lms.DATABASE)
        rows = ", ".join(f"{count:,} {table}" for table, count in lms.counts(self._server).items())
        print(f"\n   {rows} in {time.monotonic() - start:.0f} s", flush=True)
        self._mix = lms.mix(self._server)

    def _start_forebay(self) -> None:
        print("== Starting Forebay in front of it (profiles/lms/forebay.yaml)", flush=True)
        config = (lms.PROFILE / "forebay.yaml").read_text()
        with whole():
            flags = ["--auth", "trust", "--cache", "auto", "--admin", "127.0.0.1:0"]
            forebay = ForebayDaemon(self._server, flags, config=config)
            self._forebay = self._stack.enter_context(forebay)
            self._dashboard = wait_until(lambda: _DASHBOARD.search(forebay.log()), 10, "HTTP is served").group(1)
        print(f"   dashboard, live: http://{self._dashboard}/", flush=True)

    def _measure_memory(self, way: str) -> None:
        # Apart from the rounds: to add up the pages of hundreds of processes would disturb them.
        print(f"== Warming up, and measuring memory ({way})", flush=True)
        for pattern in PATTERNS:
            with self._load(pattern, way, seconds=30) as load:
                load.run_for(min(WARM_UP_SECONDS, self._arguments.seconds))
                self._check()
                self._table.cells[pattern][way].memory = family_memory_bytes(self._server.pid)

    def _run_rounds(self) -> None:
        print(f"== Rounds of {self._round_seconds} s: the same requests, the same clients, by turns\n", flush=True)
        for number in range(self._rounds):
            ways = (DIRECTLY, THROUGH) if number % 2 == 0 else (THROUGH, DIRECTLY)
            for pattern in PATTERNS:
                for way in ways:
                    self._run_round(pattern, way)

    def _run_round(self, pattern: Pattern, way: str) -> None:
        cell = self._table.cells[pattern][way]
        # Connections that Forebay keeps open while the others have their turn are not the others'.
        not_ours = client_backends(self._server.pid) if way == DIRECTLY else 0

        def tick() -> None:
            self._check()
            cell.connections = max(cell.connections, client_backends(self._server.pid) - not_ours)

        def progress(per_second: float, latency: float) -> None:
            # pgbench's own latency leaves the connecting out; the clients never wait, so this one does not.
            if pattern.connect_each and per_second:
                latency = pattern.clients / per_second * 1000
            cell.now = (per_second, latency)
            self._table.draw()

        cell.now = (0, 0)
        self._table.draw()
        with self._load(pattern, way, self._round_seconds) as load:
            load.follow(progress, tick)
            self._check()
            cell.rounds.append(load.figures())
        cell.now = None
        self._table.round_done(pattern, way)

    def _load(self, pattern: Pattern, way: str, seconds: int) -> Pgbench:
        at = self._server if way == DIRECTLY else self._forebay
        dsn = at.dsn(user=ROLE, dbname=lms.DATABASE, sslmode="disable")
        threads = pattern.clients if pattern.connect_each else min(pattern.clients, os.cpu_count() or 1)
        options = [*pattern.options, *self._mix]
        with whole():
            return Pgbench(dsn, options, seconds, pattern.clients, threads, pattern.connect_each, pattern.lead_in)

    def _ended(self) -> list:
        daemons = (self._server, getattr(self, "_forebay", None))
        return [daemon for daemon in daemons if daemon and not daemon.running()]

    def _check(self) -> None:
        for daemon in self._ended():
            raise Gone(f"{daemon.name} has ended by itself; its log ends:\n{daemon.log_tail()}")

    def _stay(self) -> None:
        def line(daemon) -> str:
            return f"psql postgres://{ROLE}@{daemon.host}:{daemon.port}/{lms.DATABASE}"

        print("\n== All of it stays up, under a light load; Ctrl-C ends it. Connect yourself:")
        print(f"   through Forebay   {line(self._forebay)}")
        print(f"   directly          {line(self._server)}")
        print(f"   dashboard         http://{self._dashboard}/", flush=True)
        try:
            while True:
                with self._load(STAYING, THROUGH, seconds=STAYING_SECONDS) as load:
                    load.follow(on_tick=self._check)
        except Stopped:
            pass


if __name__ == "__main__":
    sys.exit(main())
