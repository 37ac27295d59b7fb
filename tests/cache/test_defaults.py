"""Roles get other defaults: sessions that begin then read what these say, whatever others have in memory."""

import time

import pytest

from conftest import BOUND

TEXT = "SELECT word FROM picked WHERE id = 1"


@pytest.fixture
def two_schemas(server, database):
    for schema in ("near", "far"):
        server.psql(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.picked (id int PRIMARY KEY, word text);"
                    f" INSERT INTO {schema}.picked VALUES (1, '{schema}');"
                    f" GRANT USAGE ON SCHEMA {schema} TO app; GRANT SELECT ON {schema}.picked TO app", database)
    server.execute(f"ALTER ROLE app IN DATABASE {database} SET search_path = near")
    yield
    server.execute(f"ALTER ROLE app IN DATABASE {database} RESET search_path")
    server.psql("DROP SCHEMA near CASCADE; DROP SCHEMA far CASCADE", database)


def test_a_session_with_new_defaults_does_not_get_the_answer_of_one_with_old_ones(two_schemas, cached, server):
    with cached.connect() as before:
        assert cached.warm(lambda: before.execute(TEXT).fetchall()) == [("near",)]
        server.execute(f"ALTER ROLE app IN DATABASE {cached.dbname} SET search_path = far")
        changed = time.monotonic()
        with cached.connect() as after:
            judged = 0
            while judged < 200:
                assert before.execute(TEXT).fetchall() == [("near",)], "a session keeps the defaults it began with"
                began = time.monotonic()
                word = after.execute(TEXT).fetchall()
                if began >= changed + BOUND:
                    assert word == [("far",)]
                    judged += 1
