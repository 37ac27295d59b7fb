"""The figures are right: while clients work, wait and hold, and when they have gone."""

import pytest

from forebay_testing import wait_until

from conftest import USER, Background, Console, backend_of

COUNTS = ("cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login")


def test_clients_and_servers(start, clients, database):
    forebay = start("--pool-size", "2", "--pool-overflow", "0")
    with Console(forebay) as console:
        first, second, third = (clients(forebay, application_name=f"number {i}") for i in range(3))
        first.execute("BEGIN")
        second.execute("BEGIN")
        waiting = Background(backend_of, third)
        row = console.wait_for_pool(database, cl_waiting=1)
        assert [row[name] for name in COUNTS] == [2, 1, 2, 0, 0, 0, 0]
        assert (row["pool_mode"], row["sv_most"], row["paused"], row["sv_held"]) == ("transaction", 2, 0, 0)

        states = {row["application_name"]: row for row in console.show("CLIENTS")}
        assert [states[f"number {i}"]["state"] for i in range(3)] == ["active", "active", "waiting"]
        assert [states[f"number {i}"]["transaction"] for i in range(3)] == ["open", "open", "none"]
        assert {row["state"] for row in console.show("SERVERS") if row["database"] == database} == {"active"}
        wait_until(lambda: console.pool(database)["maxwait"] >= 1, 10, "maxwait counts")
        assert [row["wait"] for row in console.show("CLIENTS") if row["state"] == "waiting"][0] >= 1

        first.execute("COMMIT")
        waiting.result()
        second.execute("COMMIT")
        row = console.wait_for_pool(database, sv_active=0)
        assert [row[name] for name in COUNTS] == [3, 0, 0, 2, 0, 0, 0]
        for client in (first, second, third):
            client.close()
        row = console.wait_for_pool(database, cl_active=0)
        assert [row[name] for name in COUNTS] == [0, 0, 0, 2, 0, 0, 0]


def test_servers_tell_whom_they_serve(start, clients, database, server):
    forebay = start()
    with Console(forebay) as console:
        client = clients(forebay, application_name="reader")
        client.execute("BEGIN")
        pid = backend_of(client)
        [backend] = [row for row in console.show("SERVERS") if row["database"] == database]
        [served] = [row for row in console.show("CLIENTS") if row["application_name"] == "reader"]
        assert (backend["remote_pid"], backend["application_name"], backend["state"]) == (pid, "reader", "active")
        assert (backend["link"], served["link"]) == (served["ptr"], backend["ptr"])
        assert (backend["addr"], backend["port"]) == (server.host, server.port)
        local = server.query("SELECT client_port FROM pg_stat_activity WHERE pid = %s", (pid,))
        assert [(backend["local_port"],)] == local
        assert served["addr"] == "127.0.0.1" and served["local_port"] == forebay.port
        assert served["thread"] == backend["thread"]
        client.execute("COMMIT")
        console.wait_for_pool(database, sv_active=0)
        [backend] = [row for row in console.show("SERVERS") if row["database"] == database]
        assert (backend["link"], backend["application_name"], backend["state"]) == ("", "", "idle")


def test_all_threads_are_counted(start, clients, database):
    forebay = start("--threads", "4", "--pool-size", "40", "--pool-overflow", "0")
    with Console(forebay) as console:
        many, ours = [], []
        for _ in range(10):  # each time many at once; on a busy machine one thread may take all of them nevertheless
            coming = [Background(clients, forebay) for _ in range(20)]
            many += [client.result() for client in coming]
            ours = [row for row in console.show("CLIENTS") if row["database"] == database]
            if len({row["thread"] for row in ours}) > 1:
                break
        assert len({row["thread"] for row in ours}) > 1
        assert len(ours) == len({row["id"] for row in ours}) == len(many)
        for client in many[:7]:
            client.execute("BEGIN")
        console.wait_for_pool(database, cl_active=len(many), sv_active=7)
        assert sum(row["state"] == "active" for row in console.show("SERVERS") if row["database"] == database) == 7
        lists = {row["list"]: row["items"] for row in console.show("LISTS")}
        total = sum(row[name] for name in COUNTS if name.startswith("sv_") for row in console.show("POOLS"))
        assert lists["used_clients"] == len(many) + 1
        assert lists["used_servers"] == total and lists["login_clients"] == 0
        for client in many:
            client.close()
        console.wait_for_pool(database, cl_active=0, sv_active=0)
        wait_until(lambda: len(console.show("CLIENTS")) == 1, 10, "only the console is left")


