"""A private PostgreSQL server."""

import os
import pathlib
import re
import signal
import subprocess
import urllib.parse

from .daemon import Daemon, DaemonError
from .ports import free_port
from .postgres_template import SUPERUSER, copy_template, template_password
from .waiting import wait_until

_BINARIES = pathlib.Path(os.environ.get("FOREBAY_POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))

DEFAULT_CONFIG = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_connections": 200,
    "max_prepared_transactions": 20,
    "password_encryption": "scram-sha-256",
    # Nothing here must survive a power cut; a crash of the server alone loses nothing without fsync.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # in the server's folder, which is removed even if it was killed
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}

DEFAULT_HBA = """\
local all all trust
local replication all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


def postgres_binary(name: str) -> str:
    """Full path of a program of the server's package, for example "psql" or "pgbench"."""
    path = _BINARIES / name
    if not path.exists():
        raise RuntimeError(f"{path} is missing: apt-get install postgresql-15, or set FOREBAY_POSTGRES_BIN")
    return str(path)


class PostgresServer(Daemon):
    """PostgreSQL on 127.0.0.1 and on a Unix socket (trust) in `socket_directory`.

    config: settings that replace or extend DEFAULT_CONFIG; hba: the whole of pg_hba.conf; data_directory: an empty
    folder of the server user for its files, which stays when it is closed.
    The port is chosen at construction and kept over restarts.
    """

    name = "postgres"
    superuser = SUPERUSER
    orderly_signal = signal.SIGINT  # "fast": https://www.postgresql.org/docs/15/server-shutdown.html
    prompt_signal = signal.SIGQUIT  # "immediate": the postmaster takes its children along
    refuses_root = True
    keeps_data = True

    def __init__(self, config: dict | None = None, hba: str | None = None, data_directory: str | None = None) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = free_port(self.host)
        self.socket_directory = str(self.directory)
        self.data_directory = data_directory or str(self.directory / "data")
        self._config = DEFAULT_CONFIG | (config or {})
        self._hba = hba or DEFAULT_HBA
        try:
            self._make_data()
        except BaseException:
            self.close()
            raise
        self.passwords = {SUPERUSER: template_password(_BINARIES)}

    def command(self) -> list[str]:
        where = ["-D", self.data_directory, "-p", str(self.port), "-k", self.socket_directory]
        return [postgres_binary("postgres"), *where]

    def environment(self) -> dict[str, str]:
        # Settings for clients (PGOPTIONS, PGTZ, PGPORT …) are no business of the server.
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return clean | {"LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        for _ in range(5):
            self._write_files()
            try:
                return super().start()
            except DaemonError as error:
                if "Address already in use" not in str(error):
                    raise
                self.port = free_port(self.host)
        raise DaemonError("postgres found no free port in five tries")

    def ready(self) -> bool:
        try:
            lines = pathlib.Path(self.data_directory, "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # Line 8 is the status; a file left over from a killed postmaster has another process id in line 1.
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def reload(self, config: dict | None = None) -> None:
        """Changes settings that need no restart, and waits until the server has read them."""
        self._config |= config or {}
        self._write_files()
        before = self.query("SELECT pg_conf_load_time()")
        self.execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.query("SELECT pg_conf_load_time()") != before, 10, "postgres: reload")

    def dsn(self, user: str | None = None, dbname: str = "postgres", password: str | None = None, **options) -> str:
        """A libpq connection string over TCP; the password of a role made by create_role() is known."""
        user = user or SUPERUSER
        values = {"host": self.host, "port": self.port, "user": user, "dbname": dbname}
        values["password"] = password or self.passwords.get(user)
        return conninfo(values | options)

    def socket_dsn(self, user: str | None = None, dbname: str = "postgres", **options) -> str:
        values = {"host": self.socket_directory, "port": self.port, "user": user or SUPERUSER, "dbname": dbname}
        return conninfo(values | options)

    def url(self, user: str | None = None, dbname: str | None = None, password: str | None = None,
            host: str | None = None) -> str:
        user = user or SUPERUSER
        return url(host or self.host, self.port, user, password or self.passwords.get(user), dbname)

    def create_role(self, name: str, password: str | None = None, options: str = "LOGIN") -> None:
        """Makes a role; dsn(user=name) then knows its password."""
        password = password or f"secret-of-{name}"
        literal = password.replace("'", "''")
        self.execute(f"""CREATE ROLE "{name}" {options} PASSWORD '{literal}'""")
        self.passwords[name] = password

    def create_database(self, name: str, options: str = "") -> None:
        self.execute(f'CREATE DATABASE "{name}" {options}')

    def execute(self, sql: str, parameters=None, dbname: str = "postgres") -> None:
        """Runs one statement as superuser on a connection of its own, past every proxy."""
        import psycopg  # here, so that the servers can be used without psycopg

        with psycopg.connect(self.socket_dsn(dbname=dbname), autocommit=True) as connection:
            connection.execute(sql, parameters)

    def query(self, sql: str, parameters=None, dbname: str = "postgres") -> list[tuple]:
        import psycopg

        with psycopg.connect(self.socket_dsn(dbname=dbname), autocommit=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    def sessions(self, dbname: str) -> int:
        """Connections that there have been; each is counted at its end, or soon after its first transaction."""
        return self.query("SELECT sessions FROM pg_stat_database WHERE datname = %s", (dbname,))[0][0]

    def psql(self, sql: str, dbname: str = "postgres") -> str:
        """Runs a script of any length; returns unaligned tuples."""
        return subprocess.run(
            [postgres_binary("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.socket_dsn(dbname=dbname)],
            input=sql, text=True, capture_output=True, check=True, timeout=120,
        ).stdout

    def stop_immediately(self) -> None:
        """Its clients get a word of warning and no end in order; it has to recover when it is started again."""
        self._end(self.prompt_signal)

    def signal_all(self, number: int) -> None:
        """To the postmaster and everything it has started: SIGSTOP, and SIGCONT later."""
        for pid in (self.pid, *_children(self.pid)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # a backend that has ended meanwhile

    def _make_data(self) -> None:
        copy_template(_BINARIES, pathlib.Path(self.data_directory))

    def _kill_now(self) -> None:
        """SIGKILL for the postmaster and everything it started; returns when all are gone."""
        self.signal(signal.SIGSTOP)  # it must not start another child while we look
        children = _children(self.pid)
        for pid in [self.pid, *children]:
            _kill(pid)
        self._process.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 10, "postgres: children gone")

    def _write_files(self) -> None:
        data = pathlib.Path(self.data_directory)
        text = "".join(f"{key} = {_quote(value)}\n" for key, value in self._config.items())
        (data / "postgresql.conf").write_text(text)
        (data / "pg_hba.conf").write_text(self._hba)


def conninfo(values: dict) -> str:
    """keyword=value pairs, quoted: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING"""
    return " ".join(f"{key}={_quote_value(str(value))}" for key, value in values.items() if value is not None)


def url(host: str, port: int, user: str, password: str | None, dbname: str | None) -> str:
    secret = ":" + urllib.parse.quote(password, safe="") if password else ""
    path = "/" + urllib.parse.quote(dbname, safe="") if dbname else ""
    return f"postgres://{urllib.parse.quote(user, safe='')}{secret}@{host}:{port}{path}"


def _quote_value(value: str) -> str:
    if re.fullmatch(r"[\w./:-]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote(value) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _children(pid: int) -> list[int]:
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
