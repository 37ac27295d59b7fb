"""Several statements under one Sync: answered from memory together, or by the server together."""

import threading
import time

import pytest

from conftest import BOUND
from forebay_testing import frontend_messages as fe

pytestmark = pytest.mark.usefixtures("items")

BY_KEY = "SELECT name FROM items WHERE id = $1"
PARSED = fe.parse(BY_KEY, "by_key") + fe.sync()


def one(key) -> bytes:
    return fe.bind([key], "by_key") + fe.execute()


def unnamed(text: str) -> bytes:
    return fe.parse(text) + fe.bind() + fe.describe("P") + fe.execute()


@pytest.fixture
def raw(cached):
    with cached.raw() as raw:
        raw.send(PARSED)
        raw.until_ready()
        yield raw


@pytest.fixture
def direct(reference, items):
    with reference.raw() as raw:
        raw.send(PARSED)
        raw.until_ready()
        yield raw


def ask(raw, *messages: bytes) -> list:
    raw.send(b"".join(messages) + fe.sync())
    return raw.until_ready()


BATCHES = {
    "one prepared statement": [one(number) for number in range(1, 17)],
    "the same twice": [one(1), one(1)],
    "parsed for each": [unnamed("SELECT count(*) FROM items"), unnamed("SELECT max(price) FROM items")],
    "mixed": [one(3), unnamed("SELECT min(name) FROM items"), one(4), unnamed("SELECT name FROM items WHERE id = 5")],
    "without rows": [one(0), one(1), one(100000)],
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
def test_a_batch_is_answered_from_memory_as_postgresql_does(cached, raw, direct, batch):
    assert cached.warm(lambda: ask(raw, *batch)) == ask(direct, *batch)
    cached.settle_batch(lambda: ask(raw, *batch), len(batch))


def test_statements_of_a_batch_are_found_alone_and_the_other_way_round(lasting):
    with lasting.raw() as raw:
        ask(raw, fe.parse(BY_KEY, "by_key"))
        batch = [one(number) for number in range(20, 24)]
        lasting.settle_batch(lambda: ask(raw, *batch), len(batch))
        assert lasting.hits_during(lambda: ask(raw, one(22))) == 1
        for number in (30, 31):
            lasting.settle_batch(lambda: ask(raw, one(number)), 1)  # noqa: B023
        lasting.settle_batch(lambda: ask(raw, one(30), one(31)), 2)


def test_one_that_is_not_in_memory_takes_the_others_to_the_server(cached, raw, direct):
    cached.settle_batch(lambda: ask(raw, one(40), one(41)), 2)
    assert cached.hits_during(lambda: ask(raw, one(40), one(42), one(41))) == 0
    batch = [one(40), one(42), one(41)]
    cached.settle_batch(lambda: ask(raw, *batch), 3)
    assert ask(raw, *batch) == ask(direct, *batch)


def test_a_batch_with_anything_else_goes_to_the_server(cached, raw, direct):
    cached.settle_batch(lambda: ask(raw, one(50), one(51)), 2)
    for other in (unnamed("SELECT now() > 'epoch'"), fe.parse("SELECT 1", "named"), fe.describe("S", "by_key"),
                  fe.close("S", "none"), fe.flush()):
        batch = [one(50), other, one(51)]
        through = []
        assert cached.hits_during(lambda: through.extend(ask(raw, *batch))) == 0  # noqa: B023
        assert through == ask(direct, *batch)


def test_a_batch_that_fails_fails_as_postgresqls_does(cached, raw, direct):
    batch = [one(60), one("x"), one(61)]
    for _ in range(3):
        assert ask(raw, *batch) == ask(direct, *batch)
    for number in (60, 61):
        assert ask(raw, one(number)) == ask(direct, one(number))


def test_the_unnamed_statement_of_the_batch_is_the_last_one(cached, raw, direct):
    batch = [unnamed("SELECT count(*) FROM items"), unnamed("SELECT max(id) FROM items")]
    cached.settle_batch(lambda: ask(raw, *batch), 2)
    ask(direct, *batch)
    again = fe.bind() + fe.execute()
    assert ask(raw, again) == ask(direct, again)


def test_a_write_in_the_batch_is_seen_behind_it(cached, raw, client):
    cached.settle_batch(lambda: ask(raw, one(70), one(71)), 2)
    write = unnamed("UPDATE items SET name = 'piped' WHERE id = 70")
    answer = ask(raw, one(70), write, one(70))
    assert b"piped" in answer[-3].body and b"piped" not in answer[1].body
    assert b"piped" in ask(raw, one(70), one(71))[1].body
    assert client.execute("SELECT name FROM items WHERE id = 70").fetchone() == ("piped",)


def test_a_batch_is_of_one_moment(cached, client, around):
    """Whatever the isolation: two rows that are always written together are never seen apart."""
    around("CREATE TABLE twins_a (id int PRIMARY KEY, v int); CREATE TABLE twins_b (id int PRIMARY KEY, v int);"
           " INSERT INTO twins_a VALUES (1, 0); INSERT INTO twins_b VALUES (1, 0);"
           " ALTER TABLE twins_a OWNER TO app; ALTER TABLE twins_b OWNER TO app")
    batch = [unnamed(f"SELECT v FROM {table} WHERE id = 1") for table in ("twins_a", "twins_b")]
    stopped = threading.Event()

    def write() -> None:
        version = 0
        while not stopped.wait(0.03):
            version += 1
            around(f"BEGIN; UPDATE twins_a SET v = {version}; UPDATE twins_b SET v = {version}; COMMIT")

    with cached.raw(options="-c default_transaction_isolation=repeatable\\ read") as raw:
        cached.settle_batch(lambda: ask(raw, *batch), 2)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            before = cached.figures()["hits"]
            end = time.monotonic() + 4 * BOUND
            while time.monotonic() < end:
                seen = [message.body for message in ask(raw, *batch) if message.kind == "D"]
                assert seen[0] == seen[1]
        finally:
            stopped.set()
            writer.join()
        assert cached.figures()["hits"] > before
