"""Code in the database that changes the session of whoever reaches it: by a trigger, a default, a view, an operator.

No statement of a client's text says so; the catalog does. What such code leaves must stay with the client and reach
nobody else, and ordinary triggers must not make a client keep its backend.
"""

import itertools
import time

import psycopg
import pytest
from fingerprint import differences, fingerprint
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.fixtures import USER, Endpoint, drop_database

#: What the hidden code does, as the body of a function that returns an integer.
DEEDS = {
    "setting": "PERFORM set_config('work_mem', '7MB', false);",
    "custom setting": "PERFORM set_config('app.tenant', 'hidden', false);",
    "dynamic setting": "EXECUTE format('SET app.%I = %L', 'tenant', 'hidden');",
    "custom setting, in long code": f"/* {40_000 * 'x'} */ PERFORM set_config('app.tenant', 'hidden', false);",
    "advisory lock": "PERFORM pg_advisory_lock(77);",
    "temporary table": "CREATE TEMP TABLE IF NOT EXISTS left_behind (id int);",
    "listen": "LISTEN left_behind;",
    "prepare": "BEGIN EXECUTE 'PREPARE left_behind AS SELECT 1'; EXCEPTION WHEN duplicate_prepared_statement THEN END;",
}

#: How a client reaches it: what its owner makes ({f} is the function, {t} a name), and the client's statement.
WAYS = {
    "trigger": ("CREATE TABLE {t} (id int); CREATE FUNCTION {t}_run() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM {f}(); RETURN NEW; END $$;"
                "CREATE TRIGGER run BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {t}_run()",
                "INSERT INTO {t} VALUES (1)"),
    "statement trigger of a view": (
        "CREATE TABLE {t}_base (id int); CREATE VIEW {t} AS SELECT id FROM {t}_base;"
        "CREATE FUNCTION {t}_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {f}(); RETURN NULL; END $$;"
        "CREATE TRIGGER run AFTER DELETE ON {t}_base EXECUTE FUNCTION {t}_run()",
        "DELETE FROM {t}"),
    "truncate trigger": (
        "CREATE TABLE {t} (id int);"
        "CREATE FUNCTION {t}_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {f}(); RETURN NULL; END $$;"
        "CREATE TRIGGER run AFTER TRUNCATE ON {t} EXECUTE FUNCTION {t}_run()",
        "TRUNCATE {t}"),
    "cascade": (
        "CREATE TABLE {t} (id int PRIMARY KEY); INSERT INTO {t} VALUES (1), (2), (3), (4), (5);"
        "CREATE TABLE {t}_child (id int REFERENCES {t} ON DELETE CASCADE);"
        "INSERT INTO {t}_child SELECT id FROM {t};"
        "CREATE FUNCTION {t}_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {f}(); RETURN OLD; END $$;"
        "CREATE TRIGGER run BEFORE DELETE ON {t}_child FOR EACH ROW EXECUTE FUNCTION {t}_run()",
        "DELETE FROM {t} WHERE id = (SELECT min(id) FROM {t})"),
    "partition": (
        "CREATE TABLE {t} (id int) PARTITION BY LIST (id); CREATE TABLE {t}_one PARTITION OF {t} FOR VALUES IN (1);"
        "CREATE FUNCTION {t}_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {f}(); RETURN NEW; END $$;"
        "CREATE TRIGGER run BEFORE INSERT ON {t}_one FOR EACH ROW EXECUTE FUNCTION {t}_run()",
        "INSERT INTO {t} VALUES (1)"),
    "default": ("CREATE TABLE {t} (id int, n int DEFAULT {f}())", "INSERT INTO {t} VALUES (1)"),
    "generated column": ("CREATE TABLE {t} (id int, n int GENERATED ALWAYS AS (id + {f}()) STORED)",
                         "INSERT INTO {t} VALUES (1)"),
    "check": ("CREATE TABLE {t} (id int CHECK (id + {f}() > 0))", "INSERT INTO {t} VALUES (1)"),
    "index": ("CREATE TABLE {t} (id int); CREATE INDEX ON {t} ((id + {f}()))", "INSERT INTO {t} VALUES (1)"),
    "rule": ("CREATE TABLE {t} (id int); CREATE RULE r AS ON INSERT TO {t} DO ALSO SELECT {f}()",
             "INSERT INTO {t} VALUES (1)"),
    "view": ("CREATE VIEW {t} AS SELECT {f}() AS id", "SELECT * FROM {t}"),
    "view over a view": ("CREATE VIEW {t}_inner AS SELECT {f}() AS id; CREATE VIEW {t} AS SELECT * FROM {t}_inner",
                         "SELECT * FROM {t}"),
    "function of a function": ("CREATE FUNCTION {t}() RETURNS int LANGUAGE sql AS $$ SELECT {f}() $$",
                               "SELECT {t}()"),
    "name of PostgreSQL's own": (
        "CREATE TABLE {t} (id int); INSERT INTO {t} VALUES (1);"
        "CREATE FUNCTION lower({t}) RETURNS int LANGUAGE sql AS $$ SELECT {f}() $$",
        "SELECT lower({t}) FROM {t}"),
    "column that is a function": (
        "CREATE TABLE {t} (id int); INSERT INTO {t} VALUES (1);"
        "CREATE FUNCTION {t}_name({t}) RETURNS int LANGUAGE sql AS $$ SELECT {f}() $$",
        "SELECT {t}.{t}_name FROM {t}"),
    "policy": ("CREATE TABLE {t} (id int); INSERT INTO {t} VALUES (1); GRANT SELECT ON {t} TO alice;"
               "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
               "CREATE POLICY p ON {t} USING (id + {f}() > 0)",
               "SELECT * FROM {t}"),
    "domain": ("CREATE DOMAIN {t} AS int CHECK (VALUE + {f}() > 0)", "SELECT 5::{t}"),
    "operator": ("CREATE FUNCTION {t}(int, int) RETURNS int LANGUAGE sql AS 'SELECT {f}() + $1 + $2';"
                 "CREATE OPERATOR {o} (FUNCTION = {t}, LEFTARG = int, RIGHTARG = int)",
                 "SELECT 1 {o} 2"),
    "cast": ("CREATE TYPE {t}_type AS (n int); CREATE FUNCTION {t}(int) RETURNS {t}_type LANGUAGE sql AS"
             " 'SELECT ROW({f}())::{t}_type'; CREATE CAST (int AS {t}_type) WITH FUNCTION {t}(int)",
             "SELECT 5::{t}_type"),
    "extended protocol": ("CREATE VIEW {t} AS SELECT {f}() AS id", ("SELECT * FROM {t} WHERE id > %s", (0,))),
    "DO": ("SELECT 1", "DO $$ BEGIN PERFORM {f}(); END $$"),
    "call": ("CREATE PROCEDURE {t}() LANGUAGE plpgsql AS $$ BEGIN PERFORM {f}(); END $$", "CALL {t}()"),
}

