"""TLS between Forebay and PostgreSQL: libpq's sslmode, with its meaning."""

import os
import shutil
import signal
import socket
import ssl

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.directories import server_user
from forebay_testing.rawpg import RawConnection
from relay import Relay


def question(daemon: ForebayDaemon, server, user: str = "app") -> bool:
    """Whether the backend of a client has TLS, as the server sees it."""
    dsn = daemon.dsn(user=user, password=server.passwords[user])
    with psycopg.connect(dsn, connect_timeout=20) as connection:
        return connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0]


def behind(server, port: int | None = None, host: str = "127.0.0.1", **parameters) -> str:
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    url = server.url().replace(f"@127.0.0.1:{server.port}", f"@{host}:{port or server.port}")
    return f"{url}/?{query}"


@pytest.mark.parametrize(
    "mode, encrypted", [("disable", False), ("allow", False), ("prefer", True), ("require", True)]
)
def test_modes_that_verify_nothing(tls_server, mode, encrypted):
    with ForebayDaemon(behind(tls_server, sslmode=mode)) as daemon:
        assert question(daemon, tls_server) is encrypted


def test_an_answer_that_ends_inside_a_tls_record_is_read_to_its_end(tls_server):
    """What did not fit into one read stayed with OpenSSL, and nothing told of it: the client waited for ever.

    The server's records hold 8192 bytes, so after a small answer a read of 64 KiB ends inside the last one.
    """
    with ForebayDaemon(behind(tls_server, sslmode="require"), ["--threads", "1"]) as daemon, \
            psycopg.connect(tls_server.dsn(), autocommit=True) as holder, \
            RawConnection(daemon.host, daemon.port, timeout=5) as raw:
        raw.login("app", tls_server.passwords["app"], "postgres")
        holder.execute("SELECT pg_advisory_lock(1)")
        raw.send(fe.query("SELECT pg_advisory_xact_lock_shared(1)"), fe.query("SELECT repeat('x', 65450)"))
        wait_until(lambda: tls_server.query("SELECT 1 FROM pg_locks WHERE NOT granted"), 10, "the first query")
        daemon.signal(signal.SIGSTOP)
        holder.execute("SELECT pg_advisory_unlock(1)")
        ended = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT repeat%' AND state = 'idle'"
        wait_until(lambda: tls_server.query(ended), 10, "the whole answer")
        daemon.signal(signal.SIGCONT)
        for _ in range(2):
            assert [message.kind for message in raw.until_ready()] == ["T", "D", "C", "Z"]


def test_prefer_does_without_when_the_server_has_none(server):
    with ForebayDaemon(behind(server, sslmode="prefer")) as daemon:
        assert question(daemon, server) is False


def test_require_does_not(server, refused):
    with ForebayDaemon(behind(server, sslmode="require")) as daemon:
        message = refused(daemon.dsn(user="app", password=server.passwords["app"]))
        assert "TLS" in message or "SSL" in message


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_a_certificate_of_the_authority_for_this_address(tls_server, certificates, mode):
    with ForebayDaemon(behind(tls_server, sslmode=mode, sslrootcert=certificates / "ca.crt")) as daemon:
        assert question(daemon, tls_server) is True


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full", "require"])
def test_a_certificate_of_a_stranger(tls_server, certificates, refused, mode):
    """require as well, when it is given an authority: as in libpq."""
    with ForebayDaemon(behind(tls_server, sslmode=mode, sslrootcert=certificates / "other.crt")) as daemon:
        message = refused(daemon.dsn(user="app", password=tls_server.passwords["app"]))
        assert "certificate" in message


@pytest.mark.parametrize("mode, accepted", [("verify-ca", True), ("verify-full", False)])
def test_a_certificate_for_another_name(tls_server, certificates, refused, mode, accepted):
    """Where the certificate is accepted, channel binding finds out that the server has another."""
    with Relay(tls_server.port, certificates / "elsewhere.crt", certificates / "elsewhere.key") as relay:
        upstream = behind(tls_server, relay.port, sslmode=mode, sslrootcert=certificates / "ca.crt")
        with ForebayDaemon(upstream) as daemon:
            message = refused(daemon.dsn(user="app", password=tls_server.passwords["app"]))
            assert ("channel binding" in message) is accepted
            assert ("certificate" in message) is not accepted
            assert (relay.connections > 0) is accepted


