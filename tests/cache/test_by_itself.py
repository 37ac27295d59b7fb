"""`cache.enabled: auto`, the default: the cache runs by itself where every write is noticed, and nowhere else."""

import contextlib

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing.fixtures import USER

from conftest import LIFETIMES, Cached

READ = "SELECT name FROM items WHERE id = 1"


@contextlib.contextmanager
def by_itself(server, dbname="postgres", flags=(), upstream=None, config=None):
    with ForebayDaemon(upstream or server, ["--cache", "auto", *flags], config) as daemon:
        yield Cached("transaction", daemon, server, dbname)


def test_it_is_the_default(forebays):
    with psycopg.connect(forebays("--cache", "auto").dsn(dbname="forebay"), autocommit=True) as console:
        rows = {row[0]: row[1:3] for row in console.execute("SHOW CONFIG")}
    assert rows["cache.enabled"] == ("auto", "auto")


def test_it_runs_where_the_server_decodes_its_changes(server, database, items, around):
    with by_itself(server, database) as endpoint, endpoint.connect() as client:
        endpoint.daemon.wait_for_log("the cache is on for databases that clients use")
        assert endpoint.warm(lambda: client.execute(READ).fetchall()) == [("item 1",)]
        assert (endpoint.figures()["level"], endpoint.figures()["trouble"]) == ("bounded", "")
        around("UPDATE items SET name = 'new' WHERE id = 1")
        wait_until(lambda: client.execute(READ).fetchall() == [("new",)], 40, "the other client's write")


LACKS = [
    ({"wal_level": "replica"}, "wal_level is replica, not logical"),
    ({"max_replication_slots": 2}, "few replication slots are free"),
    ({"max_wal_senders": 2}, "few replication connections are free"),
]


@pytest.mark.parametrize("config, why", LACKS, ids=["wal_level", "slots", "senders"])
def test_it_stays_off_where_the_server_cannot_or_has_none_to_spare(config, why):
    """It is no warning: nobody has asked for it. A lower level is not taken in its place."""
    with PostgresServer(config=config) as poor:
        poor.create_role(USER)
        poor.psql(f"CREATE TABLE items AS SELECT 1 AS id, 'item 1' AS name; ALTER TABLE items OWNER TO {USER}")
        with by_itself(poor, config=LIFETIMES) as endpoint, endpoint.connect() as client:
            endpoint.daemon.wait_for_log("no cache by itself")
            for _ in range(10):
                assert client.execute(READ).fetchall() == [("item 1",)]
            wait_until(lambda: why in endpoint.figures().get("trouble", ""), 10, "the reason")
            assert (endpoint.figures()["level"], endpoint.figures()["hits"]) == ("none", 0)
            log = endpoint.daemon.log().splitlines()
            told = [line for line in log if "no cache by itself" in line or "cache is off" in line]
            assert len(told) == 2 and all(" info " in line and why in line for line in told), told


def test_a_level_that_is_named_is_taken(poor):
    poor.psql(f"CREATE TABLE chosen AS SELECT 1 AS id; ALTER TABLE chosen OWNER TO {USER}")
    with by_itself(poor, flags=["--cache-level", "ttl"]) as endpoint, endpoint.connect() as client:
        asked = "/* forebay: ttl=1h */ SELECT id FROM chosen"
        assert endpoint.warm(lambda: client.execute(asked).fetchall()) == [(1,)]
        assert endpoint.figures()["level"] == "ttl"


def test_without_a_user_for_its_own_questions_it_says_so(server):
    with by_itself(server, upstream=f"postgres://{server.host}:{server.port}", flags=["--auth", "trust"]) as endpoint:
        endpoint.daemon.wait_for_log('why="the upstream names no user"')


def test_who_wrote_before_it_ran_is_noticed_by_who_reads_after():
    """Sessions that began while there was no cache follow the rules of own writes, too."""
    with PostgresServer(config={"max_replication_slots": 4}) as server:
        server.create_role(USER)
        server.psql(f"CREATE TABLE items AS SELECT 1 AS id, 'item 1' AS name; ALTER TABLE items OWNER TO {USER};"
                    " SELECT pg_create_physical_replication_slot(name) FROM (VALUES ('one'), ('two')) slots (name)")
        with by_itself(server) as endpoint, endpoint.connect() as early, endpoint.connect() as late:
            wait_until(lambda: "few replication slots" in endpoint.figures().get("trouble", ""), 10, "no cache yet")
            early.execute("UPDATE items SET name = 'before'")
            server.psql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
            assert endpoint.warm(lambda: late.execute(READ).fetchall(), timeout=40) == [("before",)]
            for number in range(50):
                early.execute(f"UPDATE items SET name = 'name {number}'")
                assert late.execute(READ).fetchall() == [(f"name {number}",)]


def test_databases_that_begin_together_leave_two_slots_to_others():
    """Each saw what the others had not taken yet: a standby or a backup found none."""
    names = [f"shop_{number}" for number in range(8)]
    with PostgresServer(config={"max_replication_slots": 6}) as server, contextlib.ExitStack() as clients:
        server.create_role(USER)
        for name in names:
            server.create_database(name)
        endpoint = clients.enter_context(by_itself(server))
        for name in names:
            client = psycopg.connect(endpoint.daemon.dsn(user=USER, dbname=name), autocommit=True)
            clients.enter_context(client).execute("SELECT 1")
        most = 0

        def levels() -> list[str]:
            nonlocal most
            most = max(most, server.query("SELECT count(*) FROM pg_replication_slots")[0][0])
            with psycopg.connect(endpoint.daemon.dsn(dbname="forebay"), autocommit=True) as console:
                return [row[1] if row[1] == "bounded" else "refused" if "few" in row[2] else "not decided"
                        for row in console.execute("SHOW CACHE")]

        wait_until(lambda: sorted(levels()) == ["bounded"] * 4 + ["refused"] * 4, 20, "as many as can be spared")
        assert most == 4
