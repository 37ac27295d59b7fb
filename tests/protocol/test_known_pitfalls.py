"""Where poolers fell before: one test for each symptom, named after it. Issue numbers are those of the public trackers."""

import contextlib
import random
import threading
import time

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.fixtures import Endpoint
from forebay_testing.rawpg import RawError

from conversation import brief, ended, normal, to_the_end


@pytest.fixture
def pooled(server, database, forebays):
    """pooled(size, flag, …): transaction pooling over so many backends."""
    def make(size: int, *flags: str) -> Endpoint:
        limits = ["--pool-mode", "transaction", "--pool-size", str(size), "--pool-overflow", "0"]
        return Endpoint("transaction", forebays(*limits, *flags), server, database)
    return make


def answer(raw, *messages):
    raw.send(ended(list(messages)))
    return to_the_end(raw)


def values(messages):
    return [message.value[0] for message in messages if message.kind == "D"]


def codes(messages):
    return [message.sqlstate for message in messages if message.kind == "E"]


# --- 1, 2: whose answer it is, and in which order

def test_rows_of_one_client_are_handed_to_another(pooled):
    """pgdog 759, 668, 876; supavisor 1164, 1172: a backend came back with answers outstanding."""
    place, chance = pooled(1), random.Random(1)
    for turn in range(60):
        leaver = place.raw()
        marks = [f"secret {turn}.{n}" for n in range(4)]
        leaver.send(*[fe.query(f"SELECT '{mark}' FROM generate_series(1, 2000)") for mark in marks])
        for _ in range(chance.choice([0, 1, 500, 3000])):
            leaver.receive()
        leaver.close()
        with place.raw() as next_one:
            assert values(next_one.query(f"SELECT 'own {turn}'")) == [f"own {turn}".encode()]


def test_answer_made_up_for_a_client_that_left_reaches_the_next(pooled):
    """A ParseComplete of ours stayed behind when its client was thrown out in the same burst."""
    place = pooled(1)
    with place.raw() as raw:
        raw.send(fe.parse("SELECT 'shared'", "s"), fe.sync())
        raw.until_ready()
    for last in (fe.terminate(), fe.message("?"), b"Q\0\0\0\1"):
        with place.raw() as leaver:
            leaver.send(fe.parse("SELECT 'shared'", "s"), last)
            leaver.receive_all()
        with place.raw() as next_one:
            assert [message.kind for message in next_one.query("SELECT 1")] == ["T", "D", "C", "Z"]


def test_suppressed_parse_and_close_are_answered_out_of_turn(pooled, reference):
    """pgbouncer 1555, 1535: ParseComplete and CloseComplete that the pooler makes up, between those of the server."""
    texts = [f"SELECT {n}" for n in range(4)]
    burst = []
    for name, text in zip("abcd", texts):
        burst += [fe.parse(text, name), fe.bind(statement=name), fe.describe("P"), fe.execute(), fe.close("S", name),
                  fe.parse(text, name), fe.describe("S", name)]
    place = pooled(2, "--set", "pool.max_prepared_statements=2")
    with reference.raw() as direct:
        expected = answer(direct, *burst)
    for _ in range(3):  # the first prepares, the others find everything there, or evicted
        with place.raw() as raw:
            ours = answer(raw, *burst)
            assert ours == expected, f"\n  ours {brief(ours)}\ndirect {brief(expected)}"


def test_evicted_statement_shifts_the_answers(pooled):
    """A statement that has to make room is closed in the middle of a pipeline, and its CloseComplete is not the client's."""
    place = pooled(1, "--set", "pool.max_prepared_statements=3")
    with place.raw() as raw:
        for turn in range(3):
            for n in range(10):
                burst = [] if turn else [fe.parse(f"SELECT {n}", f"s{n}")]
                raw.send(*burst, fe.bind(statement=f"s{n}"), fe.execute(), fe.sync())
                assert values(raw.until_ready()) == [str(n).encode()]


# --- 3, 6: prepared statements

def test_failed_parse_keeps_its_name(pooled):
    """supavisor 1174: the next Parse of the name was taken for a duplicate, or was not sent at all."""
    place = pooled(2)
    with place.raw() as raw:
        raw.send(fe.parse("SELECT * FROM not_there_yet", "s"), fe.sync())
        assert codes(raw.until_ready()) == ["42P01"]
        raw.query("CREATE TABLE not_there_yet (id int)")
        raw.send(fe.parse("SELECT * FROM not_there_yet", "s"), fe.bind(statement="s"), fe.execute(), fe.sync())
        assert codes(raw.until_ready()) == []
        raw.query("DROP TABLE not_there_yet")


