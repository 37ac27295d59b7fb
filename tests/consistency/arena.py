"""PostgreSQL, Forebay in front of it, and the program that reads, writes and judges (checker/)."""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import time

import psycopg

from forebay_testing import ForebayDaemon, PostgresCluster, PostgresServer, forebay_binary
from forebay_testing.cluster import SYNCHRONOUS
from forebay_testing.directories import REPOSITORY
from shares import Shares

HERE = pathlib.Path(__file__).parent
DATABASE = "arena"
_HBA = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n" \
       "host replication all 127.0.0.1/32 trust\n"
_SERVER = {"max_connections": 100, "max_prepared_transactions": 50, "max_wal_senders": 10, "max_replication_slots": 10}
#: Replicas that lost their primary look for one again soon: no commit goes on without one.
_WITH_REPLICAS = {"wal_retrieve_retry_interval": "100ms"}
#: Half of what clients read is not to be kept in memory, and is a replica's then; and it is written more rarely, or
#: hardly a replica would ever show the last write. Meanwhile readers hold back, or most reads would be of that time;
#: and more clients ask for one thing over and over. So memory and replicas both have a good part of the reads.
_READS_WITH_REPLICAS = {"--unkept-percent": 50, "--calm-ms": 2200, "--read-pause-us": 5000, "--watch-threads": 4}
_BEFORE_THE_END = 0.3  # seconds; the comparison at the end has hits of its own, which say nothing of the run
#: Each version is added once; a write that is repeated although it has happened shows here.
_WRITTEN_TWICE = "SELECT n, v FROM appended GROUP BY n, v HAVING count(*) > 1"
_LONGEST_END = 120  # seconds for the checker's own end, beyond what it was asked to run


def checker_binary() -> str:
    """$FOREBAY_CHECKER, the one of the build that $FOREBAY_BINARY is from, or the newest."""
    if named := os.environ.get("FOREBAY_CHECKER"):
        return named
    name = pathlib.Path("tests") / "consistency" / "consistency_checker"
    beside = pathlib.Path(forebay_binary()).resolve().parents[2] / name
    built = [beside] if beside.exists() else list(REPOSITORY.glob(f"build/*/{name}"))
    if not built:
        raise RuntimeError("no consistency_checker: run ./dev build dev, or set FOREBAY_CHECKER")
    return str(max(built, key=lambda path: path.stat().st_mtime))


def has_cache() -> bool:
    """Whether this build of the daemon knows --cache."""
    said = subprocess.run([forebay_binary(), "serve", "--help"], capture_output=True, text=True, timeout=20)
    return "--cache" in said.stdout + said.stderr


def can_break() -> bool:
    """Whether this build reads FOREBAY_BREAK: only one made with -DFOREBAY_BREAK=ON holds the word."""
    return b"FOREBAY_BREAK" in pathlib.Path(forebay_binary()).read_bytes()


@dataclasses.dataclass
class Outcome:
    """What a run has shown: the checker's own summary and the cache's figures shortly before its end."""

    summary: dict
    cache: dict  #: the database's row of SHOW CACHE; {} without a cache
    by_replicas: int  #: reads
    from_memory: int
    command: str  #: runs it again
    faults: list[str] = dataclasses.field(default_factory=list)  #: what was done when

    @property
    def violations(self) -> dict[str, int]:
        return self.summary["violations"]

    @property
    def hits(self) -> int:
        return self.from_memory

    def share(self, reads: int) -> float:
        """Of all reads through Forebay."""
        return reads / max(1, self.summary["reads_through"])

    def count(self, fault: str) -> int:
        return sum(line.startswith(f"{fault} ") for line in self.faults)

    def __str__(self) -> str:
        reports = "\n".join(self.summary["reports"])
        counts = {key: value for key, value in self.summary.items() if key not in ("reports", "error_examples")}
        return (f"{reports}\n\n{json.dumps(counts, indent=1)}\nerrors, for example: {self.summary['error_examples']}\n"
                f"SHOW CACHE: {self.cache}\nOf the reads, replicas have answered {self.share(self.by_replicas):.0%} "
                f"({self.by_replicas}), memory {self.share(self.from_memory):.0%} ({self.from_memory})\n"
                f"Faults: {', '.join(self.faults)}\nAgain: {self.command}")


