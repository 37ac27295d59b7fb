"""Parse, Bind, Describe and Close by hand: names outlive transactions and backends (pitfalls: pooling 2, 3, 4)."""

import pytest

from forebay_testing import frontend_messages as fe


def kinds(messages):
    return "".join(message.kind for message in messages)


def rows(messages):
    return [message.value for message in messages if message.kind == "D"]


def ask(raw, *messages):
    raw.send(*messages, fe.sync())
    return raw.until_ready()


@pytest.fixture
def raw(endpoint):
    with endpoint.raw() as connection:
        yield connection


@pytest.fixture
def disturb(endpoint):
    """disturb(): another client uses the backends in between, with statements of the same names."""
    with endpoint.raw() as other:

        def use():
            ask(other, fe.close("S", "name"), fe.parse("SELECT 'of another client'", "name"), fe.bind(statement="name"),
                fe.execute(), fe.parse("SELECT 'unnamed of another'"), fe.bind(), fe.execute())

        yield use


def test_named_statement_lives_until_it_is_closed(raw, disturb):
    assert kinds(ask(raw, fe.parse("SELECT $1::int, 'mine'", "name"))) == "1Z"
    for number in range(5):
        disturb()
        assert rows(ask(raw, fe.bind([number], "name"), fe.execute())) == [[str(number).encode(), b"mine"]]
    disturb()
    described = ask(raw, fe.describe("S", "name"))
    assert kinds(described) == "tTZ" and described[0].value == [23]
    assert kinds(ask(raw, fe.close("S", "name"))) == "3Z"
    assert ask(raw, fe.bind([1], "name"))[0].sqlstate == "26000"
    assert kinds(ask(raw, fe.close("S", "name"))) == "3Z"  # closing what is not there is no error


def test_name_that_is_taken(raw, disturb):
    ask(raw, fe.parse("SELECT 1", "name"))
    disturb()
    assert ask(raw, fe.parse("SELECT 2", "name"))[0].sqlstate == "42P05"
    assert rows(ask(raw, fe.bind(statement="name"), fe.execute())) == [[b"1"]]
    done = ask(raw, fe.close("S", "name"), fe.parse("SELECT 3", "name"), fe.bind(statement="name"), fe.execute())
    assert rows(done) == [[b"3"]]


def test_parse_that_fails_leaves_the_name_free(raw, disturb):
    assert ask(raw, fe.parse("SELECT * FROM nowhere", "name"))[0].sqlstate == "42P01"
    disturb()
    assert ask(raw, fe.bind(statement="name"))[0].sqlstate == "26000"
    assert kinds(ask(raw, fe.parse("SELECT 1", "name"), fe.bind(statement="name"), fe.execute())) == "12DCZ"


def test_error_before_parse_in_the_same_burst(raw):
    """What is skipped after an error was never prepared."""
    assert kinds(ask(raw, fe.bind(statement="unknown"), fe.parse("SELECT 1", "name"))) == "EZ"
    assert ask(raw, fe.bind(statement="name"))[0].sqlstate == "26000"


def test_unnamed_statement_outlives_sync(raw, disturb):
    ask(raw, fe.parse("SELECT $1::text || '!'"))
    for word in ("a", "b"):
        disturb()
        assert rows(ask(raw, fe.bind([word]), fe.execute())) == [[word.encode() + b"!"]]
    ask(raw, fe.parse("SELECT 'replaced'"))
    disturb()
    assert rows(ask(raw, fe.bind(), fe.execute())) == [[b"replaced"]]


def test_unnamed_statement_is_dropped_by_a_simple_query(raw, disturb):
    ask(raw, fe.parse("SELECT 1"))
    disturb()
    raw.query("SELECT 2")
    assert ask(raw, fe.bind())[0].sqlstate == "26000"


def test_unnamed_statement_after_a_failed_parse(raw, disturb):
    ask(raw, fe.parse("SELECT 1"))
    disturb()
    assert ask(raw, fe.parse("SELECT * FROM nowhere"))[0].sqlstate == "42P01"
    assert ask(raw, fe.bind(), fe.execute())[0].sqlstate == "26000"


def test_portal_ends_with_its_transaction(raw, disturb):
    done = ask(raw, fe.parse("SELECT generate_series(1, 5)"), fe.bind(portal="p"), fe.execute("p", 2))
    assert kinds(done) == "12DDsZ"
    disturb()
    assert ask(raw, fe.execute("p"))[0].sqlstate == "34000"


def test_portals_inside_a_transaction(raw, disturb):
    raw.query("BEGIN")
    disturb()
    done = ask(raw, fe.parse("SELECT generate_series(1, $1::int)", "name"), fe.bind([5], "name", "p"),
               fe.bind([9], "name", "q"), fe.execute("p", 2), fe.execute("q", 1), fe.execute("p", 2))
    assert kinds(done) == "122DDsDsDDsZ"
    assert rows(ask(raw, fe.execute("p"))) == [[b"5"]]
    assert kinds(ask(raw, fe.describe("P", "q"), fe.execute("q", 3), fe.close("P", "q"))) == "TDDDs3Z"
    assert rows(ask(raw, fe.parse("FETCH 1 FROM p"), fe.bind(), fe.execute())) == []
    raw.query("COMMIT")
    disturb()
    assert ask(raw, fe.execute("p"))[0].sqlstate == "34000"
    assert rows(ask(raw, fe.bind([1], "name"), fe.execute())) == [[b"1"]]


