"""PgBouncer, for comparison."""

import os
import shutil
import signal
import socket

from .daemon import Daemon, DaemonError
from .ports import free_port
from .postgres import PostgresServer, conninfo, url


class PgBouncerDaemon(Daemon):
    """Debian's PgBouncer in front of `server`, SCRAM on both sides.

    ini: entries of the [pgbouncer] section that replace or extend ours.
    """

    name = "pgbouncer"
    orderly_signal = signal.SIGINT  # waits for running transactions
    refuses_root = True

    def __init__(self, server: PostgresServer, pool_mode: str = "transaction", ini: dict | None = None) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = free_port(self.host)
        self._server = server
        self._ini = {
            "listen_addr": self.host,
            "auth_type": "scram-sha-256",
            "auth_file": self.directory / "userlist.txt",
            "unix_socket_dir": "",
            "pool_mode": pool_mode,
            "admin_users": server.superuser,
            "max_client_conn": 5000,
            "default_pool_size": 20,
            "ignore_startup_parameters": "extra_float_digits,options",
        } | (ini or {})

    def command(self) -> list[str]:
        binary = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if not binary:
            raise RuntimeError("pgbouncer is missing: apt-get install pgbouncer")
        self._write_files()
        return [binary, str(self.directory / "pgbouncer.ini")]

    def ready(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def stop(self) -> None:
        status = self._end(self.orderly_signal)
        if status not in (0, 1):  # 1.18 ends with 1 after an orderly shutdown
            raise DaemonError(f"pgbouncer ended with status {status}; its log ends:\n{self.log_tail()}")

    def dsn(self, user: str | None = None, dbname: str = "postgres", password: str | None = None, **options) -> str:
        user = user or self._server.superuser
        values = {"host": self.host, "port": self.port, "user": user, "dbname": dbname}
        values["password"] = password or self._server.passwords.get(user)
        return conninfo(values | options)

    def url(self, user: str | None = None, dbname: str | None = None, password: str | None = None) -> str:
        user = user or self._server.superuser
        return url(self.host, self.port, user, password or self._server.passwords.get(user), dbname)

    def _write_files(self) -> None:
        users = "".join(f'"{name}" "{secret}"\n' for name, secret in self._server.passwords.items())
        (self.directory / "userlist.txt").write_text(users)
        lines = ["[databases]", f"* = host={self._server.host} port={self._server.port}", "[pgbouncer]"]
        lines += [f"{key} = {value}" for key, value in (self._ini | {"listen_port": self.port}).items()]
        (self.directory / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
