"""The server's side, each figure against what the server itself says past Forebay (L17, B17, C7, C10, P6, P8)."""

import os
import pathlib
import signal
import threading

import psycopg
import pytest

from conftest import USER, Http
from forebay_testing import PostgresServer, ReplicaServer, wait_until
from forebay_testing.boot_clock import BootClock

SECRET = "a value that nobody may see"


@pytest.fixture
def sampled(start, server, database):
    """sampled(*flags, …): a daemon whose upstream names the test's database, and a client of its HTTP."""

    def run(*flags, **options):
        daemon = start(*flags, upstream=server.url(dbname=database), **options)
        return daemon, Http(daemon)

    return run


@pytest.fixture
def direct(server, database):
    """direct(): a session past Forebay; all are closed at the end."""
    opened = []

    def one(**options):
        dsn = server.dsn(user=USER, dbname=database, password=server.passwords[USER])
        opened.append(psycopg.connect(dsn, **({"autocommit": True} | options)))
        return opened[-1]

    yield one
    for connection in opened:
        connection.close()


def until(ask, what: str, seconds: float = 30):
    """What ask() returns, once it is true."""
    return wait_until(ask, seconds, what, interval=0.2)


def server_in(http: Http, path: str) -> dict:
    servers = http.get(f"/api/v1/{path}").data["servers"]
    return servers[0] if servers else {}


def table_in(http: Http, name: str, database: str) -> dict:
    for told in http.get("/api/v1/tables").data["databases"]:
        if told["database"] == database:
            return next((table for table in told["tables"] if table["table"] == name), {})
    return {}


def pid_of(connection) -> int:
    return connection.info.backend_pid


def test_a_session_that_is_blocked_is_shown_with_who_blocks_it(sampled, direct):
    _, http = sampled()
    holder, waiter = direct(autocommit=False), direct()
    holder.execute("CREATE TABLE held (id int PRIMARY KEY, v text)")
    holder.execute(f"INSERT INTO held VALUES (1, '{SECRET}')")
    holder.commit()
    holder.execute(f"UPDATE held SET v = '{SECRET}' WHERE id = 1")
    waiting = threading.Thread(target=lambda: waiter.execute("UPDATE held SET v = 'x' WHERE id = 1"))
    waiting.start()
    try:
        trees = until(lambda: server_in(http, "locks").get("trees"), "a blocked session")
        assert [tree["pid"] for tree in trees] == [pid_of(holder)]
        assert [each["pid"] for each in trees[0]["waiting"]] == [pid_of(waiter)]
        assert trees[0]["state"] == "idle in transaction"
        below = trees[0]["waiting"][0]
        assert (below["wait_event_type"], below["blocked_by"]) == ("Lock", [pid_of(holder)])
        assert below["lock_type"] == "transactionid"
        activity = server_in(http, "activity")
        assert activity["blocked"] == 1
        assert activity["longest_idle_in_transaction_seconds"] > 0
        assert {"state": "idle in transaction", "count": 1} in activity["by_state"]
        told = {session["pid"]: session for session in activity["sessions"]}
        assert told[pid_of(holder)]["query"] == "UPDATE held SET v = $1 WHERE id = $2"
        assert SECRET not in http.get("/api/v1/activity").text
        metrics = http.metrics()
        blocked = [value for name, value in metrics.items() if name.startswith("forebay_postgres_blocked_sessions{")]
        assert blocked == [1]
    finally:
        holder.rollback()
        waiting.join(20)
    until(lambda: server_in(http, "locks")["trees"] == [], "nobody is blocked any more")


def test_tables_are_as_large_and_as_used_as_the_server_says(sampled, direct, server, database):
    client = direct()
    # A vacuum between what the server says now and what it said to Forebay would make it another table.
    client.execute("CREATE TABLE goods (id int PRIMARY KEY, name text) WITH (autovacuum_enabled = off)")
    client.execute("CREATE INDEX goods_unused ON goods (name)")
    client.execute("INSERT INTO goods SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i")
    client.execute("DELETE FROM goods WHERE id <= 500")
    client.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
    for _ in range(3):
        client.execute("SELECT * FROM goods WHERE id = 700")
    client.close()  # what it has counted is told by now
    truth = "SELECT {} FROM pg_stat_user_tables WHERE relname = 'goods'"
    columns = {
        "total_bytes": "pg_total_relation_size(relid)", "index_bytes": "pg_indexes_size(relid)",
        "sequential_scans": "seq_scan", "dead_rows": "n_dead_tup", "inserted": "n_tup_ins", "deleted": "n_tup_del"}

    def expected():
        row = server.query(truth.format(", ".join(columns.values())), dbname=database)[0]
        return dict(zip(columns, row, strict=True))

    until(lambda: expected()["deleted"] == 500 and expected()["sequential_scans"] >= 3, "counted by the server")
    _, http = sampled()
    told = until(lambda: table_in(http, "goods", database), "the table")
    assert {name: told[name] for name in columns} == expected()
    assert told["dead_share"] == pytest.approx(500 / 5000, rel=0.05)
    indexes = until(lambda: http.get("/api/v1/indexes").data["databases"][0].get("indexes"), "the indexes")
    unused = next(index for index in indexes if index["index"] == "goods_unused")
    assert (unused["unused"], unused["scans"]) == (True, 0)
    assert unused["bytes"] == server.query("SELECT pg_relation_size('goods_unused')", dbname=database)[0][0]
    key = next(index for index in indexes if index["index"] == "goods_pkey")
    assert not key["unused"], "it keeps something unique"


