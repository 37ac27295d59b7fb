#!/usr/bin/python3
"""Kills the primary again and again, promotes a replica, and looks for what was lost, done twice, or written to a
server that had been replaced.

Writers insert numbers of their own, each once, and note what was acknowledged; readers read all the time. After
each failover the former primary is rewound and follows. Prints the write gaps (from the kill, and from the moment
the new primary takes writes) and what was wrong; the exit code is 1 when anything was.
"""

import argparse
import contextlib
import json
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import psycopg  # noqa: E402

from conftest import Cluster  # noqa: E402
from forebay_testing import wait_until  # noqa: E402


class Writer(threading.Thread):
    """Inserts 1, 2, 3 …; what has not been acknowledged is not repeated."""

    def __init__(self, cluster, daemon, me: int) -> None:
        super().__init__(daemon=True)
        self._cluster, self._daemon, self.me = cluster, daemon, me
        self.ended = threading.Event()
        self.acknowledged: dict[int, float] = {}
        self.unknown: list[int] = []
        self.messages: dict[str, int] = {}

    def run(self) -> None:
        connection, number = None, 0
        while not self.ended.is_set():
            try:
                connection = connection or self._cluster.connect(self._daemon)
                number += 1
                connection.execute("INSERT INTO log (who, n) VALUES (%s, %s)", (self.me, number))
                self.acknowledged[number] = time.monotonic()
            except psycopg.Error as error:
                self.unknown.append(number)
                text = str(error).splitlines()[0]
                self.messages[text] = self.messages.get(text, 0) + 1
                if connection:
                    connection.close()
                connection = None
            time.sleep(0.002)
        if connection:
            connection.close()


class Reader(threading.Thread):
    """Never fails: an error ends it, and is found."""

    def __init__(self, cluster, daemon) -> None:
        super().__init__(daemon=True)
        self._connection = cluster.connect(daemon)
        self.ended = threading.Event()
        self.reads, self.longest, self.error = 0, 0.0, None

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                begun = time.monotonic()
                self._connection.execute("SELECT count(*) FROM small")
                self.longest = max(self.longest, time.monotonic() - begun)
                self.reads += 1
                time.sleep(0.002)
        except psycopg.Error as error:
            self.error = str(error)
        self._connection.close()


class Run:
    def __init__(self, stack, arguments) -> None:
        self.dice = random.Random(arguments.seed)
        self.synchronous = arguments.synchronous
        self.cluster = Cluster(stack)
        primary = self.cluster.primary
        primary.execute("CREATE TABLE log (who int, n int)", dbname="shop")
        primary.execute("CREATE TABLE small AS SELECT 1 AS n", dbname="shop")
        primary.execute("GRANT ALL ON log, small TO app", dbname="shop")
        if self.synchronous:
            self.cluster.make_synchronous()
        self.daemon = self.cluster.forebay("--set", "pool.size=10")
        self.writers = [Writer(self.cluster, self.daemon, me) for me in range(2)]
        self.readers = [Reader(self.cluster, self.daemon) for _ in range(2)]
        self.gaps: list[float] = []
        self.resumed: list[float] = []
        self.wrong: list[str] = []

    def run(self, times: int) -> None:
        for thread in (*self.writers, *self.readers):
            thread.start()
        for number in range(times):
            self.fail_over(number)
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {times}", end="", file=sys.stderr)
        for thread in (*self.writers, *self.readers):
            thread.ended.set()
            thread.join(30)
        self.judge()

    def fail_over(self, number: int) -> None:
        cluster = self.cluster
        time.sleep(self.dice.uniform(0.1, 0.5))
        old = cluster.primary
        killed = time.monotonic()
        old.kill()
        new = cluster.newest_replica()
        time.sleep(self.dice.uniform(0, 0.5))
        new.promote()
        promoted = time.monotonic()
        cluster.follow(new)
        marks = [max(writer.acknowledged.values(), default=0) for writer in self.writers]
        wait_until(lambda: all(max(writer.acknowledged.values(), default=0) > max(promoted, mark)
                               for writer, mark in zip(self.writers, marks)), 30, f"failover {number}: writes go on")
        for writer in self.writers:
            acknowledged = sorted(writer.acknowledged.values())
            after = min(when for when in acknowledged if when > promoted)
            before = max(when for when in acknowledged if when < after)
            self.gaps.append(after - min(before, killed))
            self.resumed.append(after - promoted)
        cluster.take_back(old)
        cluster.wait_until_up(self.daemon)

    def judge(self) -> None:
        rows = self.cluster.primary.query("SELECT who, n, count(*) FROM log GROUP BY who, n", dbname="shop")
        there = {(who, n): count for who, n, count in rows}
        for (who, n), count in there.items():
            if count > 1:
                self.wrong.append(f"writer {who}: {n} is there {count} times")
        lost = [(writer.me, n) for writer in self.writers for n in writer.acknowledged if (writer.me, n) not in there]
        self.lost = len(lost)
        if self.synchronous:
            self.wrong += [f"writer {who}: {n} was acknowledged and is lost" for who, n in lost]
        for writer in self.writers:
            known = set(writer.acknowledged) | set(writer.unknown)
            self.wrong += [f"writer {who}: {n} was never sent" for who, n in there
                           if who == writer.me and n not in known]
        for reader in self.readers:
            if reader.error:
                self.wrong.append(f"a read failed: {reader.error}")
        for server in self.cluster.replicas:
            server.catch_up()
            if server.query("SELECT count(*) FROM log", dbname="shop")[0][0] != sum(there.values()):
                self.wrong.append(f"server {server.port} has other rows than the primary")

    def report(self, seed: int) -> dict:
        def figures(values):
            return {"p50": round(statistics.median(values), 3), "max": round(max(values), 3)}

        return {
            "failovers": len(self.gaps) // len(self.writers), "synchronous": self.synchronous, "seed": seed,
            "acknowledged": sum(len(writer.acknowledged) for writer in self.writers),
            "unknown": sum(len(writer.unknown) for writer in self.writers), "lost": self.lost,
            "write_gap_seconds": figures(self.gaps), "resumed_after_promotion_seconds": figures(self.resumed),
            "reads": sum(reader.reads for reader in self.readers),
            "longest_read_seconds": round(max(reader.longest for reader in self.readers), 3),
            "messages": {text: count for writer in self.writers for text, count in writer.messages.items()},
            "wrong": len(self.wrong),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", action="store_true", help="no commit without a standby")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        run = Run(stack, arguments)
        run.run(arguments.times)
        for line in run.wrong[:20]:
            print(line)
        print(json.dumps(run.report(arguments.seed)))
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
