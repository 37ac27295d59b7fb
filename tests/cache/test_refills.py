"""What Forebay asks again by itself, so that clients find it in memory: what is about to expire and still asked for,
and, where that is wished (write-through), what a write has ended.
"""

import time

import psycopg
import pytest

from forebay_testing import wait_until
from forebay_testing.fixtures import USER

from conftest import LASTING, Cached

pytestmark = pytest.mark.usefixtures("items")

LIFETIME = 4.0  # seconds
AHEAD = LIFETIME / 12  # so long before its end, at the latest, it is filled again if it is asked for
SHORT = "/* forebay: ttl=4s */ "
THROUGH = "/* forebay: strategy=write-through */ "


def simple(client, sql, number):
    return client.execute(sql.replace("%s", str(number)), prepare=False).fetchall()


def unnamed(client, sql, number):
    return client.execute(sql, (number,), prepare=False).fetchall()


def prepared(client, sql, number):
    return client.execute(sql, (number,), prepare=True).fetchall()


def binary(client, sql, number):
    return client.execute(sql, (number,), prepare=True, binary=True).fetchall()


every_protocol = pytest.mark.parametrize("ask", [simple, unnamed, prepared, binary])


@pytest.fixture
def cached(lasting) -> Cached:
    return lasting


def ask_for(action, seconds: float) -> float:
    """The longest pause between two answers."""
    begun = last = time.monotonic()
    longest = 0.0
    while last < begun + seconds:
        action()
        time.sleep(0.01)
        before, last = last, time.monotonic()
        longest = max(longest, last - before)
    return longest


def refills(cached) -> int:
    return cached.figures()["refills"]


@pytest.mark.time_limit(150)
@pytest.mark.parametrize("ask", [simple, prepared])
def test_what_is_asked_for_all_the_time_is_missed_once(cached, client, ask):
    def read():
        return ask(client, SHORT + "SELECT name FROM items WHERE id = %s", 7)

    def in_memory_all_the_time() -> bool:
        """Unless the machine stood still when it had to be asked for, or filled, before it expired."""
        cached.settle(read)
        before = cached.figures()
        pause = ask_for(read, 1.3 * LIFETIME)
        after = cached.figures()
        if after["misses"] != before["misses"] and pause > AHEAD / 2:
            return False
        assert after["misses"] == before["misses"]
        assert after["refills"] > before["refills"]
        return True

    wait_until(in_memory_all_the_time, 100, "a while without a pause")
    assert read() == [("item 7",)]


def test_what_is_not_asked_for_any_more_expires(cached, client):
    def read():
        return unnamed(client, SHORT + "SELECT name FROM items WHERE id = %s", 7)

    cached.settle(lambda: unnamed(client, "SELECT name FROM items WHERE id = %s", 1))
    read()
    before = cached.figures()
    read()
    assert cached.figures()["hits"] == before["hits"] + 1
    time.sleep(1.05 * LIFETIME)  # in which nothing is to happen
    read()
    after = cached.figures()
    assert (after["refills"], after["misses"]) == (before["refills"], before["misses"] + 1)


def test_cache_aside_asks_nothing_by_itself(daemons, items):
    cached = daemons(*LASTING, config="cache: {strategy: cache-aside}")
    with cached.connect() as client:
        def read():
            return unnamed(client, SHORT + "SELECT name FROM items WHERE id = %s", 7)

        cached.settle(read)
        before = cached.figures()["misses"]
        ask_for(read, 1.3 * LIFETIME)
        assert cached.figures()["misses"] > before
        assert refills(cached) == 0


@every_protocol
def test_what_a_write_ends_is_in_memory_again_before_it_is_asked_for(cached, client, around, ask):
    def read():
        return ask(client, THROUGH + "SELECT name FROM items WHERE id = %s", 7)

    cached.settle(read)
    for name in ("first", "second", "third"):
        before = cached.figures()
        around(f"UPDATE items SET name = '{name}' WHERE id = 7")
        wait_until(lambda: cached.figures()["fills"] == before["fills"] + 1, 10, "it is asked again, and kept")
        assert read() == [(name,)]
        after = cached.figures()
        assert after["refills"] == before["refills"] + 1
        assert after["misses"] == before["misses"]
        assert after["hits"] == before["hits"] + 1