def test_bloat_is_what_the_pages_have_free(sampled, server, direct, database):
    """Against pgstattuple, which reads every page (L17). Columns of one alignment, so that nothing is lost by that."""
    client = direct()
    server.execute("CREATE EXTENSION pgstattuple", dbname=database)
    fill = "SELECT i::int8 AS id, repeat('x', 50 + i % 100) AS name, now() AS at FROM generate_series(1, 20000) i"
    kept = {"whole": "true", "halved": "id % 2 = 0", "tenth": "id % 10 = 0", "emptied": "false",
            "unknown": "id % 2 = 0"}
    for table, rows in kept.items():
        client.execute(f"CREATE TABLE {table} WITH (autovacuum_enabled = off) AS {fill}")
        client.execute(f"DELETE FROM {table} WHERE NOT ({rows}) AND id < 19990")
        client.execute(f"VACUUM {table}")
        if table != "unknown":
            client.execute(f"ANALYZE {table}")
    client.execute("CREATE TABLE half_filled (id int8, name text) WITH (fillfactor = 50)")
    client.execute("INSERT INTO half_filled SELECT i, repeat('x', 90) FROM generate_series(1, 20000) i")
    client.execute("ANALYZE half_filled")
    _, http = sampled()
    for table in kept:
        told = until(lambda: table_in(http, table, database), table)
        (share,), = server.query("SELECT free_percent / 100 FROM pgstattuple(%s)", (table,), dbname=database)
        if table == "unknown":
            assert (told["bloat_bytes"], told["bloat_share"]) == (None, None), "never analyzed"
            continue
        assert told["bloat_share"] == pytest.approx(share, abs=0.05), table
        size, = client.execute("SELECT pg_relation_size(%s::regclass)", (table,)).fetchone()
        assert told["bloat_bytes"] == pytest.approx(share * size, abs=0.05 * size), table
    assert table_in(http, "half_filled", database)["bloat_share"] < 0.02, "that room is wanted"


def test_bloat_of_an_index_is_what_its_leaves_have_free(sampled, server, direct, database):
    """Against pgstatindex, which reads every page. Leaves that have become empty are not in its density."""
    client = direct()
    server.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple", dbname=database)
    for table, deleted in (("dense", "false"), ("thinned", "id % 10 < 7")):
        client.execute(f"CREATE TABLE {table} WITH (autovacuum_enabled = off) AS SELECT i AS id, md5(i::text) AS name,"
                       " CASE WHEN i % 3 > 0 THEN i::int8 END AS number FROM generate_series(1, 50000) i")
        for index, columns in (("id", "id"), ("name", "name"), ("both", "number, name"), ("lower", "lower(name), id")):
            client.execute(f"CREATE INDEX {table}_{index} ON {table} ({columns})")
        client.execute(f"DELETE FROM {table} WHERE {deleted}")
        client.execute(f"VACUUM ANALYZE {table}")
    client.execute("CREATE INDEX dense_hash ON dense USING hash (id)")
    _, http = sampled()

    def indexes() -> dict[str, dict]:
        return {index["index"]: index for each in http.get("/api/v1/indexes").data["databases"]
                if each["database"] == database for index in each.get("indexes", [])}

    until(lambda: "dense_hash" in indexes(), "the indexes")
    told = indexes()
    assert told["dense_hash"]["bloat_share"] is None
    for name in (f"{table}_{index}" for table in ("dense", "thinned") for index in ("id", "name", "both", "lower")):
        (density,), = server.query("SELECT avg_leaf_density / 100 FROM pgstatindex(%s)", (name,), dbname=database)
        assert told[name]["bloat_share"] == pytest.approx(1 - min(1, density / 0.9), abs=0.06), name


def test_a_table_that_is_locked_holds_nothing_up(sampled, direct, database):
    client = direct(autocommit=False)
    client.execute("CREATE TABLE closed (id int)")
    client.execute("CREATE TABLE open (id int)")
    client.commit()
    client.execute("LOCK TABLE closed IN ACCESS EXCLUSIVE MODE")
    _, http = sampled()
    told = until(lambda: table_in(http, "closed", database), "the tables")
    assert told["total_bytes"] is None
    assert table_in(http, "open", database)["total_bytes"] == 0