def test_describe_on_another_backend_finds_nothing(pooled):
    """supavisor 1175, odyssey 1361: Describe went to a backend that had never seen the Parse."""
    place = pooled(2)
    with place.raw() as raw, place.raw() as one, place.raw() as two:
        raw.query("BEGIN")
        raw.send(fe.parse("SELECT $1::int AS number", "s"), fe.sync())
        raw.until_ready()
        pid = raw.rows("SELECT pg_backend_pid()")
        raw.query("COMMIT")
        held = {}
        for other in (one, two):  # both backends
            other.query("BEGIN")
            held[other.rows("SELECT pg_backend_pid()") == pid] = other
        assert set(held) == {True, False}
        held[False].query("COMMIT")
        raw.send(fe.describe("S", "s"), fe.sync())
        assert [message.kind for message in raw.until_ready()] == ["t", "T", "Z"]
        held[True].query("COMMIT")


@pytest.mark.parametrize("by", ["another client", "somebody past the pooler"])
def test_new_client_gets_the_plan_of_before_the_change(pooled, server, database, by):
    """pgbouncer 1038, pgdog 943: who prepares after a DDL statement must not get "cached plan must not change result type"
    from a statement that another client had prepared before it.
    """
    place = pooled(1)
    server.psql("DROP TABLE IF EXISTS changing; CREATE TABLE changing (a int); INSERT INTO changing VALUES (1);"
                "ALTER TABLE changing OWNER TO app", database)
    with place.raw() as old, place.raw() as changer:
        old.send(fe.parse("SELECT * FROM changing", "s"), fe.bind(statement="s"), fe.execute(), fe.sync())
        assert codes(old.until_ready()) == []
        if by == "another client":
            changer.query("ALTER TABLE changing ADD b int DEFAULT 2")
        else:
            server.execute("ALTER TABLE changing ADD b int DEFAULT 2", dbname=database)
        with place.raw() as new:
            new.send(fe.parse("SELECT * FROM changing", "mine"), fe.bind(statement="mine"), fe.execute(), fe.sync())
            messages = new.until_ready()
            assert codes(messages) == []
            assert [message.value for message in messages if message.kind == "D"] == [[b"1", b"2"]]


def test_stale_plan_is_retried_inside_a_transaction(pooled, reference):
    """What a direct client is told (0A000) may come through, but nothing may run twice or half."""
    def run(place):
        with place.raw() as raw, place.raw() as changer:
            changer.query("DROP TABLE IF EXISTS changing; CREATE TABLE changing (a int)")
            raw.send(fe.parse("SELECT * FROM changing", "s"), fe.bind(statement="s"), fe.execute(), fe.sync())
            raw.until_ready()
            changer.query("ALTER TABLE changing ADD b int")
            raw.query("BEGIN; INSERT INTO changing VALUES (1)")
            raw.send(fe.bind(statement="s"), fe.execute(), fe.sync())
            told, status = codes(raw.until_ready()), raw.status
            raw.query("COMMIT")
            return told, status, changer.rows("SELECT count(*) FROM changing")

    assert run(pooled(2)) == run(reference)


# --- 4: pipelines

def test_sync_in_a_pipeline_splits_it_wrongly(pooled, reference):
    """pgbouncer 759, pgcat 137, proxysql 5119, pgdog 999: answers after the first Sync came late, twice, or to somebody else."""
    burst = []
    for n in range(30):
        text = "SELECT 1/0" if n % 7 == 3 else f"SELECT {n}"
        burst += [fe.parse(text), fe.bind(), fe.execute(), fe.parse(f"SELECT {n}"), fe.bind(), fe.execute(), fe.sync()]
    with reference.raw() as direct:
        expected = answer(direct, *burst)
    place = pooled(2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(place.raw()) for _ in range(6)]
        for client in clients:
            client.send(ended(burst))
        for client in clients:
            assert to_the_end(client) == expected


def test_backend_is_given_away_between_parse_and_sync(pooled):
    """A client that has sent Parse and Bind, and takes its time for the Sync, keeps its backend and its portal."""
    place = pooled(1)
    with place.raw() as slow, place.raw() as other:
        slow.send(fe.parse("SELECT 'mine'"), fe.bind(), fe.flush())
        slow.receive_until("2")
        other.send(fe.parse("SELECT 'other'"), fe.bind(), fe.execute(), fe.sync())
        assert other.nothing_comes(0.1)
        slow.send(fe.execute(), fe.sync())
        assert values(slow.until_ready()) == [b"mine"]
        assert values(other.until_ready()) == [b"other"]


# --- 5: state

