"""A server's name comes to mean another address, or nothing (C3, C11; pitfall 11)."""

import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, Names, wait_until

from traffic import Traffic, read

ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
#: The first server has it as well.
SECOND_ADDRESS = "127.0.0.5"
PRIMARY, REPLICA = "primary.test", "replica.test"

pytestmark = pytest.mark.skipif(not Names.are_possible(), reason="needs the right to mount, and port 53")


@pytest.fixture
def cluster(clusters):
    first, *others = ADDRESSES
    cluster = clusters(addresses=[f"{first},{SECOND_ADDRESS}", *others])
    cluster.primary.execute("CREATE TABLE log (n int)", dbname="shop")
    cluster.primary.execute("GRANT ALL ON log TO app", dbname="shop")
    return cluster


@pytest.fixture
def names():
    with Names() as names:
        names.set(PRIMARY, ADDRESSES[0])
        names.set(REPLICA, ADDRESSES[2])
        yield names


def serve(cluster, names, *replicas: str, flags=()) -> ForebayDaemon:
    port = cluster.primary.port
    places = [word for name in replicas for word in ("--replica", f"{name}:{port}")]
    return ForebayDaemon(cluster.primary, [*places, *flags], names=names, upstream_name=PRIMARY)


@pytest.fixture
def daemon(cluster, names):
    """Knows the first server and the third, by their names; the second is to take the place of one of them."""
    with serve(cluster, names, REPLICA) as daemon:
        wait_until(lambda: cluster.states(daemon) == {0: "up", 1: "up"}, 20, "both are up")
        yield daemon


def insert(connection, number):
    connection.execute("INSERT INTO log (n) VALUES (%s)", (number,))
    return number


def rows(server) -> list[int]:
    return sorted(n for n, in server.query("SELECT n FROM log", dbname="shop"))


def leads(cluster, daemon, timeline: int) -> bool:
    primary = daemon.show("topology")[0]
    return (primary["role"], primary["state"], int(primary["timeline"])) == ("primary", "up", timeline)


def promote_second(cluster) -> None:
    cluster.servers[1].promote()
    cluster.primary = cluster.servers[1]


@pytest.mark.time_limit(120)
def test_the_primarys_name_leads_to_a_promoted_server_while_the_old_one_takes_writes(cluster, names, daemon):
    old, new, _ = cluster.servers
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    reader = Traffic(lambda: cluster.connect(daemon), read)
    with cluster.connect(daemon) as client:
        client.execute("BEGIN")
        client.execute("INSERT INTO log VALUES (-1)")
        for thread in (writer, reader):
            thread.start()
        wait_until(lambda: len(writer.done) > 20, 20, "traffic")
        promote_second(cluster)
        names.set(PRIMARY, ADDRESSES[1])
        wait_until(lambda: leads(cluster, daemon, 2), 20, "the new one is noticed")
        noticed = time.monotonic()
        before = rows(old)
        with pytest.raises(psycopg.OperationalError):
            client.execute("COMMIT")
    wait_until(lambda: writer.goes_on(noticed + 1), 20, "writes go on")
    for thread in (writer, reader):
        thread.stop()
    assert rows(old) == before and -1 not in before
    assert {number for when, number in writer.done if when > noticed} <= set(rows(new)) and -1 not in rows(new)
    assert reader.errors == []


@pytest.mark.time_limit(120)
def test_the_primarys_name_leads_to_a_promoted_server_and_the_old_one_is_stopped(cluster, names, daemon):
    old, new, _ = cluster.servers
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    reader = Traffic(lambda: cluster.connect(daemon), read)
    for thread in (writer, reader):
        thread.start()
    wait_until(lambda: len(writer.done) > 20 and len(reader.done) > 20, 20, "traffic")
    old.stop()
    promote_second(cluster)
    names.set(PRIMARY, ADDRESSES[1])
    changed = time.monotonic()
    wait_until(lambda: writer.goes_on(changed), 20, "writes go on")
    first = min(when for when, _ in writer.done if when > changed) - changed
    for thread in (writer, reader):
        thread.stop()
    assert first < 4, "a name is looked up again soon after a connection has been lost"
    assert reader.errors == []
    assert {number for _, number in writer.done[-20:]} <= set(rows(new))


@pytest.mark.time_limit(120)
def test_the_primarys_name_leads_to_a_promoted_server_and_the_old_one_is_its_replica(cluster, names, daemon):
    old, new, other = cluster.servers
    with cluster.connect(daemon) as client:
        client.execute("INSERT INTO log VALUES (1)")
    old.stop()
    promote_second(cluster)
    old.demote(new)
    old.start()
    wait_until(lambda: daemon.show("topology")[0]["role"] == "replica", 20, "it is seen to be a replica")
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    writer.start()
    names.set(PRIMARY, ADDRESSES[1])
    other.follow(new)
    wait_until(lambda: leads(cluster, daemon, 2) and len(writer.done) > 20, 20, "writes go on")
    wait_until(lambda: cluster.states(daemon) == {0: "up", 1: "up"}, 20, "both are up")
    writer.stop()
    assert writer.errors == []


