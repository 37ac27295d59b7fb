"""currval(), lastval() and setseed(): state of a session that no setting shows."""

import psycopg
import pytest

from forebay_testing import frontend_messages as fe


@pytest.fixture
def sequence(endpoint, reference):
    name = f"seq_{endpoint.mode}"
    with reference.connect() as owner:
        owner.execute(f"CREATE SEQUENCE IF NOT EXISTS {name}")
        yield name
        owner.execute(f"DROP SEQUENCE {name} CASCADE")


def test_currval_and_lastval_in_later_transactions(endpoint, sequence):
    with endpoint.connect() as client, endpoint.connect() as other:
        mine = client.execute(f"SELECT nextval('{sequence}')").fetchone()[0]
        for _ in range(3):
            theirs = other.execute(f"SELECT nextval('{sequence}')").fetchone()[0]
            assert client.execute(f"SELECT currval('{sequence}'), lastval()").fetchone() == (mine, mine)
            assert other.execute(f"SELECT currval('{sequence}'), lastval()").fetchone() == (theirs, theirs)


def test_serial_column_sets_lastval(endpoint, sequence):
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute(f"CREATE TABLE rows_{endpoint.mode} (id int DEFAULT nextval('{sequence}'), word text)")
        client.execute(f"INSERT INTO rows_{endpoint.mode} (word) VALUES ('a')")
        mine = client.execute("SELECT lastval()").fetchone()
        other.execute(f"INSERT INTO rows_{endpoint.mode} (word) VALUES ('b')")
        assert client.execute("SELECT lastval()").fetchone() == mine
        assert client.execute(f"SELECT word FROM rows_{endpoint.mode} WHERE id = %s", mine).fetchone() == ("a",)
        client.execute(f"DROP TABLE rows_{endpoint.mode}")


@pytest.mark.pool(1)
def test_client_that_drew_no_number_has_no_current_one(endpoint, sequence):
    with endpoint.connect() as client, endpoint.connect() as fresh:
        client.execute("BEGIN")
        client.execute(f"SELECT nextval('{sequence}')")
        client.execute("COMMIT")
        client.close()
        for question in (f"currval('{sequence}')", "lastval()"):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is not yet defined in this session"):
                fresh.execute(f"SELECT {question}")


@pytest.mark.pool(1)
def test_function_call_shows_no_number_of_another_client(endpoint, sequence):
    lastval, nextval = 2559, 1574
    with endpoint.connect() as client:
        client.execute(f"SELECT nextval('{sequence}')")
    with endpoint.raw() as other:
        other.send(fe.function_call(lastval))
        assert [message.sqlstate for message in other.until_ready() if message.kind == "E"] == ["55000"]
        [[oid]] = endpoint.server.query(f"SELECT '{sequence}'::regclass::oid::int", dbname=endpoint.dbname)
        other.send(fe.function_call(nextval, [oid]))
        assert [message.kind for message in other.until_ready()] == ["V", "Z"]
    with endpoint.connect() as fresh, pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        fresh.execute("SELECT lastval()")


def test_discard_sequences(endpoint, sequence):
    with endpoint.connect() as client:
        client.execute(f"SELECT nextval('{sequence}')")
        client.execute("DISCARD SEQUENCES")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            client.execute(f"SELECT currval('{sequence}')")


def test_seed_of_random_numbers(endpoint, reference):
    with reference.connect() as direct:
        direct.execute("SELECT setseed(0.25)")
        expected = [direct.execute("SELECT random()").fetchone() for _ in range(4)]
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("SELECT setseed(0.25)")
        found = []
        for _ in range(4):
            other.execute("SELECT random()")
            found.append(client.execute("SELECT random()").fetchone())
        assert found == expected
