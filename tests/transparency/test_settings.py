"""Settings follow the transaction that made them, and the client to whatever backend (pitfalls: pooling 5, 7)."""

import concurrent.futures
import random

import psycopg
import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.fixtures import POOL_SIZE


def show(client, name="work_mem"):
    return client.execute(f"SHOW {name}").fetchone()[0]


def test_set_and_reset(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("SET work_mem = '7MB'")
        with moved(client):
            assert show(client) == "7MB"
            client.execute("RESET work_mem")
            assert show(client) == "4MB"
        assert show(client) == "4MB"


@pytest.mark.parametrize("undo", ["RESET work_mem", "RESET ALL", "SET work_mem TO DEFAULT", "DISCARD ALL"])
def test_reset_goes_back_to_what_the_client_connected_with(endpoint, moved, undo):
    with endpoint.connect(options="-c work_mem=6MB") as client:
        assert show(client) == "6MB"
        client.execute("SET work_mem = '7MB'")
        assert show(client) == "7MB"
        client.execute(undo)
        assert show(client) == "6MB"
        with moved(client):
            assert show(client) == "6MB"


def test_parameters_of_the_extended_protocol(endpoint, moved):
    with endpoint.connect(prepare_threshold=0) as client:
        for value in ("7MB", "8MB"):
            done = client.execute("SELECT set_config(%s, %s, %s)", ("work_mem", value, False)).fetchone()
            assert done == (value,)
            with moved(client):
                assert show(client) == value


def current_of_a_stranger(endpoint, name: str) -> str | None:
    with endpoint.connect() as stranger:
        return stranger.execute("SELECT current_setting(%s, true)", (name,)).fetchone()[0]


#: Ways to set a setting of which the text does not say the name as a constant: its name, text, what is bound.
NAMED_AT_RUN_TIME = {
    "bound": ("named.bound", "SELECT set_config(%s, %s, false)", ("named.bound", "42")),
    "cast": ("named.typed", "SELECT set_config(%s::text, %s, %s)", ("named.typed", "42", False)),
    "from rows": ("named.row", "SELECT set_config(k, v, false) FROM (VALUES (%s, %s)) t (k, v)", ("named.row", "42")),
    "put together": ("named.whole", "SELECT set_config('named.' || %s, %s, false)", ("whole", "42")),
    "by EXECUTE": ("named.executed", "EXECUTE setter('named.executed', '42')", ()),
}


@pytest.mark.pool(1)
@pytest.mark.parametrize("way", NAMED_AT_RUN_TIME)
def test_a_setting_that_was_named_by_a_parameter_showed_to_the_next_client(endpoint, way):
    """Row-level security goes by such: the next client would have been taken for the one before."""
    if endpoint.mode == "session":
        pytest.skip("the one backend is its client's")
    name, text, values = NAMED_AT_RUN_TIME[way]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with endpoint.connect(prepare_threshold=0) as client:
            if way == "by EXECUTE":
                client.execute("PREPARE setter AS SELECT set_config($1, $2, false)", prepare=False)
            client.execute(text, values, prepare=way != "by EXECUTE")
            seen = pool.submit(current_of_a_stranger, endpoint, name)
            concurrent.futures.wait([seen], timeout=2)  # it waits for as long as the client's backend is kept
            assert show(client, name) == "42"
        assert seen.result() in (None, "")


@pytest.mark.pool(1)
def test_a_setting_that_execute_named_for_a_statement_of_the_protocol_showed_to_the_next_client(endpoint):
    if endpoint.mode == "session":
        pytest.skip("the one backend is its client's")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with endpoint.raw() as raw:
            raw.send(fe.parse("SELECT set_config($1, $2, false)", "setter"), fe.sync())
            raw.until_ready()
            assert raw.rows("EXECUTE setter('named.native', '42')") == [["42"]]
            raw.query("DEALLOCATE setter")
            seen = pool.submit(current_of_a_stranger, endpoint, "named.native")
            concurrent.futures.wait([seen], timeout=2)
            assert raw.rows("SELECT current_setting('named.native', true)") == [["42"]]
        assert seen.result() in (None, "")


@pytest.mark.pool(1)
def test_a_statement_that_set_something_held_the_backend_when_it_was_deallocated(endpoint):
    if endpoint.mode == "session":
        pytest.skip("the one backend is its client's")
    with endpoint.raw() as raw:
        raw.send(fe.parse("SELECT set_config('work_mem', $1, false)", "setter"))
        raw.send(fe.bind(["7MB"], "setter"), fe.execute(), fe.sync())
        raw.until_ready()
        raw.query("DEALLOCATE setter")
        with endpoint.connect() as other:
            assert show(other) == "4MB"
        assert raw.rows("SHOW work_mem") == [["7MB"]]


def test_set_local_ends_with_its_transaction(endpoint):
    with endpoint.connect() as client:
        client.execute("SET work_mem = '7MB'")
        with client.transaction():
            client.execute("SET LOCAL work_mem = '8MB'")
            client.execute("SELECT set_config('app.tenant', 'a', true)")
            assert (show(client), show(client, "app.tenant")) == ("8MB", "a")
        assert (show(client), show(client, "app.tenant")) == ("7MB", "")


def test_set_local_outside_a_transaction_warns_and_does_nothing(endpoint):
    notices = []
    with endpoint.connect() as client:
        client.add_notice_handler(lambda notice: notices.append(notice.sqlstate))
        client.execute("SET LOCAL work_mem = '8MB'")
        assert (show(client), notices) == ("4MB", ["25P01"])


def test_set_after_set_local_in_one_transaction(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("BEGIN; SET LOCAL work_mem = '8MB'; SET work_mem = '9MB'; SET LOCAL work_mem = '10MB'; COMMIT")
        assert show(client) == "9MB"
        with moved(client):
            assert show(client) == "9MB"


@pytest.mark.parametrize("end", ["ROLLBACK", "ABORT", "ROLLBACK AND CHAIN; COMMIT", "SELECT 1/0; COMMIT"])
def test_rollback_brings_the_setting_back(endpoint, moved, end):
    """Pitfalls: multigres 1134."""
    with endpoint.connect() as client:
        client.execute("SET work_mem = '6MB'")
        client.execute("BEGIN")
        client.execute("SET work_mem = '7MB'")
        assert show(client) == "7MB"
        for statement in end.split("; "):
            try:
                client.execute(statement)
            except psycopg.errors.DivisionByZero:
                pass
        assert show(client) == "6MB"
        with moved(client):
            assert show(client) == "6MB"


def test_savepoints_bring_the_setting_back_step_by_step(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("BEGIN")
        client.execute("SET work_mem = '5MB'")
        client.execute("SAVEPOINT a")
        client.execute("SET work_mem = '6MB'")
        client.execute("SAVEPOINT b")
        client.execute("SET work_mem = '7MB'")
        client.execute("RELEASE SAVEPOINT b")
        client.execute("SAVEPOINT a")  # hides the first of this name
        client.execute("SET work_mem = '8MB'")
        client.execute("ROLLBACK TO SAVEPOINT a")
        assert show(client) == "7MB"
        client.execute("RELEASE SAVEPOINT a")
        client.execute("ROLLBACK TO a")
        assert show(client) == "5MB"
        client.execute("COMMIT")
        assert show(client) == "5MB"
        with moved(client):
            assert show(client) == "5MB"


def test_error_then_rollback_to_savepoint(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("BEGIN; SET work_mem = '5MB'; SAVEPOINT a; SET work_mem = '6MB'")
        with pytest.raises(psycopg.errors.DivisionByZero):
            client.execute("SELECT 1/0")
        client.execute("ROLLBACK TO a")
        client.execute("COMMIT")
        with moved(client):
            assert show(client) == "5MB"


def test_chained_transactions(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("BEGIN; SET work_mem = '5MB'")
        client.execute("COMMIT AND CHAIN")
        client.execute("SET work_mem = '6MB'")
        client.execute("ROLLBACK AND CHAIN")
        assert show(client) == "5MB"
        client.execute("COMMIT")
        with moved(client):
            assert show(client) == "5MB"


def test_error_in_one_message_undoes_what_stood_before_it(endpoint, moved):
    """Statements of one simple query are one implicit transaction."""
    with endpoint.connect() as client:
        with pytest.raises(psycopg.errors.DivisionByZero):
            client.execute("SET work_mem = '7MB'; SELECT 1/0; SET work_mem = '8MB'")
        assert show(client) == "4MB"
        with moved(client):
            assert show(client) == "4MB"


def test_error_in_a_pipeline_undoes_what_stood_before_it(endpoint, moved):
    with endpoint.connect() as client:
        with pytest.raises(psycopg.errors.DivisionByZero), client.pipeline():
            client.execute("SET work_mem = '7MB'")
            client.execute("SELECT 1/0")
        with moved(client):
            assert show(client) == "4MB"
        with client.pipeline() as pipeline:
            client.execute("SET work_mem = '8MB'")
            pipeline.sync()
            assert show(client) == "8MB"
        with moved(client):
            assert show(client) == "8MB"


def test_setting_that_is_refused_changes_nothing(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("SET work_mem = '7MB'")
        for wrong in ("SET work_mem = 'much'", "SET nothing = 1", "SET shared_buffers = '1GB'",
                      "SET session_replication_role = replica"):
            with pytest.raises(psycopg.Error):
                client.execute(wrong)
        with moved(client):
            assert show(client) == "7MB"


@pytest.mark.pool(1)
def test_setting_is_carried_under_one_spelling(endpoint):
    """DateStyle as the server spells it and datestyle as clients do are one: a client lost its own to another's."""
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("SET datestyle = 'SQL, MDY'")
        other.execute("SET datestyle = 'SQL, DMY'; DO $$ BEGIN END $$")  # the whole session is looked at
        assert show(client, "datestyle") == "SQL, MDY"
        other.execute("SET datestyle = 'SQL, MDY'")
        assert show(client, "datestyle") == "SQL, MDY"
        assert show(other, "datestyle") == "SQL, MDY"


def test_prepare_transaction_keeps_settings(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("BEGIN; SET work_mem = '7MB'")
        client.execute(f"PREPARE TRANSACTION 'settings-{endpoint.mode}'")
        assert show(client) == "7MB"
        with moved(client):
            assert show(client) == "7MB"
            client.execute(f"ROLLBACK PREPARED 'settings-{endpoint.mode}'")
            assert show(client) == "7MB"


def test_function_that_sets(endpoint, reference, moved):
    """A function can set what its text does not show to anybody outside."""
    with reference.connect() as owner:
        owner.execute("CREATE OR REPLACE FUNCTION enter(tenant text) RETURNS void LANGUAGE sql AS"
                      " $$ SELECT set_config('app.tenant', tenant, false) $$")
    with endpoint.connect() as client, endpoint.connect() as other:
        client.execute("SELECT enter('first')")
        other.execute("SELECT enter('second')")
        for _ in range(3):
            assert (show(client, "app.tenant"), show(other, "app.tenant")) == ("first", "second")
        with moved(client):
            assert show(client, "app.tenant") == "first"


def test_function_with_settings_of_its_own(endpoint, reference):
    with reference.connect() as owner:
        owner.execute("CREATE OR REPLACE FUNCTION inside() RETURNS text LANGUAGE sql SET work_mem = '11MB'"
                      " AS $$ SELECT current_setting('work_mem') $$")
    with endpoint.connect() as client:
        client.execute("SET work_mem = '7MB'")
        assert client.execute("SELECT inside(), current_setting('work_mem')").fetchone() == ("11MB", "7MB")


def test_search_path_decides_what_a_statement_means(endpoint, reference):
    """Two clients, one text, prepared: each must read its own schema's table."""
    with reference.connect() as owner:
        owner.execute("CREATE SCHEMA IF NOT EXISTS one; CREATE SCHEMA IF NOT EXISTS two;"
                      "CREATE TABLE IF NOT EXISTS one.place AS SELECT 'one' AS name;"
                      "CREATE TABLE IF NOT EXISTS two.place AS SELECT 'two' AS name")
    with endpoint.connect(prepare_threshold=0) as first, endpoint.connect(prepare_threshold=0) as second:
        first.execute("SET search_path = one")
        second.execute("SET search_path = two")
        for _ in range(5):
            assert first.execute("SELECT name FROM place WHERE %s", (True,)).fetchall() == [("one",)]
            assert second.execute("SELECT name FROM place WHERE %s", (True,)).fetchall() == [("two",)]
        first.execute("SET search_path = two")
        assert first.execute("SELECT name FROM place WHERE %s", (True,)).fetchall() == [("two",)]


def test_time_zone_and_formats_decide_what_a_result_looks_like(endpoint):
    with endpoint.connect() as rome, endpoint.connect() as kolkata:
        rome.execute("SET TIME ZONE 'Europe/Rome'; SET DateStyle = 'SQL, DMY'; SET bytea_output = 'escape'")
        kolkata.execute("SET TIME ZONE 'Asia/Kolkata'; SET extra_float_digits = -10; SET IntervalStyle = 'iso_8601'")
        text = ("SELECT timestamptz '2024-02-29 12:00Z'::text, bytea '\\x01'::text, (1/3::float8)::text,"
                " interval '1 day'::text")
        for _ in range(4):
            assert rome.execute(text).fetchone() == ("29/02/2024 13:00:00 CET", "\\001", "0.3333333333333333", "1 day")
            assert kolkata.execute(text).fetchone() == ("2024-02-29 17:30:00+05:30", "\\x01", "0.33333", "P1D")


def test_role_is_kept_and_obeyed(endpoint, reference, moved):
    with reference.connect() as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS private (id int); REVOKE ALL ON private FROM public, alice")
    with endpoint.connect() as client:
        client.execute("SET ROLE alice")
        with moved(client):
            assert client.execute("SELECT session_user, current_user").fetchone() == ("app", "alice")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                client.execute("SELECT * FROM private")
            client.execute("RESET ROLE")
            assert client.execute("SELECT count(*) FROM private").fetchone() == (0,)
        client.execute("SET ROLE bob")
        client.execute("SET ROLE NONE")
        with moved(client):
            assert client.execute("SELECT current_user").fetchone() == ("app",)


def test_role_of_a_rolled_back_transaction(endpoint, moved):
    with endpoint.connect() as client:
        client.execute("SET ROLE alice")
        client.execute("BEGIN; SET ROLE bob; SAVEPOINT s; SET ROLE NONE; ROLLBACK TO s")
        assert client.execute("SELECT current_user").fetchone() == ("bob",)
        client.execute("ROLLBACK")
        with moved(client):
            assert client.execute("SELECT current_user").fetchone() == ("alice",)


def test_session_authorization_of_a_superuser(endpoint):
    with endpoint.connect("postgres") as client:
        client.execute("SET SESSION AUTHORIZATION alice")
        for _ in range(3):
            assert client.execute("SELECT session_user, current_user").fetchone() == ("alice", "alice")
            assert client.info.parameter_status("session_authorization") == "alice"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.execute("SET session_replication_role = replica")
        client.execute("RESET SESSION AUTHORIZATION")
        assert client.execute("SELECT session_user").fetchone() == ("postgres",)


def test_application_name_reaches_the_server(endpoint):
    """Who looks at pg_stat_activity sees the client's name while it runs, whatever backend serves it."""
    with endpoint.connect(application_name="first") as first, endpoint.connect() as second:
        second.execute("SET application_name = 'second'")
        mine = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        for _ in range(3):
            assert first.execute(mine).fetchone() == ("first",)
            assert second.execute(mine).fetchone() == ("second",)


def test_defaults_of_role_and_database(endpoint, server):
    """A client that comes after ALTER ROLE … SET gets the new default, as a new session does."""
    role = f"defaults_{endpoint.mode}"
    server.create_role(role)
    with endpoint.connect(role) as client:
        assert show(client) == "4MB"
    server.execute(f"ALTER ROLE {role} SET work_mem = '12MB'")
    with endpoint.connect(role) as client:
        assert show(client) == "12MB"
        client.execute("SET work_mem = '7MB'")
        client.execute("RESET work_mem")
        assert show(client) == "12MB"


@pytest.mark.pool(1)
def test_a_client_that_came_after_alter_role_had_the_defaults_of_one_who_is_still_there(endpoint, server):
    if endpoint.mode == "session":
        pytest.skip("the one backend is its client's")
    role = f"later_{endpoint.mode}"
    server.create_role(role)
    with endpoint.connect(role) as before:
        assert show(before) == "4MB"
        server.execute(f"ALTER ROLE {role} SET work_mem = '12MB'")
        with endpoint.connect(role) as after:
            for _ in range(3):
                assert show(after) == "12MB"
                before.execute("SELECT 1")


def test_options_of_each_client(endpoint, server):
    """Startup options are each client's own (pitfalls: pgbouncer 482, 525, 907), within one pool's size."""
    backends = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename = 'app'"
    others = server.query(backends, (endpoint.dbname,))
    clients = [endpoint.connect(options=f"-c work_mem={mb}MB -c app.tenant=t{mb} -c extra_float_digits=1")
               for mb in range(5, 15)]
    for _ in range(3):
        for mb, client in enumerate(clients, 5):
            assert (show(client), show(client, "app.tenant")) == (f"{mb}MB", f"t{mb}")
    if endpoint.mode == "transaction":
        opened = set(server.query(backends, (endpoint.dbname,))) - set(others)
        assert len(opened) <= POOL_SIZE["transaction"]
    for client in clients:
        client.close()


@pytest.mark.parametrize("options", ["-c work_mem=much", "-c nothing=1", "-c shared_buffers=1GB", "--nonsense", "-Z",
                                     "-c session_replication_role=replica", "-c search_path=a,,b", "stray"])
def test_option_that_is_wrong_is_refused_in_the_servers_words(endpoint, reference, options):
    def words(place):
        with pytest.raises(psycopg.OperationalError) as caught:
            place.connect(options=options)
        return str(caught.value).partition("FATAL")[2]

    assert words(endpoint) == words(reference) != ""


@pytest.mark.parametrize("value", ["x'; DROP TABLE private; --", "a\\b", 'quote"d', "$$", "ünï", " spaced "])
def test_odd_values_stay_as_they_are(endpoint, moved, value):
    """Values must never become SQL on the way to a backend (CVE-2025-12819)."""
    path = '"' + value.replace('"', '""') + '", public'
    with endpoint.connect() as client:
        client.execute("SELECT set_config('app.tenant', %s, false)", (value,))
        client.execute("SELECT set_config('search_path', %s, false)", (path,))
        with moved(client):
            assert (show(client, "app.tenant"), show(client, "search_path")) == (value, path)
    escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
    with endpoint.connect(options=f"-c app.tenant={escaped}") as client:
        with moved(client):
            assert show(client, "app.tenant") == value


@pytest.mark.pool(2)
def test_ten_clients_with_settings_of_their_own(endpoint):
    """Random settings, transactions, rollbacks, errors; each client is compared with its own book-keeping."""
    names = {"work_mem": lambda r: f"{r.randint(1, 40)}MB", "app.tenant": lambda r: f"t{r.randint(0, 99)}",
             "TimeZone": lambda r: r.choice(["UTC", "Asia/Kolkata", "Europe/Rome"]),
             "search_path": lambda r: r.choice(["public", "pg_catalog", "one, two"])}
    defaults = {"work_mem": "4MB", "app.tenant": "", "TimeZone": "UTC", "search_path": '"$user", public'}

    def client(seed):
        rand = random.Random(seed)
        state = dict(defaults)
        with endpoint.connect(options="-c app.tenant=") as connection:
            for step in range(40):
                before, name = dict(state), rand.choice(list(names))
                value = names[name](rand)
                in_transaction, commit = rand.random() < 0.5, rand.random() < 0.6
                if in_transaction:
                    connection.execute("BEGIN")
                connection.execute(f"SET {name} = {value}" if name == "search_path" else f"SET {name} = '{value}'")
                state[name] = value
                if in_transaction:
                    connection.execute("COMMIT" if commit else "ROLLBACK")
                    state = state if commit else before
                elif rand.random() < 0.2:
                    connection.execute(f"RESET {name}")
                    state[name] = defaults[name]
                found = {name: show(connection, name) for name in names}
                assert found == state, f"seed {seed}, step {step}"
        return seed

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert list(pool.map(client, range(10))) == list(range(10))


@pytest.mark.parametrize("last", ["SET work_mem = '7MB'", "DISCARD ALL", "DEALLOCATE ALL", "RESET ALL"])
@pytest.mark.parametrize("end", [[fe.terminate()], []], ids=["good-bye", "gone"])
def test_who_left_right_after_a_change_of_the_session_cost_a_backend(transaction_mode, last, end):
    """What was asked about the session was on its way when the client left."""
    with transaction_mode.connect() as other:
        assert show(other) == "4MB"
        before = transaction_mode.server.sessions(transaction_mode.dbname)
        for _ in range(30):
            client = transaction_mode.raw()
            client.query("SET enable_seqscan = off")
            client.query(last)
            client.send(*end)
            client.close()
            assert show(other) == "4MB" and show(other, "enable_seqscan") == "on"
        assert transaction_mode.server.sessions(transaction_mode.dbname) - before <= POOL_SIZE["transaction"]


@pytest.mark.pool(1)
def test_the_name_of_a_setting_of_who_did_not_wait_for_it_is_known_to_nobody(transaction_mode, reference):
    """Even reset it would be there, as '' instead of NULL. What was sent with it is done all the same."""
    with reference.connect() as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS not_waited_for (n int)")
        for number in range(10):
            with transaction_mode.raw() as client:
                client.query("SELECT")
                client.send(fe.query("SET named.passing = '42'; SELECT pg_sleep(0.05);"
                                     f" INSERT INTO not_waited_for VALUES ({number})"), fe.terminate())
                client.receive_all()
            assert current_of_a_stranger(transaction_mode, "named.passing") is None
            assert owner.execute("SELECT count(*) FROM not_waited_for").fetchone() == (number + 1,)