def test_setting_outlives_its_rollback(pooled):
    """multigres 1134; pgbouncer 396, 1567, 1573, 1576, 1580: what was rolled back is carried to the next backend."""
    place = pooled(2)
    with place.raw() as raw, place.raw() as other:
        raw.query("SET TimeZone = 'Asia/Tokyo'")
        raw.query("BEGIN; SET TimeZone = 'Asia/Kolkata'; SAVEPOINT s; SET TimeZone = 'America/Lima'; ROLLBACK TO s")
        assert raw.rows("SHOW TimeZone") == [["Asia/Kolkata"]]
        raw.query("ROLLBACK")
        assert raw.rows("SHOW TimeZone") == [["Asia/Tokyo"]]
        assert other.rows("SHOW TimeZone") == [["UTC"]]


# --- 7: start-up parameters

def test_startup_parameter_is_refused_or_forgotten(pooled):
    """pgbouncer 482, 525, 907: extra_float_digits, options and search_path."""
    place = pooled(2)
    with place.raw(extra_float_digits="3", search_path="pg_catalog", options="-c IntervalStyle=iso_8601") as raw, place.raw() as plain:
        for _ in range(3):
            shown = [raw.rows(f"SHOW {name}")[0][0] for name in ("extra_float_digits", "search_path", "IntervalStyle")]
            assert shown == ["3", "pg_catalog", "iso_8601"]
            assert plain.rows("SHOW IntervalStyle") == [["postgres"]]


def test_startup_parameter_is_executed(pooled, server):
    """CVE-2025-12819: SQL in a start-up parameter ran when the pooler carried it to a backend."""
    place = pooled(1)
    evil = "public'; CREATE ROLE injected; --"
    for parameters in ({"search_path": evil}, {"application_name": evil}, {"my.own": evil}, {"options": f"-c my.own={evil}"}):
        with contextlib.suppress(RawError), place.raw(**parameters) as raw:
            raw.rows("SELECT 1")
            with place.raw() as other:
                other.rows("SELECT 1")
            raw.rows("SELECT 1")
    assert server.query("SELECT rolname FROM pg_roles WHERE rolname = 'injected'") == []


# --- 8: LISTEN

def test_notification_is_lost_or_comes_to_another(pooled):
    """pgbouncer 655, odyssey 365, pgcat 303, pgdog 294: LISTEN in transaction mode."""
    place = pooled(2)
    with place.raw() as listener, place.raw() as sender, place.raw() as other:
        listener.query("LISTEN channel")
        for n in range(20):
            sender.query(f"NOTIFY channel, '{n}'")
            message = listener.receive()
            assert (message.kind, message.value[1:]) == ("A", ("channel", str(n)))
            assert [found.kind for found in other.query("SELECT 1")] == ["T", "D", "C", "Z"]


def test_own_notification_is_not_known_as_own(pooled):
    """A client compares the sender's process id with its key: they must be the same kind of number."""
    with pooled(2).raw() as raw:
        raw.query("LISTEN channel")
        notified = [message for message in raw.query("NOTIFY channel") if message.kind == "A"] or [raw.receive()]
        assert notified[0].value[0] == raw.key[0]


# --- 9: SQL-level statements

def test_statement_exists_already_after_deallocate_all(pooled):
    """prisma 21635; pgbouncer 991, 1129; pgdog 604: DEALLOCATE ALL and DISCARD ALL did not reach the protocol's names."""
    place = pooled(2)
    for forget in ("DEALLOCATE ALL", "DISCARD ALL"):
        with place.raw() as raw:
            for _ in range(3):
                raw.send(fe.parse("SELECT 1", "s0"), fe.bind(statement="s0"), fe.execute(), fe.sync())
                assert codes(raw.until_ready()) == []
                raw.query(forget)
            raw.send(fe.bind(statement="s0"), fe.sync())
            assert codes(raw.until_ready()) == ["26000"]


def test_deallocate_reaches_the_statement_of_another(pooled):
    place = pooled(1)
    with place.raw() as one, place.raw() as two:
        for raw in (one, two):
            raw.send(fe.parse("SELECT 'same text'", "s"), fe.sync())
            raw.until_ready()
        one.query("DEALLOCATE s")
        two.send(fe.bind(statement="s"), fe.execute(), fe.sync())
        assert codes(two.until_ready()) == []


# --- 10: limits

def test_limit_counts_per_thread(pooled, server):
    """pgbouncer 1021, 1386: with four threads there were four times as many backends."""
    place = pooled(3, "--threads", "4")
    sql = "SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND datname = %s"
    most, stop = [], threading.Event()
    others = {pid for pid, in server.query(sql, (place.dbname,))}  # of other poolers

    def count():
        while not stop.is_set():
            most.append(len({pid for pid, in server.query(sql, (place.dbname,))} - others))

    counter = threading.Thread(target=count)
    counter.start()
    try:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(place.raw()) for _ in range(24)]
            for _ in range(10):
                for client in clients:
                    client.send(fe.query("SELECT pg_sleep(0.005)"))
                for client in clients:
                    assert codes(client.until_ready()) == []
    finally:
        stop.set()
        counter.join()
    assert max(most) <= 3


