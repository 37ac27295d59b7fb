"""Alerts on what servers say of themselves, raised by faults that never touch Forebay (L17, C6, C11, B22)."""

import contextlib
import threading

import psycopg
import pytest

from conftest import USER, quiet_for, rules
from forebay_testing import PostgresServer, wait_until

QUICK = "sampling:\n  interval: 1s\n"


@pytest.fixture
def watch(start):
    """watch(rules, upstream=…): a Watching that samples every second, once the first sample is there."""

    def run(text: str, **options):
        watching = start(config=QUICK + rules(text), **options)
        wait_until(lambda: any(name.startswith("forebay_postgres_deadlocks_total{") for name in watching.metrics()), 20,
                   "a sample of the server", interval=0.1)
        return watching

    return run


@pytest.fixture
def direct(server, database):
    """direct(): a session past Forebay; all are closed at the end."""
    with contextlib.ExitStack() as opened:

        def one(**options):
            dsn = server.dsn(user=USER, dbname=database, password=server.passwords[USER])
            return opened.enter_context(contextlib.closing(psycopg.connect(dsn, **({"autocommit": True} | options))))

        yield one


def place_of(server) -> dict:
    return {"server": f"{server.host}:{server.port}"}


def on_server(server, database: str) -> dict:
    return place_of(server) | {"database": database}


def test_a_session_that_is_idle_in_a_transaction_raises_alerts_that_end_with_it(watch, direct, server):
    watching = watch("idle: {signal: server.idle_in_transaction, warning: 1s, for: 0, resolve_after: 0}\n"
                     "idles: {signal: server.idle_in_transaction_count, warning: 0, for: 0, resolve_after: 0}\n"
                     "long: {signal: server.longest_transaction, warning: 1s, for: 0, resolve_after: 0}")
    session = direct(autocommit=False)
    session.execute("SELECT 1")
    alert = watching.await_active("idle")
    assert (alert["labels"], alert["threshold_text"]) == (place_of(server), "1 s") and alert["value"] > 1
    assert watching.active("idles")["value"] == 1
    assert watching.await_active("long")["labels"] == place_of(server)
    session.rollback()
    for name in ("idle", "idles", "long"):
        assert watching.await_resolved(name)["resolved"]["by"] is None


def test_a_deadlock_raises_an_alert(watch, direct, server, database):
    watching = watch("deadlocks: {signal: server.deadlocks, info: 0, warning: 5, for: 0, resolve_after: 0}")
    assert quiet_for(2, lambda: watching.active("deadlocks"))
    first, second = direct(autocommit=False), direct(autocommit=False)
    first.execute("CREATE TABLE pair (id int PRIMARY KEY)")
    first.execute("INSERT INTO pair VALUES (1), (2)")
    first.commit()
    take = "SELECT FROM pair WHERE id = %s FOR UPDATE"
    first.execute(take, (1,))
    second.execute(take, (2,))
    broken = []

    def cross(session, number):
        try:
            session.execute(take, (number,))
        except psycopg.errors.DeadlockDetected as error:
            broken.append(error)
        session.rollback()

    threads = [threading.Thread(target=cross, args=pair) for pair in ((first, 2), (second, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(broken) == 1
    alert = watching.await_active("deadlocks")
    assert (alert["level"], alert["value"], alert["labels"]) == ("info", 1, on_server(server, database))
    watching.await_resolved("deadlocks")  # ten seconds later, when it has left the window


def test_sessions_that_are_blocked_raise_an_alert(watch, direct, server):
    watching = watch("blocked: {signal: server.blocked, warning: 1, critical: 5, for: 0, resolve_after: 0}")
    holder, waiting = direct(autocommit=False), [direct(), direct()]
    holder.execute("CREATE TABLE held (id int)")
    holder.commit()
    holder.execute("LOCK TABLE held")
    threads = [threading.Thread(target=each.execute, args=("INSERT INTO held VALUES (1)",)) for each in waiting]
    for thread in threads:
        thread.start()
    alert = watching.await_active("blocked")
    assert (alert["level"], alert["value"], alert["labels"]) == ("warning", 2, place_of(server))
    holder.rollback()
    for thread in threads:
        thread.join(30)
    watching.await_resolved("blocked")


def test_log_that_is_kept_for_a_slot_raises_an_alert_until_the_slot_is_dropped(watch, server):
    watching = watch("slot: {signal: server.slot_retained, warning: 1MB, for: 0, resolve_after: 0}")
    server.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        server.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 2000000))")
        alert = watching.await_active("slot")
        assert alert["labels"] == place_of(server) | {"slot": "forgotten"}
        assert alert["value"] > 1e6 and alert["threshold_text"] == "1 MB"
    finally:
        server.execute("SELECT pg_drop_replication_slot('forgotten')")
    watching.await_resolved("slot")


def test_sorts_that_spill_raise_an_alert(watch, direct, server, database):
    watching = watch("spill: {signal: server.temporary_bytes, info: 1MB, for: 0, resolve_after: 0}")
    session = direct()
    session.execute("SET work_mem = '64kB'")
    session.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 300000) AS n ORDER BY -n) AS sorted")
    assert watching.await_active("spill")["labels"] == on_server(server, database)


