"""Statements and portals by name: what exists, what an error says of it, and that it says the client's own name."""

import pytest

from forebay_testing import frontend_messages as fe

from conversation import brief, ended, to_the_end


def errors(messages):
    return [(message.value["C"], message.value["M"]) for message in messages if message.kind == "E"]


def compare(endpoint, reference, *bursts):
    """The same bursts directly and through Forebay have the same answers, byte for byte."""
    answers = []
    for place in (reference, endpoint):
        with place.raw() as raw:
            answers.append([])
            for burst in bursts:
                raw.send(ended(burst))
                answers[-1].append(to_the_end(raw))
    for number, (direct, ours) in enumerate(zip(*answers)):
        assert ours == direct, f"burst {number}\n  ours {brief(ours)}\ndirect {brief(direct)}"


#: Name → bursts.
CASES = {
    "Parse error frees the name": [
        [fe.parse("SELECT no_such_column", "mine"), fe.sync()], [fe.bind(statement="mine"), fe.sync()],
        [fe.parse("SELECT 1", "mine"), fe.bind(statement="mine"), fe.execute(), fe.sync()]],
    "Parse that is skipped": [
        [fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.parse("SELECT 1", "mine"), fe.sync()],
        [fe.bind(statement="mine"), fe.sync()], [fe.describe("S", "mine"), fe.sync()]],
    "Close that is skipped": [
        [fe.parse("SELECT 1", "mine"), fe.sync()],
        [fe.bind(statement="none"), fe.close("S", "mine"), fe.sync()],
        [fe.bind(statement="mine"), fe.execute(), fe.sync()]],
    "Close and Parse again, skipped": [
        [fe.parse("SELECT 'old'", "mine"), fe.sync()],
        [fe.bind(statement="none"), fe.close("S", "mine"), fe.parse("SELECT 'new'", "mine"), fe.sync()],
        [fe.bind(statement="mine"), fe.execute(), fe.sync()]],
    "unnamed Parse that is skipped": [
        [fe.parse("SELECT 'old'"), fe.sync()], [fe.bind(statement="none"), fe.parse("SELECT 'new'"), fe.sync()],
        [fe.bind(), fe.execute(), fe.sync()]],
    "Query that is skipped": [
        [fe.parse("SELECT 'old'"), fe.sync()], [fe.bind(statement="none"), fe.query("SELECT 1"), fe.sync()],
        [fe.bind(), fe.execute(), fe.sync()]],
    "unnamed Parse that fails": [
        [fe.parse("SELECT 'old'"), fe.sync()], [fe.parse("SELEC"), fe.sync()], [fe.bind(), fe.execute(), fe.sync()]],
    "name is taken": [
        [fe.parse("SELECT 1", "mine"), fe.sync()], [fe.parse("SELECT 2", "mine"), fe.sync()],
        [fe.parse("SELECT 1", "mine"), fe.sync()], [fe.bind(statement="mine"), fe.execute(), fe.sync()]],
    "name is taken in the same burst": [
        [fe.parse("SELECT 1", "mine"), fe.parse("SELECT 2", "mine"), fe.close("S", "mine"), fe.sync()],
        [fe.bind(statement="mine"), fe.execute(), fe.sync()]],
    "name is taken, with a text that is wrong": [
        [fe.parse("SELECT 1", "mine"), fe.sync()], [fe.parse("SELEC", "mine"), fe.sync()],
        [fe.bind(statement="mine"), fe.execute(), fe.sync()]],
    "unknown names": [
        [fe.bind(statement="none"), fe.sync()], [fe.describe("S", "none"), fe.sync()], [fe.describe("P", "none"), fe.sync()],
        [fe.execute("none"), fe.sync()], [fe.close("S", "none"), fe.close("P", "none"), fe.sync()], [fe.describe("S"), fe.sync()]],
    "closed and gone": [
        [fe.parse("SELECT 1", "mine"), fe.close("S", "mine"), fe.sync()], [fe.bind(statement="mine"), fe.sync()],
        [fe.describe("S", "mine"), fe.sync()]],
    "closed unnamed": [[fe.parse("SELECT 1"), fe.sync()], [fe.close("S"), fe.sync()], [fe.bind(), fe.sync()]],
    "unnamed statement after a setting that Forebay asks about": [
        [fe.parse("SET work_mem = '5MB'", "set"), fe.sync()], [fe.parse("SELECT 'unnamed'"), fe.sync()],
        [fe.bind(statement="set"), fe.execute(), fe.sync()], [fe.bind(), fe.execute(), fe.sync()],
        [fe.bind(), fe.execute(), fe.sync()]],
    "portals": [
        [fe.query("BEGIN")], [fe.parse("SELECT generate_series(1, 5)", "s"), fe.bind(statement="s", portal="p"), fe.execute("p", 2), fe.sync()],
        [fe.execute("p", 2), fe.sync()], [fe.bind(statement="s", portal="p"), fe.sync()], [fe.query("ROLLBACK")],
        [fe.execute("p"), fe.sync()]],
    "portal and its statement": [
        [fe.query("BEGIN")], [fe.parse("SELECT 1", "s"), fe.bind(statement="s", portal="p"), fe.close("S", "s"), fe.execute("p"), fe.sync()],
        [fe.query("COMMIT")]],
    "limits": [[fe.parse("VALUES (1), (2), (3)"), fe.bind(), fe.execute(limit=1), fe.execute(limit=1), fe.execute(limit=5),
                fe.execute(limit=1), fe.sync()]],
    "limit of a statement without rows": [[fe.parse("SET TimeZone = 'UTC'"), fe.bind(), fe.execute(limit=1), fe.execute(), fe.sync()]],
    "wrong numbers of parameters": [
        [fe.parse("SELECT $1::int, $2::int", "mine"), fe.sync()], [fe.bind([1], "mine"), fe.sync()], [fe.bind([1, 2, 3], "mine"), fe.sync()],
        [fe.bind(["x", 2], "mine"), fe.sync()], [fe.bind([1, 2], "mine", formats=(0, 0, 0)), fe.sync()],
        [fe.bind([1, 2], "mine", result_formats=(0, 0, 0)), fe.sync()], [fe.bind([1, 2], "mine", formats=(7,)), fe.sync()]],
    "empty statement": [[fe.parse("", "mine"), fe.describe("S", "mine"), fe.bind(statement="mine"), fe.describe("P"), fe.execute(), fe.sync()]],
    "long name": [[fe.parse("SELECT 1", "m" * 200), fe.sync()], [fe.bind(statement="m" * 200), fe.execute(), fe.sync()],
                  [fe.parse("SELECT 1", "m" * 200), fe.sync()], [fe.bind(statement="m" * 199), fe.sync()]],
    "names that look like ours": [[fe.bind(statement="_fb1"), fe.sync()], [fe.parse("SELECT 1", "_fb1"), fe.sync()],
                                  [fe.parse("SELECT 2", "_fb1"), fe.sync()], [fe.bind(statement="_fb1"), fe.execute(), fe.sync()]],
    "statement that fails when it runs": [
        [fe.parse("SELECT 1/$1::int", "mine"), fe.bind([0], "mine"), fe.execute(), fe.sync()],
        [fe.bind([1], "mine"), fe.execute(), fe.sync()]],
    "several Syncs, errors between": [
        [fe.parse("SELECT 1"), fe.bind(), fe.execute(), fe.sync(), fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.sync(), fe.bind(),
         fe.execute(), fe.sync(), fe.parse("SELEC"), fe.parse("SELECT 4"), fe.sync(), fe.parse("SELECT 5"), fe.bind(), fe.execute(), fe.sync()]],
    "implicit transaction": [
        [fe.parse("INSERT INTO things VALUES (1)"), fe.bind(), fe.execute(), fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.sync()],
        [fe.query("SELECT count(*) FROM things")]],
    "BEGIN in a pipeline": [
        [fe.parse("BEGIN"), fe.bind(), fe.execute(), fe.parse("SELECT 1/0"), fe.bind(), fe.execute(), fe.sync()],
        [fe.parse("SELECT 1"), fe.sync()], [fe.parse("ROLLBACK"), fe.bind(), fe.execute(), fe.sync()]],
}