def test_channel_binding_finds_somebody_in_the_middle(tls_server, certificates, refused):
    """Without a look at certificates at all: SCRAM-SHA-256-PLUS is used whenever the server offers it."""
    with Relay(tls_server.port, certificates / "stranger.crt", certificates / "stranger.key") as relay:
        with ForebayDaemon(behind(tls_server, relay.port, sslmode="require")) as daemon:
            message = refused(daemon.dsn(user="app", password=tls_server.passwords["app"]))
            assert relay.connections > 0 and "channel binding" in message


def test_the_servers_name_is_sent(tls_server, certificates):
    """SNI, for servers behind a router that needs it."""
    host = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)[0][4][0]
    with Relay(tls_server.port, certificates / "server.crt", certificates / "server.key", host) as relay:
        with ForebayDaemon(behind(tls_server, relay.port, "localhost", sslmode="require")) as daemon:
            assert question(daemon, tls_server) is True
            assert relay.server_name == "localhost"


def test_addresses_are_no_names(tls_server, certificates):
    """RFC 6066, section 3: literal addresses are not sent."""
    with Relay(tls_server.port, certificates / "server.crt", certificates / "server.key") as relay:
        with ForebayDaemon(behind(tls_server, relay.port, sslmode="require")) as daemon:
            assert question(daemon, tls_server) is True
            assert relay.connections > 0 and relay.server_name is None


def test_an_old_server_is_refused(tls_server, certificates, refused):
    arguments = (tls_server.port, certificates / "server.crt", certificates / "server.key")
    with Relay(*arguments, newest=ssl.TLSVersion.TLSv1_1) as relay:
        with ForebayDaemon(behind(tls_server, relay.port, sslmode="require")) as daemon:
            refused(daemon.dsn(user="app", password=tls_server.passwords["app"]))
            assert relay.connections == 0


def test_channel_binding_on_both_sides(tls_server, certificates, tls_flags):
    flags = tls_flags("require")
    upstream = behind(tls_server, sslmode="verify-full", sslrootcert=certificates / "ca.crt")
    with ForebayDaemon(upstream, flags) as daemon:
        dsn = daemon.dsn(
            user="app", password=tls_server.passwords["app"], channel_binding="require", sslmode="verify-full",
            sslrootcert=certificates / "ca.crt",
        )
        with psycopg.connect(dsn) as connection:
            query = "SELECT ssl, current_user::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert connection.execute(query).fetchone() == (True, "app")


def test_a_client_certificate_of_forebays(certificates, refused):
    """hostssl … cert on the server: Forebay logs in with the certificate that the upstream names."""
    hba = "local all all trust\nhostssl all app 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
    config = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "ca.crt"}
    postgres = PostgresServer(config, hba)
    for name in ("server.crt", "server.key", "ca.crt"):
        file = shutil.copy(certificates / name, postgres.data_directory)
        os.chmod(file, 0o600)
        if user := server_user():
            os.chown(file, user.pw_uid, user.pw_gid)
    with postgres:
        postgres.create_role("app")
        files = {"sslcert": certificates / "app.crt", "sslkey": certificates / "app.key"}
        with ForebayDaemon(behind(postgres, sslmode="require", **files)) as daemon:
            assert question(daemon, postgres) is True
        with ForebayDaemon(behind(postgres, sslmode="require")) as daemon:
            assert "certificate" in refused(daemon.dsn(user="app", password=postgres.passwords["app"]))


def test_a_cancel_was_lost_after_a_reload_that_moved_the_database_to_a_server_with_tls(server, tls_server):
    """It goes to the server on which the statement runs, in the way in which that was reached: this one has no TLS."""
    entry = "databases:\n  postgres: {}/postgres?sslmode={}\n"
    with ForebayDaemon(tls_server, config=entry.format(server.url(), "disable")) as daemon, \
            RawConnection(daemon.host, daemon.port, timeout=20) as raw:
        raw.login("postgres", server.passwords["postgres"], "postgres")
        raw.send(fe.query("SELECT pg_sleep(600)"))
        asked = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'"
        wait_until(lambda: server.query(asked), 10, "the statement runs")
        daemon.config_path.write_text(entry.format(tls_server.url(), "require"))
        daemon.reload()
        daemon.wait_for_log("configuration reloaded")
        raw.cancel()
        assert [message.sqlstate for message in raw.until_ready() if message.kind == "E"] == ["57014"]
