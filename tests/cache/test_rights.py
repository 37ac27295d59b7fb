"""Who may not read something gets nothing of it from memory; and each gets what is meant for it."""

import time

import psycopg
import pytest

from conftest import BOUND, within_bound

pytestmark = pytest.mark.usefixtures("items")
TEXT = "SELECT id, name FROM items WHERE id = 1"
DENIED = "denied"


@pytest.fixture
def alice(cached, around):
    around("REVOKE ALL ON items FROM alice, bob; GRANT SELECT ON items TO alice")
    with cached.connect("alice") as connection:
        yield connection


@pytest.fixture
def bob(cached):
    with cached.connect("bob") as connection:
        yield connection


def read(client, text: str = TEXT):
    """The rows, or that they are denied."""
    try:
        return client.execute(text).fetchall()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):  # the latter without USAGE
        return DENIED


def test_a_role_without_the_right_never_gets_a_hit(cached, client, alice, bob):
    for reader in (client, alice):
        cached.warm(lambda: read(reader))
    assert cached.hits_during(lambda: [read(bob) for _ in range(10)]) == 0
    assert read(bob) == DENIED


def test_two_roles_never_share(cached, client, alice):
    cached.warm(lambda: read(client))
    assert cached.hits_during(lambda: read(alice)) == 0
    texts = "SELECT current_user::text, id FROM items WHERE id = 1"
    for _ in range(5):
        assert read(client, texts) == [("app", 1)]
        assert read(alice, texts) == [("alice", 1)]


@pytest.mark.parametrize("revoke", [
    "REVOKE SELECT ON items FROM alice",
    "REVOKE ALL ON items FROM alice; GRANT SELECT (name) ON items TO alice",
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
    "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
])
def test_taken_past_forebay_is_gone_within_the_bound(cached, alice, around, revoke):
    cached.warm(lambda: read(alice))
    done = around(revoke)
    try:
        within_bound(lambda: read(alice) in (DENIED, []), True, done)
    finally:
        around("GRANT USAGE ON SCHEMA public TO PUBLIC")


def test_taken_through_forebay_is_gone_at_once(cached, client, alice):
    for _ in range(3):
        cached.warm(lambda: read(alice))
        client.execute("REVOKE SELECT ON items FROM alice")
        assert read(alice) == DENIED
        client.execute("GRANT SELECT ON items TO alice")
        assert read(alice) == [(1, "item 1")]


def test_a_right_that_came_from_a_group(cached, alice, around):
    around("DROP ROLE IF EXISTS readers; CREATE ROLE readers ROLE alice; REVOKE SELECT ON items FROM alice;"
           " GRANT SELECT ON items TO readers")
    cached.warm(lambda: read(alice))
    done = around("REVOKE readers FROM alice")
    within_bound(lambda: read(alice), DENIED, done)
    around("DROP OWNED BY readers; DROP ROLE readers")


def test_a_role_that_is_dropped(cached, server, around):
    server.create_role("passing")
    around("GRANT SELECT ON items TO passing")
    with cached.connect("passing") as client:
        cached.warm(lambda: read(client))
        done = around("DROP OWNED BY passing; DROP ROLE passing")
        time.sleep(max(0, done + BOUND - time.monotonic()))
        with pytest.raises(psycopg.Error):
            client.execute(TEXT).fetchall()


def test_a_superuser_no_longer(cached, server, around):
    server.create_role("mighty", options="LOGIN SUPERUSER")
    try:
        with cached.connect("mighty") as client:
            assert read(client) == [(1, "item 1")]
            done = around("ALTER ROLE mighty NOSUPERUSER")
            within_bound(lambda: read(client), DENIED, done)
    finally:
        around("DROP ROLE mighty")


def test_set_role_has_entries_of_its_own(cached, client, alice, around):
    text = "SELECT id FROM items WHERE id = 2"
    cached.warm(lambda: read(client, text))
    client.execute("SET ROLE alice")
    assert cached.hits_during(lambda: read(client, text)) == 0
    around("REVOKE SELECT ON items FROM alice")
    time.sleep(BOUND)
    assert read(client, text) == DENIED
    client.execute("RESET ROLE")
    assert read(client, text) == [(2,)]
    client.execute("SET ROLE bob")
    assert read(client, text) == DENIED
    client.execute("BEGIN; SET LOCAL ROLE alice")
    assert read(client, text) == DENIED
    client.execute("ROLLBACK; RESET ROLE")
    assert read(client, text) == [(2,)]


def test_set_session_authorization(cached, server, around):
    with cached.connect("postgres") as client:
        assert read(client) == [(1, "item 1")]
        client.execute("SET SESSION AUTHORIZATION bob")
        around("REVOKE ALL ON items FROM bob")
        for _ in range(3):
            assert read(client) == DENIED
        client.execute("RESET SESSION AUTHORIZATION")
        assert read(client) == [(1, "item 1")]


def test_row_level_security(cached, client, alice, around):
    """A policy that reads a setting: each client sees its own rows, and a policy's change is seen in time."""
    around("GRANT SELECT ON items TO bob; ALTER TABLE items ENABLE ROW LEVEL SECURITY;"
           " CREATE POLICY by_tenant ON items USING (id = current_setting('app.tenant', true)::int)")
    text = "SELECT id FROM items WHERE id < 10"
    with cached.connect("alice") as second:
        for _ in range(5):
            for connection, tenant in ((alice, 1), (second, 2), (alice, 3)):
                connection.execute("SELECT set_config('app.tenant', %s, false)", (str(tenant),))
                assert read(connection, text) == [(tenant,)]
    done = around("ALTER POLICY by_tenant ON items USING (false)")
    within_bound(lambda: read(alice, text), [], done)


MOMENTS = r"""
DROP TABLE IF EXISTS moments;
CREATE TABLE moments AS SELECT 1 AS id, timestamptz '2026-01-02 03:04:05Z' AS at, interval '1 day 2 hours' AS span,
  '\x00ff41'::bytea AS bytes, 1/3.0::float8 AS number, 'zoë'::text AS word, 12.5::numeric::money AS money;
ALTER TABLE moments OWNER TO app;
CREATE SCHEMA IF NOT EXISTS other;
CREATE TABLE IF NOT EXISTS other.items AS SELECT 1 AS id, 'another' AS name;
GRANT USAGE ON SCHEMA other TO app; GRANT SELECT ON other.items TO app;
"""


@pytest.mark.parametrize("setting, values, text", [
    ("search_path", ["public", "other"], "SELECT name FROM items WHERE id = 1"),
    ("TimeZone", ["UTC", "Asia/Kolkata"], "SELECT at::text FROM moments"),
    ("DateStyle", ["ISO", "German"], "SELECT at FROM moments"),
    ("IntervalStyle", ["postgres", "iso_8601"], "SELECT span FROM moments"),
    ("bytea_output", ["hex", "escape"], "SELECT bytes FROM moments"),
    ("extra_float_digits", ["1", "-3"], "SELECT number FROM moments"),
    ("client_encoding", ["UTF8", "LATIN1"], "SELECT word FROM moments"),
    ("lc_monetary", ["C", "C.UTF-8"], "SELECT money FROM moments"),
    ("quote_all_identifiers", ["off", "on"], "SELECT id FROM moments"),
])
def test_settings_tell_entries_apart(cached, reference, around, setting, values, text):
    around(MOMENTS)
    with cached.raw() as through, reference.raw() as direct:
        for _ in range(4):
            for value in values:
                for raw in (through, direct):
                    raw.query(f"SET {setting} = '{value}'")
                assert through.query(text) == direct.query(text)
