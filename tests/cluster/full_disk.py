"""A replica whose disk is full: it can keep nothing of what it is sent, and may end."""

import contextlib

from forebay_testing import PostgresServer, ReplicaServer
from forebay_testing.small_disk import SmallDisk

#: Segments of the log that a replica may have made ahead; no more fit then.
_SEGMENTS_AHEAD = 4


@contextlib.contextmanager
def full(disk: SmallDisk, replica: ReplicaServer, primary: PostgresServer):
    """Nothing fits on the replica's disk, and more comes than it has room for; afterwards there is room again, and it
    runs.
    """
    disk.fill()
    write_segments(primary)
    try:
        yield
    finally:
        disk.empty()
        if not replica.running():  # what cannot write a table ends the server, as a supervisor would start it
            replica.kill()
            replica.start()


def write_segments(primary: PostgresServer) -> None:
    """Goes on to the next segment of the log again and again."""
    for _ in range(_SEGMENTS_AHEAD):
        primary.execute("INSERT INTO log VALUES (0)", dbname="shop")
        primary.execute("SELECT pg_switch_wal()")
