"""COPY by the protocol: in and out, simple and extended, ended, failed, abandoned, and with messages that do not belong."""

import pytest

from forebay_testing import frontend_messages as fe

from conversation import brief, ended, fate, to_the_end

IN, OUT = "COPY things FROM STDIN", "COPY (SELECT n FROM generate_series(1, 3) n) TO STDOUT"


def extended(sql):
    return [fe.parse(sql), fe.bind(), fe.execute()]


CASES = {
    "in": [fe.query(IN), fe.copy_data(b"1\ta\n"), fe.copy_done()],
    "in, no data": [fe.query(IN), fe.copy_done()],
    "in, empty data": [fe.query(IN), fe.copy_data(b""), fe.copy_data(b"1\ta\n"), fe.copy_data(b""), fe.copy_done()],
    "in, end marker": [fe.query(IN), fe.copy_data(b"1\ta\n\\.\n"), fe.copy_done()],
    "in, given up": [fe.query(IN), fe.copy_data(b"1\ta\n"), fe.copy_fail("changed my mind")],
    "in, bad data": [fe.query(IN), fe.copy_data(b"no number\tx\n"), fe.copy_data(b"2\tx\n"), fe.copy_done()],
    "in, bad data, late": [fe.query(IN), fe.copy_data(b"1\tx\n" * 1000), fe.copy_data(b"x\n"), *[fe.copy_data(b"2\tx\n")] * 100,
                           fe.copy_done()],
    "in, bad data, then given up": [fe.query(IN), fe.copy_data(b"no number\n"), fe.copy_fail("why not")],
    "in, refused": [fe.query("COPY nowhere FROM STDIN"), fe.copy_data(b"1\ta\n"), fe.copy_done(), fe.query("SELECT 1")],
    "in, with Flush": [fe.query(IN), fe.flush(), fe.copy_data(b"1\ta\n"), fe.flush(), fe.copy_done()],
    "in, with Sync": [fe.query(IN), fe.sync(), fe.copy_data(b"1\ta\n"), fe.sync(), fe.copy_done()],
    "in, two in one Query": [fe.query(f"{IN}; {IN}; SELECT 2"), fe.copy_data(b"1\ta\n"), fe.copy_done(), fe.copy_data(b"2\tb\n"),
                             fe.copy_done()],
    "in, second fails": [fe.query(f"{IN}; {IN}; SELECT 2"), fe.copy_data(b"1\ta\n"), fe.copy_done(), fe.copy_fail("enough")],
    "in, in a transaction": [fe.query("BEGIN"), fe.query(IN), fe.copy_data(b"1\ta\n"), fe.copy_done(), fe.query("ROLLBACK")],
    "in, fails in a transaction": [fe.query("BEGIN"), fe.query(IN), fe.copy_fail("no"), fe.query("SELECT 1"), fe.query("ROLLBACK")],
    "out": [fe.query(OUT)],
    "out, fails": [fe.query("COPY (SELECT 1/(2-n) FROM generate_series(1, 3) n) TO STDOUT")],
    "out, then data": [fe.query(OUT), fe.copy_data(b"1\n"), fe.copy_done(), fe.query("SELECT 1")],
    "extended in": [*extended(IN), fe.copy_data(b"1\ta\n"), fe.copy_done(), fe.sync()],
    "extended in, Sync first": [*extended(IN), fe.sync(), fe.copy_data(b"1\ta\n"), fe.copy_done(), fe.sync()],
    "extended in, Sync in it": [*extended(IN), fe.copy_data(b"1\ta\n"), fe.sync(), fe.copy_data(b"2\ta\n"), fe.copy_done(), fe.sync()],
    "extended in, given up": [*extended(IN), fe.copy_data(b"1\ta\n"), fe.copy_fail("no"), fe.sync()],
    "extended in, given up, no Sync": [*extended(IN), fe.copy_fail("no"), fe.query("SELECT 'skipped'"), fe.sync()],
    "extended in, bad data": [*extended(IN), fe.copy_data(b"x\n"), fe.copy_done(), fe.sync()],
    "extended in, bad data, Sync first": [*extended(IN), fe.sync(), fe.copy_data(b"x\n"), fe.copy_done(), fe.sync()],
    "extended in, refused": [*extended("COPY nowhere FROM STDIN"), fe.copy_data(b"1\n"), fe.copy_done(), fe.sync()],
    "extended in, then more": [*extended(IN), fe.copy_data(b"1\ta\n"), fe.copy_done(), *extended("SELECT 2"), fe.sync(),
                               *extended("SELECT 3"), fe.sync()],
    "extended in, an error before": [fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), *extended(IN), fe.copy_data(b"1\ta\n"),
                                     fe.copy_done(), fe.sync()],
    "extended in, named": [fe.parse(IN, "copy"), fe.bind(statement="copy", portal="p"), fe.execute("p"), fe.copy_data(b"1\ta\n"),
                           fe.copy_done(), fe.close("P", "p"), fe.sync()],
    "extended out": [*extended(OUT), fe.sync()],
    "extended out, then more": [*extended(OUT), *extended("SELECT 1"), fe.sync()],
    "data without COPY": [fe.copy_data(b"1\n"), fe.copy_done(), fe.copy_fail("what"), fe.query("SELECT 1")],
    "data between batches": [*extended("SELECT 1"), fe.sync(), fe.copy_data(b"1\n"), fe.copy_done(), *extended("SELECT 2"), fe.sync()],
    "data inside a batch": [fe.parse("SELECT 1"), fe.copy_data(b"1\n"), fe.bind(), fe.copy_done(), fe.execute(), fe.sync()],
    "bulk": [fe.query(IN), *[fe.copy_data(b"1\t" + b"x" * 8000 + b"\n")] * 500, fe.copy_done()],
    "large messages": [fe.query(IN), fe.copy_data(b"1\tx\n" * 500_000), fe.copy_done()],
}


