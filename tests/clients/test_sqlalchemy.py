"""SQLAlchemy 1.4 over psycopg2: engine, pool, ORM, savepoints, server-side cursors."""

import concurrent.futures
import contextlib

import pytest
import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.dialects.postgresql import JSONB


class Base(orm.declarative_base()):
    __abstract__ = True


class Course(Base):
    __tablename__ = "courses"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.String(100), nullable=False, unique=True)
    version = sa.Column(sa.Integer, nullable=False)
    lessons = orm.relationship("Lesson", back_populates="course", order_by="Lesson.id")
    __mapper_args__ = {"version_id_col": version}


class Lesson(Base):
    __tablename__ = "lessons"
    id = sa.Column(sa.Integer, primary_key=True)
    course_id = sa.Column(sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False)
    name = sa.Column(sa.Text)
    details = sa.Column(JSONB)
    course = orm.relationship("Course", back_populates="lessons")


@pytest.fixture
def engine(endpoint):
    """Pool 20 + overflow 30, pre-ping, recycled after an hour; the tables exist during the test."""
    url = endpoint.url().replace("postgres://", "postgresql+psycopg2://")
    made = sa.create_engine(url, pool_size=20, max_overflow=30, pool_pre_ping=True, pool_recycle=3600, future=True)
    Base.metadata.create_all(made)
    yield made
    Base.metadata.drop_all(made)
    made.dispose()


@pytest.fixture
def session(engine):
    with orm.Session(engine, future=True) as session:
        yield session


def test_reflection(engine):
    inspector = sa.inspect(engine)
    assert set(inspector.get_table_names()) == {"courses", "lessons"}
    assert inspector.get_unique_constraints("courses")[0]["column_names"] == ["title"]
    assert inspector.get_foreign_keys("lessons")[0]["options"] == {"ondelete": "CASCADE"}


def test_unit_of_work_and_eager_loading(session):
    session.add(Course(title="Databases", lessons=[Lesson(name=f"l{n}", details={"n": n}) for n in range(30)]))
    session.commit()
    course = session.execute(sa.select(Course).options(orm.selectinload(Course.lessons))).scalar_one()
    assert [lesson.details["n"] for lesson in course.lessons] == list(range(30))
    course.lessons[3].name = "changed"
    session.commit()
    found = session.execute(sa.select(Lesson.id).where(Lesson.details["n"].as_integer() == 3, Lesson.name == "changed"))
    assert found.scalars().one() == course.lessons[3].id


def test_savepoints_around_a_conflict(session):
    session.add(Course(title="one"))
    session.flush()
    with pytest.raises(sa.exc.IntegrityError) as caught, session.begin_nested():
        session.add(Course(title="one"))
        session.flush()
    assert caught.value.orig.pgcode == "23505"
    session.add(Course(title="two"))
    session.commit()
    assert session.execute(sa.select(sa.func.count()).select_from(Course)).scalar() == 2


def test_optimistic_locking(engine, session):
    session.add(Course(title="contested"))
    session.commit()
    mine = session.execute(sa.select(Course)).scalar_one()
    with orm.Session(engine, future=True) as other:
        other.execute(sa.select(Course)).scalar_one().title = "theirs"
        other.commit()
    mine.title = "mine"
    with pytest.raises(orm.exc.StaleDataError):
        session.commit()


def test_select_for_update_waits_for_the_other(engine, session):
    session.add(Course(title="locked"))
    session.commit()
    session.execute(sa.select(Course).with_for_update()).scalar_one().title = "first"

    def second():
        with orm.Session(engine, future=True) as other:
            other.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                other.execute(sa.select(Course).with_for_update())

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(second).result(20)
    session.commit()


def test_stream_results(engine):
    with engine.connect().execution_options(stream_results=True, yield_per=100) as connection:
        numbers = connection.execute(sa.text("SELECT generate_series(1, 2000)")).scalars()
        assert sum(numbers) == 2_001_000


def test_bulk_insert_and_returning(session):
    """Bulk insert and bulk update in batches of 1000."""
    session.execute(sa.insert(Course), [{"title": f"c{n}", "version": 1} for n in range(3000)])
    session.commit()
    changed = session.execute(
        sa.update(Course).where(Course.title.like("c1%")).values(title=Course.title + "!").returning(Course.id),
        execution_options={"synchronize_session": False},
    ).scalars().all()
    session.commit()
    assert len(changed) == 1111


def test_isolation_level_per_connection(engine):
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        for _ in range(3):
            assert connection.execute(sa.text("SHOW transaction_isolation")).scalar() == "serializable"
            connection.rollback()
    with engine.connect() as connection:  # the same pooled connection, given back with its level reset
        assert connection.execute(sa.text("SHOW transaction_isolation")).scalar() == "read committed"


def test_autocommit_isolation_level(engine):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM courses"))
        connection.execute(sa.insert(Course), {"title": "kept", "version": 1})
    with engine.connect() as connection:
        assert connection.execute(sa.select(Course.title)).scalars().all() == ["kept"]


def test_two_phase(engine):
    with engine.connect() as connection:
        transaction = connection.begin_twophase()
        connection.execute(sa.insert(Course), {"title": "two-phase", "version": 1})
        transaction.prepare()
        transaction.commit()
        assert connection.execute(sa.select(sa.func.count()).select_from(Course)).scalar() == 1


def test_settings_made_at_connect_last(engine):
    """The usual way to set search_path or a timeout for a whole pool: an event for each new connection."""

    @event.listens_for(engine, "connect")
    def prepare(connection, record):
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("SET statement_timeout = '12s'")
            cursor.execute("SET search_path = pg_catalog, public")
        connection.commit()

    engine.dispose()
    for _ in range(5):
        with engine.connect() as connection:
            row = connection.execute(sa.text(
                "SELECT current_setting('statement_timeout'), current_setting('search_path')")).one()
            assert tuple(row) == ("12s", "pg_catalog, public")


@pytest.mark.pool(2)
def test_twenty_threads(engine):
    def work(number):
        for step in range(5):
            with orm.Session(engine, future=True) as session:
                session.add(Course(title=f"{number}/{step}"))
                session.commit()
                count = session.execute(sa.select(sa.func.count()).where(Course.title == f"{number}/{step}")).scalar()
                assert count == 1

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Course)).scalar() == 100