def test_what_nobody_has_asked_for_again_is_not_filled_again(cached, client, around):
    cached.settle(lambda: unnamed(client, "SELECT name FROM items WHERE id = %s", 1))
    before = cached.figures()
    unnamed(client, THROUGH + "SELECT name FROM items WHERE id = %s", 7)
    assert cached.figures()["fills"] == before["fills"] + 1
    around("UPDATE items SET name = 'changed' WHERE id = 7")
    # By then the change has come by, and one that was asked for again has been filled again.
    cached.settle(lambda: unnamed(client, THROUGH + "SELECT name FROM items WHERE id = %s", 8))
    around("UPDATE items SET name = 'changed' WHERE id = 8")
    wait_until(lambda: refills(cached) > before["refills"], 10, "it is asked again")
    assert refills(cached) == before["refills"] + 1
    assert unnamed(client, THROUGH + "SELECT name FROM items WHERE id = %s", 7) == [("changed",)]


def test_a_policy_says_which_tables_are_written_through(daemons, around, items):
    cached = daemons(*LASTING, config="policies: {hot: {relations: [items], strategy: write-through}}")
    with cached.connect() as client:
        def read():
            return unnamed(client, "SELECT count(*) FROM items WHERE price > %s", 10)

        cached.settle(read)
        before = cached.figures()
        around("DELETE FROM items WHERE id = 200")
        wait_until(lambda: cached.figures()["fills"] == before["fills"] + 1, 10, "it is asked again, and kept")
        assert read() == [(191,)]
        assert cached.figures()["misses"] == before["misses"]


def test_each_session_gets_what_its_own_settings_make_of_it(cached, around):
    """What is asked again is asked with the asker's settings, not with those of whoever used the backend last."""
    sql = THROUGH + "SELECT to_char(price, '9D9'), name, '2026-01-01 12:00Z'::timestamptz::text FROM items WHERE id = 4"
    with cached.connect() as here, cached.connect() as there:
        here.execute("SET TimeZone = 'Asia/Tokyo'")
        there.execute("SET TimeZone = 'America/New_York'")
        for client in (here, there):
            cached.settle(lambda client=client: simple(client, sql, 0))
        before = cached.figures()
        around("UPDATE items SET name = 'changed' WHERE id = 4")
        wait_until(lambda: cached.figures()["fills"] == before["fills"] + 2, 10, "both are asked again, and kept")
        assert simple(here, sql, 0) == [(" 5.0", "changed", "2026-01-01 21:00:00+09")]
        assert simple(there, sql, 0) == [(" 5.0", "changed", "2026-01-01 07:00:00-05")]
        assert cached.figures()["misses"] == before["misses"]


def test_what_a_role_may_no_longer_read_is_not_filled_again(cached, client, around, server, database):
    sql = THROUGH + "SELECT name FROM items WHERE id = %s"
    cached.settle(lambda: unnamed(client, sql, 7))
    before = cached.figures()
    around(f"ALTER TABLE items OWNER TO postgres; REVOKE ALL ON items FROM {USER};"
           " UPDATE items SET name = 'secret' WHERE id = 7")
    wait_until(lambda: refills(cached) > before["refills"] or not cached.entries(), 10, "it has ended")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        unnamed(client, sql, 7)
    assert cached.figures()["fills"] == before["fills"]


def test_a_daemon_ends_while_it_asks_by_itself(daemons, server, database, items):
    cached = daemons()
    sql = THROUGH + "SELECT name FROM items WHERE id = %s"
    with cached.connect() as client:
        cached.settle(lambda: unnamed(client, sql, 7))
        with psycopg.connect(server.dsn(dbname=database)) as blocker:
            blocker.execute("UPDATE items SET name = 'changed' WHERE id = 7")
            blocker.commit()
            blocker.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
            wait_until(lambda: server.query(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s",
                (THROUGH + "%",))[0][0] == 1, 10, "it is asked again")
            client.close()
            cached.daemon.stop()