def test_used_servers(start, clients, database):
    """Idle for longer than timeouts.test_after, in PgBouncer's words."""
    forebay = start("--pool-overflow", "0", config="timeouts: {test_after: 200ms}\n")
    with Console(forebay) as console:
        backend_of(clients(forebay))
        row = console.wait_for_pool(database, sv_used=1)
        assert row["sv_idle"] == 0
        assert [row["state"] for row in console.show("SERVERS") if row["database"] == database] == ["used"]


def test_held_servers(start, clients, database):
    """Why a backend stays with its client outside a transaction."""
    forebay = start()
    with Console(forebay) as console:
        client = clients(forebay)
        client.execute("CREATE TEMPORARY TABLE kept (id int)")
        row = console.wait_for_pool(database, sv_held=1)
        assert row["sv_active"] == 1
        [backend] = [row for row in console.show("SERVERS") if row["database"] == database]
        assert (backend["transaction"], backend["held_because"]) == ("none", "temporary objects")
        client.close()
        console.wait_for_pool(database, sv_held=0, sv_active=0)


def test_sockets_and_those_at_work(start, clients, database):
    forebay = start()
    with Console(forebay) as console:
        idle, busy = clients(forebay), clients(forebay)
        backend_of(idle)
        busy.execute("BEGIN")
        console.wait_for_pool(database, cl_active=2, sv_active=1)
        sockets = [row["state"] for row in console.show("SOCKETS") if row["database"] == database]
        assert sorted(set(sockets)) == ["cl_active", "sv_active", "sv_idle"]
        at_work = [row["state"] for row in console.show("ACTIVE_SOCKETS") if row["database"] == database]
        assert sorted(at_work) == ["cl_active", "sv_active"]


def test_databases_and_users(start, clients, database, server):
    config = f"""
databases:
  {database}: {{pool: {{size: 3, mode: session}}, limits: {{max_backends: 5}}}}
  "*":
users:
  {USER}: {{pool: {{size: 4}}, limits: {{max_clients: 9}}}}
"""
    forebay = start(config=config)
    with Console(forebay) as console:
        client = clients(forebay)
        backend_of(client)
        [row] = [row for row in console.show("DATABASES") if row["name"] == database]
        assert (row["host"], row["port"], row["database"]) == (server.host, server.port, database)
        assert (row["pool_size"], row["pool_mode"], row["max_connections"]) == (3, "session", 5)
        assert (row["current_connections"], row["current_client_connections"]) == (1, 1)
        assert (row["paused"], row["disabled"], row["force_user"]) == (0, 0, None)
        [row] = [row for row in console.show("USERS") if row["name"] == USER]
        assert (row["pool_size"], row["pool_mode"], row["max_user_client_connections"]) == ("4", None, 9)
        assert (row["current_connections"], row["current_client_connections"]) == (1, 1)


