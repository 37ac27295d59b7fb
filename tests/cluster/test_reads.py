"""Which server a statement goes to (C3, C11, L19, P1; pitfalls 13 and 14)."""

import contextlib
import threading
import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.frontend_messages import query
from forebay_testing.rawpg import RawConnection

from traffic import WHERE


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    primary = cluster.servers[0]
    primary.execute("CREATE TABLE numbers (id int PRIMARY KEY, n int NOT NULL)", dbname="shop")
    primary.execute("INSERT INTO numbers SELECT i, 0 FROM generate_series(1, 100) AS i", dbname="shop")
    primary.execute("GRANT ALL ON numbers TO app", dbname="shop")
    for replica in cluster.replicas:
        replica.catch_up()


@pytest.fixture
def ports(cluster):
    return [server.port for server in cluster.servers]


def test_reads_go_to_replicas_and_writes_to_the_primary(cluster, daemon, client, ports):
    client.execute("SELECT 1")  # the first statement of a database looks at its catalog, on the primary
    wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")
    for replica in cluster.replicas:
        replica.execute("SELECT pg_wal_replay_pause()")
    try:
        client.execute("UPDATE numbers SET n = n + 1 WHERE id = 1")
        assert client.execute(WHERE).fetchone()[0] == ports[0], "behind a write that no replica shows"
    finally:
        for replica in cluster.replicas:
            replica.execute("SELECT pg_wal_replay_resume()")


def test_own_writes_are_seen_at_once(client):
    for value in range(1, 200):
        client.execute("UPDATE numbers SET n = %s WHERE id = 2", (value,))
        assert client.execute("SELECT n FROM numbers WHERE id = 2").fetchone()[0] == value


@pytest.mark.parametrize("statement", [
    "SELECT n FROM numbers WHERE id = 3 FOR UPDATE",
    "SELECT n FROM numbers WHERE id = 3 FOR NO KEY UPDATE",
    "WITH w AS (UPDATE numbers SET n = n WHERE id = 3 RETURNING n) SELECT n FROM w",
    "SELECT nextval('series')",
    "SELECT bump()",
    "SELECT * FROM bumping",
    "SELECT pg_current_wal_lsn()",
    "SELECT pg_backend_pid()",
    "SELECT gid FROM pg_prepared_xacts",
    "SELECT slot_name FROM pg_replication_slots",
    "SELECT n_tup_upd FROM pg_stat_user_tables",
    "SELECT last_value FROM series",
    "SELECT pg_sequence_last_value('series')",
    "SELECT pg_current_snapshot()",
    "SELECT pg_last_wal_replay_lsn()",
    "SHOW transaction_read_only",
    "SELECT pg_try_advisory_xact_lock(7)",
    "EXPLAIN ANALYZE UPDATE numbers SET n = n",
    "SELECT 1; UPDATE numbers SET n = n WHERE id = 3",
])
def test_what_may_write_never_reaches_a_replica(cluster, daemon, client, statement):
    client.execute("CREATE SEQUENCE IF NOT EXISTS series")
    client.execute("CREATE OR REPLACE FUNCTION bump() RETURNS int LANGUAGE sql AS "
                   "'UPDATE numbers SET n = n + 1 WHERE id = 4 RETURNING n'")
    client.execute("CREATE OR REPLACE VIEW bumping AS SELECT bump()")
    before = cluster.reads(daemon)
    for _ in range(20):
        client.execute(statement)
    # An error alone would tell nothing: what a replica refuses is asked of the primary.
    assert cluster.reads(daemon)[1:] == before[1:]


@pytest.mark.parametrize("prepare", [False, True], ids=["by text", "prepared"])
@pytest.mark.parametrize("text", [
    "SELECT * FROM drawn", "TABLE drawn", "SELECT number FROM of_drawn", "SELECT * FROM of_of_drawn",
])
def test_a_sequence_that_is_read_shows_the_number_that_was_drawn_last(cluster, daemon, client, ports, text, prepare):
    """A replica is told of 32 numbers at once, ahead of those that have been drawn."""
    client.execute("DROP SEQUENCE IF EXISTS drawn CASCADE")
    client.execute("CREATE SEQUENCE drawn")
    client.execute("CREATE VIEW of_drawn AS SELECT last_value AS number FROM drawn")
    client.execute("CREATE VIEW of_of_drawn AS SELECT number FROM of_drawn")
    for _ in range(5):
        [(number,)] = client.execute("SELECT nextval('drawn')")
        wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")
        before = cluster.reads(daemon)
        for _ in range(4):
            [(shown, *_)] = client.execute(text, prepare=prepare)
            assert shown == number
        assert cluster.reads(daemon)[1:] == before[1:]