@pytest.mark.parametrize("name", CASES)
def test_same_answers(endpoint, reference, things, name):
    compare(endpoint, reference, *CASES[name])


def test_flush_without_sync(endpoint):
    """Answers come at once; the client keeps its backend until the Sync."""
    with endpoint.raw() as raw:
        raw.send(fe.parse("SELECT 1", "s"), fe.flush())
        assert raw.receive().kind == "1"
        raw.send(fe.describe("S", "s"), fe.flush())
        assert [raw.receive().kind for _ in range(2)] == ["t", "T"]
        raw.send(fe.bind(statement="s"), fe.execute(), fe.flush())
        assert [raw.receive().kind for _ in range(3)] == ["2", "D", "C"]
        assert raw.nothing_comes()
        raw.send(fe.sync())
        assert raw.receive().kind == "Z"


def test_errors_name_statements_as_the_client_does(endpoint):
    """No name of ours ever shows, in whatever message."""
    with endpoint.raw() as raw:
        raw.send(fe.parse("SELECT $1::int", 'my "own" name'), fe.sync())
        raw.until_ready()
        for message in (fe.parse("SELECT 2", 'my "own" name'), fe.bind([], 'my "own" name'), fe.bind(["x"], 'my "own" name')):
            raw.send(message, fe.sync())
            told = errors(raw.until_ready())
            assert len(told) == 1
            assert "_fb" not in repr(told)
        raw.send(fe.parse("SELECT 2", 'my "own" name'), fe.sync())
        assert errors(raw.until_ready()) == [("42P05", 'prepared statement "my "own" name" already exists')]


@pytest.mark.time_limit(120)
def test_thousands_of_statements(endpoint):
    """More than a backend keeps: the least recently used are prepared again, and the answers stay right."""
    count = 3000
    with endpoint.raw() as raw:
        for start in range(0, count, 500):
            raw.send(*[fe.parse(f"SELECT {n} + $1::int", f"s{n}") for n in range(start, start + 500)], fe.sync())
            assert [message.kind for message in raw.until_ready()] == ["1"] * 500 + ["Z"]
        for start in range(0, count, 300):
            raw.send(*[message for n in range(start, start + 300, 3) for message in (fe.bind([n], f"s{n}"), fe.execute())], fe.sync())
            values = [message.value[0] for message in raw.until_ready() if message.kind == "D"]
            assert values == [str(2 * n).encode() for n in range(start, start + 300, 3)]
        raw.send(*[fe.close("S", f"s{n}") for n in range(count)], fe.sync())
        assert [message.kind for message in raw.until_ready()] == ["3"] * count + ["Z"]
        raw.send(fe.bind([1], "s1"), fe.sync())
        assert errors(raw.until_ready())[0][0] == "26000"