def test_flush_brings_answers_before_sync(raw):
    raw.send(fe.parse("SELECT 1", "name"), fe.describe("S", "name"), fe.flush())
    assert kinds([raw.receive() for _ in range(3)]) == "1tT"
    raw.send(fe.bind(statement="name"), fe.execute(), fe.flush())
    assert kinds([raw.receive() for _ in range(3)]) == "2DC"
    assert raw.nothing_comes()
    raw.send(fe.sync())
    assert kinds(raw.until_ready()) == "Z"


def test_one_burst_with_many_syncs(raw):
    burst = b"".join(fe.parse(f"SELECT {n}", f"s{n}") + fe.bind(statement=f"s{n}") + fe.execute() + fe.sync()
                     for n in range(100))
    raw.send(burst)
    for number in range(100):
        messages = raw.until_ready()
        assert kinds(messages) == "12DCZ" and rows(messages) == [[str(number).encode()]]


def test_sync_alone_and_again(raw):
    raw.send(fe.sync(), fe.sync(), fe.sync())
    assert [kinds(raw.until_ready()) for _ in range(3)] == ["Z", "Z", "Z"]


def test_simple_query_in_the_middle_of_extended_ones(raw):
    raw.send(fe.parse("SELECT 1", "name"), fe.query("SELECT 2"), fe.bind(statement="name"), fe.execute(), fe.sync())
    assert kinds(raw.until_ready()) == "1TDCZ"
    assert kinds(raw.until_ready()) == "2DCZ"


def test_statement_of_an_aborted_transaction(raw, disturb):
    raw.query("BEGIN")
    assert kinds(ask(raw, fe.parse("SELECT 7", "name"))) == "1Z"
    raw.query("SELECT 1/0")
    assert ask(raw, fe.bind(statement="name"))[0].sqlstate == "25P02"
    assert ask(raw, fe.parse("SELECT 8", "late"))[0].sqlstate == "25P02"
    raw.query("ROLLBACK")
    disturb()
    assert rows(ask(raw, fe.bind(statement="name"), fe.execute())) == [[b"7"]]
    assert ask(raw, fe.bind(statement="late"))[0].sqlstate == "26000"


def test_transaction_control_through_prepared_statements(raw, disturb):
    for name, sql in (("b", "BEGIN"), ("c", "COMMIT"), ("r", "ROLLBACK"), ("s", "SET work_mem = '7MB'")):
        ask(raw, fe.parse(sql, name))

    def run(name):
        return ask(raw, fe.bind(statement=name), fe.execute())[-1].value

    disturb()
    assert [run("b"), run("s"), run("r")] == ["T", "T", "I"]
    assert raw.rows("SHOW work_mem") == [["4MB"]]
    disturb()
    assert [run("b"), run("s"), run("c")] == ["T", "T", "I"]
    disturb()
    assert raw.rows("SHOW work_mem") == [["7MB"]]


def test_more_statements_than_a_backend_keeps(raw, disturb):
    """1,500 names in one client; the oldest are as good as the newest."""
    for start in range(0, 1500, 100):
        ask(raw, *(fe.parse(f"SELECT {n} + $1::int", f"n{n}") for n in range(start, start + 100)))
    disturb()
    for number in [*range(0, 1500, 97), *range(10)]:
        assert rows(ask(raw, fe.bind([1], f"n{number}"), fe.execute())) == [[str(number + 1).encode()]]


def test_types_given_at_parse(raw, disturb):
    assert kinds(ask(raw, fe.parse("SELECT $1, $2", "name", (20, 25)))) == "1Z"
    disturb()
    assert ask(raw, fe.describe("S", "name"))[0].value == [20, 25]
    ask(raw, fe.parse("SELECT $1", "other", (23,)))
    ask(raw, fe.parse("SELECT $1", "third", (25,)))
    disturb()
    assert rows(ask(raw, fe.bind([b"\0\0\0\x07"], "other", formats=(1,)), fe.execute())) == [[b"7"]]
    assert rows(ask(raw, fe.bind(["x"], "third"), fe.execute())) == [[b"x"]]


def test_changed_relation(raw, endpoint, reference):
    """The server's answer to a stale plan comes through; after it the statement works again (pitfalls: pooling 6)."""
    with reference.connect() as owner:
        owner.execute(f"CREATE TABLE changing_{endpoint.mode} (a int)")
        ask(raw, fe.parse(f"SELECT * FROM changing_{endpoint.mode}", "name"))
        ask(raw, fe.bind(statement="name"), fe.execute())
        owner.execute(f"ALTER TABLE changing_{endpoint.mode} ADD b int")
        first = ask(raw, fe.bind(statement="name"), fe.execute())
        assert kinds(first) == "2CZ" or first[0].sqlstate == "0A000"
        raw.query("DEALLOCATE ALL")
        done = ask(raw, fe.parse(f"SELECT * FROM changing_{endpoint.mode}", "name"), fe.describe("S", "name"))
        assert [column.name for column in done[2].value] == ["a", "b"]


def test_largest_number_of_parameters(raw):
    count = 65535
    sql = "SELECT array_length(ARRAY[" + ",".join(f"${n}" for n in range(1, count + 1)) + "]::text[], 1)"
    raw.send(fe.parse(sql))
    assert rows(ask(raw, fe.bind(["x"] * count), fe.execute())) == [[str(count).encode()]]
