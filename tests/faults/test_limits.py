"""More clients than there may be, pools that are used up, logins that fail: the right SQLSTATE for the right client."""

import contextlib
import threading
import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection, RawError

from outcomes import end_of, error_of

TOO_MANY = "53300"


def refusal(stand, user="app", password=None, database="postgres"):
    """How a login fails, in the words that the client reads."""
    with stand.stranger() as raw, pytest.raises(RawError) as refused:
        raw.login(user, password or stand.server.passwords.get(user, "none"), database)
    return refused.value.message.value


def same_directly(stand, user="app", database="postgres"):
    """How the same login fails at PostgreSQL itself."""
    server = stand.server
    with RawConnection(server.host, server.port) as raw, pytest.raises(RawError) as refused:
        raw.login(user, server.passwords[user], database)
    return refused.value.message.value


# --- too many

@pytest.mark.parametrize("threads", [1, 2])
def test_too_many_clients(stands, threads):
    """The limit is exact with any number of threads; those who are in do not notice, and a place that is given up is free."""
    stand = stands(flags=["--set", "limits.max_clients=8", "--threads", threads])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stand.raw()) for _ in range(8)]
        for _ in range(5):
            told = refusal(stand)
            assert (told["S"], told["C"], told["M"]) == ("FATAL", TOO_MANY, "sorry, too many clients already")
        for client in clients:
            assert client.rows("SELECT 1") == [["1"]]
        clients.pop().leave()
        clients.append(stack.enter_context(stand.raw()))
        assert clients[-1].rows("SELECT 1") == [["1"]]
        for client in clients:
            client.leave()
    stand.check()


def test_limit_of_clients_in_a_storm(stands):
    """Logins from many sides at once: never more than the limit, and none is lost in the counting."""
    stand = stands(flags=["--set", "limits.max_clients=10", "--threads", 2])
    inside, most, refused, other = [], [], [], []
    lock = threading.Lock()

    def come_and_go():
        for _ in range(15):
            try:
                with stand.raw() as raw:
                    with lock:
                        inside.append(raw)
                        most.append(len(inside))
                    raw.rows("SELECT 1")
                    with lock:
                        inside.remove(raw)
                    raw.leave()
            except RawError as error:
                (refused if error.sqlstate == TOO_MANY else other).append(error.sqlstate)

    threads = [threading.Thread(target=come_and_go) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert not other
    assert max(most) <= 10
    assert refused, "the storm never reached the limit: the test shows nothing"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stand.raw()) for _ in range(10)]
        assert refusal(stand)["C"] == TOO_MANY
        for client in clients:
            client.leave()
    stand.check()


@pytest.mark.parametrize("limit, where", [("max_clients_per_user", "user"), ("max_clients_per_database", "database")])
def test_too_many_clients_of_one(stands, server, limit, where):
    """Of one user or one database: others come in."""
    server.execute("DROP DATABASE IF EXISTS elsewhere")
    server.create_database("elsewhere")
    stand = stands(flags=["--set", f"limits.{limit}=3"])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stand.raw()) for _ in range(3)]
        assert refusal(stand)["C"] == TOO_MANY
        if where == "user":
            stack.enter_context(stand.raw(user="alice"))
        else:
            other = stack.enter_context(stand.stranger())
            other.login("app", server.passwords["app"], "elsewhere")
            assert other.rows("SELECT current_database()") == [["elsewhere"]]
        for client in clients:
            client.leave()
    stand.check()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("entry", ["users:\n  app:", "databases:\n  postgres:\n    upstream: {}"], ids=["user", "database"])
def test_limit_of_one_entry(server, entry, threads):
    """What a user's or a database's own entry says goes before the limit for all, exactly, on any number of threads; a
    place that is given up is free at once."""
    entry = entry.format(server.url())
    config = f"{entry}\n    limits:\n      max_clients: 4\nlimits:\n  max_clients_per_user: 2\n"
    config += "  max_clients_per_database: 3\n" if entry.startswith("users") else ""
    most = 3 if entry.startswith("users") else 2
    with ForebayDaemon(server, ["--threads", threads], config) as forebay, contextlib.ExitStack() as stack:
        def come():
            raw = stack.enter_context(RawConnection(forebay.host, forebay.port))
            raw.login("app", server.passwords["app"])
            return raw

        clients = [come() for _ in range(most)]
        for _ in range(20):
            with pytest.raises(RawError) as refused:
                come()
            assert refused.value.sqlstate == TOO_MANY
            assert "too many connections for" in refused.value.message.value["M"]
            clients.pop().leave()
            clients.append(come())


