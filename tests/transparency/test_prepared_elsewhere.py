"""What a prepared statement says was settled when the client prepared it; on which backend it runs later, and what the
client has set in between, changes nothing of that (pitfalls: pooling 2, 3, 5)."""

import contextlib

import pytest

from forebay_testing import frontend_messages as fe

pytestmark = pytest.mark.pool(2)

MOMENT = "SELECT extract(epoch FROM '2024-01-01 00:00'::timestamptz)::bigint"
UTC, TOKYO = b"1704067200", b"1704034800"
OWN_NOW = "SELECT current_setting('TimeZone'), extract(epoch FROM '2024-01-01 00:00'::timestamptz)::bigint"


def ask(raw, *messages):
    raw.send(*messages, fe.sync())
    return raw.until_ready()


def kinds(messages):
    return "".join(message.kind for message in messages)


def rows(messages):
    return [message.value for message in messages if message.kind == "D"]


def run(statement="", portal=""):
    return [fe.bind(statement=statement, portal=portal), fe.execute(portal)]


def process_of(raw):
    """Of the server's; the unnamed statement stays as it is."""
    return rows(ask(raw, fe.parse("SELECT pg_backend_pid()", "who"), *run("who"), fe.close("S", "who")))


@pytest.fixture
def raw(endpoint):
    with endpoint.raw() as connection:
        yield connection


@pytest.fixture
def elsewhere(endpoint, raw):
    """elsewhere(): a context in which what the client asks for gets the other backend of two."""

    @contextlib.contextmanager
    def occupy():
        mine = process_of(raw)
        with endpoint.raw() as first, endpoint.raw() as second:
            for other in (first, second):
                other.query("BEGIN")
            busy = [process_of(other) for other in (first, second)]
            (second if busy[0] == mine else first).query("COMMIT")
            yield
            if endpoint.mode == "transaction":
                assert process_of(raw) != mine
            (first if busy[0] == mine else second).query("COMMIT")

    return occupy


@pytest.fixture
def prepared(raw):
    """MOMENT as read in UTC, under the name "mine" and under none; the client's zone is Tokyo's since."""
    raw.query("SET TimeZone = 'UTC'")
    ask(raw, fe.parse(MOMENT, "mine"))
    raw.query("SET TimeZone = 'Asia/Tokyo'")


def test_a_literal_keeps_its_time_zone_where_its_statement_is_prepared_anew(raw, prepared, elsewhere):
    with elsewhere():
        done = ask(raw, *run("mine"), fe.parse(OWN_NOW, "own"), *run("own"))
        assert kinds(done) == "2DC12DCZ"
        assert rows(done) == [[UTC], [b"Asia/Tokyo", TOKYO]]
        assert raw.rows(OWN_NOW) == [["Asia/Tokyo", TOKYO.decode()]]
    assert rows(ask(raw, *run("mine"))) == [[UTC]]


def test_the_unnamed_statement_keeps_its_time_zone_too(raw, elsewhere):
    ask(raw, fe.parse("SET TimeZone = 'Asia/Tokyo'", "set"), fe.parse(MOMENT))
    ask(raw, *run("set"))
    with elsewhere():
        done = ask(raw, fe.describe("S"), *run(), fe.parse(OWN_NOW, "own"), *run("own"))
        assert kinds(done) == "tT2DC12DCZ"
        assert rows(done)[1] == [b"Asia/Tokyo", TOKYO]
        [[before]] = rows(done)[:1]
    assert before != TOKYO


#: Setting, its value at Parse (None: the default), that of afterwards, text, what it says
READINGS = {
    "default zone": ("TimeZone", None, "Asia/Tokyo", MOMENT, None),
    "default afterwards": ("TimeZone", "Asia/Tokyo", None, MOMENT, TOKYO),
    "day and month": ("DateStyle", "ISO, DMY", "ISO, MDY", "SELECT '03/04/2024'::date - '2024-01-01'::date", b"93"),
    "backslashes": ("standard_conforming_strings", "off", "on", r"SELECT length('\\\\')", b"2"),
    "letters": ("client_encoding", "LATIN1", "UTF8", b"SELECT length('\xe4')", b"1"),
    "equality with null": ("transform_null_equals", "on", "off", "SELECT (VALUES (NULL)) = NULL", b"t"),
    "sign": ("IntervalStyle", "sql_standard", "postgres", "SELECT extract(hour FROM '-1 2:00'::interval)::int", b"-2"),
}


