"""What the console shows of the cache (its hit rate), what empties it, and what a server that cannot do it gets."""

import concurrent.futures
import contextlib
import re
import time
import urllib.request
import uuid

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing.fixtures import drop_database

from conftest import FLAGS, Cached

pytestmark = pytest.mark.usefixtures("items")
TEXT = "SELECT id, name FROM items WHERE id = 1"


@pytest.fixture
def asking(lasting):
    with lasting.connect() as connection:
        yield connection


def test_figures_move(lasting, asking):
    lasting.settle(lambda: asking.execute(TEXT).fetchall())
    before = lasting.figures()
    assert before["level"] == "bounded" and before["entries"] >= 1 and before["bytes"] > 0
    for _ in range(10):
        asking.execute(TEXT).fetchall()
    asking.execute("SELECT id, name FROM items WHERE id = 199").fetchall()
    after = lasting.figures()
    assert after["hits"] - before["hits"] == 10
    assert after["misses"] > before["misses"]
    assert after["staleness_ms"] == 20_000


def test_ages_stay_within_the_bound(cached, client):
    cached.settle(lambda: client.execute(TEXT).fetchall())

    def leased():
        client.execute(TEXT).fetchall()
        figures = cached.figures()
        return figures["lease_age_ms"] <= figures["staleness_ms"] and figures

    figures = wait_until(leased, 20, "a lease that is no older than it may be")
    assert figures["staleness_ms"] == 1000
    assert 0 < figures["age_p50_ms"] <= figures["age_p99_ms"] <= figures["age_max_ms"] <= 1000


def test_each_answer_from_memory_has_its_time(lasting, asking):
    """B21: hit < 5 ms; P8: cached < 100 ms."""
    lasting.settle(lambda: asking.execute(TEXT).fetchall())
    before = lasting.latencies()["hits"]
    begun = time.monotonic()
    for _ in range(200):
        asking.execute(TEXT).fetchall()
    waited = (time.monotonic() - begun) * 1e3
    after = lasting.latencies()["hits"]
    assert after["count"] - before["count"] == 200
    assert 0 < after["total_time"] - before["total_time"] < waited


def test_an_explanation_is_no_hit(cached, client):
    cached.settle(lambda: client.execute(TEXT).fetchall())
    hits = sorted(entry["hits"] for entry in cached.entries())
    for _ in range(3):
        client.execute(f"EXPLAIN (FOREBAY) {TEXT}", prepare=False)
    assert sorted(entry["hits"] for entry in cached.entries()) == hits != []


def test_what_waited_for_a_backend_was_counted_twice_among_what_cannot_be_kept(cached, client):
    dsn = cached.daemon.dsn(user="app", dbname=cached.dbname)
    with contextlib.ExitStack() as opened:
        holders = [opened.enter_context(psycopg.connect(dsn)) for _ in range(6)]
        client.execute("SELECT clock_timestamp()")
        for holder in holders:
            holder.execute("SELECT txid_current()")
        before = cached.figures()["refused"]
        waits = opened.enter_context(concurrent.futures.ThreadPoolExecutor(1)).submit(
            client.execute, "SELECT clock_timestamp()")
        wait_until(lambda: cached.clients_waiting() == 1, 10, "it waits")
        holders[0].rollback()
        waits.result(10)
        assert cached.figures()["refused"] == before + 1


def test_cache_clear(cached, client):
    cached.warm(lambda: client.execute(TEXT).fetchall())
    cached.clear()
    assert cached.figures()["entries"] == 0
    assert cached.hits_during(lambda: client.execute(TEXT).fetchall()) == 0
    cached.warm(lambda: client.execute(TEXT).fetchall())


def test_off_unless_it_is_asked_for(server, database, items):
    with ForebayDaemon(server) as daemon:
        with psycopg.connect(daemon.dsn(user="app", dbname=database), autocommit=True) as client:
            for _ in range(5):
                client.execute(TEXT).fetchall()
        assert not server.query("SELECT 1 FROM pg_replication_slots WHERE database = %s AND NOT active", (database,))
        endpoint = Cached("transaction", daemon, server, database)
        assert endpoint.figures()["hits"] == 0


def test_reading_writes_nothing_on_the_server(server, database, cached, client):
    """No byte of WAL and no transaction's number; what else goes on there does not write all the time."""
    cached.settle(lambda: client.execute(TEXT).fetchall())
    written = "SELECT pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot())"

    def a_second_of_nothing() -> bool:
        before = server.query(written)
        cached.settle(lambda: client.execute(TEXT).fetchall())
        return server.query(written) == before

    wait_until(a_second_of_nothing, 30, "a while in which nothing is written")


