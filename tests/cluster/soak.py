#!/usr/bin/python3
"""Reads after writes through replicas that are paused, delayed and cut off: is anything older than it may be?

Each client has a row of its own, which it writes and reads; and one row that another process writes past Forebay,
every few milliseconds, noting when. Judged of each read: the own row shows the own last write; the other row shows
what was written before the read began less the bound; neither ever goes back. Ends with a line of figures; the
exit code is 1 when anything was wrong.
"""

import argparse
import contextlib
import json
import multiprocessing
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import psycopg  # noqa: E402

from conftest import Cluster  # noqa: E402

#: What a test machine may add: between taking the time of a write and its commit, and of the processes' clocks.
SLACK = 0.05


def write_beside(dsn: str, times, stop) -> None:
    """Counts the shared row up past Forebay; times[n] is when n was committed."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        number = 0
        while not stop.is_set() and number + 1 < len(times):
            number += 1
            connection.execute("UPDATE soak SET n = %s WHERE id = 0", (number,))
            times[number] = time.monotonic()
            time.sleep(0.005)


def run_client(dsn: str, me: int, seed: int, operations: int, bound: float, times, results) -> None:
    dice = random.Random(f"{seed}/{me}")
    wrong, reads, written, seen = [], 0, 0, 0
    known = 0  # the newest number of the shared row that is surely old enough
    with psycopg.connect(dsn, autocommit=True) as connection:
        for operation in range(operations):
            what = dice.random()
            if what < 0.03:
                written += 1
                if what < 0.015:
                    connection.execute("UPDATE soak SET n = %s WHERE id = %s", (written, me))
                else:
                    with connection.transaction():
                        connection.execute("UPDATE soak SET n = %s WHERE id = %s", (written, me))
                        connection.execute("SELECT n FROM soak WHERE id = %s", (me,))
            elif what < 0.6:
                found = connection.execute("SELECT n FROM soak WHERE id = %s", (me,)).fetchone()[0]
                reads += 1
                if found != written:
                    wrong.append(f"client {me}, operation {operation}: wrote {written}, read {found}")
            else:
                begun = time.monotonic()
                found = connection.execute("SELECT n FROM soak WHERE id = 0", prepare=True).fetchone()[0]
                reads += 1
                while times[known + 1] and times[known + 1] < begun - bound - SLACK:
                    known += 1
                if found < known:
                    wrong.append(f"client {me}, operation {operation}: {known} is older than the bound, read {found}")
                if found < seen:
                    wrong.append(f"client {me}, operation {operation}: saw {seen} before, read {found}")
                seen = max(seen, found)
    results.put((reads, wrong))


def disturb(cluster: Cluster, dice: random.Random) -> str:
    """Does something to a replica for a moment."""
    replica = dice.choice(cluster.replicas)
    what = dice.choice(("pause", "delay", "cut", "restart"))
    length = dice.uniform(0.2, 4)
    if what == "pause":
        replica.execute("SELECT pg_wal_replay_pause()")
        time.sleep(length)
        replica.execute("SELECT pg_wal_replay_resume()")
    elif what == "delay":
        replica.reload({"recovery_min_apply_delay": f"{int(length * 500)}ms"})
        time.sleep(length)
        replica.reload({"recovery_min_apply_delay": "0"})
    elif what == "cut":
        replica.reload({"primary_conninfo": ""})
        time.sleep(length)
        replica.follow(cluster.primary)
    else:
        replica.restart()
    return what


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--operations", type=int, default=1_000_000, help="of all clients (default %(default)s)")
    parser.add_argument("--clients", type=int, default=8, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-lag", type=float, default=2.0, help="routing.max_lag in seconds (default %(default)s)")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    with contextlib.ExitStack() as stack:
        cluster = Cluster(stack)
        primary = cluster.primary
        primary.execute("CREATE TABLE soak (id int PRIMARY KEY, n int NOT NULL)", dbname="shop")
        primary.execute("INSERT INTO soak SELECT i, 0 FROM generate_series(0, %s) AS i", (arguments.clients,), "shop")
        primary.execute("GRANT ALL ON soak TO app", dbname="shop")
        daemon = cluster.forebay("--set", f"routing.max_lag={int(arguments.max_lag * 1000)}ms")
        times = multiprocessing.Array("d", 2_000_000, lock=False)
        stop, results = multiprocessing.Event(), multiprocessing.Queue()
        beside = multiprocessing.Process(
            target=write_beside, args=(primary.socket_dsn(dbname="shop"), times, stop), daemon=True)
        beside.start()
        dsn = daemon.dsn("app", "shop", primary.passwords["app"])
        each = arguments.operations // arguments.clients
        clients = [
            multiprocessing.Process(target=run_client, daemon=True,
                                    args=(dsn, me, arguments.seed, each, arguments.max_lag, times, results))
            for me in range(1, arguments.clients + 1)]
        started = time.monotonic()
        for client in clients:
            client.start()
        outcomes, disturbed = [], {}
        while len(outcomes) < len(clients):
            if any(client.is_alive() for client in clients):
                what = disturb(cluster, dice)
                disturbed[what] = disturbed.get(what, 0) + 1
            elif results.empty() and not any(client.is_alive() for client in clients):
                print("a client ended without a result", file=sys.stderr)
                return 1
            while not results.empty():
                outcomes.append(results.get())
        stop.set()
        beside.join(10)
        wrong = [line for _, lines in outcomes for line in lines]
        servers = {row["server"]: row["assignments"] for row in daemon.show("topology")}
        for line in wrong[:20]:
            print(line)
        print(json.dumps({"operations": each * arguments.clients, "reads": sum(reads for reads, _ in outcomes),
                          "wrong": len(wrong), "seconds": round(time.monotonic() - started), "servers": servers,
                          "disturbed": disturbed, "seed": arguments.seed}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
