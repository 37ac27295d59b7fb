"""Every way to log in with a password, against PostgreSQL's own view of who is allowed to."""

import hashlib
import re
import stat

import psycopg
import pytest

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing.directories import REPOSITORY


@pytest.fixture(scope="module")
def forebay(server):
    with ForebayDaemon(server) as daemon:
        yield daemon


def test_scram_goes_through_with_the_roles_own_password(forebay, who):
    """No password is configured: what the client proves is what Forebay logs in to the server with."""
    assert who(forebay.dsn(user="app")) == ("app", "app", "postgres")
    assert who(forebay.dsn(user="alice")) == ("alice", "alice", "postgres")


@pytest.mark.parametrize("setting", ["ROLE app", "search_path TO nowhere", "statement_timeout TO 100"])
def test_passwords_are_looked_up_whatever_the_upstreams_user_has_set(server, who, setting):
    """A client that is logged in as that user shares its backend with the look-ups; its settings stay its own."""
    query = "SELECT passwd FROM shadow(1) WHERE usename = $1"
    server.execute("""
        CREATE OR REPLACE FUNCTION shadow(int) RETURNS SETOF pg_shadow LANGUAGE plpgsql AS
        $$BEGIN PERFORM pg_sleep(0.2); RETURN QUERY SELECT * FROM pg_shadow; END$$""")
    flags = ["--pool-size", "1", "--pool-overflow", "0", "--set", f"auth.query={query}"]
    with ForebayDaemon(server, flags) as daemon:
        with psycopg.connect(daemon.dsn(user="postgres"), autocommit=True) as client:
            client.execute(f"SET {setting}")
            assert who(daemon.dsn(user="app"))[0] == "app"
            if setting == "ROLE app":
                assert client.execute("SELECT current_user").fetchone() == ("app",)


def test_a_wrong_password_is_refused_as_postgres_does(forebay, server, refused):
    for daemon in (server, forebay):
        assert 'password authentication failed for user "app"' in refused(daemon.dsn(user="app", password="wrong"))


def test_an_unknown_user_cannot_be_told_from_a_wrong_password(forebay, refused):
    known, unknown = (refused(forebay.dsn(user=user, password="wrong")) for user in ("app", "nobody"))
    assert known.replace('"app"', "X") == unknown.replace('"nobody"', "X")


def test_no_password_is_refused(forebay, refused):
    without = f"host=127.0.0.1 port={forebay.port} user=app dbname=postgres passfile=/dev/null"
    assert "no password supplied" in refused(without)


def test_a_changed_password_counts_within_a_second(forebay, server, who, refused):
    server.create_role("changing", "first")
    assert who(forebay.dsn(user="changing", password="first"))[0] == "changing"
    server.execute("ALTER ROLE changing PASSWORD 'second'")

    def accepted() -> bool:
        try:
            psycopg.connect(forebay.dsn(user="changing", password="second")).close()
            return True
        except psycopg.OperationalError:
            return False

    wait_until(accepted, 3, "the new password accepted")
    assert "password authentication failed" in refused(forebay.dsn(user="changing", password="first"))
    with psycopg.connect(forebay.dsn(user="changing", password="second")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("changing",)


def test_a_password_with_everything_in_it(forebay, server, who):
    password = "p ä'\"\\%:@/?#&=+ \u00a0x"  # SASLprep maps the no-break space
    server.create_role("odd", password)
    assert who(forebay.dsn(user="odd"))[0] == "odd"


def test_a_dropped_role_is_refused(forebay, server, who, refused):
    server.create_role("leaving")
    assert who(forebay.dsn(user="leaving"))[0] == "leaving"
    server.execute("DROP ROLE leaving")
    dsn = forebay.dsn(user="leaving")

    def turned_away() -> bool:
        try:
            psycopg.connect(dsn).close()
            return False
        except psycopg.OperationalError:
            return True

    wait_until(turned_away, 3, "the dropped role refused")


@pytest.mark.parametrize("stays", [True, False], ids=["who stays", "who has left"])
def test_who_took_over_a_roles_name_ran_as_the_role_that_had_it_before(server, stays):
    """And who stays, and gets no backend of his own time any more, does not run as the new one."""
    server.execute("DROP ROLE IF EXISTS heir, heir_before")
    server.create_role("heir")
    with ForebayDaemon(server, ["--pool-size", "1", "--pool-overflow", "0"]) as daemon:
        with psycopg.connect(daemon.dsn(user="heir"), autocommit=True) as before:
            identity = before.execute("SELECT current_user::regrole::oid").fetchone()
            if not stays:
                before.close()
            server.execute("ALTER ROLE heir RENAME TO heir_before")
            server.create_role("heir", "of the new one")
            with psycopg.connect(daemon.dsn(user="heir", password="of the new one"), autocommit=True) as after:
                assert after.execute("SELECT current_user::text").fetchone() == ("heir",)
                assert after.execute("SELECT current_user::regrole::oid").fetchone() != identity
                if stays:
                    with pytest.raises(psycopg.OperationalError, match='is not called "heir" any more'):
                        before.execute("SELECT 1")
                assert after.execute("SELECT current_user::text").fetchone() == ("heir",)


def test_a_role_without_login_and_an_expired_one(forebay, server, refused):
    server.create_role("locked", options="NOLOGIN")
    server.create_role("over", options="LOGIN VALID UNTIL '2001-01-01'")
    for daemon in (server, forebay):
        locked = refused(daemon.dsn(user="locked", password="secret-of-locked"))
        assert 'role "locked" is not permitted to log in' in locked
        over = refused(daemon.dsn(user="over", password="secret-of-over"))
        assert 'password authentication failed for user "over"' in over


def test_a_database_that_is_not_there(forebay, server, refused):
    for daemon in (server, forebay):
        assert 'database "missing" does not exist' in refused(daemon.dsn(user="app", dbname="missing"))


def test_roles_keep_their_own_rights(forebay, server):
    server.execute("CREATE TABLE IF NOT EXISTS secrets (n int)")
    server.execute("GRANT ALL ON secrets TO alice")
    with psycopg.connect(forebay.dsn(user="alice"), autocommit=True) as alice:
        with psycopg.connect(forebay.dsn(user="app"), autocommit=True) as app:
            for _ in range(3):
                alice.execute("SELECT * FROM secrets")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute("SELECT * FROM secrets")


def test_clear_passwords(server, who, refused):
    with ForebayDaemon(server, ["--auth", "password"]) as daemon:
        assert who(daemon.dsn(user="app"))[0] == "app"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))
        assert "password authentication failed" in refused(daemon.dsn(user="nobody", password="wrong"))


