"""Every message, field by field, as PostgreSQL sends it: the same script directly and through the endpoint.

What may differ is in normal(): the process id of a notification's sender, and nothing else.
"""

import pytest
from scripts import SCRIPTS

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import ConnectionClosed, RawConnection

def answers_of(burst) -> int:
    """ReadyForQuery messages that a burst asks for. A Sync during COPY is swallowed."""
    kinds = [message[:1] for message in burst]
    end_of_copy = max((index for index, kind in enumerate(kinds) if kind in (b"c", b"f")), default=0)
    return sum(kind in (b"Q", b"F") or kind == b"S" and index >= end_of_copy for index, kind in enumerate(kinds))


def transcript(place, bursts):
    with place.raw() as raw:
        return [conversation(raw, burst) for burst in bursts]


def conversation(raw, burst):
    raw.send(*burst)
    return [normal(message) for _ in range(answers_of(burst)) for message in raw.until_ready()]


def normal(message):
    """The message without what differs from backend to backend."""
    if message.kind == "A":
        return (message.kind, message.value[1:])
    return (message.kind, message.body)


@pytest.fixture(scope="module", autouse=True)
def tables(server, database):
    """Made once, so that RowDescription names the same OIDs."""
    server.psql("CREATE TABLE tr (id int); CREATE TABLE ci (id int); ALTER TABLE tr OWNER TO app;"
                "ALTER TABLE ci OWNER TO app", database)


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_messages(endpoint, reference, name):
    theirs = transcript(reference, SCRIPTS[name])
    ours = transcript(endpoint, SCRIPTS[name])
    for burst, (mine, direct) in enumerate(zip(ours, theirs)):
        assert mine == direct, f"burst {burst + 1} of {name}"


def test_same_greeting(endpoint, reference):
    """Authentication, then every ParameterStatus in the same order with the same value, key, ready."""

    def greet(place, **parameters):
        with RawConnection(place.host, place.port) as raw:
            messages = raw.login("app", place.password(), place.dbname, **parameters)
            return [message.kind if message.kind == "K" else normal(message) for message in messages]

    for parameters in ({}, {"application_name": "x", "client_encoding": "LATIN1", "DateStyle": "SQL, DMY"},
                       {"options": "-c TimeZone=Asia/Kolkata -c IntervalStyle=iso_8601"}):
        assert greet(endpoint, **parameters) == greet(reference, **parameters)


@pytest.mark.parametrize("version, parameters", [
    (3 << 16 | 2, {}), (3 << 16, {"_pq_.future": "1"}), (3 << 16 | 9999, {"_pq_.x": "y"}), (4 << 16, {}),
], ids=["3.2", "3.0 and an option", "3.9999 and an option", "4.0"])
def test_same_answer_to_newer_protocols(endpoint, reference, version, parameters):
    """A minor version or an option that the server lacks is negotiated, a major one refused."""

    def begin(place):
        with RawConnection(place.host, place.port) as raw:
            raw.send(fe.startup({"user": "app", "database": place.dbname} | parameters, version))
            message = raw.receive()
            if message.kind == "E":  # without the line of the server's source
                return {field: text for field, text in message.value.items() if field not in "FLR"}
            return message.kind, message.value[0] if message.kind == "R" else message.value

    assert begin(endpoint) == begin(reference)


def test_same_answer_to_protocol_2(endpoint, reference):
    """An error in the old form, text up to a zero byte, and the end."""

    def begin(place):
        with RawConnection(place.host, place.port) as raw:
            raw.send(fe.startup({}, 2 << 16))
            return raw.socket.makefile("rb").read()

    assert begin(endpoint) == begin(reference)
    assert begin(endpoint).startswith(b"EFATAL:  unsupported frontend protocol 2.0")


def test_encryption_requests_are_declined(endpoint):
    """Nobody has a certificate here: one byte N, and the connection goes on in the clear."""
    requests = [fe.ssl_request()]
    if endpoint.mode != "direct":  # PostgreSQL offers GSSAPI without having a key for it
        requests += [fe.gss_request()]
    with RawConnection(endpoint.host, endpoint.port) as raw:
        for request in requests:
            raw.send(request)
            assert raw.socket.recv(1) == b"N"
        raw.login("app", endpoint.password(), endpoint.dbname)
        assert raw.rows("SELECT 1") == [["1"]]


@pytest.mark.parametrize("broken", [
    fe.message("?"), fe.message("B", b"\0"), fe.message("P", b"no end"), b"Q\0\0\0\3", b"Q\xff\xff\xff\xff",
    fe.message("E", b"\0"), fe.message("Q", b"SELECT 1"),
], ids=["unknown type", "short Bind", "Parse without end", "length 3", "length -1", "short Execute", "no terminator"])
def test_malformed_message(endpoint, reference, broken):
    """The same SQLSTATE; then the connection is closed, or goes on in step. Other clients never notice.

    Where PostgreSQL closes without a word, saying why is no worse."""

    def send(place):
        states = []
        with place.raw() as raw, place.raw() as bystander:
            raw.send(broken, *([] if broken.startswith(b"Q") else [fe.sync()]))
            try:
                while (message := raw.receive()).kind != "Z":
                    states.append(message.sqlstate)
                assert raw.rows("SELECT 1") == [["1"]]
            except (ConnectionClosed, ConnectionError):
                pass
            assert bystander.rows("SELECT 2") == [["2"]]
        return states

    theirs = send(reference)
    assert send(endpoint) in ([theirs] if theirs else [[], ["08P01"]])
