"""What a client does to its session inside one burst stays its own, and what it reads there is its own.

Each test runs against PostgreSQL too; through Forebay in transaction pooling all clients share one backend.
"""

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until
from forebay_testing.fixtures import USER

pytestmark = pytest.mark.pool(1)


def run(sql: str) -> list[bytes]:
    return [fe.parse(sql), fe.bind(), fe.execute()]


def kinds(messages) -> str:
    """Types of the messages; notices and parameters left out."""
    return "".join(message.kind for message in messages if message.kind not in "NS")


def value(raw, sql: str):
    return raw.rows(sql)[0][0]


@pytest.fixture
def two(endpoint):
    with endpoint.raw() as first, endpoint.raw() as second:
        yield first, second


LEFT_BEHIND = {
    "role": ("SET ROLE alice", "SELECT current_user", USER),
    "setting": ("SET app.who = 'first'", "SELECT current_setting('app.who', true)", None),
    "lock": ("SELECT pg_advisory_lock(4711)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
             " AND pid = pg_backend_pid()", "0"),
    "temporary table": ("CREATE TEMP TABLE left_behind (i int)", "SELECT to_regclass('left_behind')", None),
    "channel": ("LISTEN left_behind", "SELECT count(*) FROM pg_listening_channels()", "0"),
}


