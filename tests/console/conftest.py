"""What the console's tests share: daemons of their own, and a console that answers with dictionaries."""

import threading

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.fixtures import stop_all

USER = "app"


class Console:
    """A psycopg connection to the console of a ForebayDaemon or PgBouncerDaemon."""

    def __init__(
        self, daemon, dbname: str = "forebay", user: str | None = None, password: str | None = None, **options
    ):
        dsn = daemon.dsn(user=user, dbname=dbname, password=password)
        self.connection = psycopg.connect(dsn, **({"autocommit": True, "row_factory": dict_row} | options))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.connection.close()

    def show(self, what: str) -> list[dict]:
        return self.connection.execute(f"SHOW {what}").fetchall()

    def columns(self, what: str) -> list[tuple[str, int]]:
        """Names and type numbers."""
        return [(column.name, column.type_code) for column in self.connection.execute(f"SHOW {what}").description]

    def run(self, command: str) -> str:
        """The command's tag."""
        return self.connection.execute(command).statusmessage

    def pool(self, database: str, user: str = USER) -> dict:
        rows = [row for row in self.show("POOLS") if (row["database"], row["user"]) == (database, user)]
        return rows[0] if rows else {}

    def wait_for_pool(self, database: str, user: str = USER, **expected) -> dict:
        """Waits until the pool's row has these values: sv_active=2."""

        def there():
            row = self.pool(database, user)
            return row if row and {key: row[key] for key in expected} == expected else None

        try:
            return wait_until(there, 10, f"SHOW POOLS: {expected}")
        except TimeoutError as error:
            raise AssertionError(f"{error}; it shows {self.pool(database, user)}") from None


class Background:
    """Runs something in a thread: done(), and result() or its exception."""

    def __init__(self, function, *arguments):
        self._value = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function, *arguments), daemon=True)
        self._thread.start()

    def _run(self, function, *arguments):
        try:
            self._value = function(*arguments)
        except BaseException as error:  # handed to whoever asks for the result
            self._error = error

    def is_done(self, within: float = 0.0) -> bool:
        self._thread.join(within)
        return not self._thread.is_alive()

    def result(self, timeout: float = 20.0):
        assert self.is_done(timeout), "still running"
        if self._error is not None:
            raise self._error
        return self._value


@pytest.fixture
def start(server):
    """start(*flags, config=None): a daemon of the test's own, on two threads unless the flags say otherwise."""
    running = []

    def run(*flags, config: str | None = None) -> ForebayDaemon:
        if "--threads" not in flags:
            flags = (*flags, "--threads", "2")
        daemon = ForebayDaemon(server, flags, config)
        daemon.start()
        running.append(daemon)
        return daemon

    yield run
    stop_all(running, may_have_ended=True)


@pytest.fixture
def clients(server, database):
    """clients(daemon): a new client of the test's database; all are closed at the end."""
    opened = []

    def connect(daemon, dbname: str = database, user: str = USER, **options):
        dsn = daemon.dsn(user=user, dbname=dbname, password=server.passwords[user])
        client = psycopg.connect(dsn, **({"autocommit": True, "connect_timeout": 20} | options))
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


def backend_of(client) -> int:
    return client.execute("SELECT pg_backend_pid()").fetchone()[0]


def ended(daemon) -> int:
    """Waits until the daemon has ended by itself; its status."""
    process = daemon._process
    return process.wait(20)