def test_nothing_is_left_on_the_server(server, database, daemons, items):
    """The slot is temporary, and nobody creates anything in the database."""
    objects = " UNION ALL ".join(f"SELECT count(*) FROM {name}" for name in ("pg_class", "pg_publication", "pg_proc"))
    slots = "SELECT slot_name FROM pg_replication_slots WHERE slot_name NOT IN (SELECT unnest(%s::text[]))"
    before = server.query(objects, dbname=database)
    known = [name for (name,) in server.query("SELECT slot_name FROM pg_replication_slots")]
    endpoint = daemons()
    with endpoint.connect() as client:
        endpoint.warm(lambda: client.execute(TEXT).fetchall())
    assert server.query(slots, (known,))
    endpoint.daemon.kill()
    wait_until(lambda: not server.query(slots, (known,)), 10, "the slot is gone")
    assert server.query(objects, dbname=database) == before


@pytest.mark.parametrize("setting, value, word", [
    ("wal_level", "replica", "wal_level"), ("max_wal_senders", 0, ""), ("max_replication_slots", 0, ""),
])
def test_a_server_that_cannot_do_it_is_served_uncached(setting, value, word):
    with PostgresServer(config={setting: value}) as poor:
        poor.create_role("app")
        poor.psql("CREATE TABLE items AS SELECT 1 AS id, 'item 1' AS name; ALTER TABLE items OWNER TO app")
        with ForebayDaemon(poor, FLAGS) as daemon:
            endpoint = Cached("transaction", daemon, poor, "postgres")
            with endpoint.connect() as client:
                for number in range(30):
                    assert client.execute(TEXT).fetchall() == [(1, "item 1")]
                poor.execute("UPDATE items SET name = 'new'")
                assert client.execute(TEXT).fetchall() == [(1, "new")]
                wait_until(lambda: endpoint.figures()["level"] == "ttl", 10, "the level below")
                assert client.execute(TEXT).fetchall() == [(1, "new")]
            figures = endpoint.figures()
            assert figures["hits"] == 0
            assert figures["trouble"] and word in figures["trouble"]
            assert "cache" in daemon.log().lower() and word in daemon.log()


def test_an_upstream_user_without_replication(server, database, daemons, items, around):
    server.create_role("plain")
    around("GRANT SELECT ON items TO plain")
    url = f"postgres://plain:secret-of-plain@{server.host}:{server.port}"
    with ForebayDaemon(url, FLAGS) as daemon:
        dsn = daemon.dsn(user="plain", dbname=database, password="secret-of-plain")
        with psycopg.connect(dsn, autocommit=True) as client:
            for _ in range(5):
                assert client.execute(TEXT).fetchall() == [(1, "item 1")]


def test_memory_stays_within_its_bound(server, database, around, daemons):
    """Many different results, more than fit."""
    around("DROP TABLE IF EXISTS heavy; CREATE TABLE heavy AS SELECT n AS id, repeat(md5(n::text), 200) AS body"
           " FROM generate_series(1, 2000) n; ALTER TABLE heavy ADD PRIMARY KEY (id); ALTER TABLE heavy OWNER TO app")
    endpoint = daemons("--cache-size", "2MiB")
    with endpoint.connect() as client:
        endpoint.warm(lambda: client.execute("SELECT body FROM heavy WHERE id = 1").fetchall())
        for number in range(2000):
            client.execute("SELECT body FROM heavy WHERE id = %s", (number,)).fetchall()
        figures = endpoint.figures()
    assert 0 < figures["entries"] < 2000
    assert figures["bytes"] <= 2 << 20


def test_a_large_result_is_not_kept(server, database, around, daemons):
    """cache.max_entry: what is larger goes through, whole."""
    around("DROP TABLE IF EXISTS big; CREATE TABLE big AS SELECT n AS id, repeat('x', 1000) AS body"
           " FROM generate_series(1, 3000) n; ALTER TABLE big OWNER TO app")
    endpoint = daemons()
    with endpoint.connect() as client:
        def read():
            return len(client.execute("SELECT * FROM big").fetchall())
        assert read() == 3000
        endpoint.warm(lambda: client.execute("SELECT count(*) FROM big").fetchall())
        assert endpoint.hits_during(lambda: [read() for _ in range(5)]) == 0
        assert read() == 3000


def test_an_entry_has_a_lifetime(server, database, items, daemons):
    """300 s unless something else is said."""
    endpoint = daemons(config="cache:\n  lifetime: 1s\n")
    with endpoint.connect() as client:
        endpoint.warm(lambda: client.execute(TEXT).fetchall())
        fills = endpoint.figures()["fills"]

        def read_again():
            return client.execute(TEXT).fetchall() and endpoint.figures()["fills"] > fills

        wait_until(read_again, 40, "it is read from the server again")
        assert endpoint.figures()["stale"] == 0, "it was its age, and no write, that ended it"


def test_two_databases_have_nothing_in_common(server, database, items, cached):
    server.create_database("another", "OWNER app")
    try:
        server.psql("CREATE TABLE items AS SELECT 1 AS id, 'elsewhere' AS name; GRANT SELECT ON items TO app",
                    "another")
        other = Cached("transaction", cached.daemon, server, "another")
        with cached.connect() as here, other.connect() as there:
            cached.warm(lambda: here.execute(TEXT).fetchall())
            other.warm(lambda: there.execute(TEXT).fetchall())
            for _ in range(5):
                assert here.execute(TEXT).fetchall() == [(1, "item 1")]
                assert there.execute(TEXT).fetchall() == [(1, "elsewhere")]
    finally:
        drop_database(server, "another")


