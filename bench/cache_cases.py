"""What `./dev bench cache` asks: tables, statements, and how keys are chosen."""

import pathlib
from dataclasses import dataclass

from forebay_testing import PostgresServer
from forebay_testing import frontend_messages as fe

DEPTH = 16  # questions in one burst
HOT_KEYS = 100
PROTOCOLS = ("simple", "extended", "prepared", "pipelined")

SCHEMA = """
CREATE TABLE items (id int PRIMARY KEY, name text, price numeric);
INSERT INTO items SELECT n, 'item number ' || n, n * 0.25 FROM generate_series(1, {rows}) n;
CREATE TABLE articles (id int PRIMARY KEY, category int, title text, author text);
INSERT INTO articles SELECT n, n % ({rows} / 100) + 1, 'a title of some length, number ' || n, 'author ' || n % 100
  FROM generate_series(1, {rows}) n;
CREATE INDEX ON articles (category, id);
CREATE TABLE sales (id int PRIMARY KEY, region int, amount numeric);
INSERT INTO sales SELECT n, n % 20, n % 1000 + 0.5 FROM generate_series(1, {rows} * 10) n;
CREATE EXTENSION pg_prewarm;
VACUUM ANALYZE;
SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace;
"""


@dataclass(frozen=True)
class Workload:
    """One statement, with :key for what differs, and the write that changes what it reads."""

    name: str
    text: str
    write: str
    keys_of_rows: int  #: there are so many rows to a key


SMALL = Workload("small row", "SELECT name, price FROM items WHERE id = :key",
                 "UPDATE items SET price = price + 1 WHERE id = :key", 1)
PAGE = Workload("page", "SELECT id, title, author FROM articles WHERE category = :key ORDER BY id",
                "UPDATE articles SET author = author || '' WHERE id = :key", 100)
HEAVY = Workload("aggregate",
                 "SELECT region, count(*), sum(amount), avg(amount) FROM sales GROUP BY region ORDER BY region",
                 "UPDATE sales SET amount = amount + 1 WHERE id = :key", 0)
# No two questions are equal, so that none is answered from memory.
MISS = Workload("miss", "SELECT name, price FROM items WHERE id = :key AND price > 0 - :unique", "", 1)


@dataclass(frozen=True)
class Case:
    workload: Workload
    spread: str  #: "hot": a hundred keys, all alike; "zipf": all keys, few of them most of the time
    protocol: str  #: one of PROTOCOLS; pipelined: prepared, DEPTH in one burst
    writes: int = 0  #: per cent

    @property
    def name(self) -> str:
        return f"{self.workload.name}, {self.spread}"

    @property
    def questions(self) -> int:
        """In one transaction of pgbench."""
        return DEPTH if self.protocol == "pipelined" else 1

    def options(self, folder: pathlib.Path, rows: int) -> list[str]:
        """For pgbench; writes its scripts into the folder."""
        key = self._key(rows)
        one = f"{key}\n{self.workload.text};\n"
        if self.workload is MISS:
            one = "\\set unique random(1, 2000000000)\n" + one
        read = folder / "read.sql"
        read.write_text(f"\\startpipeline\n{one * DEPTH}\\endpipeline\n" if self.protocol == "pipelined" else one)
        options = [f"--protocol={'prepared' if self.protocol == 'pipelined' else self.protocol}"]
        if not self.writes:
            return [*options, f"--file={read}"]
        write = folder / "write.sql"
        write.write_text(f"{key}\n{self.workload.write};\n")
        return [*options, f"--file={read}@{100 - self.writes}", f"--file={write}@{self.writes}"]

    def _key(self, rows: int) -> str:
        keys = rows // max(1, self.workload.keys_of_rows)
        if self.spread == "zipf":
            return f"\\set key random_zipfian(1, {keys}, 1.1)"
        return f"\\set key random(1, {min(HOT_KEYS, keys)})"


def all_cases() -> list[Case]:
    cases = [Case(workload, spread, protocol) for workload, spread in ((SMALL, "hot"), (SMALL, "zipf"), (PAGE, "hot"))
             for protocol in PROTOCOLS]
    cases += [Case(SMALL, spread, protocol, writes) for spread in ("hot", "zipf") for protocol in ("simple", "prepared")
              for writes in (1, 10)]
    cases += [Case(PAGE, "hot", "prepared", writes) for writes in (1, 10)]
    return cases + [Case(HEAVY, "hot", "simple"), Case(HEAVY, "hot", "prepared"), Case(HEAVY, "hot", "prepared", 1)]


def quick_cases() -> list[Case]:
    return [Case(SMALL, "hot", "prepared"), Case(SMALL, "zipf", "prepared", 10), Case(HEAVY, "hot", "simple")]


def fill(server: PostgresServer, dbname: str, rows: int) -> None:
    server.psql(f"CREATE DATABASE {dbname}")
    server.psql(SCHEMA.format(rows=rows), dbname)


def payload_bytes(server: PostgresServer, dbname: str, workload: Workload) -> int:
    """Of the values of one answer: what the same answer would take in Redis at least."""
    inner = workload.text.replace(":key", "1")
    [[size]] = server.query(f"SELECT sum(length(t::text)) FROM ({inner}) t", dbname=dbname)
    return int(size)


def bursts(case: Case) -> tuple[bytes, list[bytes]]:
    """What a client sends first, and what it may send each time: for cache_flood.py."""
    text = case.workload.text.replace(":key", "$1")
    values = [[key] if "$1" in text else [] for key in range(1, HOT_KEYS + 1)]
    if case.protocol == "simple":
        return b"", [fe.query(case.workload.text.replace(":key", str(*value))) for value in values]
    if case.protocol == "extended":
        return b"", [fe.parse(text) + _run(value, "") + fe.sync() for value in values]
    first = fe.parse(text, "read") + fe.sync()
    if case.protocol == "prepared":
        return first, [_run(value, "read") + fe.sync() for value in values]
    several = [values[at:] + values[:at] for at in range(len(values))]
    return first, [b"".join(_run(value, "read") for value in some[:DEPTH]) + fe.sync() for some in several]


def _run(value: list, statement: str) -> bytes:
    """What libpq sends to run a statement."""
    return fe.bind(value, statement) + fe.describe("P") + fe.execute()
