"""Pages of SQLAlchemy 1.4, each in a lazy and an eager variant: every lazy one is found, no eager one (L6, L17, B3)."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

CACHED = "cache: {enabled: 'on', staleness: 1s, strategy: cache-aside}\n"

Base = orm.declarative_base()
enrollments = sa.Table(
    "enrollments", Base.metadata, sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("course_id", sa.ForeignKey("courses.id")), sa.Column("student_id", sa.ForeignKey("students.id")))


class Teacher(Base):
    __tablename__ = "teachers"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)


class Course(Base):
    __tablename__ = "courses"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.Text)
    seats = sa.Column(sa.Integer)
    teacher_id = sa.Column(sa.ForeignKey("teachers.id"))
    teacher = orm.relationship(Teacher)
    lessons = orm.relationship("Lesson", back_populates="course", order_by="Lesson.id")
    students = orm.relationship("Student", secondary=enrollments, order_by="Student.id")


class Lesson(Base):
    __tablename__ = "lessons"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)
    course_id = sa.Column(sa.ForeignKey("courses.id"))
    author_id = sa.Column(sa.ForeignKey("teachers.id"))
    course = orm.relationship(Course, back_populates="lessons")
    author = orm.relationship(Teacher)


class Student(Base):
    __tablename__ = "students"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)


def courses(session, number: int, *options) -> list:
    statement = sa.select(Course).where(Course.seats >= number).order_by(Course.id).options(*options)
    return session.execute(statement).unique().scalars().all()


def teachers_of(found: list) -> list:
    return [(course.title, course.teacher.name) for course in found]


def lessons_of(found: list) -> list:
    return [(course.title, [lesson.name for lesson in course.lessons]) for course in found]


def students_of(found: list) -> list:
    return [(course.title, [student.name for student in course.students]) for course in found]


def authors_of(found: list) -> list:
    return [(course.title, [lesson.author.name for lesson in course.lessons]) for course in found]


def sizes_one_by_one(session, number: int) -> list:
    count = sa.select(sa.func.count()).select_from(Lesson)
    return [session.execute(count.where(Lesson.course_id == course.id)).scalar() for course in courses(session, number)]


def sizes_at_once(session, number: int) -> list:
    found = session.execute(
        sa.select(Course.id, sa.func.count(Lesson.id)).join(Lesson).where(Course.seats >= number)
        .group_by(Course.id).order_by(Course.id))
    return [size for _, size in found]


def titles_by_hand(session, number: int) -> list:
    found = session.execute(sa.select(Lesson.course_id).where(Lesson.id < 9011 + number).order_by(Lesson.id)).scalars()
    return [session.get(Course, key).title for key in found.all()]


def titles_at_once(session, number: int) -> list:
    keys = session.execute(sa.select(Lesson.course_id).where(Lesson.id < 9011 + number)
                           .order_by(Lesson.id)).scalars().all()
    titles = dict(session.execute(sa.select(Course.id, Course.title).where(Course.id.in_(keys))).all())
    return [titles[key] for key in keys]


#: Of each page: lazy, eager ones, what is asked again and again, and the earlier statement's table and column.
PAGES = {
    "teachers of courses": (
        lambda session, number: teachers_of(courses(session, number)),
        [lambda session, number: teachers_of(courses(session, number, orm.joinedload(Course.teacher))),
         lambda session, number: teachers_of(courses(session, number, orm.selectinload(Course.teacher)))],
        {"teachers": ("courses", "teacher_id")}),
    "lessons of courses": (
        lambda session, number: lessons_of(courses(session, number)),
        [lambda session, number: lessons_of(courses(session, number, orm.joinedload(Course.lessons))),
         lambda session, number: lessons_of(courses(session, number, orm.selectinload(Course.lessons))),
         lambda session, number: lessons_of(courses(session, number, orm.subqueryload(Course.lessons)))],
        {"lessons": ("courses", "id")}),
    "students of courses": (
        lambda session, number: students_of(courses(session, number)),
        [lambda session, number: students_of(courses(session, number, orm.selectinload(Course.students)))],
        {"students": ("courses", "id")}),
    "authors of lessons of courses": (
        lambda session, number: authors_of(courses(session, number)),
        [lambda session, number: authors_of(
            courses(session, number, orm.selectinload(Course.lessons).selectinload(Lesson.author)))],
        {"lessons": ("courses", "id"), "teachers": ("lessons", "lessons_author_id")}),
    "numbers of lessons": (sizes_one_by_one, [sizes_at_once], {"lessons": ("courses", "id")}),
    "courses by hand": (titles_by_hand, [titles_at_once], {"courses": ("lessons", "course_id")}),
}


@pytest.fixture(params=["plain", "cached"])
def place(request, daemons, school):
    place = daemons("--pool-mode", "transaction", config=CACHED if request.param == "cached" else None)
    place.reset()
    return place


@pytest.fixture
def load(place):
    """load(page, number): one request, a session of its own, on pooled connections."""
    url = place.url().replace("postgres://", "postgresql+psycopg2://")
    engine = sa.create_engine(url, pool_size=2, pool_pre_ping=True, future=True)

    def request(page, number: int):
        with orm.Session(engine, future=True) as session:
            return page(session, number)

    with engine.connect():  # what connecting asks is over
        pass
    yield request
    engine.dispose()


def table_of(query: str) -> str:
    return query.partition(" FROM ")[2].replace(",", " ").split()[0].strip('"')


@pytest.mark.parametrize("name", PAGES)
def test_every_lazy_page_is_found_and_no_eager_one(place, load, name):
    lazy, eager_ones, expected = PAGES[name]
    for eager in eager_ones:
        for number in range(1, 9):
            load(eager, number)
    assert place.repetitions() == [], "the eager pages"
    for number in range(1, 4):
        page = load(lazy, number)
        for eager in eager_ones:
            assert load(eager, number) == page, "the pages say the same"
    rows = place.repetitions()
    found = {table_of(row["query"]): (table_of(row["earlier_query"]), row["earlier_column"]) for row in rows}
    assert len(found) == len(rows) and found == expected
    for row in rows:
        assert (row["confirmed"], row["within"], row["windows"]) == ("yes", "transaction", 3), row
        assert "= ANY($" in row["rewrite"]