def test_login_needs_no_backend_of_its_own_thread(stands):
    """A pool that is used up on one thread does not keep clients of another thread from logging in."""
    stand = stands(size=1, flags=["--threads", 2, "--set", "timeouts.wait=10s"])
    with stand.raw() as holder, contextlib.ExitStack() as stack:
        holder.query("BEGIN")
        others = [stack.enter_context(stand.raw(timeout=8, application_name=f"other {n}")) for n in range(12)]
        assert all(other.parameters.keys() == holder.parameters.keys() for other in others)
        assert [other.parameters["application_name"] for other in others] == [f"other {n}" for n in range(12)]
        holder.query("COMMIT")
        for other in others:
            assert other.rows("SELECT current_setting('application_name')") == [[other.parameters["application_name"]]]
    stand.check()


@pytest.mark.parametrize("threads", [1, 2])
def test_pool_is_used_up(stands, threads):
    """Who waits longer than the wait timeout is told how many backends there are; the others keep theirs."""
    stand = stands(flags=["--set", "timeouts.wait=3s", "--threads", threads])
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(stand.raw()) for _ in range(2)]
        late = [stack.enter_context(stand.raw()) for _ in range(3)]
        for holder in holders:
            holder.query("BEGIN")
        before = time.monotonic()
        for client in late:
            client.send(fe.query("SELECT 1"))
        for client in late:
            message = error_of(client.receive_all())
            assert message.sqlstate == TOO_MANY
            assert "3000 ms" in message.value["M"]
            assert "2 of 2 backends" in message.value["D"]
        assert 2.8 < time.monotonic() - before < 15
        for holder in holders:
            assert holder.rows("SELECT 1") == [["1"]]
            holder.query("COMMIT")
    stand.check()


@pytest.mark.parametrize("threads", [1, 2])
def test_waiters_are_served_in_turn(stands, threads):
    """First come, first served, whichever thread they are on."""
    stand = stands(size=1, flags=["--threads", threads])
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(stand.raw())
        holder.query("BEGIN")
        waiters = []
        for number in range(8):
            waiter = stack.enter_context(stand.raw())
            waiter.send(fe.query(f"SELECT clock_timestamp(), {number}"))
            assert waiter.nothing_comes(0.05)
            waiters.append(waiter)
        holder.query("COMMIT")
        times = [waiter.until_ready()[1].value[0] for waiter in waiters]
        assert times == sorted(times)
    stand.check()


@pytest.mark.parametrize("limit", ["max_backends_per_user", "max_backends_per_database"])
def test_backends_of_one_user_or_database(stands, limit):
    """The limit holds over pools, and an idle backend of another pool makes room."""
    stand = stands(size=5, flags=["--set", f"limits.{limit}=2", "--set", "timeouts.wait=5s"])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stand.raw()) for _ in range(4)]
        for client in clients[:2]:
            client.query("BEGIN")
        clients[2].send(fe.query("SELECT 'third'"))
        assert clients[2].nothing_comes(0.5)
        assert len(stand.sessions()) == 2
        clients[0].query("COMMIT")
        assert clients[2].until_ready()[1].value == [b"third"]
        clients[1].query("COMMIT")
        other = stack.enter_context(stand.stranger())
        other.login("app", stand.server.passwords["app"], "template1")
        assert other.rows("SELECT 1") == [["1"]]
    stand.check(size=2)


def test_overflow_comes_and_goes(stands):
    """Further backends open when clients have waited, and close when nobody needs them."""
    stand = stands(size=2, flags=["--set", "pool.overflow=3"])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stand.raw()) for _ in range(5)]
        for client in clients:
            client.query("BEGIN")
        assert len(stand.sessions()) == 5
        for client in clients:
            client.query("COMMIT")
        stand.settled()
        assert len(stand.sessions()) == 2


def test_server_is_full(server, stands):
    """The server's own 53300 is worth waiting for: the client is served when a place there comes free."""
    stand = stands(flags=["--set", "timeouts.connect=20s"])
    server.execute("ALTER ROLE app CONNECTION LIMIT 2")
    try:
        with stand.raw() as client, contextlib.ExitStack() as stack:
            stand.gate.cut_all()
            wait_until(lambda: not stand.sessions() and not stand.known(), 10, "both sides know")
            others = [stack.enter_context(psycopg.connect(server.dsn("app"))) for _ in range(2)]
            client.send(fe.query("SELECT 'patient'"))
            assert client.nothing_comes(0.5)
            for other in others:
                other.close()
            assert client.until_ready()[1].value == [b"patient"]
    finally:
        server.execute("ALTER ROLE app CONNECTION LIMIT -1")
    stand.check()


