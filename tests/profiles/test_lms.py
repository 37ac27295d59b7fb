"""The profile lms: its data, its indexes, its mix of requests, its pool, and that its test data goes again."""

import concurrent.futures
import contextlib
import hashlib
import re
import sys

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing.directories import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "scripts"))

import lms  # noqa: E402
from pgbench import Pgbench  # noqa: E402

pytestmark = pytest.mark.time_limit(300)  # the first test of the run loads the data

LEAST_ROWS = {
    "users": 20_000, "courses": 500, "lessons": 10_000, "enrollments": 200_000, "lesson_progress": 1_000_000,
}
INDEXES = {
    "courses_by_instructor": "courses USING btree (instructor_id)",
    "courses_published": "courses USING btree (is_published) WHERE (is_published = true)",
    "published_courses_by_category": "courses USING btree (category) WHERE (is_published = true)",
    "enrollments_by_student_and_status": "enrollments USING btree (student_id, status)",
    "enrollments_by_course_and_status": "enrollments USING btree (course_id, status)",
    "active_enrollments_by_progress":
        "enrollments USING btree (progress_percentage) WHERE (status = 'active'::text)",
    "lesson_progress_by_enrollment": "lesson_progress USING btree (enrollment_id)",
    "lesson_progress_by_lesson_and_status": "lesson_progress USING btree (lesson_id, status)",
    "quizzes_by_lesson": "quizzes USING btree (lesson_id)",
}
TABLES = (
    "users", "courses", "lessons", "enrollments", "lesson_progress", "quizzes", "quiz_questions", "quiz_attempts",
    "certificates", "course_reviews",
)


@pytest.fixture(scope="module")
def server():
    with PostgresServer(config={"shared_buffers": "256MB"}) as running:
        lms.load(running)
        yield running


@pytest.fixture(scope="module")
def forebay(server):
    with ForebayDaemon(server, config=(lms.PROFILE / "forebay.yaml").read_text()) as running:
        yield running


@pytest.fixture
def connection(server):
    with psycopg.connect(server.socket_dsn(dbname=lms.DATABASE), autocommit=True) as opened:
        yield opened


def one(connection, sql, *parameters):
    return connection.execute(sql, parameters).fetchone()[0]


def test_there_is_as_much_as_promised(server):
    counts = lms.counts(server)
    assert {table: counts[table] for table in LEAST_ROWS if counts[table] < LEAST_ROWS[table]} == {}


def test_the_indexes_are_those_of_the_platform(connection):
    rows = connection.execute("""
        select index.relname, pg_get_indexdef(index.oid)
          from pg_index join pg_class index on index.oid = indexrelid
         where index.relnamespace = 'public'::regnamespace and not indisunique""").fetchall()
    assert {name: definition.partition(" ON public.")[2] for name, definition in rows} == INDEXES


def test_what_was_loaded_without_looking_foreign_keys_up_holds(connection):
    keys = connection.execute("""
        select conname, conrelid::regclass::text from pg_constraint
         where contype = 'f' and connamespace = 'public'::regnamespace""").fetchall()
    assert len(keys) >= 10
    with connection.transaction(force_rollback=True):
        for name, table in keys:
            # Made anew, so that PostgreSQL itself checks every row.
            definition = one(connection, "select pg_get_constraintdef(oid) from pg_constraint where conname = %s", name)
            connection.execute(f"alter table {table} drop constraint {name}")
            connection.execute(f"alter table {table} add constraint {name} {definition}")


def test_progress_agrees_with_the_enrollment(connection):
    assert one(connection, """
        select count(*)
          from enrollments e
          join (select course_id, count(*) as lessons from lessons group by course_id) c using (course_id)
          left join (select enrollment_id, count(*) as done from lesson_progress
                      where status = 'completed' group by enrollment_id) p on p.enrollment_id = e.id
         where e.progress_percentage <> round(100.0 * coalesce(done, 0) / lessons, 2)
            or (e.status = 'completed') <> (e.progress_percentage = 100)""") == 0


def test_popularity_activity_and_dates_are_skewed(connection):
    popular = one(connection, """
        with by_course as (select count(*) as n from enrollments group by course_id order by n desc)
        select (select sum(n) from (select n from by_course limit 50) as most) / sum(n) from by_course""")
    active = one(connection, """
        with by_student as (select count(*) as n from enrollments group by student_id order by n desc)
        select (select sum(n) from (select n from by_student limit 2449) as most) / sum(n) from by_student""")
    recent = one(connection, """
        with span as (select min(enrolled_at) as first, max(enrolled_at) as last from enrollments)
        select avg((enrolled_at > last - (last - first) / 4)::int) from enrollments, span""")
    assert popular > 0.25, "a tenth of the courses has more than a quarter of the enrollments"
    assert active > 0.25, "a tenth of the students has more than a quarter of the enrollments"
    assert recent > 0.5, "the last quarter of the time has more than half of the enrollments"


