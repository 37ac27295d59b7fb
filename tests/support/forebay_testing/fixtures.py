"""pytest fixtures: one PostgreSQL server for a run, and places to connect to it, directly and through Forebay.

A test that takes `endpoint` runs once against PostgreSQL itself, which proves that the test asks for nothing
PostgreSQL does not do, and once through Forebay in each pool mode. Select one with -k: `-k direct`.
"""

import dataclasses
import itertools

import pytest

from .directories import temporary_directory
from .forebay import ForebayDaemon
from .postgres import PostgresServer
from .waiting import wait_until

MODES = ("direct", "session", "transaction")

#: Backends per pool unless @pytest.mark.pool(size) says otherwise. Fewer than a test's clients in transaction
#: mode, so that they share; as many as clients in session mode, where each has its own.
POOL_SIZE = {"session": 40, "transaction": 4}

#: An ordinary role that owns the test's database: what an application would use.
USER = "app"


@dataclasses.dataclass
class Endpoint:
    """Where clients connect: PostgreSQL or Forebay, and one database there."""

    mode: str  #: one of MODES
    daemon: PostgresServer | ForebayDaemon
    server: PostgresServer  #: what is behind, for questions and preparations past the proxy
    dbname: str

    @property
    def host(self) -> str:
        return self.daemon.host

    @property
    def port(self) -> int:
        return self.daemon.port

    def password(self, user: str = USER) -> str:
        return self.server.passwords[user]

    def dsn(self, user: str = USER, **options) -> str:
        return self.daemon.dsn(user=user, dbname=self.dbname, password=self.password(user), **options)

    def url(self, user: str = USER) -> str:
        return self.daemon.url(user=user, dbname=self.dbname, password=self.password(user))

    def environment(self, user: str = USER) -> dict[str, str]:
        """libpq's variables: https://www.postgresql.org/docs/15/libpq-envars.html"""
        return {
            "PGHOST": self.host, "PGPORT": str(self.port), "PGDATABASE": self.dbname, "PGUSER": user,
            "PGPASSWORD": self.password(user), "PGCONNECT_TIMEOUT": "20",
        }

    def connect(self, user: str = USER, **options):
        """A psycopg connection in autocommit mode; keyword arguments for psycopg.connect()."""
        import psycopg

        return psycopg.connect(self.dsn(user), **({"autocommit": True, "connect_timeout": 20} | options))

    def raw(self, user: str = USER, **parameters: str):
        """A RawConnection that is logged in."""
        from .rawpg import RawConnection

        raw = RawConnection(self.host, self.port)
        try:
            raw.login(user, self.password(user), self.dbname, **parameters)
        except BaseException:
            raw.close()
            raise
        return raw


def pytest_configure(config):
    config.addinivalue_line("markers", "pool(size): backends per pool in transaction mode")


@pytest.fixture(scope="session")
def server():
    """PostgreSQL with the ordinary roles app, alice and bob; app may SET ROLE to the other two."""
    with PostgresServer() as postgres:
        for name in (USER, "alice", "bob"):
            postgres.create_role(name)
        postgres.execute(f"GRANT alice, bob TO {USER}")
        yield postgres


@pytest.fixture(scope="session")
def forebays(server):
    """forebays(flag, …): a daemon with these flags, kept for the whole run; the same flags give the same one."""
    daemons: dict[tuple, ForebayDaemon] = {}

    def get(*flags: str) -> ForebayDaemon:
        if flags not in daemons:
            daemon = ForebayDaemon(server, flags)
            daemon.start()
            daemons[flags] = daemon
        return daemons[flags]

    yield get
    stop_all(daemons.values())


def stop_all(daemons, may_have_ended: bool = False) -> None:
    """Stops and closes all, and then fails if one of them had anything against it, or had ended before it may."""
    failures = []
    for daemon in daemons:
        try:
            if daemon.running() or not may_have_ended:
                daemon.stop()
        except RuntimeError as error:
            failures.append(str(error))
        daemon.close()
    assert not failures, "\n".join(failures)


@pytest.fixture
def socket_folder():
    """An empty folder for Unix sockets: tmp_path is too long for them where the checkout lies deep."""
    with temporary_directory("sockets") as folder:
        yield folder


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database(server):
    """An empty database of this module's own; its name."""
    name = f"test_{next(_numbers)}"
    server.create_database(name, f"OWNER {USER}")
    yield name
    drop_database(server, name)


def drop_database(server, name: str) -> None:
    """Even while a daemon follows its changes: FORCE ends connections, but not those that a slot belongs to; and a
    daemon would come back."""
    quoted = '"' + name.replace('"', '""') + '"'
    server.execute(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS false")
    left = "SELECT count(pg_terminate_backend(active_pid)) FROM pg_replication_slots WHERE database = %s"

    def is_dropped() -> bool:
        import psycopg

        if server.query(left, (name,))[0][0] > 0:
            return False
        try:
            server.execute(f"DROP DATABASE {quoted} WITH (FORCE)")
        except psycopg.errors.ObjectInUse:  # by a slot: whoever had logged in before has taken it meanwhile
            return False
        return True

    wait_until(is_dropped, 10, f"{name} is dropped")


@pytest.fixture(params=MODES)
def endpoint(request, server, database):
    """The same database directly, through Forebay in session mode, and in transaction mode."""
    return make_endpoint(request, server, database, request.param)


@pytest.fixture
def reference(server, database):
    """The same database, always directly: what the answers of `endpoint` are compared with."""
    return Endpoint("direct", server, server, database)


@pytest.fixture
def transaction_mode(request, server, database):
    """Through Forebay in transaction mode only, for what has no meaning elsewhere."""
    return make_endpoint(request, server, database, "transaction")


def make_endpoint(request, server: PostgresServer, database: str, mode: str) -> Endpoint:
    if mode == "direct":
        return Endpoint(mode, server, server, database)
    mark = request.node.get_closest_marker("pool")
    size = mark.args[0] if mark and mode == "transaction" else POOL_SIZE[mode]
    start = request.getfixturevalue("forebays")
    # The cache as it is by default: nobody must be able to tell that either.
    daemon = start("--cache", "auto", "--pool-mode", mode, "--pool-size", str(size), "--pool-overflow", "0")
    return Endpoint(mode, daemon, server, database)
