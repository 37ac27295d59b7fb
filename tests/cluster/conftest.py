"""A primary, two replicas, and Forebay in front of them."""

import contextlib

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresCluster, small_disk

from traffic import Traffic

USER = "app"


@pytest.fixture(autouse=True)
def no_traffic_goes_on():
    """After a test that has failed: it would look for its daemon without an end, and leave no socket to the others."""
    yield
    for traffic in list(Traffic.not_stopped):
        traffic.stop()


class Cluster(PostgresCluster):
    """With a database and its owner, and Forebay in front."""

    def __init__(self, stack: contextlib.ExitStack, replicas: int = 2, config: dict | None = None,
                 addresses: list[str] | None = None) -> None:
        super().__init__(stack, 0, config, addresses=addresses)
        self.primary.create_role(USER)
        self.primary.create_database("shop", f"OWNER {USER}")
        for _ in range(replicas):
            self.add_replica()

    def forebay(self, *flags: str) -> ForebayDaemon:
        daemon = self._stack.enter_context(ForebayDaemon(self.servers[0], [*self.replica_flags(), *flags]))
        self.wait_until_up(daemon, 20)
        return daemon

    def reads(self, daemon: ForebayDaemon) -> list[int]:
        return [int(row["assignments"]) for row in daemon.show("topology")]

    def connect(self, daemon: ForebayDaemon, **options) -> psycopg.Connection:
        password = self.servers[0].passwords[USER]
        dsn = daemon.dsn(USER, "shop", password)
        return psycopg.connect(dsn, **({"autocommit": True, "connect_timeout": 20} | options))


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


@pytest.fixture
def disk():
    """One that can be filled, with room for a replica."""
    with contextlib.ExitStack() as stack:
        try:
            mounted = stack.enter_context(small_disk.mount(small_disk.ROOM_FOR_A_REPLICA))
        except small_disk.SmallDiskError as error:
            pytest.skip(str(error))
        yield mounted


@pytest.fixture(scope="module")
def daemon(cluster):
    return cluster.forebay()


@pytest.fixture
def client(cluster, daemon):
    with cluster.connect(daemon) as connection:
        yield connection
