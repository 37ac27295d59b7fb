"""What was asked for most before a restart is in memory before it is asked for again."""

import contextlib
import json
import stat

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.fixtures import USER

from conftest import FLAGS, Cached

pytestmark = pytest.mark.usefixtures("items")

READ = "SELECT name FROM items WHERE id = %s"


@pytest.fixture
def starts(server, database, tmp_path):
    """starts(more): a daemon that keeps its list in warm.file; `more` is further configuration."""
    file = tmp_path / "warm.file"

    @contextlib.contextmanager
    def start(more: str = ""):
        with ForebayDaemon(server, FLAGS, f"cache: {{warm_file: {file}}}\n{more}") as daemon:
            yield Cached("transaction", daemon, server, database)

    start.file = file
    return start


def ask_often(cached) -> None:
    """In each protocol, and with settings of the session's own."""
    with cached.connect() as client:
        client.execute("SET TimeZone = 'Asia/Tokyo'")
        cached.settle_batch(lambda: ask_all(client), 4)


def ask_all(client) -> list:
    return [client.execute(READ.replace("%s", "3"), prepare=False).fetchall(),
            client.execute(READ, (4,), prepare=False).fetchall(),
            client.execute(READ, (5,), prepare=True).fetchall(),
            client.execute("SELECT '2026-01-01 12:00Z'::timestamptz::text, count(*) FROM items",
                           prepare=False).fetchall()]


ANSWERS = [[("item 3",)], [("item 4",)], [("item 5",)], [("2026-01-01 21:00:00+09", 200)]]


def await_entries(cached, count: int) -> None:
    wait_until(lambda: cached.figures()["entries"] >= count, 15, "they are in memory")


def hits_of_all(cached) -> int:
    with cached.connect() as client:
        client.execute("SET TimeZone = 'Asia/Tokyo'")
        return cached.hits_during(lambda: check(client))


def are_all_hit(cached) -> None:
    """Perhaps not before the next proof that they are fresh; but nothing is filled for it."""
    fills = cached.figures()["fills"]
    wait_until(lambda: hits_of_all(cached) == 4, 10, "all are hit")
    assert cached.figures()["fills"] == fills


def check(client) -> None:
    assert ask_all(client) == ANSWERS


def test_what_was_asked_for_most_is_in_memory_once_its_role_has_logged_in(starts):
    with starts() as cached:
        ask_often(cached)
    assert stat.S_IMODE(starts.file.stat().st_mode) == 0o600
    with starts() as cached, cached.connect():
        await_entries(cached, 4)
        assert cached.figures()["misses"] == 0
        are_all_hit(cached)


def test_a_role_whose_password_is_configured_need_not_log_in(starts, server):
    with starts() as cached:
        ask_often(cached)
    with starts(f"users: {{{USER}: {{password: {server.passwords[USER]}}}}}") as cached:
        await_entries(cached, 4)
        are_all_hit(cached)


def test_a_start_without_use_loses_nothing(starts):
    with starts() as cached:
        ask_often(cached)
    before = starts.file.read_text()
    with starts():
        pass
    assert starts.file.read_text() == before


def test_what_nobody_has_asked_for_yet_stays_on_the_list(starts):
    """Clients come back one after another: a second restart is not to find less than the first."""
    with starts() as cached:
        ask_often(cached)
    before = set(starts.file.read_text().splitlines())
    with starts() as cached, cached.connect() as client:
        await_entries(cached, 4)
        client.execute("SET TimeZone = 'Asia/Tokyo'")
        cached.settle(lambda: client.execute(READ, (4,), prepare=False))
    assert set(starts.file.read_text().splitlines()) == before


def test_a_password_that_the_server_refuses_is_tried_once(starts, server):
    with starts() as cached:
        ask_often(cached)
    with starts(f"users: {{{USER}: {{password: wrong}}}}") as cached:
        wait_until(lambda: "questions are asked again" in cached.daemon.log(), 10, "it has begun")
        wait_until(lambda: "password authentication failed" in server.log(), 10, "it is refused")
        with psycopg.connect(server.dsn(host=cached.daemon.host, port=cached.daemon.port, dbname=cached.dbname),
                             autocommit=True) as other:  # a role that may log in: the daemon goes on
            cached.warm(lambda: other.execute("SELECT max(price) FROM items", prepare=False))
    assert server.log().count("password authentication failed") == 1


def test_a_list_of_people_is_read_and_its_mistakes_are_told(starts, database):
    lines = [{"database": database, "user": USER, "text": "SELECT name FROM items WHERE id = 9"},
             {"database": database, "user": USER, "txt": "SELECT 1"}]
    starts.file.write_text("\n".join(json.dumps(line) for line in lines))
    with starts() as cached, cached.connect() as client:
        await_entries(cached, 1)
        fills = cached.figures()["fills"]
        cached.warm(lambda: client.execute("SELECT name FROM items WHERE id = 9", prepare=False))  # perhaps not at once
        assert cached.figures()["fills"] == fills
        [told] = [line for line in cached.daemon.log().splitlines() if f"{starts.file}:2" in line]
        assert "text" in told and "is missing" in told


def test_nothing_that_writes_is_asked(starts, server, database):
    """The list is a list of reads, whoever has written it."""
    questions = ["DELETE FROM items", "SELECT name FROM items; DELETE FROM items", "SELECT pg_sleep(60)",
                 "WITH gone AS (DELETE FROM items RETURNING *) SELECT * FROM gone", "SELECT count(*) FROM items"]
    starts.file.write_text("\n".join(json.dumps({"database": database, "user": USER, "text": text})
                                     for text in questions))
    with starts() as cached, cached.connect():
        await_entries(cached, 1)
    assert server.query("SELECT count(*) FROM items", dbname=database) == [(200,)]
    assert server.query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> "
                        "pg_backend_pid()") == [(0,)]


def test_a_list_that_cannot_be_read_or_written_stops_nothing(starts):
    starts.file.mkdir()
    with starts() as cached:
        ask_often(cached)
        wait_until(lambda: "cannot read cache.warm_file" in cached.daemon.log(), 40, "it is told")
