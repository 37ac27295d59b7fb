"""Who takes part in `./dev bench cache` beside PostgreSQL and Forebay: Redis and Pgpool-II's memory cache."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass

from forebay_testing import Daemon, ForebayDaemon, PostgresServer, forebay_binary, free_port, temporary_directory
from processes import children, processor_seconds

MOST_CLIENTS = 64
POOL_SIZE = 20
USER, DATABASE = PostgresServer.superuser, "bench"
HBA = ("local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n"
       "host replication all 127.0.0.1/32 trust\n")
SERVER = {"max_connections": 300, "shared_buffers": "512MB", "max_parallel_workers_per_gather": 0, "autovacuum": "off"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

# As its documentation advises for this use: everything in shared memory, invalidation on, nothing logged.
# https://www.pgpool.net/docs/43/en/html/runtime-in-memory-query-cache.html
PGPOOL = {
    "backend_clustering_mode": "raw",
    "backend_weight0": 1,
    "num_init_children": MOST_CLIENTS,
    "max_pool": 1,
    "child_life_time": 0,
    "enable_pool_hba": "off",
    "load_balance_mode": "off",
    "sr_check_period": 0,
    "health_check_period": 0,
    "memory_cache_enabled": "on",
    "memqcache_method": "shmem",
    "memqcache_total_size": "256MB",
    "memqcache_expire": 0,
    "memqcache_auto_cache_invalidation": "on",
    "log_client_messages": "off",
    "log_min_messages": "error",
}


def program(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


class RedisDaemon(Daemon):
    """Nothing is saved to disk."""

    name = "redis"

    def __init__(self) -> None:
        super().__init__()
        self.host, self.port = "127.0.0.1", free_port("127.0.0.1")

    def command(self) -> list[str]:
        where = ["--port", str(self.port), "--bind", self.host]
        return [program("redis-server"), *where, "--save", "", "--appendonly", "no", "--daemonize", "no"]

    def ready(self) -> bool:
        return "Ready to accept connections" in self.log()


class PgpoolDaemon(Daemon):
    name = "pgpool"
    orderly_signal = signal.SIGINT  # "fast": https://www.pgpool.net/docs/43/en/html/pgpool.html
    prompt_signal = signal.SIGQUIT
    refuses_root = True

    def __init__(self, server: PostgresServer) -> None:
        super().__init__()
        self.host, self.port = "127.0.0.1", free_port("127.0.0.1")
        self._server = server

    def command(self) -> list[str]:
        # The control channel finds its place by itself: a Unix socket in our folder and a port nobody uses.
        where = {
            # Over TCP it waits 40 ms for each acknowledgement where the extended protocol is used.
            "backend_hostname0": self._server.socket_directory, "backend_port0": self._server.port,
            "listen_addresses": self.host, "port": self.port,
            "pcp_port": free_port("127.0.0.1"), "pcp_listen_addresses": "", "pool_passwd": "",
            "unix_socket_directories": self.directory, "pcp_socket_dir": self.directory,
            "wd_ipc_socket_dir": self.directory, "pid_file_name": self.directory / "pgpool.pid",
            "logdir": self.directory, "work_dir": self.directory, "memqcache_oiddir": self.directory / "oids",
        }
        (self.directory / "oids").mkdir(exist_ok=True)
        shutil.chown(self.directory / "oids", self.directory.owner())
        lines = [f"{key} = '{value}'\n" for key, value in (PGPOOL | where).items()]
        (self.directory / "pgpool.conf").write_text("".join(lines))
        for name in ("pcp.conf", "pool_hba.conf"):
            (self.directory / name).touch()
        files = ["-f", self.directory / "pgpool.conf", "-F", self.directory / "pcp.conf"]
        return [program("pgpool"), "-n", *map(str, files), "-a", str(self.directory / "pool_hba.conf")]

    def ready(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 0.2):
            return True
        return False

    def dsn(self, user: str, dbname: str, **options) -> str:
        return self._server.dsn(user=user, dbname=dbname, **(options | {"host": self.host, "port": self.port}))


@dataclass
class Field:
    """Everybody who runs. redis, pgpool: None where they are not installed."""

    server: PostgresServer
    forebay: ForebayDaemon
    passing: ForebayDaemon  #: Forebay without its cache
    redis: RedisDaemon | None
    pgpool: PgpoolDaemon | None

    def daemon(self, name: str) -> Daemon | None:
        return {"direct": self.server, "Forebay": self.forebay, "Forebay, cache off": self.passing,
                "Pgpool-II": self.pgpool, "Redis": self.redis}[name]


def start_field(stack: contextlib.ExitStack, server: PostgresServer, threads: int | None, cache: list[str]) -> Field:
    common = ["--auth", "trust", "--pool-mode", "transaction", "--pool-size", POOL_SIZE, "--pool-overflow", 0]
    common += ["--threads", threads] if threads else []
    start = stack.enter_context
    return Field(
        server,
        start(ForebayDaemon(server, common + cache)),
        start(ForebayDaemon(server, common)),
        start(RedisDaemon()) if program("redis-server") and program("redis-benchmark") else None,
        start(PgpoolDaemon(server)) if program("pgpool") else None,
    )


def missing() -> list[str]:
    """What cannot be compared here, and how to mend it."""
    packages = {"redis-server": "redis-server", "redis-benchmark": "redis-tools", "pgpool": "pgpool2"}
    return [f"{name} is not installed (apt-get install {package})" for name, package in packages.items()
            if not program(name)]


def dsn(daemon: Daemon) -> str:
    return daemon.dsn(user=USER, dbname=DATABASE, sslmode="disable")


def family_seconds(pid: int) -> dict[int, float]:
    """Processor time so far of a daemon and its processes, by process."""
    found = {}
    for process in [pid, *children(pid)]:
        with contextlib.suppress(OSError, IndexError):
            found[process] = processor_seconds(process)
    return found


class Meter:
    """Processor time of a daemon and all its processes since it was made. Processes that end are counted up to the last
    look() while they were there."""

    def __init__(self, daemon: Daemon) -> None:
        self._pid = daemon.pid
        self._before = family_seconds(self._pid)
        self._latest = dict(self._before)

    def look(self) -> None:
        self._latest |= family_seconds(self._pid)

    def seconds(self) -> float:
        self.look()
        return sum(self._latest.values()) - sum(self._before.values())


def redis_get(redis: RedisDaemon, payload: int, keys: int, clients: int, depth: int, seconds: float) -> dict:
    """redis-benchmark's GET over `keys` values of `payload` bytes."""
    def run(command: str, requests: int, pipeline: int) -> list[float]:
        words = [program("redis-benchmark"), "-h", redis.host, "-p", redis.port, "-t", command, "-n", requests,
                 "-c", clients, "-P", pipeline, "-d", payload, "-r", keys, "--csv"]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True, timeout=300)
        line = next(line for line in done.stdout.splitlines() if line.upper().startswith(f'"{command.upper()}"'))
        return [float(word) for word in re.findall(r'"([\d.]+)"', line)]

    run("set", max(20 * keys, 1000), 16)  # enough that no key is left out
    rough = run("get", 20_000 * depth, depth)[0]
    requests = max(1000, int(rough * seconds))
    meter = Meter(redis)
    per_second, _, _, p50, _, p99, _ = run("get", requests, depth)
    return {"per_second": per_second, "p50_ms": p50, "p99_ms": p99, "us_per_request": meter.seconds() / requests * 1e6,
            "failures": 0, "errors": []}


def versions(server: PostgresServer) -> dict[str, str]:
    found = {"PostgreSQL": server.psql("show server_version").strip(),
             "Forebay": _said(forebay_binary(), "--version").removeprefix("forebay ")}
    if program("redis-server"):
        found["Redis"] = re.search(r"v=([\d.]+)", _said(program("redis-server"), "--version")).group(1)
    if program("pgpool"):
        found["Pgpool-II"] = re.search(r"version ([\d.]+)", _said(program("pgpool"), "--version")).group(1)
    return found


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]