@pytest.mark.time_limit(120)
def test_the_primarys_name_leads_back_to_a_former_primary(cluster, names, daemon):
    """Nobody follows the new one that could tell of it."""
    old, new, other = cluster.servers
    other.stop()
    promote_second(cluster)
    names.set(PRIMARY, ADDRESSES[1])
    wait_until(lambda: leads(cluster, daemon, 2), 20, "the new one is noticed")
    before = rows(old)
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    writer.start()
    wait_until(lambda: len(writer.done) > 20, 20, "traffic")
    names.set(PRIMARY, ADDRESSES[0])
    wait_until(lambda: cluster.states(daemon)[0] == "refused", 20, "it is refused")
    assert "the last primary wrote timeline 2" in daemon.show("topology")[0]["why"]
    names.set(PRIMARY, ADDRESSES[1])
    wait_until(lambda: leads(cluster, daemon, 2), 20, "the new one is back")
    since = time.monotonic()
    wait_until(lambda: writer.goes_on(since), 20, "writes go on")
    writer.stop()
    assert rows(old) == before


@pytest.mark.time_limit(120)
def test_the_primarys_name_means_another_address_of_the_same_server(cluster, names, daemon):
    """Nobody's transaction is lost."""
    with cluster.connect(daemon) as client:
        client.execute("BEGIN")
        client.execute("INSERT INTO log VALUES (1)")
        names.set(PRIMARY, SECOND_ADDRESS)
        wait_until(lambda: "its name means another address" in daemon.log(), 20, "it is noticed")
        wait_until(lambda: leads(cluster, daemon, 1), 20, "it is found there")
        client.execute("COMMIT")
        client.execute("INSERT INTO log VALUES (2)")
    assert rows(cluster.primary) == [1, 2]


@pytest.mark.time_limit(120)
def test_the_name_of_a_replica_leads_to_one_that_shows_less(cluster, names, daemon):
    """Reads move to it once it has caught up, and never go back."""
    _, behind, former = cluster.servers
    behind.execute("SELECT pg_wal_replay_pause()")
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    readers = [Traffic(lambda: cluster.connect(daemon), read) for _ in range(3)]
    for thread in (writer, *readers):
        thread.start()
    wait_until(lambda: len(writer.done) > 50 and all(len(reader.done) > 50 for reader in readers), 20, "traffic")
    names.set(REPLICA, ADDRESSES[1])
    used = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
    wait_until(lambda: former.query(used) == [(0,)], 20, "the former one is left")
    since = time.monotonic()
    wait_until(lambda: all(reader.goes_on(since + 0.5) for reader in readers), 20, "reads go on")
    behind.execute("SELECT pg_wal_replay_resume()")
    wait_until(lambda: behind.query(used) != [(0,)], 20, "reads move to it")
    for thread in (writer, *readers):
        thread.stop()
    for reader in readers:
        seen = [count for _, count in reader.done]
        assert seen == sorted(seen)
    assert [error for thread in (writer, *readers) for _, error in thread.errors] == []


@pytest.mark.time_limit(120)
def test_a_name_that_cannot_be_looked_up_holds_nobody_up(cluster, names):
    with serve(cluster, names, REPLICA, "lost.test") as daemon:
        begun = time.monotonic()
        with cluster.connect(daemon) as client:
            client.execute("INSERT INTO log VALUES (1)")
        assert time.monotonic() - begun < 3
        wait_until(lambda: cluster.states(daemon) == {0: "up", 1: "up", 2: "down"}, 20, "the others are up")
        why = daemon.show("topology")[2]["why"]
        assert "has not been looked up" in why or "could not be resolved" in why
        killed = time.monotonic()
        cluster.servers[2].kill()
        wait_until(lambda: cluster.states(daemon)[1] == "down", 20, "the lost replica is noticed")
        assert time.monotonic() - killed < 3
        names.set("lost.test", ADDRESSES[1])
        wait_until(lambda: cluster.states(daemon)[2] == "up", 20, "it is found")
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 5


@pytest.mark.time_limit(120)
def test_the_cache_follows_the_primarys_name(cluster, names):
    """The former primary goes on, and would prove for ever that nothing changes there."""
    with serve(cluster, names, REPLICA, flags=["--cache", "on"]) as daemon, cluster.connect(daemon) as client:
        wait_until(lambda: cluster.states(daemon) == {0: "up", 1: "up"}, 20, "both are up")

        def count() -> int:
            return client.execute("SELECT count(*) FROM log").fetchone()[0]

        def hits() -> int:
            with psycopg.connect(daemon.dsn(dbname="forebay"), autocommit=True) as console:
                cursor = console.execute("SHOW CACHE")
                return sum(row[[column.name for column in cursor.description].index("hits")] for row in cursor)

        wait_until(lambda: count() == 0 and hits() > 5, 20, "answers from memory")
        promote_second(cluster)
        names.set(PRIMARY, ADDRESSES[1])
        wait_until(lambda: leads(cluster, daemon, 2), 20, "the new one is noticed")
        before = hits()
        wait_until(lambda: count() == 0 and hits() > before + 5, 20, "answers from memory again")
        cluster.primary.execute("INSERT INTO log VALUES (1)", dbname="shop")
        wait_until(lambda: count() == 1, 5, "the insert is seen")