@pytest.fixture(autouse=True)
def empty(server, database, things):
    yield
    server.execute("TRUNCATE things", dbname=database)


def answers(place, burst):
    with place.raw() as raw:
        raw.send(ended(burst))
        return [*to_the_end(raw), *raw_rows(raw)]


def raw_rows(raw):
    raw.send(ended([fe.query("SELECT count(*) FROM things"), fe.query("TRUNCATE things")]))
    return to_the_end(raw)


@pytest.mark.parametrize("name", CASES)
def test_same_answers(endpoint, reference, name):
    direct, ours = answers(reference, CASES[name]), answers(endpoint, CASES[name])
    assert ours == direct, f"\n  ours {brief(ours)}\ndirect {brief(direct)}"


@pytest.mark.parametrize("stray", [fe.query("SELECT 1"), fe.parse("SELECT 1"), fe.bind(), fe.execute(), fe.describe("S"), fe.close("S"),
                                   fe.function_call(177, [40, 2])],
                         ids=["Query", "Parse", "Bind", "Execute", "Describe", "Close", "FunctionCall"])
@pytest.mark.parametrize("simple", [True, False], ids=["simple", "extended"])
def test_message_that_does_not_belong(endpoint, reference, simple, stray):
    """In the middle of the data: the same error, and the session goes on or ends as it does directly."""
    def outcome(place):
        with place.raw() as raw, place.raw() as bystander:
            raw.send(*([fe.query(IN)] if simple else [*extended(IN), fe.flush()]))
            raw.receive_until("G")
            ending = fate(raw, stray)
            assert bystander.rows("SELECT 2") == [["2"]]
            return ending

    direct, ours = outcome(reference), outcome(endpoint)
    assert ours == direct or ours == ("08P01", False), f"ours {ours}, direct {direct}"


def test_copy_fail_with_a_long_reason(endpoint, reference):
    """Longer than PostgreSQL takes it: an error, and not silence."""
    def outcome(place):
        with place.raw() as raw:
            raw.send(fe.query(IN))
            raw.receive_until("G")
            return fate(raw, fe.copy_fail("x" * 200_000))

    assert outcome(endpoint)[0] in {outcome(reference)[0], "08P01"}