class Arena:
    """Use as a context manager.

    bound: in seconds, what Forebay is told and what the checker judges by. level, strategy: of the cache, as in its
    configuration; with the level outbox its triggers are installed. replicas: how many answer reads as well; they then
    show what anybody has written through Forebay, and are within the bound. No write is acknowledged then that only
    one server has, so that none is lost when replicas take the primary's place.
    """

    def __init__(self, bound: float = 1.0, flags=(), cache: bool = True, environment: dict | None = None,
                 level: str = "auto", strategy: str = "refresh-ahead", replicas: int = 0) -> None:
        self._replicas = replicas
        self.bound = bound
        self.caches = cache and has_cache()
        self._level, self._strategy = level, strategy
        self._flags = ["--auth", "trust", "--pool-mode", "transaction", "--pool-size", 20, *flags]
        self._config = f"cache: {{strategy: {strategy}}}"
        if self.caches:
            self._flags += ["--cache", "on", "--staleness", f"{bound * 1000:.0f}ms", "--cache-level", level]
        self._environment = environment or {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Arena":
        with contextlib.ExitStack() as stack:
            if self._replicas:
                self.cluster = PostgresCluster(stack, self._replicas, _SERVER | _WITH_REPLICAS, _HBA)
            else:
                self._server = stack.enter_context(PostgresServer(config=_SERVER, hba=_HBA))
            upstream = self.server
            self.server.create_database(DATABASE)
            self.server.psql((HERE / "world.sql").read_text(), DATABASE)
            if self._level == "outbox":
                install = [forebay_binary(), "outbox", "install", "--upstream", self.server.url(dbname=DATABASE)]
                subprocess.run(install, check=True, capture_output=True, timeout=60)
            if self._replicas:
                self.cluster.make_synchronous()
                self._flags += self.cluster.replica_flags()
                # Asked that often, they cover the writes of all clients now and then.
                self._flags += ["--set", "routing.reads_see=all", "--set", "health.interval=10ms",
                                "--set", f"routing.max_lag={max(self.bound * 900, 1):.0f}ms"]
            daemon = _Forebay(upstream, self._flags, self._environment, self._config if self.caches else None)
            self.forebay = stack.enter_context(daemon)
            if self._replicas:
                self.cluster.wait_until_up(self.forebay)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc) -> None:
        self._stack.__exit__(*exc)

    @property
    def server(self) -> PostgresServer:
        """The primary; with replicas it may be another one later."""
        return self.cluster.primary if self._replicas else self._server

    @property
    def standbys(self) -> str:
        """What commits wait for, as synchronous_standby_names."""
        return SYNCHRONOUS["synchronous_standby_names"] if self._replicas else ""

    def connect(self, user: str = "app", **options):
        """A client through Forebay."""
        return psycopg.connect(self.forebay.dsn(user=user, dbname=DATABASE), autocommit=True, **options)

    def cache_figures(self) -> dict:
        if not self.caches:
            return {}
        return next((row for row in self.forebay.show("cache") if row["database"] == DATABASE), {})

    def check(self, seconds: float, seed: int, faults=None, *, readers: int = 3, sleepers: int = 2,
              writers: int = 2, write_pause: float = 0.01, catalog_pause: float = 1.5,
              judged_by: float | None = None, through: int = 50) -> Outcome:
        """Runs the checker, and faults(self, seconds) meanwhile.

        Without readers and sleepers only the watchers read through Forebay. judged_by: a bound other than the
        daemon's. through: per cent of the writes that go through Forebay.
        """
        judged_by = self.bound if judged_by is None else judged_by
        options = {
            "--through": f"host={self.forebay.host} port={self.forebay.port} dbname={DATABASE}",
            "--around": self._around(),
            "--seconds": round(seconds), "--seed": seed, "--bound-ms": round(judged_by * 1000),
            "--readers": readers, "--sleepers": sleepers, "--writers": writers,
            "--write-pause-us": round(write_pause * 1e6),
            "--catalog-pause-us": round(catalog_pause * 1e6), "--through-percent": through,
            "--lasting": int(faults is not None), "--replicas": self._replicas,
        }
        if self._replicas:
            options |= _READS_WITH_REPLICAS
        words = [str(word) for pair in options.items() for word in pair]
        with _Checker([checker_binary(), *words]) as checker, Shares(self.forebay, DATABASE) as shares:
            end = time.monotonic() + seconds
            if faults:
                faults(self, seconds)
            time.sleep(max(0.0, end - _BEFORE_THE_END - time.monotonic()))
            figures = self.cache_figures()
            shares.finish()
            summary = checker.result(seconds + _LONGEST_END)
        if twice := self.server.query(_WRITTEN_TWICE, dbname=DATABASE):
            summary["violations"]["written twice"] = len(twice)
            summary["reports"].append(f"written twice: {twice}")
        named = " --faults " + " ".join(faults.names) if faults else ""
        kind = f"--level {self._level} --strategy {self._strategy} --replicas {self._replicas}"
        command = f"tests/consistency/run.py --seconds {seconds:g} --seed {seed} --bound {self.bound:g} {kind}{named}"
        return Outcome(summary, figures, shares.by_replicas, shares.from_memory, command,
                       faults.times if faults else [])

    def _around(self) -> str:
        """To whichever server is the primary."""
        servers = self.cluster.servers if self._replicas else [self.server]
        hosts, ports = ",".join(server.host for server in servers), ",".join(str(server.port) for server in servers)
        return f"host={hosts} port={ports} dbname={DATABASE} target_session_attrs=read-write connect_timeout=5"


class _Forebay(ForebayDaemon):
    """With variables of its own in its environment."""

    def __init__(self, server: PostgresServer, flags, environment: dict, config: str | None) -> None:
        super().__init__(server, flags, config)
        self._environment = environment

    def environment(self) -> dict[str, str]:
        return super().environment() | self._environment


class _Checker:
    """The running program; ended with the block."""

    def __init__(self, command: list[str]) -> None:
        # Ends with us, even if we are killed.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> "_Checker":
        if self._process.stderr.readline() != "running\n":
            self._process.kill()
            raise RuntimeError(f"the checker did not start: {self._process.communicate()}")
        return self

    def __exit__(self, *exc) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def result(self, timeout: float) -> dict:
        output, errors = self._process.communicate(timeout=timeout)
        if self._process.returncode not in (0, 1):
            raise RuntimeError(f"the checker ended with status {self._process.returncode}: {errors}")
        return json.loads(output)
