"""The daemon under test."""

import os
import pathlib
import re
import signal

from .daemon import Daemon, DaemonError
from .directories import REPOSITORY
from .names import Names
from .postgres import PostgresServer, conninfo, url

_LISTENING = re.compile(r"listening on (\S+):(\d+)")
_SANITIZER = re.compile(r"(ERROR|WARNING): (Address|Thread|Leak|Memory)Sanitizer|runtime error: ")


def forebay_binary() -> str:
    """$FOREBAY_BINARY, or the newest of build/release and build/dev."""
    named = os.environ.get("FOREBAY_BINARY")
    if named:
        return named
    built = [REPOSITORY / "build" / preset / "apps" / "forebay" / "forebay" for preset in ("release", "dev")]
    built = [path for path in built if path.exists()]
    if not built:
        raise RuntimeError("no forebay binary: run ./dev build, or set FOREBAY_BINARY")
    return str(max(built, key=lambda path: path.stat().st_mtime))


class ForebayDaemon(Daemon):
    """`forebay serve` on a free port of 127.0.0.1 in front of `upstream`.

    upstream: a PostgresServer (dsn() then knows its roles' passwords) or a postgres:// URL.
    flags: further command-line flags. config: text of a YAML file, passed as --config. The cache is off unless one
    of them speaks of it: most suites look at what reaches the server. names, upstream_name: what names mean to it,
    and the one that it is to reach a PostgresServer by.
    stop() and the end of the `with` block raise when the daemon crashed, ended with an error, or a sanitizer
    reported something.
    """

    name = "forebay"
    prompt_signal = signal.SIGKILL

    def __init__(self, upstream: PostgresServer | str, flags=(), config: str | None = None,
                 names: Names | None = None, upstream_name: str | None = None) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = 0
        self._server = upstream if isinstance(upstream, PostgresServer) else None
        self._upstream = upstream.url(host=upstream_name) if self._server else upstream
        self._names = names
        self._flags = [str(flag) for flag in flags]
        self.config_path: pathlib.Path | None = None
        self._configures_cache = config is not None and "cache:" in config
        if config is not None:
            self.config_path = self.directory / "forebay.yaml"
            self.config_path.write_text(config)

    def command(self) -> list[str]:
        command = [forebay_binary(), "serve", "--upstream", self._upstream]
        if "--listen" not in self._flags:
            # The same port after a restart, so that clients find it again.
            command += ["--listen", f"{self.host}:{self.port}"]
        if self.config_path:
            command += ["--config", str(self.config_path)]
        if "--cache" not in self._flags and not self._configures_cache:
            command += ["--cache", "off"]
        command += self._flags
        return self._names.wrapped(command) if self._names else command

    def ready(self) -> bool:
        found = _LISTENING.search(self.log())
        if not found:
            return False
        self.port = int(found.group(2))
        return True

    def stop(self) -> None:
        super().stop()
        self._fail_on_sanitizer()

    def reload(self) -> None:
        self.signal(signal.SIGHUP)

    def console(self, statement: str, user: str | None = None) -> list[dict]:
        """What the console answers, row by row; nothing where it has no rows."""
        import psycopg  # here, so that the daemons can be used without psycopg
        from psycopg.rows import dict_row

        dsn = self.dsn(user, dbname="forebay")
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def show(self, what: str, user: str | None = None) -> list[dict]:
        """For example show("topology")."""
        return self.console(f"SHOW {what}", user)

    def dsn(self, user: str | None = None, dbname: str = "postgres", password: str | None = None, **options) -> str:
        user = user or PostgresServer.superuser
        values = {"host": self.host, "port": self.port, "user": user, "dbname": dbname}
        values["password"] = password or self._password(user)
        return conninfo(values | options)

    def url(self, user: str | None = None, dbname: str | None = None, password: str | None = None) -> str:
        user = user or PostgresServer.superuser
        return url(self.host, self.port, user, password or self._password(user), dbname)

    def _password(self, user: str) -> str | None:
        return self._server.passwords.get(user) if self._server else None

    def _fail_on_sanitizer(self) -> None:
        if _SANITIZER.search(self.log()):
            raise DaemonError(f"a sanitizer reported in forebay's log:\n{self.log()[-20000:]}")
