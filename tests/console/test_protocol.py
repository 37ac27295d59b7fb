"""The console's protocol: several commands, the extended protocol, and bytes that break the rules."""

import struct

import psycopg
import pytest
from psycopg import errors

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

from conftest import Console


@pytest.fixture(scope="module")
def forebay(server):
    from forebay_testing import ForebayDaemon

    with ForebayDaemon(server, ["--threads", "2"]) as daemon:
        yield daemon


@pytest.fixture
def raw(forebay, server):
    with RawConnection(forebay.host, forebay.port) as connection:
        connection.login(server.superuser, server.passwords[server.superuser], "forebay", application_name="raw")
        yield connection


@pytest.fixture
def bystander(forebay):
    """Another console, which must not notice anything."""
    with Console(forebay) as console:
        yield console
        assert console.show("VERSION")


def kinds(messages) -> str:
    return "".join(message.kind for message in messages)


def tags(messages) -> list[str]:
    return [message.value for message in messages if message.kind == "C"]


def test_greeting(raw, server):
    assert raw.parameters["server_version"].startswith("15.0 (forebay")
    expected = {
        "client_encoding": "UTF8", "standard_conforming_strings": "on", "integer_datetimes": "on",
        "application_name": "raw", "DateStyle": "ISO, MDY", "session_authorization": server.superuser,
    }
    assert {key: raw.parameters[key] for key in expected} == expected
    assert raw.status == "I" and raw.key[0] > 0


def test_several_commands_in_one_query(raw):
    messages = raw.query("SHOW VERSION; show lists;;\n SHOW STATE -- the end")
    assert tags(messages) == ["SHOW", "SHOW", "SHOW"]
    assert kinds(messages).count("T") == 3 and kinds(messages).endswith("CZ")


def test_an_error_ends_the_query(raw):
    messages = raw.query("SHOW VERSION; SHOW NOTHING; SHOW STATE")
    assert kinds(messages) == "TDCEZ"


@pytest.mark.parametrize("text", ["", ";", "  ;; -- nothing\n", "/* no /* thing */ */"])
def test_empty_queries(raw, text):
    assert kinds(raw.query(text)) == "IZ"


@pytest.mark.parametrize(
    "text", ["show pools", "SHOW POOLS;", " Show\tPools ; ", "/* x */ SHOW POOLS -- y", 'SHOW "pools"']
)
def test_forms_that_mean_the_same(raw, text):
    assert kinds(raw.query(text)).startswith("T") and tags(raw.query(text)) == ["SHOW"]


@pytest.mark.parametrize(
    "text, sqlstate, hint",
    [
        ("SHOW POOL", "42704", "SHOW POOLS"),
        ("SHOW", "42601", "SHOW HELP"),
        ("SHOW POOLS CLIENTS", "42601", "SHOW HELP"),
        ("SHWO POOLS", "42601", "SHOW"),
        ("RECONECT", "42601", "RECONNECT"),
        ("SELECT 1", "42601", "SHOW HELP"),
        ("\\d", "42601", "SHOW HELP"),
        ("SHOW FDS", "0A000", "restart"),
        ("SUSPEND", "0A000", "PAUSE"),
        ("SHOW 'POOLS", "42601", ""),
        ("PAUSE a b", "42601", ""),
        ("DISABLE", "42601", ""),
        ("RELOAD now", "42601", ""),
        ("SHUTDOWN soon", "42601", ""),
        ("KILL_CLIENT x", "22023", "SHOW CLIENTS"),
        ("KILL_CLIENT 99999999999999999999", "22023", ""),
        ("KILL_CLIENT 4000000000", "42704", ""),
        ("PAUSE \"\"", "3D000", ""),
        ("'SHOW' POOLS", "42601", ""),
        ("\xff\xfe\x01" * 10, "42601", "SHOW HELP"),
    ],
)
def test_errors_say_what_to_do(raw, text, sqlstate, hint):
    messages = raw.query(text.encode("latin-1"))
    assert kinds(messages) == "EZ"
    value = messages[0].value
    assert (value["S"], value["C"]) == ("ERROR", sqlstate)
    assert hint in value.get("H", "")


