"""The primary dies, and a replica takes its place (C3, C11; pitfalls 11 and 12)."""

import signal
import threading
import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until

from full_disk import full
from traffic import WHERE, Traffic, insert, read


@pytest.fixture
def cluster(log_cluster):
    return log_cluster


def fail_over(cluster) -> float:
    """Kills the primary and promotes the replica that has most, which the other one can follow; returns when that
    takes writes."""
    cluster.primary.kill()
    cluster.promote(cluster.newest_replica())
    return time.monotonic()


@pytest.mark.time_limit(120)
def test_reads_go_on_and_writes_resume(cluster):
    daemon = cluster.forebay()
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    readers = [Traffic(lambda: cluster.connect(daemon), read) for _ in range(2)]
    for thread in (writer, *readers):
        thread.start()
    wait_until(lambda: len(writer.done) > 50 and all(len(reader.done) > 50 for reader in readers), 20, "traffic")
    promoted = fail_over(cluster)
    wait_until(lambda: writer.goes_on(promoted + 0.5), 20, "writes go on")
    for thread in (writer, *readers):
        thread.stop()
    assert [error for reader in readers for _, error in reader.errors] == []
    assert min(when for when, _ in writer.done if when > promoted) - promoted < 6
    for _, error in writer.errors:
        assert "server closed the connection" in str(error) or "is not known" in str(error), error
    print("write gap:", writer.longest_gap(), "errors:", [str(error) for _, error in writer.errors])
    wait_until(lambda: cluster.states(daemon) == {0: "down", 1: "up", 2: "up"}, 20, "the states")


@pytest.mark.time_limit(120)
def test_the_former_primary_gets_nothing_when_it_comes_back(cluster):
    daemon = cluster.forebay()
    old = cluster.primary
    with cluster.connect(daemon) as client:
        client.execute("INSERT INTO log VALUES (1)")
    fail_over(cluster)
    old.start()
    wait_until(lambda: cluster.states(daemon)[0] == "refused", 20, "it is refused")
    assert "timeline" in daemon.show("topology")[0]["why"]
    with cluster.connect(daemon) as client:
        for value in range(20):
            client.execute("INSERT INTO log VALUES (%s)", (value,))
            client.execute("SELECT count(*) FROM log")
    assert old.query("SELECT count(*) FROM log", dbname="shop") == [(1,)]
    assert "a server is refused" in daemon.log()


@pytest.mark.time_limit(120)
def test_a_reload_does_not_make_a_former_primary_the_primary(cluster):
    """It comes back alone, while nobody is there who knows of the other."""
    daemon = cluster.forebay()
    old, new, other = cluster.servers
    writer = Traffic(lambda: cluster.connect(daemon), insert)
    writer.start()
    wait_until(lambda: len(writer.done) > 10, 20, "traffic")
    promoted = fail_over(cluster)
    wait_until(lambda: writer.goes_on(promoted), 20, "writes go on")
    other.stop()
    new.stop()
    wait_until(lambda: cluster.states(daemon) == {0: "down", 1: "down", 2: "down"}, 20, "all are down")
    daemon.reload()
    daemon.wait_for_log("configuration reloaded")
    old.start()
    before = old.query("SELECT count(*) FROM log", dbname="shop")
    wait_until(lambda: cluster.states(daemon)[0] == "refused", 20, "it is refused")
    assert "the last primary wrote timeline 2" in daemon.show("topology")[0]["why"]
    new.start()
    other.start()
    wait_until(lambda: cluster.states(daemon) == {0: "refused", 1: "up", 2: "up"}, 20, "the states")
    since = time.monotonic()
    wait_until(lambda: writer.goes_on(since), 20, "writes go on")
    writer.stop()
    assert old.query("SELECT count(*) FROM log", dbname="shop") == before


