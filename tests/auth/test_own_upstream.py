"""Databases that live on a server of their own: its roles are not those of the main upstream, whatever their names."""

import contextlib

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection


def where(dsn: str) -> tuple:
    """The server's port and the user, as the server that answers says."""
    with psycopg.connect(dsn, connect_timeout=20) as connection:
        return connection.execute("SELECT inet_server_port(), current_user::text").fetchone()


def accepts(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=20).close()
        return True
    except psycopg.OperationalError:
        return False


@pytest.fixture(scope="module")
def servers():
    """Two servers with a role of the same name; the second also has one that the first does not know."""
    with PostgresServer() as main, PostgresServer() as other:
        main.create_role("app", "on main")
        other.create_role("app", "on other")
        other.create_role("guest", "on other")
        for server in (main, other):
            server.execute("CREATE DATABASE shop")
        yield main, other


def own(server: PostgresServer, database: str = "shop", user: str | None = None, entry: str | None = None) -> str:
    return f"databases:\n  {entry or database}: {server.url(user=user, dbname=database)}\n  '*': {{}}\n"


@pytest.mark.parametrize("mode", ["scram", "md5", "password"])
def test_a_password_of_the_main_upstream_opened_a_database_of_another_server(servers, refused, mode):
    main, other = servers
    with ForebayDaemon(main, ["--auth", mode], config=own(other)) as daemon:
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
        assert where(daemon.dsn("app", "postgres", "on main")) == (main.port, "app")
        assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on main"))
        assert "password authentication failed" in refused(daemon.dsn("app", "postgres", "on other"))


def test_it_opened_it_where_the_other_server_asks_forebay_for_no_password(servers, refused):
    """Then nothing but Forebay stands between the client and the role."""
    main = servers[0]
    with PostgresServer(hba="local all all trust\nhost all all 127.0.0.1/32 trust\n") as other:
        other.create_role("app", "on other")
        other.execute("CREATE DATABASE shop")
        with ForebayDaemon(main, config=own(other)) as daemon:
            assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on main"))
            assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")


def test_an_md5_hash_of_the_main_upstream_opens_nothing_elsewhere(refused):
    hba = "local all all trust\nhost all all 127.0.0.1/32 md5\n"
    with contextlib.ExitStack() as stack:
        main, other = (stack.enter_context(PostgresServer({"password_encryption": "md5"}, hba)) for _ in range(2))
        main.create_role("app", "on main")
        other.create_role("app", "on other")
        other.execute("CREATE DATABASE shop")
        daemon = stack.enter_context(ForebayDaemon(main, ["--auth", "md5"], config=own(other)))
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
        assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on main"))


def test_a_role_that_only_the_other_server_has_could_not_log_in(servers, refused):
    main, other = servers
    with ForebayDaemon(main, config=own(other)) as daemon:
        assert where(daemon.dsn("guest", "shop", "on other")) == (other.port, "guest")
        assert "password authentication failed" in refused(daemon.dsn("guest", "postgres", "on other"))


def test_roles_of_the_main_upstream_were_looked_up_on_the_server_of_an_entry_of_that_name(servers, refused):
    """Look-ups are made in `postgres` where the upstream names no database; clients mean another server by that."""
    main, other = servers
    config = f"databases:\n  postgres: {other.url(dbname='postgres')}\n  shop: {{}}\n"
    with ForebayDaemon(main, config=config) as daemon:
        assert where(daemon.dsn("app", "shop", "on main")) == (main.port, "app")
        assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on other"))
        assert where(daemon.dsn("app", "postgres", "on other")) == (other.port, "app")
        assert where(daemon.dsn("postgres", "postgres")) == (other.port, "postgres")


def test_the_upstreams_user_was_let_into_databases_that_are_not_listed(servers, refused):
    main, other = servers
    with ForebayDaemon(main, config="databases:\n  shop: {}\n") as daemon:
        assert where(daemon.dsn("postgres", "shop")) == (main.port, "postgres")
        assert 'database "postgres" does not exist' in refused(daemon.dsn("postgres", "postgres"))
    with ForebayDaemon(main, config=f"databases:\n  '*': {other.url()}\n  shop: {{}}\n") as daemon:
        assert where(daemon.dsn("postgres", "postgres")) == (other.port, "postgres")
        assert where(daemon.dsn("app", "shop", "on main")) == (main.port, "app")


def test_all_other_databases_on_a_server_of_their_own(servers, refused):
    main, other = servers
    config = f"databases:\n  '*': {other.url()}\n  postgres: {{}}\n"
    with ForebayDaemon(main, config=config) as daemon:
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
        assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on main"))
        assert where(daemon.dsn("app", "postgres", "on main")) == (main.port, "app")
        assert 'database "missing" does not exist' in refused(daemon.dsn("app", "missing", "on other"))


