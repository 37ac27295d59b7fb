"""TLS between applications and Forebay."""

import re
import shutil
import socket
import ssl
import struct

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection
from relay import Relay


def tls_of(dsn: str) -> bool:
    """Connects, asks, and tells whether the connection has TLS."""
    with psycopg.connect(dsn, connect_timeout=20) as connection:
        connection.execute("SELECT 1")
        return connection.pgconn.ssl_in_use


def with_certificate(certificates, name: str) -> dict:
    return {"sslcert": certificates / f"{name}.crt", "sslkey": certificates / f"{name}.key"}


def handshake(port: int, version: ssl.TLSVersion) -> str:
    """The TLS version that is agreed on when the client knows one only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(struct.pack("!II", 8, 80877103))
        assert plain.recv(1) == b"S"
        with context.wrap_socket(plain) as connection:
            return connection.version()


@pytest.mark.parametrize("size, count", [(2000, 600), (30_000, 40), (17, 5_000)])
def test_a_client_that_sends_more_than_is_read_at_once_does_not_stop_the_others(
        server, tls_flags, certificates, size, count):
    """The rest of a message stayed with OpenSSL, which nobody asked any more: one client took a thread for good."""
    flags = tls_flags("require", "--threads", "1", "--auth", "scram")
    with ForebayDaemon(server, flags) as daemon, RawConnection(daemon.host, daemon.port) as raw:
        raw.start_tls(ssl.create_default_context(cafile=certificates / "ca.crt"), "127.0.0.1")
        raw.login("app", server.passwords["app"], "postgres")
        raw.send(*[fe.query("SELECT 3 /*" + "x" * size + "*/")] * count)
        for _ in range(count):
            assert [message.kind for message in raw.until_ready()] == ["T", "D", "C", "Z"]
        assert tls_of(daemon.dsn(user="app", sslmode="require")) is True


def test_without_tls_the_request_is_declined(server):
    with ForebayDaemon(server) as daemon:
        assert tls_of(daemon.dsn(user="app", sslmode="prefer")) is False
        with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
            tls_of(daemon.dsn(user="app", sslmode="require"))


@pytest.mark.parametrize("mode", ["allow", "prefer"])
def test_where_the_client_chooses(server, tls_flags, certificates, mode):
    with ForebayDaemon(server, tls_flags(mode)) as daemon:
        assert tls_of(daemon.dsn(user="app", sslmode="disable")) is False
        assert tls_of(daemon.dsn(user="app", sslmode="require")) is True
        ours = {"sslmode": "verify-full", "sslrootcert": certificates / "ca.crt"}
        assert tls_of(daemon.dsn(user="app", **ours)) is True
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            tls_of(daemon.dsn(user="app", **ours | {"sslrootcert": certificates / "other.crt"}))


def test_require_refuses_clients_without(server, tls_flags, refused):
    with ForebayDaemon(server, tls_flags("require")) as daemon:
        assert tls_of(daemon.dsn(user="app", sslmode="require")) is True
        assert "connection requires TLS" in refused(daemon.dsn(user="app", sslmode="disable"))


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_verify_wants_a_certificate_of_the_authority(server, tls_flags, certificates, refused, mode):
    with ForebayDaemon(server, tls_flags(mode)) as daemon:
        dsn = lambda **more: daemon.dsn(user="app", sslmode="require", **more)  # noqa: E731
        assert tls_of(dsn(**with_certificate(certificates, "app"))) is True
        refused(dsn(sslcert="/nowhere"))
        refused(dsn(**with_certificate(certificates, "stranger")))
        assert "connection requires TLS" in refused(daemon.dsn(user="app", sslmode="disable"))


def test_the_certificates_name_is_the_user(certificates, tls_flags):
    with PostgresServer(hba="local all all trust\nhost all all 127.0.0.1/32 trust\n") as trusting:
        trusting.create_role("app")
        trusting.create_role("alice")
        with ForebayDaemon(trusting, tls_flags("verify-full", "--auth", "cert")) as daemon:
            base = f"host=127.0.0.1 port={daemon.port} dbname=postgres sslmode=require connect_timeout=20"

            def connect(user: str, name: str) -> tuple:
                files = " ".join(f"{key}={value}" for key, value in with_certificate(certificates, name).items())
                with psycopg.connect(f"{base} user={user} {files}") as connection:
                    return connection.execute("SELECT current_user::text").fetchone()

            assert connect("app", "app") == ("app",)
            assert connect("alice", "alice") == ("alice",)
            for user, name in (("alice", "app"), ("postgres", "app")):
                with pytest.raises(psycopg.OperationalError, match="certificate authentication failed"):
                    connect(user, name)
            with pytest.raises(psycopg.OperationalError):
                connect("app", "stranger")


def test_old_versions_of_tls_are_refused(server, tls_flags):
    with ForebayDaemon(server, tls_flags("require")) as daemon:
        assert handshake(daemon.port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert handshake(daemon.port, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                handshake(daemon.port, version)


def test_a_handshake_that_fails_is_logged_with_its_reason(server, tls_flags, certificates):
    with ForebayDaemon(server, tls_flags("verify-full")) as daemon:
        for name, reason in (("stranger", "certificate verify failed"), ("", "peer did not return a certificate")):
            given = with_certificate(certificates, name) if name else {"sslcert": "/nowhere", "sslkey": "/nowhere"}
            with pytest.raises(psycopg.OperationalError):
                tls_of(daemon.dsn(user="app", sslmode="require", **given))
            found = rf"warning TLS handshake failed client=127\.0\.0\.1:\d+ reason=\".*{reason}"
            wait_until(lambda: re.search(found, daemon.log()), 10, f"a line with {reason!r}")


def test_bytes_before_the_handshake_are_refused(server, tls_flags):
    """What somebody on the way could slip in before the encryption: CVE-2021-23214."""
    with ForebayDaemon(server, tls_flags("require")) as daemon:
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as client:
            client.sendall(struct.pack("!II", 8, 80877103) + b"\0\0\0\x08early")
            answer = b""
            while chunk := client.recv(4096):
                answer += chunk
        assert not answer.startswith(b"S") and b"unencrypted data after SSL request" in answer


def test_channel_binding(server, tls_flags, refused):
    """SCRAM-SHA-256-PLUS: the client refuses to log in without it."""
    with ForebayDaemon(server, tls_flags("allow")) as daemon:
        assert tls_of(daemon.dsn(user="app", sslmode="require", channel_binding="require")) is True
        assert "channel binding" in refused(daemon.dsn(user="app", sslmode="disable", channel_binding="require"))


def test_somebody_in_the_middle_is_found_out(server, tls_flags, certificates, refused):
    with ForebayDaemon(server, tls_flags("require")) as daemon:
        with Relay(daemon.port, certificates / "elsewhere.crt", certificates / "elsewhere.key") as relay:
            message = refused(daemon.dsn(user="app", port=relay.port, sslmode="require"))
            assert relay.connections > 0 and "channel binding" in message


def test_a_reload_takes_a_new_certificate(server, tls_flags, certificates, tmp_path):
    for kind in ("crt", "key"):
        shutil.copy(certificates / f"server.{kind}", tmp_path / f"x.{kind}")
    flags = ["--tls", "require", "--tls-cert", str(tmp_path / "x.crt"), "--tls-key", str(tmp_path / "x.key")]
    with ForebayDaemon(server, flags) as daemon:
        full = {"sslmode": "verify-full", "sslrootcert": certificates / "ca.crt"}
        with psycopg.connect(daemon.dsn(user="app", **full), autocommit=True) as before:
            for kind in ("crt", "key"):
                shutil.copy(certificates / f"elsewhere.{kind}", tmp_path / f"x.{kind}")
            daemon.reload()
            daemon.wait_for_log("configuration reloaded")
            with pytest.raises(psycopg.OperationalError, match="does not match host name|IP address"):
                tls_of(daemon.dsn(user="app", **full))
            before.execute("SELECT 1")