#: Where PostgreSQL takes immutable functions only.
IMMUTABLE = ("generated column", "index")

_numbers = itertools.count(1)


@pytest.fixture
def database(server):
    """One for each test: code behind operators, casts and types concerns every statement in its database."""
    name = f"hidden_{next(_numbers)}"
    server.create_database(name, f"OWNER {USER}")
    yield name
    drop_database(server, name)


@pytest.fixture(autouse=True)
def nothing_left():
    """Dropping the database sees to that."""


def prepare(place, way, deed) -> tuple:
    """Makes the code; returns the statement that reaches it, and its parameters."""
    names = {"f": "deed", "t": "way", "o": "@#@"}
    make, reach = WAYS[way]
    kind = "IMMUTABLE" if way in IMMUTABLE else "VOLATILE"
    with place.connect() as owner:
        owner.execute(f"CREATE FUNCTION deed() RETURNS int LANGUAGE plpgsql {kind} AS"
                      f" $code$ BEGIN {DEEDS[deed]} RETURN 1; END $code$")
        owner.execute(make.format(**names))
    return (reach.format(**names), None) if isinstance(reach, str) else (reach[0].format(**names), reach[1])


@pytest.fixture
def fresh(reference):
    with reference.connect() as client:
        return fingerprint(client)


@pytest.mark.pool(1)
@pytest.mark.parametrize(("way", "deed"), [(way, "setting") for way in WAYS]
                         + [("trigger", deed) for deed in list(DEEDS)[1:]])
