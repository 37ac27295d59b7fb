"""The first exchange: what a client may ask for, and what it is told."""

import contextlib
import struct

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.fixtures import drop_database
from forebay_testing.rawpg import RawConnection, RawError

from conversation import log_in, normal


def greeting(place, **parameters):
    """The greeting, or the error, with which a login with these parameters is answered."""
    with RawConnection(place.host, place.port) as raw:
        try:
            messages = raw.login("app", place.password(), place.dbname, **parameters)
        except RawError as error:
            value = error.message.value
            return value["S"], value["C"], value["M"]
        return [_comparable(message) for message in messages]


def _comparable(message):
    """All but the key, and but the place in PostgreSQL's source that a notice comes from."""
    if message.kind == "N":
        return {field: text for field, text in message.value.items() if field not in "FLR"}
    return message.kind if message.kind == "K" else normal(message)


def setting(place, name, **parameters):
    with place.raw(**parameters) as raw:
        return raw.rows(f"SELECT current_setting('{name}', true)")


#: Startup parameters, odd and plain. What PostgreSQL does with them is right.
PARAMETERS = {
    "quotes": {"application_name": "it's \"quoted\" \\ '; SELECT 1; --"},
    "dollar": {"application_name": "$1 $$ ${x} %s \n\t\r"},
    "not ASCII": {"application_name": "Grüße, мир"},
    "long application_name": {"application_name": "a" * 1000},
    "application_name of 63 bytes": {"application_name": "a" * 63},
    "long application_name, not ASCII": {"application_name": "a" + "ü" * 40},
    "long application_name and no notices": {"client_min_messages": "warning", "application_name": "a" * 64},
    "long application_name and no notices by options": {"options": "-c client-min-messages=ERROR", "application_name": "a" * 64},
    "long application_name and more messages": {"client_min_messages": "debug1", "application_name": "a" * 64},
    "empty application_name": {"application_name": ""},
    "injection by a value": {"TimeZone": "UTC'; CREATE TABLE injected (); --"},
    "injection by search_path": {"search_path": "public'; SELECT pg_sleep(10); --"},
    "injection by a name": {"TimeZone'; SELECT 1; --": "UTC"},
    "unknown name": {"no_such_parameter": "1"},
    "custom name": {"my.own": "it's $$mine$$"},
    "custom name, odd": {"my.o\"wn": "1"},
    "bad value": {"DateStyle": "nonsense"},
    "bad encoding": {"client_encoding": "nonsense"},
    "encoding": {"client_encoding": "LATIN1"},
    "encoding in another spelling": {"client_encoding": "utf-8"},
    "several": {"DateStyle": "German", "IntervalStyle": "iso_8601", "TimeZone": "Asia/Kolkata", "extra_float_digits": "0"},
    "upper case": {"DATESTYLE": "SQL, DMY"},
    "extra_float_digits": {"extra_float_digits": "3"},
    "search_path": {"search_path": "pg_catalog, \"odd, schema\""},
    "options": {"options": "-c TimeZone=Asia/Tokyo -c extra_float_digits=1 --search-path=pg_catalog"},
    "options with spaces": {"options": r"-c my.own=two\ words\\"},
    "options that are wrong": {"options": "-c nonsense=1"},
    "options that are not allowed": {"options": "-c log_statement=all"},
    "options of a postmaster": {"options": "-c max_connections=1"},
    "options, injection": {"options": "-c TimeZone='; SELECT 1"},
    "a setting of superusers": {"log_statement": "none"},
    "statement_timeout": {"statement_timeout": "12345"},
    "role": {"role": "alice"},
    "role that is not ours": {"role": "postgres"},
    "session_authorization": {"session_authorization": "postgres"},
    "empty value": {"TimeZone": ""},
    "long value": {"my.own": "v" * 9000},
    "many": {f"my.n{n}": str(n) for n in range(200)},
    "replication off": {"replication": "false"},
    "replication nonsense": {"replication": "nonsense"},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_same_greeting_or_error(endpoint, reference, name):
    assert greeting(endpoint, **PARAMETERS[name]) == greeting(reference, **PARAMETERS[name])


@pytest.mark.parametrize("name", ["quotes", "dollar", "not ASCII", "several", "options", "options with spaces", "search_path",
                                  "custom name", "role", "many", "statement_timeout"])
def test_values_arrive_as_they_are(endpoint, reference, name):
    """And stay, on whichever backend; RESET goes back to them."""
    asked = list(PARAMETERS[name])[-1]
    names = ["TimeZone", "my.own"] if asked == "options" else [asked]
    for asked in names:
        assert setting(endpoint, asked, **PARAMETERS[name]) == setting(reference, asked, **PARAMETERS[name])
    with endpoint.raw(**PARAMETERS[name]) as ours, reference.raw(**PARAMETERS[name]) as direct:
        for raw in (ours, direct):
            raw.query("SET TimeZone = 'America/Lima'; SET application_name = 'changed'")
            raw.query("RESET ALL")
        sql = "SHOW TimeZone; SHOW application_name; SHOW search_path"
        assert [normal(message) for message in ours.query(sql)] == [normal(message) for message in direct.query(sql)]


def test_nothing_was_injected(endpoint, server, database):
    for parameters in PARAMETERS.values():
        greeting(endpoint, **parameters)
    assert server.query("SELECT relname FROM pg_class WHERE relname = 'injected'", dbname=database) == []


@pytest.mark.parametrize("user", ['odd "role"', "it's", "Grüße", "UPPER", "with space", "semi;colon", "x" * 63])
def test_odd_names_of_roles_and_databases(endpoint, server, user):
    quoted = user.replace('"', '""')
    server.execute(f"""CREATE ROLE "{quoted}" LOGIN PASSWORD 'pass'""")
    server.execute(f"""CREATE DATABASE "{quoted}" OWNER "{quoted}\"""")
    try:
        with RawConnection(endpoint.host, endpoint.port) as raw:
            raw.login(user, "pass", user)
            assert raw.rows("SELECT current_user, current_database()") == [[user, user]]
    finally:
        drop_database(server, user)
        server.execute(f'DROP ROLE "{quoted}"')


def test_database_is_the_users_name_when_left_out(endpoint, reference):
    def begin(place):
        with RawConnection(place.host, place.port) as raw:
            messages = log_in(raw, fe.startup({"user": "app"}), place.password())
            return [(message.value["C"], message.value["M"]) for message in messages if message.kind == "E"]

    assert begin(endpoint) == begin(reference) == [("3D000", 'database "app" does not exist')]


def test_parameter_that_comes_twice(endpoint, reference):
    """The last one counts, as there."""
    def begin(place):
        words = ["user", "app", "TimeZone", "UTC", "database", "no such one", "TimeZone", "Asia/Tokyo", "database", place.dbname, ""]
        body = struct.pack("!I", fe.PROTOCOL_3_0) + b"".join(word.encode() + b"\0" for word in words)
        with RawConnection(place.host, place.port) as raw:
            log_in(raw, struct.pack("!I", len(body) + 4) + body, place.password())
            return raw.rows("SHOW TimeZone"), raw.parameters["TimeZone"]

    assert begin(endpoint) == begin(reference)


def test_greeting_is_the_sessions_own(endpoint):
    """What the last user of a backend had set is not told to the next client."""
    with endpoint.raw() as first:
        first.query("SET TimeZone = 'Asia/Tokyo'; SET client_encoding = 'LATIN1'; SET DateStyle = 'German'; SET application_name = 'first'")
        first.query("BEGIN")
        with endpoint.raw() as second:
            told = dict(second.parameters)
            names = ("TimeZone", "client_encoding", "DateStyle", "application_name")
            [actual] = second.rows("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
            assert [told[name] for name in names] == actual
        first.query("COMMIT")


def test_key_is_each_clients_own(endpoint):
    with contextlib.ExitStack() as stack:
        keys = [stack.enter_context(endpoint.raw()).key for _ in range(10)]
    assert len(set(keys)) == 10
    assert all(pid > 0 for pid, _ in keys)
    if endpoint.mode == "direct":  # through Forebay it is that of the backend where the client is at home
        assert len({pid for pid, _ in keys}) == 10


@pytest.mark.parametrize("requests", [[fe.ssl_request(), fe.ssl_request()], [fe.gss_request(), fe.gss_request()],
                                      [fe.ssl_request()] * 20], ids=["SSL twice", "GSS twice", "SSL often"])
def test_encryption_is_asked_for_again(endpoint, reference, requests):
    """PostgreSQL takes a second one for a start-up packet of protocol 1234. Neither may go on for ever."""
    def ask(place):
        with RawConnection(place.host, place.port) as raw:
            with contextlib.suppress(OSError):
                for request in requests:
                    raw.send(request)
                    answer = raw.socket.recv(1)
                    if answer != b"N":  # after G all is the handshake's
                        return "ended"
                return "still asked"
            return "ended"

    assert ask(reference) == ask(endpoint) == "ended"


@pytest.mark.parametrize("request_", [fe.ssl_request(), fe.gss_request()], ids=["SSL", "GSS"])
def test_second_request_for_encryption_is_refused_in_the_servers_words(endpoint, server, request_):
    """On PostgreSQL's Unix socket, where it says no to both as Forebay does."""
    def refusal(host, port):
        with RawConnection(host, port) as raw:
            raw.send(request_)
            assert raw.socket.recv(1) == b"N"
            raw.send(request_)
            [message] = raw.receive_all()
            return [message.value[field] for field in "SVCM"]

    host = server.socket_directory if endpoint.mode == "direct" else endpoint.host
    assert refusal(host, endpoint.port) == refusal(server.socket_directory, server.port)


def test_ssl_then_gss_then_plain(endpoint):
    with RawConnection(endpoint.host, endpoint.port) as raw:
        raw.send(fe.ssl_request())
        assert raw.socket.recv(1) == b"N"
        if endpoint.mode != "direct":  # PostgreSQL offers GSSAPI without having a key for it
            raw.send(fe.gss_request())
            assert raw.socket.recv(1) == b"N"
        raw.login("app", endpoint.password(), endpoint.dbname)
        assert raw.rows("SELECT 1") == [["1"]]


@pytest.mark.parametrize("version", [(3 << 16) + 1, (3 << 16) + 2, (3 << 16) + 9999])
@pytest.mark.parametrize("extensions", [{}, {"_pq_.one": "1"}, {"_pq_.one": "1", "_pq_.two": ""}])
def test_negotiation(endpoint, reference, version, extensions):
    """The same NegotiateProtocolVersion, and the login goes on with version 3.0."""
    def begin(place):
        with RawConnection(place.host, place.port) as raw:
            raw.send(fe.startup({"user": "app", "database": place.dbname} | extensions, version))
            return [normal(raw.receive()) for _ in range(2)]

    ours, direct = begin(endpoint), begin(reference)
    assert ours[0] == direct[0]
    assert ours[1][0] == direct[1][0] == "R"
