"""Real servers for tests: PostgreSQL, Forebay and PgBouncer, each in a folder of its own on a free port.

    with PostgresServer() as server, ForebayDaemon(server, ["--pool-size", "2"]) as forebay:
        psycopg.connect(forebay.dsn())

Everything is ended and removed when its `with` block ends, when the interpreter exits, and when the
interpreter is killed (see keeper.py).
"""

from .cluster import PostgresCluster
from .daemon import Daemon, DaemonError
from .directories import temporary_directory
from .fake_clock import FakeClock
from .forebay import ForebayDaemon, forebay_binary
from .names import Names
from .pgbouncer import PgBouncerDaemon
from .ports import free_port
from .postgres import PostgresServer, postgres_binary
from .replica import ReplicaServer
from .waiting import wait_until

__all__ = [
    "Daemon",
    "DaemonError",
    "FakeClock",
    "ForebayDaemon",
    "Names",
    "PgBouncerDaemon",
    "PostgresCluster",
    "PostgresServer",
    "ReplicaServer",
    "forebay_binary",
    "free_port",
    "postgres_binary",
    "temporary_directory",
    "wait_until",
]