def test_stats(start, clients, database):
    forebay = start("--pool-size", "2")
    with Console(forebay) as console:
        client = clients(forebay, prepare_threshold=None)
        for _ in range(10):
            client.execute("SELECT pg_sleep(0.01)")
        with client.transaction():
            client.execute("SELECT 1")
            client.execute("SELECT 2")
        [row] = [row for row in console.show("STATS") if row["database"] == database]
        assert row["total_query_count"] == 14
        assert row["total_xact_count"] == 11
        assert row["total_server_assignment_count"] == 11, "the greeting of the pool's first client is none"
        assert row["total_received"] > 14 * 10 and row["total_sent"] > 14 * 10
        assert 100_000 <= row["total_query_time"] < 20_000_000
        # The first period is not over: averages are since the start.
        assert 7_000 <= row["avg_query_time"] < 1_000_000
        [totals] = [row for row in console.show("STATS_TOTALS") if row["database"] == database]
        assert totals["query_count"] == 14
        [averages] = [row for row in console.show("STATS_AVERAGES") if row["database"] == database]
        assert averages["query_time"] == row["avg_query_time"]
        sums = {row["name"]: row["value"] for row in console.show("TOTALS")}
        assert sums["total_query_count"] == sum(row["total_query_count"] for row in console.show("STATS"))


def test_times(start, clients, database):
    """A transaction takes as long as it is open, a query as long as it runs."""
    forebay = start("--pool-size", "1", "--pool-overflow", "0")
    with Console(forebay) as console:
        client, waiting = (clients(forebay, prepare_threshold=None) for _ in range(2))
        client.execute("BEGIN")
        client.execute("SELECT pg_sleep(0.2)")
        coming = Background(waiting.execute, "SELECT 1")
        console.wait_for_pool(database, cl_waiting=1)
        assert not coming.is_done(0.3)  # idle in the transaction
        client.execute("COMMIT")
        coming.result()
        [row] = [row for row in console.show("STATS") if row["database"] == database]
        assert 200_000 <= row["total_query_time"] < row["total_xact_time"] - 250_000
        assert row["total_wait_time"] >= 250_000
        assert row["total_xact_count"] == 2 and row["total_query_count"] == 4


def test_every_transaction_of_a_pipeline_counts(start, clients, database):
    forebay = start()
    with Console(forebay) as console:
        client = clients(forebay)
        with client.pipeline() as pipeline:
            for _ in range(5):
                client.execute("SELECT 1")
                pipeline.sync()
        [row] = [row for row in console.show("STATS") if row["database"] == database]
        assert row["total_xact_count"] >= 5 and row["total_query_count"] >= 5


def test_prepared_statements_are_counted(start, clients, database):
    forebay = start("--pool-size", "1", "--pool-overflow", "0")
    with Console(forebay) as console:
        one, two = (clients(forebay, prepare_threshold=0) for _ in range(2))
        for client in (one, two):
            for number in range(3):
                client.execute("SELECT %s::int", (number,))
        [row] = [row for row in console.show("STATS") if row["database"] == database]
        assert row["total_client_parse_count"] == 2
        assert row["total_server_parse_count"] == 1  # they share it
        assert row["total_bind_count"] == 6
        assert [row["prepared_statements"] for row in console.show("CLIENTS") if row["database"] == database] == [1, 1]
        assert [row["prepared_statements"] for row in console.show("SERVERS") if row["database"] == database] == [1]


def test_stats_outlive_their_pool(start, clients, database):
    forebay = start(config="timeouts: {backend_idle: 100ms}\n")
    with Console(forebay) as console:
        client = clients(forebay)
        client.execute("SELECT 1")
        client.close()
        wait_until(lambda: not console.pool(database), 15, "the pool is forgotten")
        [row] = [row for row in console.show("STATS") if row["database"] == database]
        assert (row["total_query_count"], row["total_xact_count"]) == (1, 1)
        with clients(forebay) as client:
            client.execute("SELECT 1")
        [row] = [row for row in console.show("STATS") if row["database"] == database]
        assert row["total_query_count"] == 2


def test_memory(start, clients):
    forebay = start()
    with Console(forebay) as console:
        clients(forebay)
        rows = {row["name"]: row for row in console.show("MEM")}
        assert rows["client_cache"]["used"] == 2
        assert rows["client_cache"]["memtotal"] == 2 * rows["client_cache"]["size"]
        assert rows["process"]["memtotal"] == pytest.approx(forebay.rss_bytes(), rel=0.5)