@pytest.mark.time_limit(120)
def test_a_reload_that_leaves_only_a_former_primary_does_not_make_it_the_primary(cluster):
    old, new, other = cluster.servers
    names = [f"{server.host}:{server.port}" for server in (new, other)]
    with ForebayDaemon(old, ["--set", "timeouts.wait=3s"], config=f"replicas: {names}\n") as daemon:
        cluster.wait_until_up(daemon, 20)
        fail_over(cluster)
        wait_until(lambda: cluster.states(daemon)[1] == "up", 20, "it leads")
        with cluster.connect(daemon) as client:
            client.execute("INSERT INTO log VALUES (1)")
            old.start()
            daemon.config_path.write_text("replicas: []\n")
            daemon.reload()
            wait_until(lambda: [row["state"] for row in daemon.show("topology")] == ["refused"], 20, "it is refused")
            with pytest.raises(psycopg.OperationalError, match="no primary has been found"):
                client.execute("INSERT INTO log VALUES (2)")
            old.stop()
            wait_until(lambda: [row["state"] for row in daemon.show("topology")] == ["down"], 20, "it is down")
            writer = Traffic(lambda: cluster.connect(daemon), insert)
            writer.start()  # it waits, and must not be the first whom the server answers
            old.start()
            wait_until(lambda: [row["state"] for row in daemon.show("topology")] == ["refused"], 20, "it is refused")
            writer.stop()
            assert writer.done == []
            daemon.config_path.write_text(f"replicas: {names}\n")
            daemon.reload()
            wait_until(lambda: cluster.states(daemon) == {0: "refused", 1: "up", 2: "up"}, 20, "the states")
        with cluster.connect(daemon) as client:
            client.execute("INSERT INTO log VALUES (3)")
        assert new.query("SELECT n FROM log ORDER BY n", dbname="shop") == [(1,), (3,)]
        assert old.query("SELECT n FROM log", dbname="shop") == []


@pytest.mark.time_limit(120)
def test_a_promotion_beside_a_living_primary_takes_its_clients_along(cluster):
    """The higher timeline wins; transactions that are open on the other end."""
    daemon = cluster.forebay()
    client = cluster.connect(daemon)
    client.execute("BEGIN")
    client.execute("INSERT INTO log VALUES (1)")
    cluster.servers[1].promote()
    wait_until(lambda: cluster.states(daemon)[0] == "refused", 20, "the former primary is refused")
    with pytest.raises(psycopg.OperationalError):
        client.execute("COMMIT")
    client.close()
    with cluster.connect(daemon) as other:
        other.execute("INSERT INTO log VALUES (2)")
    assert cluster.servers[0].query("SELECT n FROM log", dbname="shop") == []
    assert cluster.servers[1].query("SELECT n FROM log", dbname="shop") == [(2,)]


@pytest.mark.time_limit(120)
def test_verifiers_are_looked_up_on_the_new_primary(cluster):
    """In a database that is not listed: there the former primary was asked for ever."""
    places = ", ".join(f"'{server.host}:{server.port}'" for server in cluster.servers[1:])
    with ForebayDaemon(cluster.primary, config=f"databases: {{shop: {{}}}}\nreplicas: [{places}]\n") as daemon:
        wait_until(lambda: cluster.states(daemon) == {0: "up", 1: "up", 2: "up"}, 20, "all servers are up")
        with cluster.connect(daemon) as client:
            client.execute("INSERT INTO log VALUES (1)")
        new = cluster.servers[1]
        new.promote()
        wait_until(lambda: cluster.states(daemon)[0] == "refused", 20, "the former primary is refused")
        new.create_role("late", "secret")
        with psycopg.connect(daemon.dsn("late", "shop", "secret"), connect_timeout=20) as client:
            assert client.execute("SELECT current_user").fetchone() == ("late",)


@pytest.mark.time_limit(120)
def test_a_commit_whose_outcome_is_unknown_is_reported_as_that(cluster):
    """Held by a standby that does not confirm, then cut: nobody can tell."""
    daemon = cluster.forebay()
    primary = cluster.primary
    client = cluster.connect(daemon)
    client.execute("INSERT INTO log VALUES (0)")
    primary.reload({"synchronous_standby_names": "absent"})
    client.execute("BEGIN")
    client.execute("INSERT INTO log VALUES (1)")
    outcome: list = []

    def commit():
        try:
            client.execute("COMMIT")
        except psycopg.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=commit)
    thread.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    wait_until(lambda: primary.query(waits) == [(1,)], 20, "the commit waits")
    primary.kill()
    thread.join(20)
    assert "whether the transaction was committed is not known" in str(outcome[0])  # psycopg has no SQLSTATE of it
    client.close()


@pytest.mark.time_limit(120)
def test_a_lost_replica_costs_no_read(cluster):
    daemon = cluster.forebay()
    readers = [Traffic(lambda: cluster.connect(daemon), read) for _ in range(4)]
    for reader in readers:
        reader.start()
    wait_until(lambda: all(len(reader.done) > 100 for reader in readers), 20, "traffic")
    lost = cluster.servers[1]
    for _ in range(3):
        lost.kill()
        wait_until(lambda: cluster.states(daemon)[1] == "down", 20, "it is seen")
        lost.start()
        wait_until(lambda: cluster.states(daemon)[1] == "up", 20, "it is back")
    for reader in readers:
        reader.stop()
    assert [error for reader in readers for _, error in reader.errors] == []