def test_the_password_of_the_main_upstreams_own_user_opens_nothing_elsewhere(servers, refused):
    """It is in the configuration, and nobody is asked."""
    main, other = servers
    for server, password in ((main, "keeper on main"), (other, "keeper on other")):
        server.create_role("keeper", password, "LOGIN SUPERUSER")
    with ForebayDaemon(main.url(user="keeper"), config=own(other, user="keeper")) as daemon:
        assert where(daemon.dsn("keeper", "shop", "keeper on other")) == (other.port, "keeper")
        assert "password authentication failed" in refused(daemon.dsn("keeper", "shop", "keeper on main"))
        assert where(daemon.dsn("keeper", "postgres", "keeper on main")) == (main.port, "keeper")
        assert "password authentication failed" in refused(daemon.dsn("keeper", "postgres", "keeper on other"))


def test_a_user_list_holds_for_all_servers(servers, tmp_path, refused):
    """Whoever writes it says who is let in; the server still checks what it is passed on."""
    main, other = servers
    users = tmp_path / "users.txt"
    users.write_text('"app" "on other"\n')
    with ForebayDaemon(main, ["--auth-file", str(users)], config=own(other)) as daemon:
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
        assert "password authentication failed" in refused(daemon.dsn("app", "postgres", "on other"))
        assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on main"))


def test_after_a_reload_that_moves_a_database_its_new_server_says_who_is_let_in(servers, refused):
    main, other = servers
    with ForebayDaemon(main, config=own(main)) as daemon:
        assert where(daemon.dsn("app", "shop", "on main")) == (main.port, "app")
        assert "password authentication failed" in refused(daemon.dsn("app", "shop", "on other"))
        for server, password, wrong in ((other, "on other", "on main"), (main, "on main", "on other")):
            daemon.config_path.write_text(own(server))
            daemon.reload()
            wait_until(lambda dsn=daemon.dsn("app", "shop", password): accepts(dsn), 10, "the new server's password")
            assert "password authentication failed" in refused(daemon.dsn("app", "shop", wrong))
            assert where(daemon.dsn("app", "shop", password)) == (server.port, "app")


def test_a_login_that_began_before_a_reload_does_not_end_on_the_new_server(servers):
    """It was asked for the password of the role on the server that the database has left."""
    main, other = servers
    with ForebayDaemon(main, ["--auth", "password"], config=own(main)) as daemon, \
            RawConnection(daemon.host, daemon.port, timeout=20) as raw:
        raw.send(fe.startup({"user": "app", "database": "shop"}))
        assert raw.receive().value[0] == 3  # AuthenticationCleartextPassword: the role has been looked up
        daemon.config_path.write_text(own(other))
        daemon.reload()
        daemon.wait_for_log("configuration reloaded")
        raw.send(fe.password("on main"))
        refusal = raw.receive()
        assert (refusal.kind, refusal.sqlstate) == ("E", "57P03")
        assert "moved to another server" in refusal.value["M"]
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")


def test_a_database_that_is_listed_no_more_takes_no_clients(servers, refused):
    """Its clients stay where they are; with the passwords of the main upstream nobody joins them."""
    main, other = servers
    config = f"databases:\n  postgres: {{}}\n  shop: {other.url(dbname='shop')}\n"
    with ForebayDaemon(main, config=config) as daemon:
        with psycopg.connect(daemon.dsn("app", "shop", "on other"), autocommit=True) as client:
            client.execute("SELECT 1")
            daemon.config_path.write_text("databases:\n  postgres: {}\n")
            daemon.reload()
            daemon.wait_for_log("configuration reloaded")
            assert 'database "shop" does not exist' in refused(daemon.dsn("app", "shop", "on main"))
            assert client.execute("SELECT inet_server_port()").fetchone() == (other.port,)


def test_an_upstream_of_its_own_without_a_user_says_what_is_missing(servers, refused):
    main, other = servers
    nameless = f"postgres://127.0.0.1:{other.port}/shop"
    daemon = ForebayDaemon(main, config=f"databases:\n  shop: {nameless}\n")
    try:
        with pytest.raises(RuntimeError, match="databases.shop.upstream: auth.mode scram needs the secrets"):
            daemon.start()
    finally:
        daemon.close()
    users = f"users:\n  app: {{password: on other}}\ndatabases:\n  shop: {nameless}\n"
    with ForebayDaemon(main, config=users) as daemon:
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
        message = refused(daemon.dsn("guest", "shop", "on other"))
        assert "no upstream user is configured" in message and "databases.shop.upstream" in message


def test_a_paused_database_pauses_the_look_ups_on_its_own_server_only(servers):
    """PAUSE answers when nothing of Forebay's is open there, so nothing may be opened there until RESUME."""
    main, other = servers
    with ForebayDaemon(main, config=f"databases:\n  shop: {other.url()}\n  postgres: {{}}\n") as daemon:
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
        daemon.console("PAUSE shop")
        ours = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        wait_until(lambda: other.query(ours) == [(0,)], 10, "no backend is open")
        assert where(daemon.dsn("app", "postgres", "on main")) == (main.port, "app")
        daemon.console("RESUME shop")
        assert where(daemon.dsn("app", "shop", "on other")) == (other.port, "app")