def test_settings_that_drivers_want(raw):
    for command in ("SET extra_float_digits = 3", "SET client_encoding TO 'UTF8'", "SET DateStyle = ISO, MDY",
                    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TIME ZONE 'UTC'"):
        messages = raw.query(command)
        assert kinds(messages) == "NCZ" and tags(messages) == ["SET"]
    assert raw.rows("SHOW standard_conforming_strings") == [["on"]]
    assert raw.rows("SHOW TRANSACTION ISOLATION LEVEL") == [["read committed"]]
    assert tags(raw.query("SET application_name = 'renamed'")) == ["SET"]
    assert raw.rows("SHOW application_name") == [["renamed"]]


def test_transactions_are_tolerated(raw):
    assert tags(raw.query("BEGIN")) == ["BEGIN"] and raw.status == "T"
    raw.query("SHOW NOTHING")
    assert raw.status == "T"
    assert tags(raw.query("ROLLBACK")) == ["ROLLBACK"] and raw.status == "I"


# --- extended protocol


def test_extended_protocol(raw):
    raw.send(fe.parse("SHOW VERSION"), fe.describe("S"), fe.bind(), fe.describe("P"), fe.execute(), fe.sync())
    messages = raw.until_ready()
    assert kinds(messages) == "1tT2TDCZ"
    assert [column.name for column in messages[2].value] == ["version"]


def test_named_statements_and_portals(raw):
    raw.send(fe.parse("SHOW LISTS", "s"), fe.sync())
    assert kinds(raw.until_ready()) == "1Z"
    for _ in range(2):
        raw.send(fe.bind(statement="s", portal="p"), fe.execute("p"), fe.close("P", "p"), fe.sync())
        assert kinds(raw.until_ready()).strip("D") == "2" + "D" * 14 + "C3Z"
    raw.send(fe.parse("SHOW LISTS", "s"), fe.sync())
    assert raw.until_ready()[0].sqlstate == "42P05"
    raw.send(fe.close("S", "s"), fe.bind(statement="s"), fe.execute(), fe.sync())
    messages = raw.until_ready()
    assert kinds(messages) == "3EZ" and messages[1].sqlstate == "26000"


def test_rows_in_portions(raw):
    raw.send(fe.parse("SHOW LISTS"), fe.bind(), fe.execute(limit=10), fe.execute(limit=3), fe.execute(), fe.sync())
    assert kinds(raw.until_ready()) == "12" + "D" * 10 + "s" + "DDDs" + "DC" + "Z"


def test_commands_without_rows(raw):
    raw.send(fe.parse("RECONNECT"), fe.describe("S"), fe.bind(), fe.execute(), fe.sync())
    assert kinds(raw.until_ready()) == "1tn2CZ"
    raw.send(fe.parse(""), fe.bind(), fe.describe("P"), fe.execute(), fe.sync())
    assert kinds(raw.until_ready()) == "12nIZ"


def test_binary_results(forebay):
    with Console(forebay) as console:
        for what in ("LISTS", "STATS", "POOLS", "CONFIG"):
            text = console.connection.execute(f"SHOW {what}").fetchall()
            binary = console.connection.execute(f"SHOW {what}", binary=True).fetchall()
            assert [row.keys() for row in binary] == [row.keys() for row in text]
            if what == "CONFIG":
                assert binary == text


@pytest.mark.parametrize(
    "sent, sqlstate",
    [
        ([fe.parse("SHOW NOTHING")], "42704"),
        ([fe.parse("SHOW 'x")], "42601"),
        ([fe.parse("SHOW POOLS; SHOW POOLS")], "42601"),
        ([fe.parse("SHOW VERSION"), fe.bind([1])], "08P01"),
        ([fe.parse("SHOW VERSION"), fe.bind(result_formats=[0, 0])], "08P01"),
        ([fe.bind(statement="none")], "26000"),
        ([fe.describe("S", "none")], "26000"),
        ([fe.describe("P", "none")], "34000"),
        ([fe.execute("none")], "34000"),
        ([fe.parse("SHOW VERSION"), fe.bind(portal="p"), fe.bind(portal="p")], "42P03"),
    ],
)
def test_extended_errors_skip_to_sync(raw, sent, sqlstate):
    raw.send(*sent, fe.execute(), fe.parse("SHOW POOLS"), fe.flush(), fe.sync(), fe.query("SHOW VERSION"))
    messages = raw.until_ready()
    assert kinds(messages).strip("12") == "EZ"
    assert messages[-2].sqlstate == sqlstate
    assert kinds(raw.until_ready()) == "TDCZ"


def test_names_are_bounded(raw):
    raw.send(*(fe.parse("SHOW VERSION", f"s{i}") for i in range(200)), fe.sync())
    messages = raw.until_ready()
    assert kinds(messages) == "1" * 100 + "EZ" and messages[-2].sqlstate == "53400"


def test_a_long_pipeline_without_reading(raw):
    """Answers wait for the client, and so do its further commands."""
    count = 3000
    for _ in range(count // 100):
        raw.send(fe.query("SHOW CONFIG") * 100)
    sizes = {len(raw.until_ready()) for _ in range(count)}
    assert len(sizes) == 1


def test_function_call_is_refused(raw):
    raw.send(fe.function_call(1))
    messages = raw.until_ready()
    assert kinds(messages) == "EZ" and messages[0].sqlstate == "0A000"


def test_copy_messages_are_ignored(raw):
    raw.send(fe.copy_data(b"x"), fe.copy_done(), fe.copy_fail("y"), fe.query("SHOW VERSION"))
    assert kinds(raw.until_ready()) == "TDCZ"


def test_cancel_of_nothing(raw):
    raw.cancel()
    assert kinds(raw.query("SHOW VERSION")) == "TDCZ"


# --- bytes that break the rules


@pytest.mark.parametrize(
    "sent",
    [
        b"Q" + struct.pack("!I", 3),
        b"Q" + struct.pack("!I", 0),
        b"Q" + struct.pack("!I", 0xFFFFFFFF),
        b"Q" + struct.pack("!I", 1 << 30) + b"x" * 100,
        b"Q" + struct.pack("!I", 16385) + b"x" * 16381,
        fe.message("Q", b""),
        fe.message("Q", b"SHOW POOLS"),
        fe.message("Q", b"SHOW\0POOLS\0"),
        fe.message("P", b""),
        fe.message("P", b"name"),
        fe.message("P", b"\0SHOW POOLS\0\0\7abc"),
        fe.message("B", b"\0\0\0"),
        fe.message("B", b"\0\0\xff\xff\0\0\0\0"),
        fe.message("D", b"X\0"),
        fe.message("D", b"S"),
        fe.message("E", b"\0"),
        fe.message("C", b""),
        fe.message("p", b"late\0"),
        fe.message("?", b"\0"),
        b"\0\0\0\0\5\0",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_broken_messages_close_that_console_only(raw, bystander, sent):
    raw.send(fe.parse("SHOW VERSION"), sent)
    messages = raw.receive_all()
    assert kinds(messages) == "1E"
    assert (messages[1].value["S"], messages[1].sqlstate) == ("FATAL", "08P01")


def test_long_commands_up_to_the_limit(raw):
    name = "x" * 16000
    messages = raw.query(f"SHOW {name}")
    assert messages[0].sqlstate == "42704" and len(messages[0].value["M"]) < 200
    messages = raw.query("BEGIN;" * 2700)
    assert tags(messages) == ["BEGIN"] * 2700


def test_a_message_in_pieces(raw):
    data = fe.query("SHOW VERSION")
    for byte in data[:-1]:
        raw.send(bytes([byte]))
    raw.send(data[-1:])
    assert kinds(raw.until_ready()) == "TDCZ"


def test_leaving_in_the_middle(forebay, server, bystander):
    for sent in (b"Q", fe.query("SHOW POOLS"), fe.parse("SHOW POOLS"), fe.query("SHOW CLIENTS") * 50, fe.terminate()):
        with RawConnection(forebay.host, forebay.port) as raw:
            raw.login(server.superuser, server.passwords[server.superuser], "forebay")
            raw.send(sent)


def test_many_consoles_at_once(forebay):
    consoles = [Console(forebay) for _ in range(30)]
    try:
        for console in consoles:
            console.connection.pgconn.send_query(b"SHOW CLIENTS; SHOW SERVERS; SHOW POOLS")
        for console in consoles:
            results = []
            while result := console.connection.pgconn.get_result():
                results.append(result.status)
            assert results == [psycopg.pq.ExecStatus.TUPLES_OK] * 3
    finally:
        for console in consoles:
            console.connection.close()


def test_errors_have_classes_of_their_own(forebay):
    with Console(forebay) as console:
        with pytest.raises(errors.UndefinedObject):
            console.show("EVERYTHING")
        with pytest.raises(errors.SyntaxError):
            console.run("VACUUM")
