"""Django 3.2: migrations, the ORM, atomic blocks, and what its documentation says transaction pooling breaks."""

import concurrent.futures
import io
import pathlib
import sys
import threading

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.models import Count, F, Sum

sys.path.insert(0, str(pathlib.Path(__file__).parent / "django_project"))
settings.configure(
    INSTALLED_APPS=["learning"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "set by each test"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TIME_ZONE="Europe/Rome",
    USE_TZ=True,
)
django.setup()

from learning.models import Course, Enrollment, Student  # noqa: E402  (models need the settings)


@pytest.fixture
def site(endpoint):
    """The project's database points at the endpoint; migrated, and emptied at the end."""
    connections["default"].close()
    connections.databases["default"].update(
        NAME=endpoint.dbname, USER="app", PASSWORD=endpoint.password(), HOST=endpoint.host, PORT=endpoint.port,
        CONN_MAX_AGE=None, TIME_ZONE=None, OPTIONS={"application_name": "django", "connect_timeout": 20},
    )
    del connections["default"]
    call_command("migrate", verbosity=0)
    yield endpoint
    call_command("migrate", "learning", "zero", verbosity=0)
    connections["default"].close()


def in_threads(count, work):
    """Runs work(number) in so many threads, each with a database connection of its own."""

    def closing(number):
        try:
            return work(number)
        finally:
            connections.close_all()

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(closing, range(count)))


def test_migrations(site):
    out = io.StringIO()
    call_command("showmigrations", "learning", stdout=out)
    assert out.getvalue().count("[X]") == 2
    call_command("makemigrations", "learning", check=True, dry_run=True, verbosity=0)
    assert Course.objects.count() == 10
    with connection.cursor() as cursor:
        assert "course_seats" in connection.introspection.get_constraints(cursor, "learning_course")


def test_time_zone_of_the_connection_lasts(site):
    """Django sets TimeZone once for each connection and relies on it."""
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('TimeZone'), current_setting('application_name')")
            assert cursor.fetchone() == ("UTC", "django")


def test_queries_and_aggregates(site):
    students = Student.objects.bulk_create([Student(name=f"s{n}", email=f"s{n}@example.org", profile={"n": n})
                                            for n in range(50)])
    courses = list(Course.objects.order_by("id"))
    Enrollment.objects.bulk_create([Enrollment(student=student, course=courses[number % 3], progress=number)
                                    for number, student in enumerate(students)], batch_size=20)
    top = Course.objects.annotate(size=Count("students"), sum=Sum("enrollment__progress")).order_by("-size", "id")
    assert [course.size for course in top[:4]] == [17, 17, 16, 0]
    assert Student.objects.filter(profile__n__gte=45, courses__tags__contains=["even"]).count() == 3
    prefetched = Student.objects.prefetch_related("courses").order_by("id")
    assert [student.courses.all()[0].seats for student in prefetched] == [number % 3 for number in range(50)]


def test_atomic_blocks_and_savepoints(site):
    with transaction.atomic():
        Student.objects.create(name="outer", email="a@example.org")
        with pytest.raises(IntegrityError), transaction.atomic():
            Student.objects.create(name="same address", email="a@example.org")
        with transaction.atomic():
            Student.objects.create(name="inner", email="b@example.org")
            transaction.set_rollback(True)
        with pytest.raises(IntegrityError), transaction.atomic():
            Course.objects.filter(seats=0).update(seats=F("seats") - 1)
    assert [student.name for student in Student.objects.all()] == ["outer"]


def test_on_commit_runs_after_the_commit(site):
    ran = []
    with transaction.atomic():
        transaction.on_commit(lambda: ran.append(Student.objects.count()))
        Student.objects.create(name="x", email="x@example.org")
        assert ran == []
    assert ran == [1]


@pytest.mark.parametrize("in_transaction", [False, True], ids=["autocommit", "atomic"])
def test_server_side_iterator(site, in_transaction):
    """Outside a transaction iterator() is a cursor WITH HOLD, which Django's documentation says to switch off:
    https://docs.djangoproject.com/en/3.2/ref/databases/#transaction-pooling-and-server-side-cursors"""
    Student.objects.bulk_create([Student(name=f"s{n}", email=f"s{n}@example.org") for n in range(3000)])

    def walk():
        names = []
        for student in Student.objects.order_by("id").iterator(chunk_size=100):
            names.append(student.name)
            if len(names) % 1000 == 0:
                assert Course.objects.count() == 10  # another statement while the cursor is open
        return names

    if in_transaction:
        with transaction.atomic():
            names = walk()
    else:
        names = walk()
    assert names == [f"s{n}" for n in range(3000)]


def test_select_for_update(site):
    course = Course.objects.get(title="Course 1")
    locked, seen = threading.Event(), threading.Event()

    def holder():
        with transaction.atomic():
            Course.objects.select_for_update().get(pk=course.pk)
            locked.set()
            assert seen.wait(20)
            Course.objects.filter(pk=course.pk).update(seats=100)

    def other():
        assert locked.wait(20)
        try:
            with pytest.raises(DatabaseError, match="could not obtain lock"), transaction.atomic():
                Course.objects.select_for_update(nowait=True).get(pk=course.pk)
            with transaction.atomic():
                assert len(Course.objects.select_for_update(skip_locked=True)) == 9
        finally:
            seen.set()
        with transaction.atomic():  # waits for the holder's commit
            assert Course.objects.select_for_update().get(pk=course.pk).seats == 100

    in_threads(2, lambda number: (holder, other)[number]())


@pytest.mark.pool(2)
def test_ten_threads_take_the_last_seats(site):
    """Ten threads over two backends: nobody gets a seat that is not there."""
    Course.objects.filter(title="Course 7").update(seats=7)

    def take(number):
        try:
            with transaction.atomic():
                student = Student.objects.create(email=f"{number}@example.org", name=str(number))
                course = Course.objects.select_for_update().get(title="Course 7")
                course.seats = F("seats") - 1
                course.save(update_fields=["seats"])
                Enrollment.objects.create(student=student, course=course)
            return True
        except IntegrityError:
            return False

    assert sum(in_threads(10, take)) == 7
    course = Course.objects.get(title="Course 7")
    assert (course.seats, course.students.count()) == (0, 7)


@pytest.mark.pool(2)
def test_get_or_create_race(site):
    barrier = threading.Barrier(10)

    def create(number):
        barrier.wait(20)
        return Student.objects.get_or_create(email="one@example.org", defaults={"name": "one"})[1]

    assert sum(in_threads(10, create)) == 1


def test_dump_and_load(site, tmp_path):
    Student.objects.create(name="José", email="jose@example.org", profile={"k": "✓"})
    fixture = tmp_path / "dump.json"
    call_command("dumpdata", "learning", output=str(fixture), verbosity=0)
    Student.objects.all().delete()
    Course.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert Student.objects.get().profile == {"k": "✓"} and Course.objects.count() == 10
    with connection.cursor() as cursor:  # loaddata resets sequences
        cursor.execute("SELECT nextval(pg_get_serial_sequence('learning_student', 'id'))")
        assert cursor.fetchone()[0] == Student.objects.get().pk + 1


def test_connection_that_was_lost_is_made_anew(site):
    """CONN_MAX_AGE without limit: the next request finds the connection dead, reports it, and connects again."""
    assert Course.objects.count() == 10
    connection.connection.close()
    with pytest.raises(Exception, match="connection already closed"):
        Course.objects.count()
    connection.close_if_unusable_or_obsolete()
    assert Course.objects.count() == 10
