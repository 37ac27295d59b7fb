"""Fixtures of the cache's tests: a daemon with the cache on, and what it says of itself."""

import contextlib
import functools
import subprocess
import time

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon, PostgresServer, forebay_binary, wait_until
from forebay_testing.fixtures import USER, Endpoint

BOUND = 1.0  # seconds; what the daemons are told
FLAGS = ("--cache", "on", "--staleness", "1s", "--pool-mode", "transaction", "--pool-size", "6", "--pool-overflow", "0")
LASTING = ("--set", "cache.staleness=20s")

LIFETIMES = """
policies:
  items: {relations: items, lifetime: 1h}
  short: {relations: items, tags: short, lifetime: 1s}
"""


@functools.cache
def has_cache() -> bool:
    said = subprocess.run([forebay_binary(), "serve", "--help"], capture_output=True, text=True, timeout=20)
    return "--cache" in said.stdout + said.stderr


class Cached(Endpoint):
    """An endpoint whose daemon answers repeated reads from memory."""

    def figures(self) -> dict:
        """The row of SHOW CACHE for this database."""
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            rows = [row for row in console.execute("SHOW CACHE") if row["database"] == self.dbname]
        assert len(rows) < 2, rows
        return rows[0] if rows else {"level": "none yet", "hits": 0, "misses": 0, "entries": 0, "refused": 0}

    def clients_waiting(self) -> int:
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            return sum(row["cl_waiting"] for row in console.execute("SHOW POOLS"))

    def latencies(self) -> dict[str, dict]:
        """The rows of SHOW LATENCIES for this database, by what they are of."""
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            return {row["of"]: row for row in console.execute("SHOW LATENCIES") if row["database"] == self.dbname}

    def entries(self) -> list[dict]:
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            return [row for row in console.execute("SHOW CACHE_ENTRIES") if row["database"] == self.dbname]

    def clear(self, relation: str = "") -> None:
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True) as console:
            console.execute(f"CACHE CLEAR {relation}")

    def hits_during(self, action) -> int:
        before = self.figures()["hits"]
        action()
        return self.figures()["hits"] - before

    def warm(self, action, timeout: float = 10.0):
        """Repeats it until it is answered from memory; what it returned then."""
        answers = []

        def hit() -> bool:
            before = self.figures()["hits"]
            answers.append(action())
            return self.figures()["hits"] > before

        try:
            wait_until(hit, timeout, "an answer from memory", interval=0.02)
        except TimeoutError as error:
            raise AssertionError(f"{error}; {self.figures()}\n{self.daemon.log_tail(10)}") from None
        return answers[-1]

    def settle(self, action) -> None:
        """It is answered from memory and stays there: whatever a test has changed before has come by."""
        wait_until(lambda: self.hits_during(lambda: [self._slowly(action) for _ in range(30)]) == 30, 20, "only hits")

    def settle_batch(self, action, statements: int) -> None:
        """As above, for an action that asks for so many results at once."""
        wait_until(lambda: self.hits_during(lambda: [self._slowly(action) for _ in range(5)]) == 5 * statements, 20,
                   "only hits")

    def never_hits(self, action, count: int = 8) -> None:
        """However often it is repeated, it goes to the server, and does what it should."""
        self.warm_up()
        assert self.hits_during(lambda: [self._slowly(action) for _ in range(count)]) == 0

    def warm_up(self) -> None:
        """The cache of this database is at work."""
        with self.connect() as client:
            client.execute("CREATE TABLE IF NOT EXISTS warm_up (x int)")
            self.warm(lambda: client.execute("SELECT x FROM warm_up").fetchall())

    @staticmethod
    def _slowly(action) -> None:
        time.sleep(0.02)  # a fill has its chance
        action()


@pytest.fixture(autouse=True)
def _needs_cache():
    if not has_cache():
        pytest.skip("this build of Forebay has no cache")


@pytest.fixture
def cached(server, database, forebays) -> Cached:
    """Through Forebay with its cache on; emptied before the test."""
    endpoint = Cached("transaction", forebays(*FLAGS), server, database)
    endpoint.clear()
    return endpoint


@pytest.fixture
def lasting(server, database, forebays) -> Cached:
    """As `cached`, with leases that no pause of the machine ends."""
    endpoint = Cached("transaction", forebays(*FLAGS, *LASTING), server, database)
    endpoint.clear()
    return endpoint


@pytest.fixture
def client(cached):
    with cached.connect() as connection:
        yield connection


def make_items(server, database) -> str:
    server.psql("DROP TABLE IF EXISTS items CASCADE; CREATE TABLE items (id int PRIMARY KEY, name text, price numeric);"
                " INSERT INTO items SELECT n, 'item ' || n, n * 1.25 FROM generate_series(1, 200) n;"
                f" ALTER TABLE items OWNER TO {USER}", database)
    return "items"


@pytest.fixture
def items(server, database):
    """A table of app's: items(id, name, price), 200 rows. Made for each test, so the catalog is read again for each."""
    return make_items(server, database)


@pytest.fixture
def around(server, database):
    """around(sql): runs it as superuser past Forebay; the moment at which it was done."""
    def run(sql: str) -> float:
        server.psql(sql, database)
        return time.monotonic()
    return run


@pytest.fixture
def daemons(server, database):
    """daemons(*flags, upstream=…): a daemon of the test's own with the cache on, as an endpoint."""
    with contextlib.ExitStack() as stack:
        def start(*flags, upstream=server, config=None) -> Cached:
            daemon = stack.enter_context(ForebayDaemon(upstream, [*FLAGS, *flags], config))
            return Cached("transaction", daemon, upstream, database if upstream is server else "postgres")
        yield start


def within_bound(read, expected, since: float) -> None:
    """From `since` + the bound on, read() is `expected` and stays so."""
    time.sleep(max(0.0, since + BOUND - time.monotonic()))
    for _ in range(5):
        found = read()
        assert found == expected, f"{found} {time.monotonic() - since:.3f} s after the change"
        time.sleep(0.02)


def await_lease(endpoint, client) -> None:
    """One that was asked for from now on; the client asks meanwhile, or there will be none."""
    began = time.monotonic()

    def has_come() -> bool:
        client.execute("SELECT 1").fetchall()
        age = endpoint.figures()["lease_age_ms"]  # by a clock that is read once a round
        return age is not None and age + 10 < (time.monotonic() - began) * 1000

    wait_until(has_come, 10, "a lease", interval=0.02)


@pytest.fixture(scope="session")
def poor():
    """A server that does not decode its changes."""
    with PostgresServer(config={"wal_level": "replica"}) as server:
        for role in (USER, "bob"):
            server.create_role(role)
        server.psql(f"GRANT CREATE ON SCHEMA public TO {USER}")
        yield server


@pytest.fixture(scope="session")
def poor_daemon(poor):
    """In front of it, with a lifetime for what reads `items`."""
    with ForebayDaemon(poor, FLAGS, config=LIFETIMES) as daemon:
        yield daemon
