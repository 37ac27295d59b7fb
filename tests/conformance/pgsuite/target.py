"""What a suite is run against: a private server, reached directly or through a proxy."""

import contextlib
import os
import pathlib

from forebay_testing import ForebayDaemon, PgBouncerDaemon, PostgresServer

from .driver import Address

PROXIES = ("forebay", "pgbouncer")
MODES = ("direct", "session", "transaction")

# What initdb and `make check` would put into postgresql.conf, where it differs from PostgresServer's defaults.
_SERVER_CONFIG = {
    "max_connections": 100,
    "max_prepared_transactions": 2,
    "shared_buffers": "128MB",
    "jit": "off",  # compiling is a third of a run (92 s of processor instead of 61); no output shows it
    "default_text_search_config": "pg_catalog.english",
    "lc_messages": "C",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "log_line_prefix": "%m %b[%p] %q%a ",
}


@contextlib.contextmanager
def serving(mode: str, proxy: str, pool_size: int, flags: list[str], keep: pathlib.Path, wal_level: str = "replica"):
    """Yields (server, address). Logs of server and proxy are copied to `keep` at the end.

    Every login is SCRAM, so through Forebay the verifiers come from the server.
    """
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(PostgresServer(config=_SERVER_CONFIG | {"wal_level": wal_level}))
        stack.callback(_keep_log, server, keep)
        front = server
        if mode != "direct":
            front = stack.enter_context(_proxy(server, mode, proxy, pool_size, flags))
            stack.callback(_keep_log, front, keep)
        yield server, Address(front.host, front.port, server.superuser, server.passwords[server.superuser])


def _proxy(server: PostgresServer, mode: str, proxy: str, pool_size: int, flags: list[str]):
    if proxy == "forebay":
        pooling = ["--pool-mode", mode, "--pool-size", pool_size, "--pool-overflow", 0]
        return ForebayDaemon(server, [*pooling, "--auth", "scram", *flags])
    return PgBouncerDaemon(server, mode, {"default_pool_size": pool_size})


def _keep_log(daemon, keep: pathlib.Path) -> None:
    if daemon.log_path.exists():
        text = daemon.log_path.read_text(errors="replace")
        (keep / daemon.log_path.name).write_text(text)


def activity(server: PostgresServer) -> str:
    """What the server's sessions do at this moment, past the proxy: for a run that stands still."""
    rows = server.query(
        "SELECT pid, datname, usename, application_name, state, wait_event_type, wait_event,"
        " pg_blocking_pids(pid), age(clock_timestamp(), state_change), left(query, 200)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend' ORDER BY pid"
    )
    return "".join(" | ".join(str(value) for value in row) + os.linesep for row in rows)
