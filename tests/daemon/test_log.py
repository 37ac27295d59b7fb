"""What the log says, what it never says, and that a storm does not fill a disk."""

import re
import socket
import subprocess

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, forebay_binary, free_port, wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (debug|info|warning|error) \S.*")


def lines(daemon: ForebayDaemon, text: str) -> list[str]:
    return [line for line in daemon.log().splitlines() if text in line]


def line_with(daemon: ForebayDaemon, text: str) -> str:
    return wait_until(lambda: lines(daemon, text), 10, f"a line with {text!r}")[-1]


def refuse(daemon: ForebayDaemon, **options) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(daemon.dsn(**options))


def test_every_line_has_time_level_and_text(server):
    with ForebayDaemon(server, ["--log-level", "debug", "--set", "log.connections=true"]) as daemon:
        with psycopg.connect(daemon.dsn()) as client:
            client.execute("SELECT 1")
        refuse(daemon, user="nobody", password="x")
        daemon.reload()
        daemon.wait_for_log("configuration reloaded")
        daemon.stop()
        assert [line for line in daemon.log().splitlines() if not LINE.fullmatch(line)] == []
        daemon.start()


def test_start_tells_what_runs_and_no_password(server):
    with ForebayDaemon(server, ["--pool-mode", "session", "--threads", "2"]) as daemon:
        line = line_with(daemon, "starts")
        assert re.search(r"forebay \d+\.\d+\.\d+ starts", line)
        for part in ("pool_mode=session", "threads=2", "auth=scram", f"@127.0.0.1:{server.port}", "postgres:***@"):
            assert part in line
        assert "cache=off" in line
        daemon.stop()
        assert "stopping" in daemon.log() and "forebay has stopped" in daemon.log()
        daemon.start()


@pytest.mark.parametrize("use, told", [
    ("auto", '"where the server allows the level bounded, 256MiB, staleness 1s"'),
    ("on", '"on, 256MiB, level auto, staleness 1s"'),
    ("off", "off"),
])
def test_start_tells_of_the_cache(server, use, told):
    with ForebayDaemon(server, ["--cache", use]) as daemon:
        assert f"cache={told}" in line_with(daemon, "starts")


def test_logins_and_ends_when_asked_for(server):
    with ForebayDaemon(server, ["--set", "log.connections=true"]) as daemon:
        with psycopg.connect(daemon.dsn(user="app")) as client:
            address = client.pgconn.socket
            port = socket.fromfd(address, socket.AF_INET, socket.SOCK_STREAM).getsockname()[1]
            line = line_with(daemon, "client has logged in")
            who = f"client=127.0.0.1:{port} user=app database=postgres pid={client.info.backend_pid}"
            assert who in line and "tls=no" in line
        left = line_with(daemon, "client has left")
        assert who in left and re.search(r"seconds=\d+\.\d{3}$", left)


def test_logins_are_not_logged_by_default(server):
    with ForebayDaemon(server) as daemon:
        with psycopg.connect(daemon.dsn(user="app")) as client:
            client.execute("SELECT 1")
        daemon.stop()
        assert "client has" not in daemon.log()
        daemon.start()


def test_a_refused_login_tells_who_and_why_and_no_password(server):
    with ForebayDaemon(server) as daemon:
        refuse(daemon, user="app", password="tell-nobody")
        line = line_with(daemon, "login refused")
        assert " warning " in line and "user=app database=postgres sqlstate=28P01" in line
        assert 'reason="password authentication failed' in line
        refuse(daemon, user="app", dbname="missing")
        assert "3D000" in line_with(daemon, "database=missing")
        assert "tell-nobody" not in daemon.log()


def test_forebays_own_wrong_password_is_not_the_clients(server):
    """A client with its right password was told that the password of a user failed that it had never heard of."""
    with ForebayDaemon(server.url(user="app", password="wrong")) as daemon:
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(daemon.dsn(password=server.passwords["postgres"]))
        told = 'the server refuses Forebay\'s own login as "app": password authentication failed for user "app"'
        assert told in str(caught.value) and "`upstream`" in str(caught.value)
        line = line_with(daemon, "login refused")
        assert "user=postgres" in line and "sqlstate=08006" in line and "Forebay's own login" in line


def test_what_keeps_everybody_out_is_logged_at_the_start(server):
    """A wrong password, or a user that may not look others up, was silent until somebody came."""
    for user, password, told in (
        ("app", "wrong", "the server refuses Forebay's own login"),
        ("app", server.passwords["app"], "the upstream's user may not read pg_authid; grant it that, or set"),
    ):
        with ForebayDaemon(server.url(user=user, password=password)) as daemon:
            line = line_with(daemon, told)
            assert " warning " in line and "app:***@" in line