def test_a_table_with_dead_rows_is_named(watch, direct, server, database):
    """Small ones are left alone, however dead."""
    session = direct()
    session.execute("CREATE TABLE dead (id int) WITH (autovacuum_enabled = off)")
    session.execute("CREATE TABLE dead_and_small (id int) WITH (autovacuum_enabled = off)")
    session.execute("INSERT INTO dead SELECT generate_series(1, 12000)")
    session.execute("INSERT INTO dead_and_small SELECT generate_series(1, 100)")
    for table in ("dead", "dead_and_small"):
        for _ in range(3):
            session.execute(f"UPDATE {table} SET id = id")
    session.close()  # its counts are with the server now
    wait_until(lambda: server.query("SELECT n_dead_tup > 30000 FROM pg_stat_user_tables WHERE relname = 'dead'",
                                    dbname=database) == [(True,)], 20, "the server's counts")
    watching = watch("dead: {signal: server.dead_rows, warning: 50%, for: 0}", upstream=server.url(dbname=database))
    alert = watching.await_active("dead")
    assert alert["labels"] == on_server(server, database) | {"table": "public.dead"}
    assert alert["value"] == pytest.approx(0.75, abs=0.05)
    assert len(watching.alerts()["active"]) == 1
    dead = [value for name, value in watching.metrics().items() if name.startswith("forebay_postgres_table_dead_share")]
    assert dead == [pytest.approx(alert["value"])]


@pytest.mark.time_limit(120)
def test_the_hit_ratio_of_a_server_that_does_little_says_nothing(watch):
    """Tables that do not fit are read from the disk again and again."""
    with PostgresServer({"shared_buffers": "1MB", "autovacuum": "off"}) as own:
        watching = watch("hits: {signal: server.hit_ratio, warning: 99.9%, for: 0}", upstream=own)
        assert quiet_for(4, lambda: watching.active("hits")), "it only answers us"
        with psycopg.connect(own.dsn(), autocommit=True) as session:
            session.execute("CREATE TABLE wide (text text) WITH (fillfactor = 10)")
            session.execute("INSERT INTO wide SELECT repeat('x', 500) FROM generate_series(1, 4000)")

            def is_raised():
                session.execute("SELECT count(*) FROM wide")
                return watching.active("hits")

            alert = wait_until(is_raised, 40, "the alert")
        assert alert["labels"] == on_server(own, "postgres") and alert["value"] < 0.9


@pytest.mark.time_limit(120)
def test_connections_of_others_count_and_a_server_that_is_stopped_has_no_values(watch):
    """The last sample of a server that does not answer is none of now, so that nothing is raised by it; what is active
    ends."""
    with PostgresServer({"max_connections": 20, "superuser_reserved_connections": 2}) as own:
        watching = watch("connections: {signal: server.connections, warning: 50%, for: 0, resolve_after: 0}\n"
                         "ids: {signal: server.xids_used, warning: 0%, for: 0, resolve_after: 0}\n"
                         "size: {signal: server.database_size, warning: 1MB, for: 0, resolve_after: 0}",
                         upstream=own)
        assert watching.await_active("ids")["labels"] in [on_server(own, name)
                                                          for name in ("postgres", "template0", "template1")]
        assert watching.await_active("size")["value"] > 1e6
        assert watching.active("connections") is None
        with contextlib.ExitStack() as opened:
            sessions = [opened.enter_context(psycopg.connect(own.dsn())) for _ in range(12)]

            def of_all():
                alert = watching.active("connections")
                return alert and alert["value"] >= 0.6 and alert

            alert = wait_until(of_all, 30, "an alert about all of them")
            assert alert["labels"] == place_of(own) and alert["value"] < 0.95
            assert len(sessions) == 12
            own.stop()
            for name in ("connections", "ids", "size"):
                watching.await_resolved(name)
        assert quiet_for(2, lambda: watching.alerts()["active"])
        names = {name.partition("{")[0] for name in watching.metrics() if name.startswith("forebay_postgres_")}
        assert names == {"forebay_postgres_answering", "forebay_postgres_sampling_seconds_total"}
        own.start()
        assert watching.await_active("ids")