def test_a_table_that_has_become_a_sequence_is_read_from_the_primary(cluster, daemon, client):
    text = "SELECT * FROM turned"
    client.execute("DROP TABLE IF EXISTS turned")
    client.execute("CREATE TABLE turned AS SELECT 7::bigint AS last_value, 0::bigint AS log_cnt, true AS is_called")
    before = cluster.reads(daemon)

    def has_been_a_replicas() -> bool:
        assert client.execute(text, prepare=True).fetchone() == (7, 0, True)
        return sum(cluster.reads(daemon)[1:]) > sum(before[1:]) + 5

    wait_until(has_been_a_replicas, 10, "replicas answer the prepared statement")
    client.execute("DROP TABLE turned")
    client.execute("CREATE SEQUENCE turned")
    try:
        for number in range(1, 40):
            assert client.execute("SELECT nextval('turned')").fetchone() == (number,)
            assert client.execute(text, prepare=True).fetchone()[0] == number
    finally:
        client.execute("DROP SEQUENCE turned")


def test_transactions_stay_with_the_primary(client, ports):
    for _ in range(20):
        with client.transaction():
            assert client.execute(WHERE).fetchone()[0] == ports[0]


def test_sessions_settings_are_carried_to_replicas(client, ports):
    client.execute("SET DateStyle = 'German'")
    wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")
    assert client.execute("SELECT date '2024-02-01' || ''").fetchone()[0] == "01.02.2024"