def test_hidden_code_changes_its_own_clients_session_only(endpoint, reference, fresh, way, deed):
    statement = prepare(reference, way, deed)
    with reference.connect() as direct:
        direct.execute(*statement)
        as_direct = fingerprint(direct)
    assert differences(as_direct, fresh) != {}, "the deed is done"
    with endpoint.connect() as client:
        client.execute(*statement)
        for _ in range(2):
            assert differences(fingerprint(client), as_direct) == {}
    with endpoint.connect() as other:
        assert differences(fingerprint(other), fresh) == {}


@pytest.mark.pool(2)
@pytest.mark.parametrize(("way", "deed"), [(way, "setting") for way in ("view", "operator")]
                         + [("trigger", deed) for deed in DEEDS])
def test_others_see_nothing_of_hidden_code(endpoint, reference, fresh, way, deed):
    statement = prepare(reference, way, deed)
    with endpoint.connect() as client, endpoint.connect() as other, endpoint.connect() as third:
        client.execute(*statement)
        for _ in range(3):
            assert differences(fingerprint(other), fresh) == {}
            assert differences(fingerprint(third), fresh) == {}
            assert differences(fingerprint(client), fresh) != {}


@pytest.mark.pool(1)
def test_trigger_that_draws_from_a_sequence_leaks_no_lastval(endpoint, reference):
    """An UPDATE says nothing of sequences; its audit trigger inserts a row with a number."""
    with reference.connect() as owner:
        owner.execute("CREATE TABLE audited (id int); CREATE TABLE audit"
                      " (id serial); INSERT INTO audited VALUES (1); CREATE FUNCTION write_audit() RETURNS"
                      " trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit DEFAULT VALUES; RETURN NEW; END $$;"
                      "CREATE TRIGGER audit BEFORE UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION write_audit()")
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("UPDATE audited SET id = 2")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            other.execute("SELECT lastval()")


def test_trigger_made_through_us_counts_at_once(endpoint, reference, fresh):
    with endpoint.connect() as owner, endpoint.connect() as client:
        table = f"made_{endpoint.mode}"
        owner.execute(f"CREATE TABLE {table} (id int)")
        client.execute(f"INSERT INTO {table} VALUES (1)")
        owner.execute(f"CREATE FUNCTION {table}_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      f" PERFORM set_config('work_mem', '7MB', false); RETURN NEW; END $$;"
                      f"CREATE TRIGGER run BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_run()")
        client.execute(f"INSERT INTO {table} VALUES (2)")
        for _ in range(3):
            assert client.execute("SHOW work_mem").fetchone() == ("7MB",)
            assert owner.execute("SHOW work_mem").fetchone() == ("4MB",)


def test_looking_at_the_catalog_waits_for_no_lock(endpoint, reference):
    """Somebody has a table locked that a view, a default and a policy name: other statements go on."""
    table = f"locked_{endpoint.mode}"
    with reference.connect(autocommit=False) as owner:
        owner.execute(f"CREATE TABLE {table} (id int DEFAULT 1 + 1 CHECK (id > 0)); CREATE INDEX ON {table} ((id + 1));"
                      f"CREATE VIEW {table}_view AS SELECT id FROM {table};"
                      f"CREATE POLICY p ON {table} USING (id > 0)")
        owner.commit()
        owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        with endpoint.connect(options="-c statement_timeout=10s") as client:
            assert client.execute("SELECT 1").fetchone() == (1,)


