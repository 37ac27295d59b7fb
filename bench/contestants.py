"""Who takes part in `./dev bench pool`: PostgreSQL directly, PgBouncer, Forebay. As equal as they can be."""

import contextlib
import shutil
import subprocess
from dataclasses import dataclass

from forebay_testing import Daemon, ForebayDaemon, PgBouncerDaemon, PostgresServer, forebay_binary, postgres_binary

POOL_SIZE = 20
MOST_CLIENTS = 11_000
USER, DATABASE = PostgresServer.superuser, "bench"

# No password anywhere: logging in is not what is measured.
HBA = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n"
SERVER = {"max_connections": 600, "shared_buffers": "256MB", "dynamic_shared_memory_type": "posix"}

# Transaction pooling with as many backends as Forebay has, and silent. PgBouncer 1.18 knows no prepared statements in
# transaction pooling (max_prepared_statements came with 1.21), so for these it gets session pooling and a backend for
# each client.
PGBOUNCER = {
    "auth_type": "trust",
    "default_pool_size": POOL_SIZE,
    "max_client_conn": MOST_CLIENTS,
    "log_connections": 0,
    "log_disconnections": 0,
    "log_stats": 0,
}
FOREBAY = [
    "--auth", "trust", "--cache", "off", "--pool-mode", "transaction", "--pool-size", POOL_SIZE, "--pool-overflow", 0,
    "--set", f"limits.max_clients={MOST_CLIENTS}",
]


@dataclass
class Field:
    """The daemons, running."""

    server: PostgresServer
    pgbouncer: PgBouncerDaemon
    pgbouncer_session: PgBouncerDaemon
    forebay: ForebayDaemon

    def daemon(self, name: str, protocol: str) -> Daemon:
        if name == "PgBouncer":
            return self.pgbouncer_session if protocol == "prepared" else self.pgbouncer
        return {"direct": self.server, "Forebay": self.forebay}[name]


def start_server(stack: contextlib.ExitStack, scale: int) -> PostgresServer:
    server = stack.enter_context(PostgresServer(config=SERVER, hba=HBA))
    server.psql(f"create database {DATABASE}")
    subprocess.run(
        [postgres_binary("pgbench"), "--initialize", "--quiet", f"--scale={scale}", dsn(server)],
        check=True, capture_output=True, timeout=600)
    server.psql("create extension pg_prewarm; select sum(pg_prewarm(c.oid)) from pg_class c"
                " where relname like 'pgbench%'", dbname=DATABASE)
    return server


def start_field(stack: contextlib.ExitStack, server: PostgresServer, threads: int | None, most_clients: int) -> Field:
    return Field(
        server,
        start_pgbouncer(stack, server),
        start_pgbouncer(stack, server, pool_mode="session", default_pool_size=most_clients),
        start_forebay(stack, server, threads),
    )


def start_pgbouncer(stack, server: PostgresServer, pool_mode: str = "transaction", **ini) -> PgBouncerDaemon:
    return stack.enter_context(PgBouncerDaemon(server, pool_mode, PGBOUNCER | ini))


def start_forebay(stack, server: PostgresServer, threads: int | None) -> ForebayDaemon:
    flags = FOREBAY + (["--threads", threads] if threads else [])
    return stack.enter_context(ForebayDaemon(server, flags))


def dsn(daemon: Daemon, dbname: str = DATABASE) -> str:
    return daemon.dsn(user=USER, dbname=dbname, sslmode="disable")


def versions(server: PostgresServer) -> dict[str, str]:
    pgbouncer = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    return {
        "PostgreSQL": server.psql("show server_version").strip(),
        "PgBouncer": _first_line([pgbouncer, "--version"]).removeprefix("PgBouncer "),
        "Forebay": _first_line([forebay_binary(), "--version"]).removeprefix("forebay "),
    }


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
