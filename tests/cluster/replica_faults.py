#!/usr/bin/python3
"""Kills, freezes, restarts and holds up a replica under load, and fills its disk: how long until it is left out, and
until it is used again once it is well? Ends with a line of figures; the exit code is 1 when a read failed.
"""

import argparse
import contextlib
import functools
import json
import pathlib
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from conftest import Cluster  # noqa: E402
from forebay_testing import small_disk, wait_until  # noqa: E402
from full_disk import full  # noqa: E402
from traffic import Traffic  # noqa: E402


@contextlib.contextmanager
def killed(replica, primary):
    replica.kill()
    yield
    replica.start()


@contextlib.contextmanager
def frozen(replica, primary):
    replica.signal_all(signal.SIGSTOP)
    yield
    replica.signal_all(signal.SIGCONT)


@contextlib.contextmanager
def stopped(replica, primary):
    replica.stop()
    yield
    replica.start()


@contextlib.contextmanager
def lagging(replica, primary):
    replica.execute("SELECT pg_wal_replay_pause()")
    primary.execute("INSERT INTO log VALUES (0)", dbname="shop")
    yield
    replica.execute("SELECT pg_wal_replay_resume()")


FAULTS = {"killed": killed, "frozen": frozen, "stopped in order": stopped, "lagging more than 1 s": lagging}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=5, help="each (default %(default)s)")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        faults = dict(FAULTS)
        cluster = Cluster(stack, 0)
        try:
            disk = stack.enter_context(small_disk.mount(small_disk.ROOM_FOR_A_REPLICA))
            cluster.add_replica(str(disk.path))
            faults["full disk"] = functools.partial(full, disk)
        except small_disk.SmallDiskError as error:
            print(f"left out: a full disk ({error})", file=sys.stderr)
            cluster.add_replica()
        cluster.add_replica()
        cluster.primary.execute("CREATE TABLE log (n int)", dbname="shop")
        cluster.primary.execute("GRANT ALL ON log TO app", dbname="shop")
        daemon = cluster.forebay("--set", "routing.max_lag=1s")
        readers = [Traffic(lambda: cluster.connect(daemon), lambda connection, number:
                           connection.execute("SELECT count(*) FROM log").fetchone()) for _ in range(4)]
        for reader in readers:
            reader.start()
        figures = {}
        for name, fault in faults.items():
            left, back = [], []
            for _ in range(arguments.times):
                replica = cluster.servers[1]
                with fault(replica, cluster.primary):
                    begun = time.monotonic()
                    wait_until(lambda: cluster.states(daemon)[1] != "up", 30, "it is left out")
                    left.append(time.monotonic() - begun)
                begun = time.monotonic()
                wait_until(lambda: cluster.states(daemon)[1] == "up", 30, "it is used again")
                back.append(time.monotonic() - begun)
            figures[name] = {what: {"p50": round(statistics.median(times), 3), "max": round(max(times), 3)}
                             for what, times in (("left_out_seconds", left), ("back_seconds", back))}
        for reader in readers:
            reader.stop()
        errors = [str(error) for reader in readers for _, error in reader.errors]
        print(json.dumps(figures | {
            "reads": sum(len(reader.done) for reader in readers), "failed_reads": len(errors),
            "longest_wait_seconds": round(max(reader.longest_gap() for reader in readers), 3)}))
        for error in errors[:5]:
            print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