def test_the_log_says_why_no_password_can_be_right(server):
    """A role with an md5 password, an expired one, and none at all: clients are told the same of each."""
    server.execute("SET password_encryption = md5; CREATE ROLE old LOGIN PASSWORD 'x'; RESET password_encryption")
    server.execute("CREATE ROLE late LOGIN PASSWORD 'x' VALID UNTIL '2001-01-01'")
    reasons = {"old": "stored as md5", "late": "has expired", "nobody": "there is no such role"}
    with ForebayDaemon(server) as daemon:
        for user, reason in reasons.items():
            with pytest.raises(psycopg.OperationalError) as caught:
                psycopg.connect(daemon.dsn(user=user, password="x"))
            assert f'password authentication failed for user "{user}"' in str(caught.value)
            assert reason not in str(caught.value)
            assert reason in line_with(daemon, f"user={user} ")


def test_a_login_that_takes_too_long_is_told_and_logged(server):
    with ForebayDaemon(server, ["--set", "timeouts.client_login=100ms"]) as daemon:
        with socket.create_connection((daemon.host, daemon.port)) as client:
            client.settimeout(20)
            answer = b"".join(iter(lambda: client.recv(1000), b""))
        assert answer.startswith(b"E") and b"canceling authentication due to timeout" in answer
        assert "the login took longer than timeouts.client_login (100ms)" in line_with(daemon, "login refused")


def test_a_statement_that_takes_too_long_is_logged(server):
    with ForebayDaemon(server, ["--set", "timeouts.command=100ms"]) as daemon:
        with psycopg.connect(daemon.dsn(user="app"), autocommit=True) as client:
            with pytest.raises(psycopg.errors.QueryCanceled):
                client.execute("SELECT pg_sleep(600)")
            line = line_with(daemon, "a statement is cancelled after timeouts.command")
            assert " warning " in line and "limit=100ms" in line
            assert f"user=app database=postgres pid={client.info.backend_pid}" in line


@pytest.mark.parametrize(
    "config, key",
    [
        ("users: {app: {limits: {max_clients: 1}}}", "users.app.limits.max_clients = 1"),
        ("databases: {'*': {limits: {max_clients: 1}}}", "databases.*.limits.max_clients = 1"),
        ("limits: {max_clients_per_user: 1}", "limits.max_clients_per_user = 1"),
        ("limits: {max_clients_per_database: 1}", "limits.max_clients_per_database = 1"),
        ("limits: {max_clients: 1}", "limits.max_clients = 1"),
    ],
)
def test_whoever_comes_too_late_is_told_the_limit_that_is_set(server, config, key):
    """The hint named limits.max_clients_per_user, whatever the limit."""
    with ForebayDaemon(server, config=config) as daemon:
        with psycopg.connect(daemon.dsn(user="app")):
            with pytest.raises(psycopg.OperationalError) as caught:
                psycopg.connect(daemon.dsn(user="app"))
            assert f"The limit is {key}." in str(caught.value)