# --- 15: cancel

def test_cancel_hits_the_next_query(pooled):
    """pgbouncer 38, 717, 666, 1217: by the time the cancel arrived, the backend served somebody else."""
    place = pooled(1)
    with place.raw() as hasty, place.raw() as patient:
        for _ in range(20):
            hasty.send(fe.query("SELECT pg_sleep(0.001)"))
            patient.send(fe.query("SELECT pg_sleep(0.02)"))
            hasty.cancel()
            hasty.until_ready()
            assert codes(patient.until_ready()) == []


# --- 16: looking a password up

@pytest.mark.parametrize("query", ["SELECT usename, passwd FROM pg_shadow WHERE usename = $1",
                                   "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin",
                                   "SELECT rolpassword FROM pg_authid WHERE rolname=$1"])
def test_scram_does_not_work_with_auth_query(pooled, query):
    """pgbouncer 495, 774, 1186, 1504; pgcat 255: SCRAM with a verifier that comes from the server."""
    place = pooled(1, "--set", f"auth.query={query}")
    with place.raw() as raw:
        assert raw.rows("SELECT current_user") == [["app"]]
    with pytest.raises(RawError) as refused, place.raw(user="alice") as alice:
        alice.login("alice", "wrong")
    assert refused.value.sqlstate in ("28P01", "08P01")


def test_auth_query_takes_a_name_for_sql(pooled, server):
    """The name is data, whatever it looks like."""
    from forebay_testing.rawpg import RawConnection
    place = pooled(1, "--set", "auth.query=SELECT usename, passwd FROM pg_shadow WHERE usename = $1")
    for name in ("x' OR '1'='1", "x'; CREATE ROLE injected; --", "\\'; CREATE ROLE injected; --", "$1", "app' --"):
        with RawConnection(place.host, place.port) as raw, pytest.raises(RawError) as refused:
            raw.login(name, "secret-of-app", place.dbname)
        assert refused.value.sqlstate == "28P01"
    assert server.query("SELECT 1 FROM pg_roles WHERE rolname = 'injected'") == []


# --- 17: COPY, portals

def test_late_copy_data_exhausts_the_pool(pooled, server):
    """pgbouncer 1471: clients went on with the data of a COPY that had failed, and each kept a backend."""
    place = pooled(2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(place.raw()) for _ in range(8)]
        for client in clients:
            client.send(fe.query("COPY no_such_table FROM STDIN"), *[fe.copy_data(b"1\n")] * 5)
            assert codes(client.until_ready()) == ["42P01"]
            client.send(*[fe.copy_data(b"late\n")] * 5, fe.copy_done())
        for client in clients:
            assert client.rows("SELECT 1") == [["1"]]
        busy = "SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND datname = %s AND state <> 'idle'"
        wait_until(lambda: not server.query(busy, (place.dbname,)), 10, "all backends idle")


def test_named_portal_is_not_found(pooled):
    """proxysql 5636: a portal with a name, executed piece by piece inside a transaction."""
    place = pooled(2)
    with place.raw() as raw, place.raw() as other:
        raw.query("BEGIN")
        raw.send(fe.parse("SELECT generate_series(1, 6)"), fe.bind(portal="p"), fe.sync())
        raw.until_ready()
        for first in (1, 3, 5):
            raw.send(fe.execute("p", 2), fe.sync())
            assert values(raw.until_ready()) == [str(first).encode(), str(first + 1).encode()]
            assert other.rows("SELECT 1") == [["1"]]
        raw.query("COMMIT")


def test_client_waits_for_ever_behind_one_that_idles_in_a_transaction(pooled):
    """Not for ever: it is told after the wait timeout."""
    place = pooled(1, "--set", "timeouts.wait=3s")
    with place.raw() as idler, place.raw() as waiter:
        idler.query("BEGIN")
        before = time.monotonic()
        waiter.send(fe.query("SELECT 1"))
        assert codes(waiter.receive_all()) == ["53300"]
        assert time.monotonic() - before < 10
        assert normal(idler.query("COMMIT")[0]) == ("C", b"COMMIT\0")


def test_commit_of_a_failed_transaction_with_ddl_is_an_error(pooled):
    """A DISCARD of ours stood before COMMIT in its batch; the server refused it, and the client got that error."""
    place = pooled(1)
    with place.raw() as other:
        other.query("CREATE SEQUENCE IF NOT EXISTS counted_by_another")
        other.rows("SELECT nextval('counted_by_another')")
    with place.raw() as raw:
        assert codes(raw.query("BEGIN READ ONLY")) == []
        assert codes(raw.query("CREATE TABLE never (id int)")) == ["25006"]
        raw.send(fe.parse("COMMIT"), fe.bind(), fe.execute(), fe.sync())
        assert codes(raw.until_ready()) == []
        assert raw.status == "I"