def test_databases_are_as_large_and_as_old_as_the_server_says(sampled, server, database):
    _, http = sampled()

    def figures():
        databases = server_in(http, "database").get("databases", [])
        found = next((each for each in databases if each["database"] == database), None)
        return found if found and found["bytes"] is not None else None

    told = until(figures, "the database")
    age, = server.query("SELECT age(datfrozenxid) FROM pg_database WHERE datname = %s", (database,))[0]
    assert age - 50 <= told["xid_age"] <= age
    assert told["xids_left"] == 2**31 - 1 - 3_000_000 - told["xid_age"]
    size, = server.query("SELECT pg_database_size(%s)", (database,))[0]
    assert told["bytes"] == pytest.approx(size, rel=0.05)
    metrics = http.metrics()
    ages = [value for name, value in metrics.items()
            if name.startswith("forebay_postgres_xid_age{") and f'database="{database}"' in name]
    assert ages and age - 50 <= ages[0] <= age + 50
    assert told["growth_bytes_per_day"] is None, "nothing is said before it has been seen for ten minutes"


def test_a_deadlock_and_a_checkpoint_are_counted(sampled, direct, server, database):
    _, http = sampled("--set", "sampling.interval=1s")

    def count():
        databases = server_in(http, "database").get("databases", [])
        return next((each["deadlocks"] for each in databases if each["database"] == database), None)

    before = until(lambda: (found := count()) is not None and [found], "the deadlocks")[0]
    checkpoints = server_in(http, "database")["checkpoints"]["requested"]
    one, other = direct(autocommit=False), direct(autocommit=False)
    one.execute("CREATE TABLE crossed (id int PRIMARY KEY, n int)")
    one.execute("INSERT INTO crossed VALUES (1, 0), (2, 0)")
    one.commit()
    one.execute("UPDATE crossed SET n = 1 WHERE id = 1")
    other.execute("UPDATE crossed SET n = 1 WHERE id = 2")
    ended = []

    def cross(connection, row):
        try:
            connection.execute(f"UPDATE crossed SET n = 2 WHERE id = {row}")
        except psycopg.errors.DeadlockDetected as error:
            ended.append(error)
        connection.rollback()

    threads = [threading.Thread(target=cross, args=each) for each in ((one, 2), (other, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 1
    server.execute("CHECKPOINT")
    one.close()
    other.close()
    until(lambda: count() == before + 1, "the deadlock")
    until(lambda: server_in(http, "database")["checkpoints"]["requested"] > checkpoints, "the checkpoint")


@pytest.mark.time_limit(180)
def test_a_server_that_is_stopped_is_shown_as_such_and_comes_back(start):
    with PostgresServer() as own:
        http = Http(start(upstream=own))
        sessions = ("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                    "AND application_name <> 'forebay samples' AND pid <> pg_backend_pid()")

        def all_are_told():
            told = server_in(http, "activity")
            return told if told.get("count") == own.query(sessions)[0][0] else None

        was = until(all_are_told, "every session")
        assert (was["answering"], was["problem"]) == (True, None)
        label = f'forebay_postgres_answering{{server="{was["server"]}"}}'
        assert http.metrics()[label] == 1
        own.stop()
        gone = until(lambda: not (told := server_in(http, "activity"))["answering"] and told, "that it has stopped")
        assert gone["problem"] and gone["since"] >= was["since"]
        assert gone["asked"] is not None and gone["count"] == was["count"], "the last figures stay to be seen"
        metrics = http.metrics()
        assert metrics[label] == 0
        assert not any(name.startswith("forebay_postgres_sessions") for name in metrics), "no old figure as a new one"
        own.start()
        back = until(lambda: (told := server_in(http, "activity"))["answering"] and told, "that it is back")
        assert back["problem"] is None and back["since"] > gone["since"]
        until(lambda: server_in(http, "activity")["asked"] > back["since"], "new figures")


def test_a_user_without_the_right_is_told_so_and_nothing_fails(server, start, direct, database):
    server.execute("CREATE ROLE nosy LOGIN PASSWORD 'nosy'")
    other = direct()
    other.execute(f"SELECT '{SECRET}'")
    http = Http(start(upstream=f"postgres://nosy:nosy@{server.host}:{server.port}/{database}"))
    told = until(lambda: (found := server_in(http, "activity")).get("rights") and "count" in found and found, "answers")
    assert told["rights"]["reads_all_stats"] is False
    assert 'GRANT pg_monitor TO "nosy"' in told["rights"]["hint"]
    assert told["problem"] is None
    shown = next(session for session in told["sessions"] if session["pid"] == pid_of(other))
    assert (shown["state"], SECRET in http.get("/api/v1/activity").text) == (None, False)
    until(lambda: http.get("/api/v1/tables").data["databases"][0].get("count") is not None, "the tables")
    assert server_in(http, "database")["problem"] is None


def test_databases_that_clients_use_are_sampled_too(start, connect, server, database):
    server.execute("CREATE TABLE used_by_clients (id int)", dbname=database)
    daemon = start()
    http = Http(daemon)
    until(lambda: [each["database"] for each in http.get("/api/v1/tables").data["databases"]] == ["postgres"], "one")
    connect(daemon).execute("SELECT 1")
    until(lambda: table_in(http, "used_by_clients", database), "the client's database")


def test_every_server_of_a_cluster_is_asked(sampled, server, database):
    with ReplicaServer(server) as replica:
        replica.catch_up()
        _, http = sampled("--replica", f"{replica.host}:{replica.port}")

        def both():
            servers = {each["server"]: each for each in http.get("/api/v1/activity").data["servers"]}
            return servers if len(servers) == 2 and all("count" in each for each in servers.values()) else None

        servers = until(both, "both servers")
        roles = {f"{server.host}:{server.port}": True, f"{replica.host}:{replica.port}": False}
        assert {name: each["primary"] for name, each in servers.items()} == roles

        def standbys_that_have_told():
            """How far it has replayed is not known before its first reply."""
            standbys = server_in(http, "database").get("standbys")
            return standbys if standbys and standbys[0]["replay_lag_bytes"] is not None else None

        standbys = until(standbys_that_have_told, "the standby")
        truth = server.query("SELECT application_name FROM pg_stat_replication")
        assert [standby["standby"] for standby in standbys] == [name for name, in truth]
        assert 0 <= standbys[0]["replay_lag_bytes"] < 1 << 20
        assert [each["database"] for each in http.get("/api/v1/tables").data["databases"]] == [database]


def test_statements_of_the_extension_are_told_where_it_is_there(start):
    with PostgresServer({"shared_preload_libraries": "pg_stat_statements"}) as own:
        own.execute("CREATE EXTENSION pg_stat_statements")
        for _ in range(5):
            own.execute("SELECT 4711 AS asked_for")
        http = Http(start(upstream=own))

        def found():
            told = server_in(http, "database").get("statements") or [{}]
            return [each for each in told[0].get("statements", []) if "asked_for" in (each["query"] or "")]

        statement, = until(found, "the statement")
        assert (statement["calls"], statement["query"]) == (5, "SELECT $1 AS asked_for")


def test_where_nobody_is_to_be_asked_it_is_said_why(sampled):
    _, http = sampled("--set", "sampling.enabled=false")
    told = http.get("/api/v1/activity").data
    assert (told["sampled"], told["servers"]) == (False, [])
    assert told["why_not"] == "sampling.enabled is off"


def test_samples_are_taken_on_one_connection_of_their_own(sampled, server):
    _, http = sampled()
    until(lambda: server_in(http, "activity").get("asked"), "answers")
    names = server.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forebay samples'")
    assert names == [(1,)]


def asked(http: Http, before: float = 0) -> float | None:
    """When the server was asked what it does, if that was later."""
    told = server_in(http, "activity").get("asked")
    return told if told and told > before else None


def has_unread(server: PostgresServer, client_port: int) -> bool:
    """Whether something has come to the server's end of that connection, as the kernel has it (proc(5))."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = f":{server.port:04X}", f":{client_port:04X}"
    return any(row[1].endswith(ends[0]) and row[2].endswith(ends[1]) and int(row[4].split(":")[1], 16) > 0
               for row in rows)


def test_a_server_was_not_asked_for_days_once_forebay_had_slept_while_it_answered(start):
    """What seemed to have taken an hour was not to be asked again for a hundred of them."""
    clock = BootClock()
    session = "SELECT {} FROM pg_stat_activity WHERE application_name = 'forebay samples'"
    with PostgresServer({"autovacuum": "off"}) as own:
        with clock.is_in_use():
            daemon = start(upstream=own, config="sampling: {interval: 1s}\n")
        http = Http(daemon)
        seen = until(lambda: asked(http), "the first look")
        (pid, client_port), = own.query(session.format("pid, client_port"))
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: has_unread(own, client_port), 20, "a question is on its way")
            daemon.signal(signal.SIGSTOP)
            os.kill(pid, signal.SIGCONT)
            wait_until(lambda: own.query(session.format("state")) == [("idle",)], 10, "it is answered")
            clock.advance(3600)
        finally:
            os.kill(pid, signal.SIGCONT)
            daemon.signal(signal.SIGCONT)
        for what in ("the answer", "another look", "and another"):
            before = seen
            seen = until(lambda: asked(http, before), what)