@pytest.mark.parametrize(
    "flags, told",
    [
        (["--listen", "unix:/nonexistent"], "cannot listen on unix:/nonexistent:6432: No such file or directory; make"),
        (["--listen", "127.0.0.1:{port}"], "cannot listen on 127.0.0.1:{port}: Address already in use; if another"),
    ],
)
def test_an_address_that_cannot_be_listened_on_comes_with_advice(server, flags, told):
    with ForebayDaemon(server) as daemon:
        command = [forebay_binary(), "serve", "--upstream", server.url()]
        given = [flag.format(port=daemon.port) for flag in flags]
        done = subprocess.run([*command, *given], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and told.format(port=daemon.port) in done.stderr


def test_sql_and_parameters_stay_out_even_at_debug(server):
    with ForebayDaemon(server, ["--log-level", "debug"]) as daemon:
        with psycopg.connect(daemon.dsn(user="app"), autocommit=True) as client:
            client.execute("SELECT %s, 'very-private'", ("also-private",))
            with pytest.raises(psycopg.errors.SyntaxError):
                client.execute("SELECT very-private FROM WHERE")
        daemon.stop()
        assert "private" not in daemon.log() and server.passwords["app"] not in daemon.log()
        daemon.start()


def test_a_name_cannot_forge_a_line(server):
    with ForebayDaemon(server) as daemon:
        refuse(daemon, user="eve\n2026-01-01T00:00:00.000+00:00 info all is well", password="x")
        assert r"eve\n2026" in line_with(daemon, "login refused")
        assert [line for line in daemon.log().splitlines() if not LINE.fullmatch(line)] == []


def test_a_storm_of_refusals_is_a_few_lines(server):
    with ForebayDaemon(server) as daemon:
        for _ in range(150):
            with socket.create_connection((daemon.host, daemon.port)) as client:
                client.sendall(b"\0\0\0\1nonsense")
                client.settimeout(10)
                while client.recv(1000):
                    pass
        count = len(lines(daemon, "login refused"))
        assert 1 <= count < 60

        def told_of_the_rest() -> bool:
            with socket.create_connection((daemon.host, daemon.port)) as client:
                client.sendall(b"\0\0\0\1nonsense")
                client.settimeout(10)
                while client.recv(1000):
                    pass
            return bool(lines(daemon, "not_logged_before="))

        wait_until(told_of_the_rest, 15, "the number of dropped lines", interval=0.3)


def test_a_server_that_is_gone_gives_one_line_and_one_when_it_is_back():
    with PostgresServer() as own:
        own.create_role("app")
        with ForebayDaemon(own, ["--set", "timeouts.connect=2s", "--set", "timeouts.wait=5s"]) as daemon:
            with psycopg.connect(daemon.dsn(user="app")) as client:
                client.execute("SELECT 1")
            own.kill()
            for _ in range(4):
                refuse(daemon, user="app")
            assert len(lines(daemon, "server is unreachable")) == 1
            line = line_with(daemon, "server is unreachable")
            assert " warning " in line and f"server=127.0.0.1:{own.port}" in line and "reason=" in line
            own.start()

            def connects() -> bool:
                try:
                    psycopg.connect(daemon.dsn(user="app")).close()
                    return True
                except psycopg.OperationalError:
                    return False

            wait_until(connects, 30, "the server usable again")
            assert "server=" in line_with(daemon, "server has recovered")
            own.kill()
            refuse(daemon, user="app")
            assert len(lines(daemon, "server is unreachable")) == 2, "a new outage is a new line"
            own.start()


def test_a_pool_that_is_too_small_is_told_of(server):
    with ForebayDaemon(server, ["--pool-size", "1", "--pool-overflow", "0"]) as daemon:
        with psycopg.connect(daemon.dsn(user="app")) as holder:
            holder.execute("SELECT 1")  # a transaction is open
            with psycopg.connect(daemon.dsn(user="app")) as other:
                daemon.console("SET timeouts.wait = '200ms'")  # logging in may take longer
                with pytest.raises(psycopg.Error):
                    other.execute("SELECT 1")
            line = line_with(daemon, "no backend came free in time")
            assert " warning " in line
            for part in ("user=app", "database=postgres", "milliseconds=200", "backends=1", "limit=1"):
                assert part in line


def test_the_level_hides_what_is_below_and_follows_a_reload(server, tmp_path):
    config = "log: {level: error}\n"
    with ForebayDaemon(server, config="log: {level: info}\n") as daemon:
        daemon.config_path.write_text(config)
        daemon.reload()
        # From here on nothing but errors: a refused login is a warning.
        wait_until(lambda: silent(daemon), 10, "the level error", interval=0.05)


def silent(daemon: ForebayDaemon) -> bool:
    before = len(lines(daemon, "login refused"))
    refuse(daemon, user="nobody", password="x")
    return len(lines(daemon, "login refused")) == before


def test_a_reload_tells_what_needs_a_restart(server):
    with ForebayDaemon(server, config="threads: 1\npool: {size: 5}\n") as daemon:
        daemon.config_path.write_text("threads: 2\npool: {size: 6}\n")
        daemon.reload()
        line = line_with(daemon, "a changed setting needs a restart")
        assert "setting=threads" in line and " warning " in line
        assert "configuration reloaded" in line_with(daemon, "configuration reloaded")
        assert not lines(daemon, "setting=pool")


def test_a_reload_with_mistakes_is_an_error_and_changes_nothing(server):
    with ForebayDaemon(server, config="pool: {size: 5}\n") as daemon:
        daemon.config_path.write_text("pool: {size: many}\n")
        daemon.reload()
        line = line_with(daemon, "configuration not reloaded")
        assert " error " in line and "forebay.yaml:1" in line
        with psycopg.connect(daemon.dsn(user="app")) as client:
            client.execute("SELECT 1")


def test_an_address_in_use_ends_the_start_with_a_reason(server):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        daemon = ForebayDaemon(server, ["--listen", f"127.0.0.1:{port}"])
        try:
            with pytest.raises(RuntimeError, match="cannot listen on 127.0.0.1:.*in use"):
                daemon.start()
        finally:
            daemon.close()