def test_every_index_is_used_by_the_plans_of_the_mix(server, connection):
    used = set()
    for name in lms.weights():
        for statement in statements(server, name):
            plan = "\n".join(row[0] for row in connection.execute(f"explain {statement}"))
            used |= set(re.findall(r"(?:using|Index Scan on) (\w+)", plan))
    assert set(INDEXES) - used == set()


def test_the_mix_is_students_instructors_and_administrators(server):
    shares = {"student": 0, "instructor": 0, "admin": 0}
    for name, weight in lms.weights().items():
        shares[name.partition("_")[0]] += weight
    assert shares == {"student": 80, "instructor": 15, "admin": 5}
    assert {path.stem for path in (lms.PROFILE / "mix").glob("*.sql")} == set(lms.weights())


@pytest.mark.parametrize("way", ["server", "forebay"])
@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_the_mix_runs_without_an_error(request, server, way, protocol):
    options = [f"--protocol={protocol}", "--random-seed=1", *lms.mix(server)]
    dsn = request.getfixturevalue(way).dsn(dbname=lms.DATABASE)
    with Pgbench(dsn, options, seconds=2, clients=30, threads=2) as load:
        load.follow()
        figures = load.figures()
    assert figures.errors == [] and figures.failures == 0
    assert figures.transactions > 0


def test_the_pool_and_the_limits_on_time_are_those_of_the_platform(server, forebay):
    with psycopg.connect(forebay.dsn(dbname=lms.DATABASE), autocommit=True) as connection:
        assert one(connection, "show statement_timeout") == "30s"
        assert one(connection, "show idle_in_transaction_session_timeout") == "1min"
    with contextlib.ExitStack() as stack:
        # 60 statements run at the same time, no more are let through, and nobody is refused.
        dsn = forebay.dsn(dbname=lms.DATABASE)
        clients = [stack.enter_context(psycopg.connect(dsn, autocommit=True)) for _ in range(70)]
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
            running = [threads.submit(client.execute, "select pg_sleep(2)") for client in clients]
            busy = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'"
            wait_until(lambda: server.query(busy)[0][0] == 60, 20, "20 backends and 40 more under load")
            backends = "select count(*) from pg_stat_activity where datname = 'lms' and client_addr is not null"
            assert server.query(backends)[0][0] == 60
            for client, statement in zip(clients, running):
                statement.result()


def test_the_same_seed_gives_the_same_rows_and_another_one_others():
    small = {"users": 600, "courses": 20, "as_of": "2025-01-31"}
    assert contents(seed=7, **small) == contents(seed=7, **small)
    assert contents(seed=8, **small) != contents(seed=7, **small)


def test_cleanup_removes_test_data_and_nothing_else():
    with PostgresServer() as server:
        lms.load(server, users=600, courses=20)
        with psycopg.connect(server.socket_dsn(dbname=lms.DATABASE), autocommit=True) as connection:
            connection.execute("""
                insert into users (email, full_name, password_hash, role)
                values ('teacher@school.test', 'A Teacher', '-', 'instructor'),
                       ('pupil@school.test', 'A Pupil', '-', 'student');
                insert into courses (instructor_id, title, slug, summary, description, category, level)
                select id, 'Real', 'real', '-', '-', 'data', 'beginner' from users where email like 'teacher@school%';
                insert into enrollments (student_id, course_id, status)
                select u.id, c.id, 'active' from users u, courses c
                 where u.email in ('pupil@school.test', 'student599@lms.example') and c.slug = 'real'""")
            server.psql((lms.PROFILE / "cleanup.sql").read_text(), dbname=lms.DATABASE)
            left = {table: one(connection, f"select count(*) from {table}") for table in TABLES}
    assert {table: count for table, count in left.items() if count} == {"users": 2, "courses": 1, "enrollments": 1}


def statements(server, name):
    """The SQL of one request of the mix, with a usual value in place of each variable."""
    values = dict(re.findall(r"--define=(\w+)=(\w+)", " ".join(lms.mix(server))))
    values |= {"course": 7920 % int(values["courses"]), "student": values["first_student"], "instructor": 20,
               "enrollment": 1000, "position": 4, "seconds": 30, "score": 60, "category": 3, "after": 5000}
    text = re.sub(r"^(--|\\).*$", "", (lms.PROFILE / "mix" / f"{name}.sql").read_text(), flags=re.MULTILINE)
    for statement in filter(None, map(str.strip, text.split(";"))):
        if statement not in ("begin", "commit"):
            yield re.sub(r"(?<!:):([a-z_]+)", lambda match: str(values[match[1]]), statement)


def contents(**variables):
    """A digest of every row of every table."""
    with PostgresServer() as server:
        lms.load(server, **variables)
        with psycopg.connect(server.socket_dsn(dbname=lms.DATABASE)) as connection:
            return {table: digest(connection, table) for table in TABLES}


def digest(connection, table):
    found = hashlib.sha256()
    for row in connection.execute(f"select t::text from {table} t order by 1"):
        found.update(row[0].encode())
    return found.hexdigest()
