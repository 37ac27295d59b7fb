"""PAUSE, RESUME, RECONNECT, WAIT_CLOSE, KILL, DISABLE: each does what it says, and answers when it is true."""

import threading

import psycopg
import pytest
from psycopg import errors

from forebay_testing import wait_until
from forebay_testing.rawpg import RawConnection

from conftest import USER, Background, Console, backend_of

#: What an idle client reads before its connection ends.
ENDED = "terminating connection due to administrator command"


@pytest.fixture
def other_database(server):
    server.create_database("other", f"OWNER {USER}")
    yield "other"
    server.execute("DROP DATABASE other WITH (FORCE)")


def test_pause_blocks_and_resume_releases(start, clients, database):
    forebay = start()
    with Console(forebay) as admin, Console(forebay) as console:
        idle, busy = clients(forebay), clients(forebay)
        before = backend_of(idle)
        busy.execute("BEGIN")
        pausing = Background(admin.run, "PAUSE")
        console.wait_for_pool(database, paused=1)
        assert not pausing.is_done(0.2), "PAUSE does not answer while a transaction is open"
        busy.execute("SELECT 1")
        busy.execute("COMMIT")
        assert pausing.result() == "PAUSE"
        assert console.pool(database)["sv_active"] == console.pool(database)["sv_idle"] == 0
        assert console.show("SERVERS") == []
        assert {row["key"]: row["value"] for row in console.show("STATE")} == {
            "active": "no", "paused": "yes", "suspended": "no",
        }

        waiting = [Background(backend_of, client) for client in (idle, busy)]
        console.wait_for_pool(database, cl_waiting=2)
        assert not any(query.is_done(0.1) for query in waiting)
        assert console.run("RESUME") == "RESUME"
        assert all(query.result() != before for query in waiting)
        assert {row["key"]: row["value"] for row in console.show("STATE")}["active"] == "yes"


def test_a_client_that_never_rests_does_not_keep_pause_waiting(start, clients, database):
    """It kept its backend for a temporary table that was gone, because no look at its session ever found it at rest."""
    forebay = start()
    with Console(forebay) as console:
        client = clients(forebay)
        ended = threading.Event()

        def work() -> int:
            client.execute("CREATE TEMP TABLE gone (n int)")
            client.execute("DROP TABLE gone")
            while not ended.is_set():
                client.execute("SELECT 1")
            return client.execute("SELECT 2").fetchone()[0]

        working = Background(work)
        assert not working.is_done(0.3)
        assert console.run("PAUSE") == "PAUSE"
        ended.set()
        console.run("RESUME")
        assert working.result() == 2


def test_pause_does_not_count_as_waiting(start, clients, database):
    """A client is not lost because a pause lasts longer than the longest wait for a backend."""
    forebay = start(config="timeouts: {wait: 2s}\n")
    with Console(forebay) as console:
        client = clients(forebay)
        backend_of(client)
        console.run("PAUSE")
        waiting = Background(backend_of, client)
        assert not waiting.is_done(3.0)
        console.run("RESUME")
        assert waiting.result() > 0


def test_pause_of_one_database(start, clients, database, other_database):
    forebay = start()
    with Console(forebay) as console:
        paused, free = clients(forebay), clients(forebay, other_database)
        assert console.run(f"PAUSE {database}") == "PAUSE"
        states = {row["name"]: row["paused"] for row in console.show("DATABASES")}
        assert (states[database], states[other_database]) == (1, 0)
        waiting = Background(backend_of, paused)
        assert backend_of(free) > 0
        assert not waiting.is_done(0.1)
        with pytest.raises(errors.ObjectNotInPrerequisiteState):
            console.run(f"RESUME {other_database}")
        assert console.run(f"RESUME {database}") == "RESUME"
        assert waiting.result() > 0
        with pytest.raises(errors.ObjectNotInPrerequisiteState):
            console.run("RESUME")


def test_new_clients_wait_for_resume(start, clients, database):
    """Also those whose pool does not exist yet."""
    forebay = start()
    with Console(forebay) as console:
        console.run(f"PAUSE {database}")
        coming = Background(clients, forebay)
        assert not coming.is_done(0.3)
        console.run("RESUME")
        assert backend_of(coming.result()) > 0


def test_resume_ends_a_pause_that_waits(start, clients, database):
    forebay = start()
    with Console(forebay) as admin, Console(forebay) as console:
        busy = clients(forebay)
        busy.execute("BEGIN")
        pausing = Background(admin.run, "PAUSE")
        console.wait_for_pool(database, paused=1)
        console.run("RESUME")
        with pytest.raises(errors.QueryCanceled):
            pausing.result()
        assert admin.show("VERSION")


def test_cancel_ends_the_wait_and_not_the_pause(start, clients, database):
    forebay = start()
    with Console(forebay) as admin, Console(forebay) as console:
        busy = clients(forebay)
        busy.execute("BEGIN")
        pausing = Background(admin.run, f"PAUSE {database}")
        console.wait_for_pool(database, paused=1)
        admin.connection.cancel()
        with pytest.raises(errors.QueryCanceled) as caught:
            pausing.result()
        assert "RESUME" in caught.value.diag.message_hint
        assert console.pool(database)["paused"] == 1
        console.run(f"RESUME {database}")
        busy.execute("COMMIT")


