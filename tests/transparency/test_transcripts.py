"""Every message, field by field, as PostgreSQL sends it: the same script directly and through the endpoint.

What may differ is in normal(): the process id of a notification's sender, and nothing else.
"""

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import ConnectionClosed, RawConnection

#: Name → list of bursts. Each burst is sent in one write, and answers are read up to as many ReadyForQuery as it asks
#: for (its Query, Sync and FunctionCall messages).
SCRIPTS = {
    "simple": [[fe.query("SELECT 1 AS a, NULL, 'x'::varchar(7), ARRAY[1.5]")], [fe.query("SELECT")]],
    "empty": [[fe.query("")], [fe.query(";")], [fe.query(" -- nothing\n")], [fe.parse(""), fe.bind(), fe.describe("P"),
                                                                         fe.execute(), fe.sync()]],
    "several": [[fe.query("SELECT 1; SELECT 2 WHERE false;; VALUES (3), (4)")]],
    "several with error": [[fe.query("SELECT 1; SELECT 1/0; SELECT 2")], [fe.query("SELECT 3")]],
    "transaction status": [[fe.query("BEGIN")], [fe.query("SELECT 1")], [fe.query("SELECT 1/0")], [fe.query("SELECT 1")],
                           [fe.query("ROLLBACK")]],
    "several transactions": [[fe.query("BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2")], [fe.query("END")]],
    "syntax error": [[fe.query("SELECT 1 +")], [fe.query("SELEC")], [fe.query("SELECT 'open")], [fe.query("SELECT $1")],
                     [fe.query("SELECT \xff".encode("latin-1"))]],
    "tags": [[fe.query("CREATE TABLE passing (id int)")], [fe.query("DROP TABLE passing")], [fe.query("INSERT INTO tr VALUES (1), (2)")],
             [fe.query("UPDATE tr SET id = 3")], [fe.query("DELETE FROM tr WHERE id = 3 RETURNING *")],
             [fe.query("TRUNCATE tr")], [fe.query("SHOW work_mem")], [fe.query("EXPLAIN SELECT 1")]],
    "notices": [[fe.query("DO $$ BEGIN RAISE NOTICE 'n'; RAISE WARNING 'w' USING HINT = 'h'; RAISE DEBUG 'd'; END $$")],
                [fe.query("SET client_min_messages = debug1; DO $$ BEGIN RAISE DEBUG 'd'; END $$")],
                [fe.query("DROP TABLE IF EXISTS no_such_table")]],
    "parameter status": [[fe.query("SET TimeZone = 'Asia/Kolkata'")], [fe.query("SET DateStyle = 'German'")],
                         [fe.query("SET work_mem = '5MB'")], [fe.query("BEGIN; SET client_encoding = 'LATIN1'")],
                         [fe.query("ROLLBACK")], [fe.query("SET application_name = 'x'; SET IntervalStyle = 'sql_standard'")],
                         [fe.query("SET standard_conforming_strings = off")], [fe.query("RESET ALL")],
                         [fe.query("SET TimeZone = 'UTC'")], [fe.query("DISCARD ALL")]],
    "extended": [[fe.parse("SELECT $1::int AS a, $2 || 'x' AS b", "s"), fe.describe("S", "s"),
                  fe.bind([1, "y"], "s", "p"), fe.describe("P", "p"), fe.execute("p"), fe.close("P", "p"),
                  fe.close("S", "s"), fe.sync()]],
    "binary": [[fe.parse("SELECT $1::int4, $2::text"), fe.bind([b"\0\0\1\0", "t"], formats=(1, 0), result_formats=(1,)),
                fe.describe("P"), fe.execute(), fe.sync()]],
    "nulls": [[fe.parse("SELECT $1::text IS NULL, $2"), fe.bind([None, ""]), fe.execute(), fe.sync()]],
    "no data": [[fe.parse("SET work_mem = '4MB'"), fe.describe("S"), fe.bind(), fe.describe("P"), fe.execute(), fe.sync()]],
    "limits": [[fe.query("BEGIN")], [fe.parse("SELECT generate_series(1, 5)"), fe.bind(), fe.execute(limit=2),
                                     fe.execute(limit=2), fe.execute(limit=2), fe.execute(limit=2), fe.sync()],
               [fe.query("COMMIT")]],
    "skipping": [[fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.parse("SELECT 2"), fe.bind(), fe.execute(),
                  fe.describe("S"), fe.close("S"), fe.sync()], [fe.sync()], [fe.query("SELECT 3")]],
    "errors of the extended protocol": [
        [fe.bind(statement="none"), fe.sync()], [fe.execute("none"), fe.sync()], [fe.describe("S", "none"), fe.sync()],
        [fe.describe("P", "none"), fe.sync()], [fe.parse("SELECT $1::int"), fe.bind([]), fe.sync()],
        [fe.parse("SELECT $1::int"), fe.bind(["x"]), fe.sync()], [fe.parse("SELECT 1; SELECT 2"), fe.sync()],
        [fe.parse("SELECT $1"), fe.bind([1], formats=(0, 0, 0)), fe.sync()],
        [fe.parse("SELECT 1"), fe.bind(result_formats=(0, 1, 1)), fe.sync()],
        [fe.parse("SELECT 1", "a"), fe.parse("SELECT 1", "a"), fe.sync()]],
    "copy out": [[fe.query("COPY (SELECT n, 'w' || n FROM generate_series(1, 3) n) TO STDOUT")],
                 [fe.query("COPY (SELECT 1) TO STDOUT (FORMAT binary); SELECT 2")],
                 [fe.query("COPY (SELECT 1/(2-n) FROM generate_series(1, 3) n) TO STDOUT")],
                 [fe.parse("COPY (VALUES (1), (2)) TO STDOUT CSV HEADER"), fe.bind(), fe.describe("P"), fe.execute(),
                  fe.sync()]],
    "copy in": [[fe.query("COPY ci FROM STDIN"), fe.copy_data(b"1\n2"), fe.copy_data(b"\n"), fe.copy_done()],
                [fe.query("COPY ci FROM STDIN"), fe.copy_data(b"x\n"), fe.copy_done()],
                [fe.query("COPY ci FROM STDIN"), fe.copy_fail("not today")],
                [fe.query("COPY ci FROM STDIN; SELECT count(*) FROM ci"), fe.copy_data(b"3\n"), fe.copy_done()],
                [fe.query("COPY nowhere FROM STDIN"), fe.copy_data(b"3\n"), fe.copy_done()],
                [fe.parse("COPY ci FROM STDIN"), fe.bind(), fe.execute(), fe.copy_data(b"4\n"), fe.copy_done(), fe.sync()],
                [fe.parse("COPY ci FROM STDIN"), fe.bind(), fe.execute(), fe.sync(), fe.copy_data(b"5\n"), fe.copy_done(),
                 fe.sync()],
                [fe.query("COPY ci FROM STDIN"), fe.flush(), fe.copy_data(b"6\n"), fe.flush(), fe.copy_done()],
                [fe.query("TABLE ci")], [fe.query("TRUNCATE ci")]],
    "function call": [[fe.function_call(177, [40, 2])], [fe.function_call(154, [1, 0])], [fe.function_call(0)],
                      [fe.function_call(177, [b"\0\0\0\x28", b"\0\0\0\2"], formats=(1,), result_format=1)],
                      [fe.function_call(177, [None, 2])]],
    "notifications": [[fe.query("LISTEN tr")], [fe.query("NOTIFY tr, 'a'")], [fe.query("BEGIN; NOTIFY tr, 'b'; NOTIFY tr")],
                      [fe.query("COMMIT")], [fe.query("UNLISTEN *")]],
    "cursor": [[fe.query("BEGIN; DECLARE c CURSOR FOR SELECT generate_series(1, 9)")], [fe.query("FETCH 2 FROM c")],
               [fe.query("MOVE 3 IN c")], [fe.describe("P", "c"), fe.execute("c", 2), fe.sync()], [fe.query("CLOSE c; END")]],
    "large": [[fe.query("SELECT repeat('x', 3000000)")], [fe.query("SELECT '" + "y" * 3_000_000 + "'")],
              [fe.query("SELECT n, repeat('z', 100) FROM generate_series(1, 20000) n")]],
}


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