def test_reads_and_writes_go_on_when_roles_have_got_other_defaults(cluster, daemon, ports):
    try:
        for megabytes in (5, 6):
            with cluster.connect(daemon) as before:
                cluster.primary.execute(f"ALTER ROLE app SET work_mem = '{megabytes}MB'")
                with cluster.connect(daemon) as after:  # who logs in notices
                    assert after.execute("SHOW work_mem").fetchone() == (f"{megabytes}MB",)
                    for client in (before, after):
                        wait_until(lambda of=client: of.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica")
                        client.execute("UPDATE numbers SET n = n + 1 WHERE id = 7")
    finally:
        cluster.primary.execute("ALTER ROLE app RESET work_mem")


def test_who_had_a_roles_name_before_waited_for_ever_when_his_read_went_to_a_replica(cluster, daemon):
    """The replica's backends are of the role that has the name now; his own is still there on the primary."""
    primary, read = cluster.primary, "SELECT n FROM numbers WHERE id = 9"

    def make_and_connect():
        primary.create_role("heir")
        primary.execute("GRANT SELECT ON numbers TO heir", dbname="shop")
        for replica in cluster.replicas:
            replica.catch_up()
        return psycopg.connect(daemon.dsn("heir", "shop", primary.passwords["heir"]), autocommit=True)

    with make_and_connect() as before:
        before.execute("BEGIN")  # on the primary
        before.execute(f"{read}; COMMIT")
        primary.execute("ALTER ROLE heir RENAME TO heir_before")
        with make_and_connect() as after:
            for _ in range(20):
                assert after.execute(read).fetchone() == before.execute(read).fetchone()
    for role in ("heir", "heir_before"):
        primary.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", dbname="shop")


def test_prepared_statements_work_on_every_server(client, ports):
    seen = set()
    for value in range(2000):
        if value % 500 == 0:
            client.execute("UPDATE numbers SET n = %s WHERE id = 5", (value,))
        row = client.execute("SELECT n, inet_server_port() FROM numbers WHERE id = %s", (5,),
                             prepare=True).fetchone()
        assert row[0] == value // 500 * 500
        seen.add(row[1])
    assert len(seen) > 1


def test_an_error_is_the_primarys(cluster, client, ports):
    """A table that is not there yet on a replica is there for the client."""
    replicas = cluster.replicas
    wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")
    for replica in replicas:
        replica.execute("SELECT pg_wal_replay_pause()")
    try:
        cluster.servers[0].execute("CREATE TABLE late AS SELECT 1 AS n", dbname="shop")
        cluster.servers[0].execute("GRANT SELECT ON late TO app", dbname="shop")
        assert client.execute("SELECT n FROM late").fetchone()[0] == 1
    finally:
        for replica in replicas:
            replica.execute("SELECT pg_wal_replay_resume()")
    with pytest.raises(psycopg.errors.DivisionByZero):
        client.execute("SELECT 1 / (id - 1) FROM numbers WHERE id = 1")
    with pytest.raises(psycopg.errors.UndefinedTable):
        client.execute("SELECT * FROM never")
    assert client.execute("SELECT 1").fetchone()[0] == 1


def test_a_read_that_is_asked_for_again_elsewhere_is_one_query(daemon, client, ports):
    """What a replica answered with an error was counted twice: there, and where the primary answered it."""
    client.execute("SELECT 1")
    wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")

    def counted() -> dict[str, int]:
        row = next(row for row in daemon.show("stats") if row["database"] == "shop")
        return {name: int(row[name]) for name in ("total_query_count", "total_xact_count")}

    def lent() -> int:
        return sum(int(row["assignments"]) for row in daemon.show("topology")[1:])

    before, lent_before = counted(), lent()
    for _ in range(20):
        with pytest.raises(psycopg.errors.DivisionByZero):
            client.execute("SELECT 1 / (id - 1) FROM numbers WHERE id = 1", prepare=False)
    assert lent() > lent_before, "replicas have been asked"
    assert {name: value - before[name] for name, value in counted().items()} == {
        "total_query_count": 20, "total_xact_count": 20}


def test_equal_replicas_get_equal_shares(cluster, daemon):
    connections = [cluster.connect(daemon) for _ in range(8)]

    def read_for(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for connection in connections:
                connection.execute("SELECT n FROM numbers WHERE id = 1")

    def are_shares_equal() -> bool:
        before = cluster.reads(daemon)
        read_for(2)
        primary, first, second = (after - was for after, was in zip(cluster.reads(daemon), before))
        shares.append((primary, first, second))
        return primary < 0.1 * (first + second) and abs(first - second) < 0.1 * (first + second)

    # One that was slow before, cold perhaps, or held up by the machine, gets less for a while, and rightly so.
    shares = []
    try:
        wait_until(are_shares_equal, 30, "equal shares")
    except TimeoutError:
        pytest.fail(f"primary, first, second: {shares}")
    finally:
        for connection in connections:
            connection.close()


def test_reads_stay_in_the_zone(cluster, ports):
    """Another zone answers what the own one does not show yet, and no longer than that."""
    near, far = cluster.servers[1:]
    with ForebayDaemon(near, config=f"""
replicas: ['{cluster.primary.host}:{ports[0]} zone=b', '{far.host}:{far.port} zone=b']
routing: {{zone: a, upstream_zone: a}}
""") as daemon, cluster.connect(daemon) as client:
        cluster.wait_until_up(daemon, 20)

        def wait_for(server) -> None:
            wait_until(lambda: client.execute(WHERE).fetchone()[0] == server.port, 10, f"{server.port} answers")

        wait_for(near)
        # Once a second the statement at hand looks at the catalog first, on the primary.
        assert far.port not in {client.execute(WHERE).fetchone()[0] for _ in range(300)}
        near.execute("SELECT pg_wal_replay_pause()")
        try:
            client.execute("UPDATE numbers SET n = n WHERE id = 6")
            wait_for(far)
        finally:
            near.execute("SELECT pg_wal_replay_resume()")
        wait_for(near)
        assert [row["zone"] for row in daemon.show("topology")] == ["a", "b", "b"]


def test_a_paused_replica_is_left_when_it_lags(cluster, ports):
    daemon = cluster.forebay("--set", "routing.max_lag=500ms")
    paused = cluster.servers[1]
    paused.execute("SELECT pg_wal_replay_pause()")
    try:
        cluster.servers[0].execute("UPDATE numbers SET n = n WHERE id = 6", dbname="shop")
        wait_until(lambda: cluster.states(daemon)[1] == "lagging", 10, "the lag is seen")
        with cluster.connect(daemon) as client:
            assert all(client.execute(WHERE).fetchone()[0] != paused.port for _ in range(100))
    finally:
        paused.execute("SELECT pg_wal_replay_resume()")
    wait_until(lambda: cluster.states(daemon)[1] == "up", 10, "it has caught up")


def test_a_comment_keeps_a_read_at_the_primary_or_lets_it_be_old(client, ports):
    wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")
    for _ in range(20):
        assert client.execute("/* forebay: read=primary */ " + WHERE).fetchone()[0] == ports[0]
    client.execute("UPDATE numbers SET n = n + 1 WHERE id = 7")
    assert client.execute("/* forebay: read=any */ " + WHERE).fetchone()[0] in ports[1:]


def test_rules_keep_relations_and_users_at_the_primary(cluster, ports):
    daemon = cluster.forebay("--set", "routing.primary_relations=numbers,others")
    with cluster.connect(daemon) as client:
        wait_until(lambda: client.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")
        for _ in range(20):
            row = client.execute("SELECT inet_server_port() FROM numbers WHERE id = 1").fetchone()
            assert row[0] == ports[0]
    daemon = cluster.forebay("--set", "routing.primary_users=app")
    with cluster.connect(daemon) as client:
        assert {client.execute(WHERE).fetchone()[0] for _ in range(100)} == {ports[0]}


def test_a_position_is_carried_to_another_connection(cluster, client, daemon, ports):
    """What one connection has written another one reads, whichever server answers."""
    with cluster.connect(daemon) as other:
        for value in range(50):
            client.execute("UPDATE numbers SET n = %s WHERE id = 8", (value,))
            position = client.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()[0]
            other.execute("SELECT set_config('forebay.position', %s, false)", (position,))
            assert other.execute("SELECT n FROM numbers WHERE id = 8").fetchone()[0] == value
        wait_until(lambda: other.execute(WHERE).fetchone()[0] in ports[1:], 5, "a replica answers")


def test_reads_that_see_all_writes_see_those_of_others(cluster):
    daemon = cluster.forebay("--set", "routing.reads_see=all")
    with cluster.connect(daemon) as writer, cluster.connect(daemon) as reader:
        reader.execute("SELECT 1")
        for value in range(300):
            writer.execute("UPDATE numbers SET n = %s WHERE id = 9", (value,))
            assert reader.execute("SELECT n FROM numbers WHERE id = 9").fetchone()[0] == value


def test_explain_forebay_does_not_wait_for_a_replica(client):
    """It is answered without any server, and the client was never heard again."""
    for _ in range(5):
        client.execute("SELECT 1")
        assert client.execute("EXPLAIN (FOREBAY) SELECT n FROM numbers WHERE id = 1").fetchall()
    assert client.execute("SELECT 1").fetchone()[0] == 1


def test_a_large_answer_comes_in_pieces(client):
    """Longer than what is held back."""
    for _ in range(5):
        rows = client.execute("SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) AS i").fetchall()
        assert len(rows) == 2000


def test_clients_that_have_read_long_answers_need_no_more_memory(cluster, daemon):
    """What was held back of an answer is not kept for the next one: clients are many, and mostly idle."""
    with contextlib.ExitStack() as stack:

        def read_with_more_clients(count: int) -> int:
            for _ in range(count):
                client = stack.enter_context(cluster.connect(daemon))
                for _ in range(3):
                    assert len(client.execute("SELECT repeat('x', 500) FROM numbers").fetchall()) == 100
            return daemon.rss_bytes()

        before = read_with_more_clients(20)
        grown = read_with_more_clients(150) - before
    assert grown < 150 * 16 * 1024, f"{grown // 150} bytes for each client"


def test_pipelined_reads_and_writes_keep_their_order(client):
    for value in range(1, 30):
        with client.pipeline():
            first = client.execute("SELECT n FROM numbers WHERE id = 10")
            client.execute("UPDATE numbers SET n = %s WHERE id = 10", (value,))
            second = client.execute("SELECT n FROM numbers WHERE id = 10")
        assert (first.fetchone()[0], second.fetchone()[0]) == (value - 1, value)


def test_a_cancel_reaches_what_runs_on_a_replica(client):
    client.execute("SELECT 1")
    timer = threading.Timer(0.5, client.cancel)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        client.execute("SELECT pg_sleep(20)")
    assert time.monotonic() - begun < 10
    assert client.execute("SELECT 1").fetchone()[0] == 1


def test_a_read_whose_backends_are_ended_is_asked_again_three_times_at_most(cluster, client):
    """It cannot be told from a server that is shut down; but who wants it gone is heard."""
    client.execute("SELECT 1")
    ended = []

    def end_it(server) -> bool:
        running = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'"
        for pid, in server.query(running):
            server.query("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            ended.append(pid)
        return not reading.is_alive()

    outcome: list = []

    def read():
        try:
            outcome.append(client.execute("SELECT pg_sleep(30)").fetchone())
        except psycopg.OperationalError as error:
            outcome.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    wait_until(lambda: any([end_it(server) for server in cluster.servers]), 20, "it has ended")
    reading.join()
    assert "terminating connection due to administrator command" in str(outcome[0])
    assert len(ended) == 4


def test_what_is_put_back_leaves_room_for_what_came_behind_it(cluster, daemon):
    """A read that a replica refuses is put back in front of 64 KiB that came behind it, and ran over a block's end."""
    with RawConnection(daemon.host, daemon.port) as raw:
        raw.login("app", cluster.servers[0].passwords["app"], "shop")
        for _ in range(10):
            raw.send(query("SELECT 1 / (id - 1) FROM numbers WHERE id = 1 /* " + "x" * 20_000 + " */"))
            for _ in range(12):
                raw.send(query("SELECT length('" + "y" * 10_000 + "')"))
            kinds = [message.kind for _ in range(13) for message in raw.until_ready()]
            assert kinds.count("E") == 1 and kinds.count("D") == 12