@pytest.mark.parametrize("setting, then, later, text, said", READINGS.values(), ids=READINGS)
def test_what_is_read_by_a_setting_is_read_as_it_was(raw, elsewhere, setting, then, later, text, said):
    def put(value):
        raw.query(f"RESET {setting}" if value is None else f"SET {setting} = '{value}'")

    put(then)
    ask(raw, fe.parse(text, "mine"))
    [[here]] = rows(ask(raw, *run("mine")))
    assert said is None or here == said
    put(later)
    now = raw.rows(f"SHOW {setting}")
    with elsewhere():
        assert rows(ask(raw, *run("mine"))) == [[here]]
        assert raw.rows(f"SHOW {setting}") == now
    put(None)


def test_a_transaction_goes_on_with_the_settings_of_now(raw, prepared, elsewhere):
    with elsewhere():
        raw.query("BEGIN")
        assert rows(ask(raw, *run("mine"))) == [[UTC]]
        assert raw.rows(OWN_NOW) == [["Asia/Tokyo", TOKYO.decode()]]
        raw.query("SET TimeZone = 'Europe/Paris'")
        raw.query("COMMIT")
        assert raw.rows("SHOW TimeZone") == [["Europe/Paris"]]
        assert rows(ask(raw, *run("mine"))) == [[UTC]]
    assert raw.rows("SHOW TimeZone") == [["Europe/Paris"]]


def test_no_answer_shows_that_a_setting_was_changed_on_the_way(raw, prepared, elsewhere):
    with elsewhere():
        assert kinds(ask(raw, fe.describe("S", "mine"), *run("mine"))) == "tT2DCZ"


def test_a_setting_stays_when_the_statement_cannot_be_prepared_any_more(raw, reference, elsewhere):
    with reference.connect() as owner:
        owner.execute("CREATE TABLE passing (at timestamptz)")
    raw.query("SET TimeZone = 'UTC'")
    ask(raw, fe.parse("SELECT * FROM passing WHERE at > '2024-01-01'", "mine"))
    raw.query("SET TimeZone = 'Asia/Tokyo'")
    with reference.connect() as owner:
        owner.execute("DROP TABLE passing")
    with elsewhere():
        assert ask(raw, *run("mine"))[0].sqlstate == "42P01"
        assert raw.rows(OWN_NOW) == [["Asia/Tokyo", TOKYO.decode()]]
        raw.query("BEGIN")
        raw.query("SAVEPOINT here")
        assert ask(raw, *run("mine"))[0].sqlstate == "42P01"
        raw.query("ROLLBACK TO here")
        assert raw.rows(OWN_NOW) == [["Asia/Tokyo", TOKYO.decode()]]
        raw.query("COMMIT")
        assert raw.rows(OWN_NOW) == [["Asia/Tokyo", TOKYO.decode()]]


def test_a_failed_transaction_says_so_and_can_be_rolled_back(raw, prepared, elsewhere):
    ask(raw, fe.parse("ROLLBACK", "undo"))
    with elsewhere():
        raw.query("BEGIN")
        raw.query("SELECT 1/0")
        assert ask(raw, *run("mine"))[0].sqlstate == "25P02"
        assert kinds(ask(raw, *run("undo"))) == "2CZ"
        assert rows(ask(raw, *run("mine"))) == [[UTC]]


def test_in_a_pipeline_errors_undo_no_setting(raw, prepared, elsewhere):
    with elsewhere():
        raw.send(fe.parse("SELECT 1/0"), *run(), *run("mine"), fe.sync(),
                 *run("mine"), fe.parse("SELECT 1/0"), *run(), fe.sync(),
                 *run("mine"), fe.parse(OWN_NOW), *run(), fe.sync())
        assert kinds(raw.until_ready()) in ("12EZ", "1EZ")
        assert kinds(raw.until_ready()) in ("2DC12EZ", "2DC1EZ")
        assert rows(raw.until_ready()) == [[UTC], [b"Asia/Tokyo", TOKYO]]


def test_sql_that_executes_it_by_its_name_reads_it_as_it_was(raw, prepared, elsewhere):
    with elsewhere():
        assert raw.rows("EXECUTE mine") == [[UTC.decode()]]
        assert raw.rows(OWN_NOW) == [["Asia/Tokyo", TOKYO.decode()]]
    raw.query("DEALLOCATE ALL")


def test_commands_that_must_come_first_in_a_transaction_still_do(raw, elsewhere):
    raw.query("SET TimeZone = 'UTC'")
    ask(raw, fe.parse("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "level"), fe.parse("VACUUM pg_am", "vacuum"))
    raw.query("SET TimeZone = 'Asia/Tokyo'")
    with elsewhere():
        raw.query("BEGIN")
        assert kinds(ask(raw, *run("level"))) == "2CZ"
        raw.query("COMMIT")
        assert "E" not in kinds(ask(raw, *run("vacuum")))