@pytest.mark.time_limit(120)
def test_a_frozen_replica_costs_no_read(cluster):
    daemon = cluster.forebay()
    readers = [Traffic(lambda: cluster.connect(daemon), read) for _ in range(4)]
    for reader in readers:
        reader.start()
    wait_until(lambda: all(len(reader.done) > 100 for reader in readers), 20, "traffic")
    frozen = cluster.servers[1]
    frozen.signal_all(signal.SIGSTOP)
    at = time.monotonic()
    wait_until(lambda: cluster.states(daemon)[1] == "down", 20, "it is seen")
    print("seen after", time.monotonic() - at)
    time_of_freeze = time.monotonic()
    wait_until(lambda: all(reader.goes_on(time_of_freeze + 0.2) for reader in readers), 20, "all go on")
    frozen.signal_all(signal.SIGCONT)
    wait_until(lambda: cluster.states(daemon)[1] == "up", 20, "it is back")
    for reader in readers:
        reader.stop()
    assert [error for reader in readers for _, error in reader.errors] == []
    print("longest wait", max(reader.longest_gap() for reader in readers))


@pytest.mark.time_limit(120)
def test_a_replica_with_a_full_disk_costs_no_read(disk, clusters):
    """It cannot keep what it is sent: it is left out as one that lags, or is down, and comes back with room."""
    cluster = clusters(replicas=1)
    full_one = cluster.add_replica(str(disk.path))
    cluster.primary.execute("CREATE TABLE log (n int)", dbname="shop")
    cluster.primary.execute("GRANT ALL ON log TO app", dbname="shop")
    daemon = cluster.forebay("--set", "routing.max_lag=1s")
    readers = [Traffic(lambda: cluster.connect(daemon), read) for _ in range(4)]
    for reader in readers:
        reader.start()
    wait_until(lambda: all(len(reader.done) > 100 for reader in readers), 20, "traffic")
    with full(disk, full_one, cluster.primary):
        wait_until(lambda: cluster.states(daemon)[2] in ("lagging", "down"), 30, "it is left out")
        since = time.monotonic()
        wait_until(lambda: all(reader.goes_on(since + 0.5) for reader in readers), 20, "all go on")
    wait_until(lambda: cluster.states(daemon)[2] == "up", 30, "it is back")
    for reader in readers:
        reader.stop()
    assert [error for reader in readers for _, error in reader.errors] == []
    assert "No space left on device" in full_one.log_path.read_text(errors="replace")


#: How a primary ends. By all but the first it has last words for its clients.
ENDS = {
    "killed": PostgresServer.kill,
    "fast": PostgresServer.stop,
    "immediate": PostgresServer.stop_immediately,
}


@pytest.mark.time_limit(120)
@pytest.mark.parametrize("end", ENDS)
def test_a_read_whose_answer_was_to_be_kept_goes_on_too(cluster, end):
    """What memory is filled with is asked of the primary; when that is lost meanwhile, a replica answers. The client's
    connection says so before the watch has heard of it."""
    daemon = cluster.forebay("--cache", "on", "--set", "health.interval=1s")
    primary = cluster.primary
    primary.execute("CREATE TABLE numbers AS SELECT generate_series(1, 2000) AS n", dbname="shop")
    primary.execute("GRANT ALL ON numbers TO app", dbname="shop")
    text = "SELECT count(*) FROM numbers a, numbers b WHERE (a.n * b.n) %% 7 = 3 OR a.n = %s"
    wait_until(lambda: filled(cluster, daemon, text), 20, "such answers are kept")
    found: list = []
    with cluster.connect(daemon) as client:
        ports = [replica.port for replica in cluster.replicas]
        wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports, 20, "a replica shows what the client has seen")
        reading = threading.Thread(target=lambda: found.append(client.execute(text, (2000,)).fetchone()))
        reading.start()
        active = ("SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'"
                  " AND query LIKE '% numbers a, %'")
        wait_until(lambda: primary.query(active), 20, "the primary is asked")
        ENDS[end](primary)
        reading.join(30)
        assert found and found[0][0] > 0


def filled(cluster, daemon, text: str) -> bool:
    """Whether an answer to such a statement has been kept, after it was asked for once more."""
    with cluster.connect(daemon) as client:
        client.execute(text, (1,))
    return any(row["fills"] > 0 for row in daemon.show("cache"))