def test_trigger_made_and_fired_in_one_transaction(endpoint):
    with endpoint.connect() as client, endpoint.connect() as other:
        table = f"at_once_{endpoint.mode}"
        client.execute("BEGIN")
        client.execute(f"CREATE TABLE {table} (id int)")
        client.execute(f"CREATE FUNCTION {table}_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       f" PERFORM set_config('work_mem', '7MB', false); RETURN NEW; END $$")
        client.execute(f"CREATE TRIGGER run BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_run()")
        client.execute(f"INSERT INTO {table} VALUES (2)")
        client.execute("COMMIT")
        for _ in range(3):
            assert client.execute("SHOW work_mem").fetchone() == ("7MB",)
            assert other.execute("SHOW work_mem").fetchone() == ("4MB",)


@pytest.mark.pool(1)
def test_ordinary_triggers_hold_no_backend(transaction_mode, reference):
    """updated_at, audit, checks, foreign keys, serial, row security: the one backend goes from client to client."""
    with reference.connect() as owner:
        owner.execute(
            "CREATE TABLE parent (id serial PRIMARY KEY); CREATE TABLE log (id bigserial, what text);"
            "CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, parent int REFERENCES parent ON DELETE CASCADE,"
            " n int CHECK (n > 0), m int GENERATED ALWAYS AS (n + 1) STORED, tenant text DEFAULT"
            " current_setting('app.tenant', true), updated_at timestamptz DEFAULT now());"
            "CREATE INDEX ON plain (lower(tenant));"
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;"
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO log (what) VALUES (TG_OP || NEW.n); PERFORM pg_notify('log', TG_OP); RETURN NULL;"
            " END $$;"
            "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION touch();"
            "CREATE TRIGGER note AFTER INSERT OR UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION note();"
            "INSERT INTO parent DEFAULT VALUES")
    with transaction_mode.connect() as client:
        for statement in ("INSERT INTO plain (parent, n) VALUES (1, 1)", "UPDATE plain SET n = n + 1",
                          "SELECT count(*) FROM plain", "DELETE FROM parent"):
            client.execute(statement)
            assert _held(transaction_mode) == 0, statement


def test_a_look_at_the_catalog_that_lasts_longer_than_it_may_ends_no_client(server, database):
    with (
        ForebayDaemon(server, ["--pool-mode", "transaction"], config="timeouts: {connect: 60s}\n") as daemon,
        Endpoint("transaction", daemon, server, database).connect() as client,
        psycopg.connect(server.socket_dsn(dbname=database)) as locker,
    ):
        client.execute("SELECT 'has a backend'")
        # Only now, for connecting to the server may take no longer either.
        daemon.config_path.write_text("timeouts: {connect: 1s}\n")
        daemon.reload()
        wait_until(lambda: [row for row in daemon.show("config")
                            if (row["key"], row["value"]) == ("timeouts.connect", "1s")], 20, "the reload")
        client.execute("CREATE TABLE makes_a_look_due ()")
        locker.execute("LOCK TABLE pg_catalog.pg_policy IN ACCESS EXCLUSIVE MODE")

        def waited_for_the_look() -> bool:
            asked = time.monotonic()
            assert client.execute("SELECT 'answered'").fetchone() == ("answered",)
            return time.monotonic() - asked > 0.9

        wait_until(waited_for_the_look, 20, "a look at the catalog")
        locker.rollback()


def _held(endpoint) -> int:
    """How many backends are kept by clients that are in no transaction."""
    with psycopg.connect(endpoint.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
        servers = console.execute("SHOW SERVERS").fetchall()
    return sum(server["database"] == endpoint.dbname and server["state"] == "active" for server in servers)