def test_who_waits_may_leave(start, clients, database):
    """A console that is closed while PAUSE waits takes nothing along."""
    forebay = start()
    with Console(forebay) as console:
        busy = clients(forebay)
        busy.execute("BEGIN")
        admin = Console(forebay)
        admin.connection.pgconn.send_query(b"PAUSE")
        console.wait_for_pool(database, paused=1)

        def consoles() -> int:
            return len([row for row in console.show("CLIENTS") if row["database"] == "forebay"])

        assert consoles() == 2
        admin.connection.close()
        wait_until(lambda: consoles() == 1, 10, "the console that left is gone")
        assert console.pool(database)["paused"] == 1
        console.run("RESUME")
        busy.execute("COMMIT")


def test_reconnect_renews_backends(start, clients, database):
    forebay = start()
    with Console(forebay) as console:
        idle, busy = clients(forebay), clients(forebay)
        old = backend_of(idle)
        busy.execute("BEGIN")
        kept = backend_of(busy)
        assert console.run(f"RECONNECT {database}") == "RECONNECT"
        assert {row["remote_pid"]: row["close_needed"] for row in console.show("SERVERS")}.get(kept) == 1
        with Console(forebay) as admin:
            closed = Background(admin.run, f"WAIT_CLOSE {database}")
            assert not closed.is_done(0.2), "WAIT_CLOSE does not answer while an old backend is in use"
            assert backend_of(busy) == kept
            assert backend_of(idle) != old
            busy.execute("COMMIT")
            assert closed.result() == "WAIT_CLOSE"
        assert backend_of(busy) != kept
        assert {row["close_needed"] for row in console.show("SERVERS")} == {0}
        assert console.run("RECONNECT") == "RECONNECT"
        assert console.run("WAIT_CLOSE") == "WAIT_CLOSE"


def test_kill_ends_clients_and_pauses(start, clients, database, other_database, server):
    forebay = start()
    with Console(forebay) as console:
        idle, busy, free = clients(forebay), clients(forebay), clients(forebay, other_database)
        raw = RawConnection(forebay.host, forebay.port)
        raw.login(USER, server.passwords[USER], database)
        busy.execute("BEGIN")
        running = Background(busy.execute, "SELECT pg_sleep(60)")
        console.wait_for_pool(database, sv_active=1)
        assert console.run(f"KILL {database}") == "KILL"
        with pytest.raises(psycopg.OperationalError, match=ENDED):
            running.result()
        with pytest.raises(psycopg.OperationalError, match=ENDED):
            idle.execute("SELECT 1")
        [farewell] = raw.receive_all()
        raw.close()
        assert (farewell.value["S"], farewell.sqlstate) == ("FATAL", "57P01")
        assert backend_of(free) > 0
        there = "SELECT 1 FROM pg_stat_activity WHERE datname = %s"
        wait_until(lambda: not server.query(there, (database,)), 10, "its backends are gone")
        coming = Background(clients, forebay)
        assert not coming.is_done(0.3)
        console.run(f"RESUME {database}")
        assert backend_of(coming.result()) > 0


def test_kill_all(start, clients, database):
    forebay = start()
    with Console(forebay) as console:
        client = clients(forebay)
        assert console.run("KILL") == "KILL"
        with pytest.raises(psycopg.OperationalError, match=ENDED):
            client.execute("SELECT 1")
        assert console.run("RESUME") == "RESUME"
        assert backend_of(clients(forebay)) > 0


def test_kill_client(start, clients, database):
    forebay = start()
    with Console(forebay) as console:
        victim, survivor = clients(forebay, application_name="victim"), clients(forebay)
        victim.execute("BEGIN")
        [number] = [row["id"] for row in console.show("CLIENTS") if row["application_name"] == "victim"]
        assert console.run(f"KILL_CLIENT {number}") == "KILL_CLIENT"
        with pytest.raises(psycopg.OperationalError, match=ENDED):
            victim.execute("SELECT 1")
        assert backend_of(survivor) > 0
        console.wait_for_pool(database, cl_active=1, sv_active=0)
        with pytest.raises(errors.UndefinedObject):
            console.run(f"KILL_CLIENT {number}")


def test_disable_refuses_new_clients_only(start, clients, database):
    forebay = start()
    with Console(forebay) as console:
        client = clients(forebay)
        assert console.run(f"DISABLE {database}") == "DISABLE"
        assert {row["name"]: row["disabled"] for row in console.show("DATABASES")}[database] == 1
        with pytest.raises(psycopg.OperationalError, match="is not currently accepting connections"):
            clients(forebay)
        assert backend_of(client) > 0
        assert console.run(f"ENABLE {database}") == "ENABLE"
        assert backend_of(clients(forebay)) > 0


def test_names_are_checked_where_databases_are_listed(start, database):
    forebay = start(config=f"databases:\n  {database}:\n")
    with Console(forebay) as console:
        for command in ("PAUSE", "RESUME", "RECONNECT", "WAIT_CLOSE", "KILL", "DISABLE", "ENABLE"):
            with pytest.raises(errors.InvalidCatalogName) as caught:
                console.run(f"{command} {database}x")
            assert database in caught.value.diag.message_hint
            with pytest.raises(errors.FeatureNotSupported):
                console.run(f"{command} pgbouncer")
        assert console.run(f'PAUSE "{database}"') == "PAUSE"
        assert console.run(f"RESUME {database}") == "RESUME"


@pytest.mark.parametrize("command", ["PAUSE", "KILL", "DISABLE"])
def test_a_mistyped_database_is_noticed_where_none_are_listed(start, clients, database, command):
    forebay = start()
    with Console(forebay) as console:
        clients(forebay)
        said = []
        console.connection.add_notice_handler(lambda notice: said.append(notice.message_primary))
        assert console.run(f"{command} nodb") == command
        assert said == ['nobody uses database "nodb" at present']
        assert console.run(f"{command} {database}") == command
        assert len(said) == 1