# --- logins

def test_wrong_password(stand):
    told = refusal(stand, password="wrong")
    assert (told["S"], told["C"], told["M"]) == ("FATAL", "28P01", 'password authentication failed for user "app"')
    stand.check()


@pytest.mark.parametrize("user", ["nobody_of_that_name", 'odd "name"', "x" * 200])
def test_unknown_role_looks_like_a_wrong_password(stand, user):
    told = refusal(stand, user=user, password="guess")
    assert told["C"] == "28P01"
    assert told == refusal(stand, user=user, password="another guess")
    stand.check()


def test_unknown_database(stand):
    """In the server's own words, once the password was right."""
    told = refusal(stand, database="no_such_database")
    assert (told["C"], told["M"]) == ("3D000", 'database "no_such_database" does not exist')
    assert told == same_directly(stand, database="no_such_database")
    assert refusal(stand, database="no_such_database", password="wrong")["C"] == "28P01"
    stand.check()


@pytest.fixture
def role(server):
    """role(options): a role of this test's; its name."""
    names = []

    def make(options, password="secret"):
        name = f"role_{len(names)}"
        server.create_role(name, password, options)
        names.append(name)
        return name

    yield make
    for name in names:
        server.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize("options", ["NOLOGIN", "LOGIN VALID UNTIL '2001-01-01'", "LOGIN CONNECTION LIMIT 0"])
def test_role_that_may_not_log_in(stands, role, options):
    """The same SQLSTATE and words as the server's."""
    stand = stands(flags=["--set", "timeouts.connect=3s"])
    name = role(options)
    ours, directly = refusal(stand, user=name), same_directly(stand, user=name)
    assert (ours["S"], ours["C"], ours["M"]) == (directly["S"], directly["C"], directly["M"])
    stand.check()


def test_role_without_a_password(stand, server):
    server.execute("CREATE ROLE silent LOGIN")
    try:
        assert refusal(stand, user="silent", password="")["C"] == "28P01"
        assert refusal(stand, user="silent", password="guess")["C"] == "28P01"
    finally:
        server.execute("DROP ROLE silent")


def test_password_that_was_changed(stand, role, server):
    """The old one stops at once, the new one serves, and clients that are in stay in."""
    name = role("LOGIN")
    with stand.raw(user=name) as old:
        assert old.rows("SELECT 1") == [["1"]]
        server.execute(f"ALTER ROLE {name} PASSWORD 'changed'")
        assert refusal(stand, user=name, password="secret")["C"] == "28P01"
        server.passwords[name] = "changed"
        with stand.raw(user=name) as new:
            assert new.rows("SELECT 1") == [["1"]]
        stand.server.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (name,))
        wait_until(lambda: not stand.known(name), 10, "they are known to be gone")
        assert old.rows("SELECT 1") == [["1"]], "a new backend logs in with the new password"


def test_database_that_may_not_be_used(stand, server):
    server.execute("CREATE DATABASE closed")
    server.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    try:
        told = refusal(stand, database="closed")
        assert told == same_directly(stand, database="closed")
        assert told["C"] == "42501"
    finally:
        server.execute("DROP DATABASE closed")


def test_client_that_says_nothing(stands):
    """A connection without a login is closed after the login timeout; it counted against nothing."""
    stand = stands(flags=["--set", "timeouts.client_login=5s", "--set", "limits.max_clients=3"])
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(stand.stranger()) for _ in range(10)]
        with stand.raw() as client:
            assert client.rows("SELECT 1") == [["1"]]
        for raw in silent:
            raw.receive_all()
    stand.check()


def test_idle_client(stands):
    """Closed with 57P05 after the idle timeout, but not inside a transaction."""
    stand = stands(flags=["--set", "timeouts.client_idle=1s"])
    with stand.raw() as idle, stand.raw() as busy:
        busy.query("BEGIN")
        assert end_of(idle) == "57P05"
        assert busy.rows("SELECT 1") == [["1"]]
    stand.settled()


def test_idle_client_that_keeps_a_backend(stands):
    """In session pooling, or held for its advisory lock: it was never closed."""
    stand = stands(flags=["--set", "timeouts.client_idle=1s"])
    with stand.raw() as held:
        held.query("SELECT pg_advisory_lock(1)")
        assert end_of(held) == "57P05"
    stand.settled()
    stand = stands(mode="session", flags=["--set", "timeouts.client_idle=1s"])
    with stand.raw() as idle:
        idle.query("SELECT 1")
        assert end_of(idle) == "57P05"
    stand.settled()