@pytest.fixture(scope="module")
def md5_server():
    hba = "local all all trust\nhost all all 127.0.0.1/32 md5\n"
    with PostgresServer({"password_encryption": "md5"}, hba) as postgres:
        postgres.create_role("app")
        postgres.execute("SET password_encryption = 'scram-sha-256'")
        yield postgres


@pytest.mark.parametrize("mode", ["md5", "password"])
def test_md5_hashes_on_the_server(md5_server, mode, who, refused):
    with ForebayDaemon(md5_server, ["--auth", mode]) as daemon:
        assert who(daemon.dsn(user="app"))[0] == "app"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))
        assert "password authentication failed" in refused(daemon.dsn(user="nobody", password="wrong"))


def test_a_scram_verifier_under_md5_is_asked_for_scram(server, who, refused):
    """As PostgreSQL's own md5 method does."""
    with ForebayDaemon(server, ["--auth", "md5"]) as daemon:
        assert who(daemon.dsn(user="app"))[0] == "app"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))


def md5_of(user: str, password: str) -> str:
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


def test_a_user_list_in_pgbouncers_format(server, tmp_path, who, refused):
    verifier = server.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'alice'")[0][0]
    users = tmp_path / "userlist.txt"
    users.write_text(f'"app" "{server.passwords["app"]}"\n"alice" "{verifier}"\n')
    with ForebayDaemon(server, ["--auth-file", str(users)]) as daemon:
        assert who(daemon.dsn(user="app"))[0] == "app"
        assert who(daemon.dsn(user="alice"))[0] == "alice"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))
        users.write_text('"app" "something else"\n')
        daemon.reload()
        daemon.wait_for_log("configuration reloaded")
        wait_until(lambda: is_refused(daemon.dsn(user="app")), 3, "the new list in use")


def is_refused(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
        return False
    except psycopg.OperationalError:
        return True


def test_a_user_list_with_md5_hashes(md5_server, tmp_path, who, refused):
    users = tmp_path / "userlist.txt"
    users.write_text(f'"app" "{md5_of("app", md5_server.passwords["app"])}"\n')
    with ForebayDaemon(md5_server, ["--auth", "md5", "--auth-file", str(users)]) as daemon:
        assert who(daemon.dsn(user="app"))[0] == "app"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))


def test_a_password_in_the_configuration(server, who, refused):
    config = f"users:\n  app:\n    password: {server.passwords['app']}\n"
    with ForebayDaemon(server, config=config) as daemon:
        assert who(daemon.dsn(user="app"))[0] == "app"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))


