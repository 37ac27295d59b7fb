"""A server that counts statements itself, and what Forebay in front of it has counted."""

import contextlib
import decimal

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon, PostgresServer
from forebay_testing.fixtures import USER, Endpoint

#: Every statement of clients, those of functions not: Forebay does not see them. Utilities too, as it does.
COUNTING = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "top",
    "pg_stat_statements.max": 20_000,
    "compute_query_id": "on",
}


class Counted(Endpoint):
    """Through Forebay; what it has counted, and what the server has."""

    def statements(self, containing: str = "") -> list[dict]:
        """Rows of SHOW STATEMENTS of this database, with all numbers as int or Decimal."""
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            rows = console.execute("SHOW STATEMENTS").fetchall()
        return [row for row in rows if row["database"] == self.dbname and containing in row["query"]]

    def statement(self, containing: str) -> dict:
        rows = self.statements(containing)
        assert len(rows) == 1, [row["query"] for row in self.statements()]
        return rows[0]

    def by_server(self, containing: str) -> list[dict]:
        """Rows of pg_stat_statements of the clients' role."""
        rows = self.server.query(
            "SELECT query, calls, rows, total_exec_time, mean_exec_time, min_exec_time FROM pg_stat_statements s"
            " JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid"
            " WHERE rolname = %s AND datname = %s AND strpos(query, %s) > 0", (USER, self.dbname, containing),
            dbname=self.dbname)
        names = ("query", "calls", "rows", "total_exec_time", "mean_exec_time", "min_exec_time")
        return [dict(zip(names, row)) for row in rows]

    def reset(self) -> None:
        """Both begin anew."""
        self.server.execute("SELECT pg_stat_statements_reset()", dbname=self.dbname)
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True) as console:
            assert console.execute("RESET STATEMENTS").statusmessage == "RESET STATEMENTS"

    def repetitions(self, kind: str = "n+1") -> list[dict]:
        """Rows of SHOW REPETITIONS of this database."""
        with psycopg.connect(self.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
            rows = console.execute("SHOW REPETITIONS").fetchall()
        return [row for row in rows if row["database"] == self.dbname and row["kind"] == kind]


def counts(row: dict) -> tuple[int, int]:
    return int(row["calls"]), int(row["rows"])


def milliseconds(value) -> float:
    assert isinstance(value, decimal.Decimal)
    return float(value)


@pytest.fixture(scope="session")
def server():
    with PostgresServer(config=COUNTING) as postgres:
        postgres.create_role(USER)
        yield postgres


@pytest.fixture(scope="module")
def shop(server, database):
    """The module's database, with the server's own count and a table items(id, name) of 200 rows."""
    server.psql("CREATE EXTENSION pg_stat_statements", database)
    server.psql("CREATE TABLE items (id int PRIMARY KEY, name text);"
                " INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 200) n;"
                f" ALTER TABLE items OWNER TO {USER}; ANALYZE items", database)
    return database


@pytest.fixture(scope="module")
def school(server, shop):
    """Tables of a school in the same database: fifteen courses of six teachers, four lessons and five students each."""
    server.psql("""
        CREATE TABLE teachers (id int PRIMARY KEY, name text);
        CREATE TABLE courses (id int PRIMARY KEY, title text, seats int, teacher_id int REFERENCES teachers);
        CREATE TABLE lessons (id int PRIMARY KEY, name text, course_id int REFERENCES courses,
                              author_id int REFERENCES teachers);
        CREATE TABLE students (id int PRIMARY KEY, name text);
        CREATE TABLE enrollments (id int PRIMARY KEY, course_id int REFERENCES courses,
                                  student_id int REFERENCES students);
        INSERT INTO teachers SELECT 700 + n, 'teacher ' || n FROM generate_series(1, 6) n;
        INSERT INTO courses SELECT 3 * n, 'course ' || n, 20 + n % 3, 701 + n % 6 FROM generate_series(1, 15) n;
        INSERT INTO lessons SELECT 9000 + n, 'lesson ' || n, 3 * (1 + n % 15), 701 + n % 6
            FROM generate_series(1, 60) n;
        INSERT INTO students SELECT 400 + n, 'student ' || n FROM generate_series(1, 40) n;
        INSERT INTO enrollments SELECT n, 3 * (1 + n % 15), 401 + (n * 7) % 40 FROM generate_series(1, 75) n;
        ALTER TABLE teachers OWNER TO app; ALTER TABLE courses OWNER TO app; ALTER TABLE lessons OWNER TO app;
        ALTER TABLE students OWNER TO app; ALTER TABLE enrollments OWNER TO app; ANALYZE""", shop)
    return shop


@pytest.fixture(scope="module")
def daemons(server, shop):
    """daemons(*flags, config=None): the same ones give the same daemon."""
    started: dict = {}
    with contextlib.ExitStack() as stack:
        def get(*flags: str, config: str | None = None) -> Counted:
            if (flags, config) not in started:
                threads = [] if "--threads" in flags else ["--threads", "2"]
                daemon = stack.enter_context(ForebayDaemon(server, [*threads, *flags], config))
                started[flags, config] = Counted("transaction", daemon, server, shop)
            return started[flags, config]
        yield get


@pytest.fixture(params=["transaction", "session"])
def counted(request, daemons) -> Counted:
    """In both pool modes; nothing has been counted yet."""
    place = daemons("--pool-mode", request.param, "--pool-size", "20")
    place.reset()
    return place
