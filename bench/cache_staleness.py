"""How stale answers from memory are while everybody is busy, and what it costs the server to know that they are not."""

import statistics
import threading
import time

import psycopg
from psycopg.rows import dict_row

from cache_contestants import dsn
from forebay_testing import Daemon, PostgresServer
from processes import processor_seconds

SCHEMA = "DROP TABLE IF EXISTS probe; CREATE TABLE probe (id int PRIMARY KEY, n int); INSERT INTO probe VALUES (1, 0)"
READ = "SELECT n FROM probe WHERE id = 1"
_LONGEST = 10.0  # seconds to wait for an answer from memory, or for a new value


class Prober:
    """Writes past Forebay, again and again, and reads through it: how long after the server had acknowledged the write
    a read was begun that still got what was before. In milliseconds, 0 when none was."""

    def __init__(self, server: PostgresServer, forebay: Daemon) -> None:
        self._server, self._forebay = server, forebay
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.found: list[float] = []
        self.error: Exception | None = None

    def __enter__(self) -> "Prober":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with (psycopg.connect(dsn(self._server), autocommit=True) as writer,
                  psycopg.connect(dsn(self._forebay), autocommit=True) as reader):
                while not self._end.is_set():
                    self.found.append(self._probe(writer, reader))
        except (psycopg.Error, TimeoutError) as error:
            self.error = error

    @staticmethod
    def _probe(writer, reader) -> float:
        begun = time.monotonic()
        while not _is_in_memory(reader):
            reader.execute(READ, prepare=False).fetchone()
            if time.monotonic() - begun > _LONGEST:
                raise TimeoutError(f"for {_LONGEST:g} s no answer is served from memory")
        [n] = writer.execute("UPDATE probe SET n = n + 1 RETURNING n").fetchone()
        written = last_old = time.monotonic()
        while True:
            begun = time.monotonic()
            [seen] = reader.execute(READ, prepare=False).fetchone()
            if seen == n:
                return (last_old - written) * 1000
            last_old = begun
            if begun - written > _LONGEST:
                raise TimeoutError(f"after {_LONGEST:g} s a write is not seen")


def _is_in_memory(reader) -> bool:
    *_, (last,) = reader.execute(f"EXPLAIN (FOREBAY) {READ}", prepare=False).fetchall()
    state = last.removeprefix("In memory, as a simple query: ")
    return not state.startswith("no") and "not served" not in state


class Cost:
    """What following the changes takes of the server since it was made, per second."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._began = time.monotonic()
        self._pids = [pid for (pid,) in server.query(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'forebay cache'")]
        self._seconds = sum(map(processor_seconds, self._pids))
        self._wal = self._wal_bytes()

    def per_second(self) -> dict:
        passed = time.monotonic() - self._began
        return {"server_ms": (sum(map(processor_seconds, self._pids)) - self._seconds) * 1000 / passed,
                "wal_bytes": (self._wal_bytes() - self._wal) / passed}

    def _wal_bytes(self) -> int:
        [[position]] = self._server.query("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(position)


def proof_ages(forebay: Daemon, dbname: str) -> dict:
    """Forebay's own figures: how old the proof was by which answers were served."""
    with psycopg.connect(forebay.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
        [row] = [row for row in console.execute("SHOW CACHE") if row["database"] == dbname]
    return {key: row[f"age_{key}_ms"] for key in ("p50", "p99", "max")}


def summary(found: list[float]) -> dict:
    ordered = sorted(found)
    return {"p50": statistics.median(ordered), "p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1],
            "writes": len(ordered)}