@pytest.mark.parametrize("statement, question, clean", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_follows_discard_all_in_one_burst_stays_with_its_client(two, statement, question, clean):
    first, second = two
    before = value(first, question)
    first.send(*run("DISCARD ALL"), *run(statement), fe.sync())
    assert kinds(first.until_ready()).endswith("CZ")
    kept = value(first, question)
    assert kept != before
    if statement.startswith("SET"):
        assert (value(second, question) or None) == clean  # while the other one is there
    first.query("DISCARD ALL")
    assert (value(second, question) or None) == clean


def test_statements_prepared_after_deallocate_all_in_one_burst_are_there(two):
    first, _ = two
    first.send(*run("DEALLOCATE ALL"), fe.parse("SELECT 5", "s5"), fe.sync())
    first.until_ready()
    first.send(fe.bind(statement="s5"), fe.execute(), fe.sync())
    assert kinds(first.until_ready()) == "2DCZ"


def test_statements_prepared_before_discard_all_in_one_burst_are_gone(two):
    first, _ = two
    first.send(fe.parse("SELECT 5", "s5"), *run("DISCARD ALL"), fe.bind(statement="s5"), fe.sync())
    assert first.until_ready()[-2].value["C"] == "26000"


def test_a_failed_discard_all_in_a_burst_leaves_everything(two):
    first, _ = two
    first.query("SET app.who = 'first'")
    first.send(fe.parse("SELECT 5", "s5"), fe.sync())
    first.until_ready()
    first.send(*run("SELECT 1"), *run("DISCARD ALL"), *run("SET app.who = 'other'"), fe.sync())
    assert first.until_ready()[-2].value["C"] == "25001"
    first.send(fe.bind(statement="s5"), fe.execute(), fe.sync())
    assert kinds(first.until_ready()) == "2DCZ"
    assert value(first, "SELECT current_setting('app.who')") == "first"


BESIDE_AN_ERROR = {
    "burst": ["SELECT 1/0", "SET ROLE alice", "DEALLOCATE ALL"],
    "one text": ["SET ROLE alice; COMMIT; DEALLOCATE ALL; SELECT 1/0"],
}


@pytest.mark.parametrize("texts", BESIDE_AN_ERROR.values(), ids=BESIDE_AN_ERROR)
def test_a_role_set_beside_a_failed_statement_and_deallocate_all_stays_with_its_client(two, texts):
    first, second = two
    first.send(*map(fe.query, texts))
    for _ in texts:
        first.until_ready()
    assert value(second, "SELECT current_user") == USER
    assert value(first, "SELECT current_user") == "alice"


def test_a_text_behind_a_change_of_standard_conforming_strings_is_read_as_the_server_reads_it(transaction_mode):
    with transaction_mode.raw() as first, transaction_mode.raw() as second:
        first.send(fe.query("SET standard_conforming_strings = off"),
                   fe.query(r"SELECT '\'', pg_advisory_lock(4712) --'"))
        first.until_ready()
        first.until_ready()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert value(first, held) == "1"
        first.query("SELECT pg_advisory_unlock(4712)")
        assert value(second, held) == "0"


def test_a_text_behind_the_end_of_a_transaction_that_changed_how_texts_are_read(transaction_mode):
    with transaction_mode.raw() as first, transaction_mode.raw() as second:
        first.query("BEGIN")
        first.query("SET standard_conforming_strings = off")
        first.send(fe.query("ROLLBACK"), fe.query(r"SELECT '\', pg_advisory_lock(4713) --'"))
        first.until_ready()
        first.until_ready()
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert value(first, held) == "1"
        first.query("SELECT pg_advisory_unlock(4713)")
        assert value(second, held) == "0"


NEVER_OWN = {
    "simple": [fe.query("BEGIN"), fe.query("SELECT 1/0"), fe.query("SELECT lastval()"), fe.query("ROLLBACK")],
    "extended": [*run("SELECT 1/0"), *run("SELECT lastval()"), fe.sync()],
}


@pytest.mark.parametrize("burst", NEVER_OWN.values(), ids=NEVER_OWN)
def test_lastval_of_another_client_is_not_read_after_a_failed_burst(two, burst):
    first, second = two
    second.query("CREATE SEQUENCE IF NOT EXISTS numbers")
    second.query("SELECT nextval('numbers')")
    first.send(*burst)
    for _ in range(sum(message[:1] in b"QS" for message in burst)):
        first.until_ready()
    [*_, error, _] = first.query("SELECT lastval()")
    assert error.value["C"] == "55000"


def test_own_numbers_are_known_to_later_bursts_that_do_not_wait(two):
    first, second = two
    second.query("CREATE SEQUENCE IF NOT EXISTS numbers")
    second.query("SELECT nextval('numbers')")
    first.send(*run("SELECT nextval('numbers') > 0"), fe.sync(), *run("SELECT currval('numbers') > 0"), fe.sync())
    first.until_ready()
    assert kinds(first.until_ready()) == "12DCZ"


@pytest.fixture
def shapes(two):
    """A table whose key is a text, and in another schema a number."""
    for schema, kind in (("public", "text"), ("tenant", "int")):
        two[1].query(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        two[1].query(f"CREATE TABLE IF NOT EXISTS {schema}.shapes (k {kind}, v text)")


def let_backend_forget(client) -> None:
    """What is prepared for others is closed, so that whoever looks at the list does not see it."""
    client.query("SELECT count(*) FROM pg_prepared_statements")


def in_tenant(client, *messages: bytes) -> None:
    """In a transaction of its own, with another search_path."""
    client.query("BEGIN")
    client.query("SET LOCAL search_path = tenant")
    client.send(*messages, fe.sync())
    client.until_ready()
    client.query("ROLLBACK")


@pytest.mark.usefixtures("shapes")
def test_a_statement_prepared_under_a_local_search_path_is_not_shared(two):
    first, second = two
    text = "SELECT v FROM shapes WHERE k = $1"
    in_tenant(first, fe.parse(text, "s"))
    second.send(fe.parse(text, "s"), fe.bind(["letters"], "s"), fe.execute(), fe.sync())
    assert kinds(second.until_ready()) == "12CZ"


@pytest.mark.usefixtures("shapes")
def test_a_shared_statement_is_not_prepared_for_others_under_a_local_search_path(two):
    first, second = two
    text = "SELECT v FROM shapes WHERE k = $1 /* again */"
    first.send(fe.parse(text, "s"), fe.sync())
    first.until_ready()
    let_backend_forget(second)
    in_tenant(first, fe.bind(["1"], "s"), fe.execute())
    second.send(fe.parse(text, "s"), fe.bind(["letters"], "s"), fe.execute(), fe.sync())
    assert kinds(second.until_ready()) == "12CZ"


def test_a_statement_is_there_after_a_failed_burst_under_a_local_search_path(two):
    """Others got 42P05 for it, for as long as the backend lived."""
    first, second = two
    second.query("CREATE SCHEMA IF NOT EXISTS tenant")
    text = "SELECT 1 / $1::int /* divided */"
    first.send(fe.parse(text, "s"), fe.sync())
    first.until_ready()
    let_backend_forget(second)
    in_tenant(first, *[fe.bind(["0"], "s"), fe.execute()] * 3)
    for client in (first, second):
        client.send(fe.parse(text, "other"), fe.bind(["1"], "other"), fe.execute(), fe.sync())
        assert kinds(client.until_ready()) == "12DCZ"


def test_code_that_deallocates_everything_breaks_nobody_elses_statements(two):
    first, second = two
    first.query("CREATE OR REPLACE FUNCTION forget() RETURNS void LANGUAGE plpgsql AS"
                " $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$")
    second.send(fe.parse("SELECT 7", "seven"), fe.sync())
    second.until_ready()
    first.query("SELECT forget()")
    second.send(fe.bind(statement="seven"), fe.execute(), fe.sync())
    assert kinds(second.until_ready()) == "2DCZ"


def test_deallocate_of_a_statement_that_can_no_longer_be_prepared_is_answered(two):
    first, _ = two
    first.query("CREATE TABLE IF NOT EXISTS renamed (i int)")
    first.send(fe.parse("SELECT i FROM renamed", "s"), fe.sync())
    first.until_ready()
    first.query("ALTER TABLE renamed RENAME i TO k")
    assert kinds(first.query("DEALLOCATE s")) == "CZ"
    first.query("DROP TABLE renamed")
    assert value(first, "SELECT 1") == "1"


def test_execute_of_a_protocol_statement_in_a_failed_transaction_is_answered(two):
    first, _ = two
    first.send(fe.parse("SELECT 1", "s"), fe.sync())
    first.until_ready()
    first.query("BEGIN")
    first.query("SELECT 1/0")
    assert kinds(first.query("EXECUTE s")) == "EZ"
    assert kinds(first.query("ROLLBACK")) == "CZ"


def test_the_unnamed_statement_is_gone_after_a_query_whatever_became_of_its_close(two):
    first, _ = two
    first.send(fe.parse("SELECT 3"), fe.sync())
    first.until_ready()
    first.send(fe.parse("SELECT broken FROM nowhere", "x"), fe.close("S"), fe.sync(),
               fe.query("SELECT 2"))
    first.until_ready()
    first.until_ready()
    first.send(fe.bind(), fe.sync())
    assert first.until_ready()[0].value["C"] == "26000"


def test_a_long_parse_that_comes_in_pieces_is_taken(two):
    first, _ = two
    message = fe.parse("SELECT 1 /* " + "x" * 40_000 + " */", "long")
    first.send(message[:8])
    assert first.nothing_comes()
    first.send(message[8:], fe.sync())
    assert kinds(first.until_ready()) == "1Z"


@pytest.fixture
def late_failure(endpoint):
    """A table into which a COPY fails half a second after its first row."""
    with endpoint.raw() as raw:
        raw.query("CREATE TABLE IF NOT EXISTS late (i int)")
        raw.query("CREATE OR REPLACE FUNCTION fail_late() RETURNS trigger LANGUAGE plpgsql AS"
                  " $$BEGIN PERFORM pg_sleep(0.5); RAISE 'late'; END$$")
        raw.query("CREATE OR REPLACE TRIGGER late BEFORE INSERT ON late FOR EACH ROW EXECUTE FUNCTION fail_late()")
    return "COPY late FROM STDIN"


def test_a_sync_sent_into_a_copy_that_fails_answers_nobody_else(endpoint, late_failure):
    """The rows of one client went to another."""
    with endpoint.raw() as first, endpoint.raw() as second, endpoint.raw() as third:
        first.send(fe.query(late_failure))
        first.receive_until("G")
        # More than the server buffers, so that it has begun with the first row when the Sync comes.
        first.send(fe.copy_data(b"1\n" * 100_000), fe.sync())
        others = [(second, "second"), (third, "third")]
        for raw, mark in others:
            raw.send(fe.query(f"SELECT '{mark}'"))
        assert kinds(first.until_ready())[-2:] == "EZ"
        assert kinds(first.until_ready()) == "Z"
        for raw, mark in others:
            answer = raw.until_ready()
            assert kinds(answer) == "TDCZ" and answer[1].value == [mark.encode()]


def test_a_sync_that_a_copy_has_read_is_answered_by_nothing(endpoint):
    with endpoint.raw() as first, endpoint.raw() as second:
        first.query("CREATE TABLE IF NOT EXISTS rows (i int)")
        first.send(fe.query("COPY rows FROM STDIN"))
        first.receive_until("G")
        first.send(fe.copy_data(b"1\n"), fe.sync(), fe.copy_data(b"wrong\n"), fe.copy_done())
        assert kinds(first.until_ready())[-2:] == "EZ"
        assert value(second, "SELECT 2") == "2"
        assert value(first, "SELECT 1") == "1"


def test_syncs_between_two_copies_of_one_query_are_counted_right(two):
    first, second = two
    first.query("CREATE TABLE IF NOT EXISTS rows (i int)")
    first.send(fe.query("COPY rows FROM STDIN; COPY rows FROM STDIN; SELECT 5"))
    first.receive_until("G")
    first.send(fe.copy_data(b"1\n"), fe.copy_done(), fe.sync(), fe.copy_data(b"2\n"), fe.copy_done())
    assert kinds(first.until_ready()) == "CGCTDCZ"
    assert value(second, "SELECT 2") == "2"


def test_a_copy_that_failed_while_its_data_was_half_sent_keeps_no_backend(two):
    first, second = two
    first.query("CREATE TABLE IF NOT EXISTS rows (i int)")
    first.send(fe.query("COPY rows FROM STDIN"))
    first.receive_until("G")
    data = fe.copy_data(b"1\n" * 20_000)
    first.send(fe.copy_data(b"wrong\n"), data[:1000])
    assert kinds(first.until_ready())[-2:] == "EZ"
    first.send(data[1000:], fe.copy_done())
    assert value(second, "SELECT 2") == "2"


def test_a_good_bye_after_a_copy_that_failed_and_had_read_the_sync_costs_no_backend(two):
    first, second = two
    first.query("CREATE TABLE IF NOT EXISTS rows (i int)")
    first.send(*run("COPY rows FROM STDIN"), fe.sync())
    first.receive_until("G")
    first.send(fe.copy_data(b"wrong\n"))
    first.receive_until("E")
    first.send(fe.terminate())
    first.close()
    assert value(second, "SELECT 2") == "2"


@pytest.mark.parametrize("rest", [[], [fe.copy_data(b"1\n")]], ids=["nothing", "some data"])
def test_a_good_bye_in_a_copy_that_is_not_answered_yet_costs_no_backend(two, rest):
    first, second = two
    first.query("CREATE TABLE IF NOT EXISTS rows (i int)")
    first.send(fe.query("COPY rows FROM STDIN"), *rest, fe.terminate())
    first.close()
    assert value(second, "SELECT 2") == "2"


def test_many_prepared_statements_in_one_burst_are_all_answered(two):
    """More than may be open at a time, and half of them answered without the server."""
    first, _ = two
    count = 10_000
    burst = b"".join(fe.parse("SELECT 1", f"s{n % 50}") + fe.close("S", f"s{n % 50}") for n in range(count))
    first.send(fe.query("SELECT pg_sleep(0.2)"))
    first.send(burst, fe.sync())
    first.until_ready()
    assert kinds(first.until_ready()) == "13" * count + "Z"


def test_a_temporary_slot_is_its_clients_and_goes_with_it(transaction_mode):
    slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'passing'"
    with transaction_mode.raw(transaction_mode.server.superuser) as first:
        with transaction_mode.raw(transaction_mode.server.superuser) as second:
            first.query("SELECT pg_create_physical_replication_slot('passing', true, true)")
            first.send(fe.terminate())
            assert value(second, "SELECT 1") == "1"
    wait_until(lambda: transaction_mode.server.query(slots) == [(0,)], 10, "the slot is gone")