def test_an_upstream_user_without_superuser_and_a_query_of_its_own(server, who, refused):
    server.create_role("looker")
    server.execute("""
        CREATE OR REPLACE FUNCTION look_up(name text) RETURNS TABLE (usename text, passwd text)
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
        AS $$ SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname = name $$""")
    server.execute("REVOKE ALL ON FUNCTION look_up FROM public")
    server.execute("GRANT EXECUTE ON FUNCTION look_up TO looker")
    # Look-ups run in the database that the upstream names, else in postgres.
    flags = ["--set", "auth.query=SELECT usename, passwd FROM public.look_up($1)"]
    with ForebayDaemon(server.url(user="looker"), flags) as daemon:
        password = server.passwords["app"]
        assert who(daemon.dsn(user="app", password=password))[0] == "app"
        assert "password authentication failed" in refused(daemon.dsn(user="app", password="wrong"))
        assert "password authentication failed" in refused(daemon.dsn(user="nobody", password="x"))


def test_an_upstream_user_that_may_not_look_up_says_so(server, refused):
    server.create_role("blind")
    with ForebayDaemon(server.url(user="blind")) as daemon:
        message = refused(daemon.dsn(user="app", password=server.passwords["app"]))
        assert "pg_authid" in message


def test_unix_sockets_on_both_sides(server, socket_folder, who, refused):
    upstream = f"postgres://postgres@/postgres?host={server.socket_directory}&port={server.port}"
    upstream = upstream.replace("/postgres?", "/?")
    flags = ["--listen", "127.0.0.1:0", "--listen", f"unix:{socket_folder}"]
    with ForebayDaemon(upstream, flags) as daemon:
        dsn = f"host={socket_folder} port=6432 user=app dbname=postgres password="
        assert who(dsn + server.passwords["app"])[0] == "app"
        assert "password authentication failed" in refused(dsn + "wrong")


@pytest.mark.parametrize("mode", [None, "0770", "700"])
def test_permissions_of_a_unix_socket(server, socket_folder, mode):
    """PostgreSQL's default, or what unix_socket_mode says."""
    flags = ["--listen", f"unix:{socket_folder}", "--listen", "127.0.0.1:0"]
    with ForebayDaemon(server, flags + (["--set", f"unix_socket_mode={mode}"] if mode else [])):
        assert stat.S_IMODE((socket_folder / ".s.PGSQL.6432").stat().st_mode) == int(mode or "0777", 8)


@pytest.mark.parametrize("mode", ["rwx", "0778", "1777", ""])
def test_permissions_that_are_none(server, socket_folder, mode):
    daemon = ForebayDaemon(server, ["--listen", f"unix:{socket_folder}", "--set", f"unix_socket_mode={mode}"])
    try:
        with pytest.raises(RuntimeError, match="is not a file mode"):
            daemon.start()
    finally:
        daemon.close()


def test_trust_on_this_machine(server, socket_folder):
    hba = "local all all trust\nhost all all 127.0.0.1/32 trust\n"
    with PostgresServer(hba=hba) as trusting:
        trusting.create_role("app")
        flags = ["--auth", "trust", "--listen", "127.0.0.1:0", "--listen", f"unix:{socket_folder}"]
        with ForebayDaemon(trusting, flags) as daemon:
            for host, port in (("127.0.0.1", daemon.port), (socket_folder, 6432)):
                with psycopg.connect(f"host={host} port={port} user=app dbname=postgres") as client:
                    assert client.execute("SELECT current_user").fetchone() == ("app",)


def test_trust_where_other_machines_could_connect_is_a_mistake(server):
    daemon = ForebayDaemon(server, ["--auth", "trust", "--listen", "0.0.0.0:0"])
    try:
        with pytest.raises(RuntimeError, match="other machines may reach 0.0.0.0:0"):
            daemon.start()
    finally:
        daemon.close()


OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("sql", re.findall(r"```sql\n(.*?)```", OPERATIONS, re.DOTALL), ids=["pg_authid", "auth.query"])
def test_the_role_of_the_documentation_is_enough(sql):
    """What docs/operations.md says of the upstream's role, run as it stands there."""
    asks = "user_lookup" in sql
    query = re.search(r"^  query: (.*)$", OPERATIONS, re.MULTILINE)[1]
    with PostgresServer() as server:
        server.create_role("app")
        server.execute(sql)
        flags = ["--set", f"auth.query={query}"] if asks else []
        with ForebayDaemon(server.url(user="forebay", password="secret"), flags) as daemon:
            with psycopg.connect(daemon.dsn(user="app", password=server.passwords["app"])) as client:
                assert client.execute("SELECT current_user").fetchone() == ("app",)
            for user, password in (("app", "wrong"), ("nobody", "x")):
                with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                    psycopg.connect(daemon.dsn(user=user, password=password))
        if asks:
            with psycopg.connect(server.dsn(user="forebay", password="secret")) as role:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    role.execute("SELECT rolpassword FROM pg_authid")
