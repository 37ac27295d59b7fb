"""Pages of Django 3.2, each in a lazy and an eager variant: every lazy one is found, and no eager one (L6, L17, B3)."""

import pathlib
import sys
import time

import django
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.models import Count

sys.path.insert(0, str(pathlib.Path(__file__).parent / "django_project"))
settings.configure(
    INSTALLED_APPS=["pages"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "set by each test"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    TIME_ZONE="UTC",
    USE_TZ=True,
)
django.setup()

from pages.models import Course, Enrollment, Lesson, Student  # noqa: E402  (models need the settings)

CACHED = "cache: {enabled: 'on', staleness: 1s, strategy: cache-aside}\n"


def teachers(courses) -> list:
    return [(course.title, course.teacher.name) for course in courses.order_by("id")]


def lessons(courses) -> list:
    return [(course.title, sorted(lesson.name for lesson in course.lessons.all())) for course in courses.order_by("id")]


def students(courses) -> list:
    return [(course.title, sorted(student.name for student in course.students.all()))
            for course in courses.order_by("id")]


def authors(lessons_) -> list:
    return [(lesson.name, lesson.author.name, lesson.course.title) for lesson in lessons_.filter(id__lt=9021)]


def by_hand(number: int) -> list:
    found = Enrollment.objects.filter(course_id=3 * number).order_by("id")
    return [Student.objects.get(pk=each.student_id).name for each in found]


def by_hand_at_once(number: int) -> list:
    found = Enrollment.objects.filter(course_id=3 * number).order_by("id")
    names = Student.objects.in_bulk([each.student_id for each in found])
    return [names[each.student_id].name for each in found]


#: Of each page: lazy, eager, the table that is asked again and again, the earlier one, and its column.
PAGES = {
    "teachers of courses": (
        lambda number: teachers(Course.objects.filter(seats__gte=number)),
        lambda number: teachers(Course.objects.filter(seats__gte=number).select_related("teacher")),
        {"teachers": ("courses", "teacher_id")}),
    "lessons of courses": (
        lambda number: lessons(Course.objects.filter(seats__gte=number)),
        lambda number: lessons(Course.objects.filter(seats__gte=number).prefetch_related("lessons")),
        {"lessons": ("courses", "id")}),
    "students of courses": (
        lambda number: students(Course.objects.filter(seats__gte=number)),
        lambda number: students(Course.objects.filter(seats__gte=number).prefetch_related("students")),
        {"students": ("courses", "id")}),
    "numbers of lessons": (
        lambda number: [course.lessons.count() for course in Course.objects.filter(seats__gte=number)],
        lambda number: [course.size for course in
                        Course.objects.filter(seats__gte=number).annotate(size=Count("lessons"))],
        {"lessons": ("courses", "id")}),
    "authors and courses of lessons": (
        lambda number: authors(Lesson.objects.filter(course__seats__gte=number).order_by("id")),
        lambda number: authors(Lesson.objects.filter(course__seats__gte=number).order_by("id")
                               .select_related("author", "course")),
        {"teachers": ("lessons", "author_id"), "courses": ("lessons", "course_id")}),
    "students by hand": (by_hand, by_hand_at_once, {"students": ("enrollments", "student_id")}),
}


@pytest.fixture(params=["plain", "cached"])
def place(request, daemons, school):
    place = daemons("--pool-mode", "transaction", config=CACHED if request.param == "cached" else None)
    connections["default"].close()
    connections.databases["default"].update(
        NAME=place.dbname, USER="app", PASSWORD=place.password(), HOST=place.host, PORT=place.port,
        CONN_MAX_AGE=None, TIME_ZONE=None, OPTIONS={"application_name": "django", "connect_timeout": 20},
    )
    del connections["default"]
    place.reset()
    yield place
    connections["default"].close()


def load(page, number: int, atomic: bool):
    """One request; without a transaction a connection of its own keeps it apart from the next."""
    if atomic:
        with transaction.atomic():
            return page(number)
    try:
        return page(number)
    finally:
        connection.close()


class Pauses:
    """The longest time from answer to answer: without a transaction statements more than 50 ms apart are not of one
    page (docs/statements.md), and on a busy machine this program, or Forebay, may sleep that long."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = None

    def __call__(self, execute, *statement):
        try:
            return execute(*statement)
        finally:
            now = time.monotonic()
            if self._last is not None:
                self.longest = max(self.longest, now - self._last)
            self._last = now


def load_three_times(place, lazy, eager, atomic: bool) -> None:
    """Each lazy page, without a pause that would make two of one."""
    longest = []
    while len(longest) < 10:
        place.reset()
        longest.append(0.0)
        for number in range(1, 4):
            pauses = Pauses()
            with connection.execute_wrapper(pauses):
                by_lazy = load(lazy, number, atomic)
            assert by_lazy == load(eager, number, atomic), "the pages say the same"
            longest[-1] = max(longest[-1], pauses.longest)
        if atomic or longest[-1] < 0.03:
            return
    pytest.fail(f"this machine is too busy: {longest}")


@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "atomic"])
@pytest.mark.parametrize("name", PAGES)
def test_every_lazy_page_is_found_and_no_eager_one(place, name, atomic):
    lazy, eager, expected = PAGES[name]
    for number in range(1, 13):
        load(eager, number, atomic)
    assert place.repetitions() == [], "the eager page"
    load_three_times(place, lazy, eager, atomic)
    rows = place.repetitions()
    found = {}
    for row in rows:
        table = row["query"].partition(' FROM "')[2].partition('"')[0]
        found[table] = (row["earlier_query"].partition(' FROM "')[2].partition('"')[0], row["earlier_column"])
        assert row["confirmed"] == "yes" and row["windows"] == 3, row
        assert row["within"] == ("transaction" if atomic else "client")
        assert "= ANY($" in row["rewrite"] and "LIMIT" not in row["rewrite"]
    assert found == expected


def test_eager_pages_of_a_client_that_never_pauses(place):
    """Whoever asks for page after page on one connection is suspect for a moment: no list has the keys."""
    for _ in range(6):
        for number in range(1, 200):
            for _, eager, _ in list(PAGES.values())[-1:]:
                eager(1 + number % 15)
    assert [row for row in place.repetitions() if row["confirmed"] == "yes"] == []
