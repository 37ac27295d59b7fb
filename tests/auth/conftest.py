"""Servers and certificates that all of these tests share."""

import os
import pathlib
import shutil

import psycopg
import pytest

from certificates import Authority
from forebay_testing import PostgresServer
from forebay_testing.directories import server_user


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> pathlib.Path:
    """ca.crt with server.{crt,key} (127.0.0.1 and localhost), elsewhere.{crt,key} (another name), app.{crt,key} and
    alice.{crt,key} for clients; other.crt is a stranger with stranger.{crt,key} of its own."""
    folder = tmp_path_factory.mktemp("certificates")
    ca, other = Authority(folder, "ca"), Authority(folder, "other")
    ca.issue("server", "forebay test", "IP:127.0.0.1,DNS:localhost")
    ca.issue("elsewhere", "elsewhere", "DNS:elsewhere.example")
    ca.issue("app", "app")
    ca.issue("alice", "alice")
    other.issue("stranger", "app", "IP:127.0.0.1,DNS:localhost")
    return folder


@pytest.fixture(scope="session")
def server():
    with PostgresServer() as postgres:
        for name in ("app", "alice"):
            postgres.create_role(name)
        yield postgres


@pytest.fixture(scope="session")
def tls_server(certificates):
    """A server with TLS, on 127.0.0.1."""
    config = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    postgres = PostgresServer(config)
    for name in ("server.crt", "server.key"):
        file = shutil.copy(certificates / name, postgres.data_directory)
        os.chmod(file, 0o600)
        if user := server_user():
            os.chown(file, user.pw_uid, user.pw_gid)
    with postgres:
        postgres.create_role("app")
        yield postgres


@pytest.fixture
def tls_flags(certificates):
    """Flags for TLS towards clients in a mode."""

    def flags(mode: str, *more: str) -> list[str]:
        given = ["--tls", mode, "--tls-cert", certificates / "server.crt", "--tls-key", certificates / "server.key"]
        if mode.startswith("verify"):
            given += ["--tls-ca", certificates / "ca.crt"]
        return [*map(str, given), *more]

    return flags


@pytest.fixture
def who():
    """who(dsn): the user and database that a connection has, asked of the server."""

    query = "SELECT current_user::text, session_user::text, current_database()::text"

    def ask(dsn: str) -> tuple:
        with psycopg.connect(dsn, connect_timeout=20) as connection:
            return connection.execute(query).fetchone()

    return ask


@pytest.fixture
def refused():
    """refused(dsn): the message with which a login is refused."""

    def message(dsn: str) -> str:
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(dsn, connect_timeout=20).close()
        return str(caught.value)

    return message