def test_entries_show_what_is_kept_without_its_values(cached, client):
    cached.settle(lambda: client.execute("SELECT id, price FROM items WHERE name = 'item 7'").fetchall())
    cached.settle(lambda: client.execute(TEXT).fetchall())
    entries = cached.entries()
    by_key = [entry for entry in entries if entry["statement"] == "SELECT id, name FROM items WHERE id = $1"]
    assert sum(entry["hits"] for entry in by_key) >= 30, "two entries: the driver prepares it meanwhile"
    for entry in by_key:
        assert entry["relations"] == "public.items by key" and entry["rows"] == 1 and entry["bytes"] > 100
    by_name = [entry for entry in entries if entry["statement"] == "SELECT id, price FROM items WHERE name = $1"]
    assert {entry["relations"] for entry in by_name} == {"public.items"}


@pytest.mark.parametrize("named", ["items", "public.items"])
def test_cache_clear_of_one_relation(lasting, asking, around, named):
    around("CREATE TABLE IF NOT EXISTS others (x int); ALTER TABLE others OWNER TO app")
    for text in (TEXT, "SELECT x FROM others"):
        lasting.settle(lambda: asking.execute(text).fetchall())  # noqa: B023
    lasting.clear(named)
    assert {entry["relations"] for entry in lasting.entries()} == {"public.others"}
    assert lasting.hits_during(lambda: asking.execute("SELECT x FROM others").fetchall()) == 1
    assert lasting.hits_during(lambda: asking.execute(TEXT).fetchall()) == 0


def test_cache_is_used_as(cached):
    with psycopg.connect(cached.daemon.dsn(dbname="forebay"), autocommit=True) as console:
        for wrong in ("CACHE", "CACHE EMPTY", "CACHE CLEAR a b"):
            with pytest.raises(psycopg.errors.SyntaxError, match=r"CACHE CLEAR \[relation\]"):
                console.execute(wrong)


def test_what_a_change_stream_has_done_is_what_another_slot_was_told(daemons, server, database, around):
    """P8, P6: each row and each emptied table, and what it takes as text."""
    around("CREATE TABLE nothing_here ()")
    cached = daemons("--admin", "127.0.0.1:0")
    figures = stream_figures(cached)
    with cached.connect() as client, slot(server, database) as everything:
        cached.settle(lambda: client.execute(TEXT).fetchall())
        before = figures()
        assert before["starts"] == 1
        with slot(server, database) as of_ours:
            around("INSERT INTO items (id, name) SELECT i, 'new' FROM generate_series(3001, 3007) i")
            around("UPDATE items SET name = 'newer' WHERE id IN (3001, 3002); TRUNCATE nothing_here")
            wait_until(lambda: figures()["changes"] >= before["changes"] + 10, 10, "ten changes")
            after = figures()
            ours = [line for line in of_ours() if line.startswith("table ")]
        assert after["changes"] - before["changes"] == len(ours) == 10
        received = after["received_bytes"] - before["received_bytes"]
        assert sum(map(len, ours)) < received <= sum(len(line) for line in everything())
        cached.settle(lambda: client.execute(TEXT).fetchall())
        assert figures()["leases"] > before["leases"]
        around("CREATE TABLE a_new_one (id int)")
        cached.settle(lambda: client.execute(TEXT).fetchall())
        now = figures()
        assert now["catalogs"] > before["catalogs"] and now["starts"] == 1
        server.query("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = %s AND active",
                     (database,))
        wait_until(lambda: figures()["starts"] == 2, 20, "the stream has begun again")


@contextlib.contextmanager
def slot(server, database: str):
    """Yields what tells each line that test_decoding has printed of the database since."""
    name = f"truth_{uuid.uuid4().hex[:12]}"
    options = "'include-xids', 'on', 'skip-empty-xacts', 'off', 'include-timestamp', 'off'"
    with psycopg.connect(server.dsn(dbname=database), autocommit=True) as connection:
        connection.execute(f"SELECT pg_create_logical_replication_slot('{name}', 'test_decoding', temporary => true)")

        def lines() -> list[str]:
            told = connection.execute(f"SELECT data FROM pg_logical_slot_get_changes('{name}', NULL, NULL, {options})")
            return [line for line, in told]

        yield lines


def stream_figures(cached: Cached):
    """What tells the counters of the database's change stream, by the last words of their names."""
    place = r"HTTP is served on (\S+:\d+)"
    address = wait_until(lambda: re.search(place, cached.daemon.log()), 10, "HTTP is served").group(1)

    def figures() -> dict[str, float]:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as page:
            found = re.findall(rf'^forebay_stream_(\w+)_total{{database="{cached.dbname}",.*}} (\d+)$',
                               page.read().decode(), re.MULTILINE)
        return {name: int(value) for name, value in found}

    return figures
