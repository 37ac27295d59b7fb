"""A primary, two replicas, and Forebay in front of them."""

import contextlib

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, ReplicaServer, free_port, wait_until

USER = "app"
#: wal_log_hints, full_page_writes: for pg_rewind. Its log stays long enough for a replica that was cut off for a while.
CONFIG = {"wal_log_hints": "on", "full_page_writes": "on", "wal_keep_size": "256MB", "max_wal_senders": 10}


class Cluster:
    """Servers by their place in the configuration: 0 is the upstream, the first primary."""

    def __init__(self, stack: contextlib.ExitStack, replicas: int = 2, config: dict | None = None,
                 addresses: list[str] | None = None) -> None:
        """addresses: of each server, several with commas, where all have one port; otherwise they differ in that."""
        self._stack = stack
        self._addresses = addresses
        self._config = CONFIG | (config or {})
        self.servers: list[PostgresServer] = []
        primary = self._start(0, _Member)
        primary.create_role(USER)
        primary.create_database("shop", f"OWNER {USER}")
        self.servers.append(primary)
        for number in range(replicas):
            name = f"replica{number + 1}"
            self.servers.append(self._start(number + 1, lambda config: ReplicaServer(primary, name, config)))
        self.primary = primary

    def _start(self, place: int, make) -> PostgresServer:
        if not self._addresses:
            return self._stack.enter_context(make(self._config))
        server = make(self._config | {"listen_addresses": self._addresses[place]})
        server.host = self._addresses[place].split(",")[0]
        server.port = self.servers[0].port if place else free_port(server.host)
        return self._stack.enter_context(server)

    @property
    def replicas(self) -> list[PostgresServer]:
        return [server for server in self.servers if server is not self.primary]

    def forebay(self, *flags: str) -> ForebayDaemon:
        places = [word for server in self.servers[1:] for word in ("--replica", f"{server.host}:{server.port}")]
        daemon = self._stack.enter_context(ForebayDaemon(self.servers[0], [*places, *flags]))
        states = {0: "up"} | {place: "up" for place in range(1, len(self.servers))}
        wait_until(lambda: self.states(daemon) == states, 20, "all servers are up")
        return daemon

    def topology(self, daemon: ForebayDaemon) -> list[dict]:
        with psycopg.connect(daemon.dsn(dbname="forebay"), autocommit=True) as console:
            cursor = console.execute("SHOW TOPOLOGY")
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor]

    def states(self, daemon: ForebayDaemon) -> dict[int, str]:
        return {place: row["state"] for place, row in enumerate(self.topology(daemon))}

    def reads(self, daemon: ForebayDaemon) -> list[int]:
        return [int(row["assignments"]) for row in self.topology(daemon)]

    def connect(self, daemon: ForebayDaemon, **options) -> psycopg.Connection:
        password = self.servers[0].passwords[USER]
        dsn = daemon.dsn(USER, "shop", password)
        return psycopg.connect(dsn, **({"autocommit": True, "connect_timeout": 20} | options))


class _Member(ReplicaServer):
    """The first primary: it may have to become a replica."""

    def __init__(self, config: dict) -> None:
        self._name = "replica0"
        PostgresServer.__init__(self, config)

    def _make_data(self) -> None:
        PostgresServer._make_data(self)


@pytest.fixture(scope="module")
def cluster():
    with contextlib.ExitStack() as stack:
        yield Cluster(stack)


@pytest.fixture
def clusters():
    """clusters(…): a cluster of the test's own, which may be broken; arguments as Cluster's."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: Cluster(stack, *args, **options)


@pytest.fixture
def log_cluster(clusters):
    """One with the table that traffic.py writes and reads."""
    cluster = clusters()
    cluster.primary.execute("CREATE TABLE log (n int)", dbname="shop")
    cluster.primary.execute("GRANT ALL ON log TO app", dbname="shop")
    return cluster


@pytest.fixture(scope="module")
def daemon(cluster):
    return cluster.forebay()


@pytest.fixture
def client(cluster, daemon):
    with cluster.connect(daemon) as connection:
        yield connection
