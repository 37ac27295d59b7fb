"""Statements that repeat, by HTTP, are those of the console (L17, B17, C10)."""

import pytest

from conftest import Http


def lazy(client, times: int) -> None:
    client.execute("CREATE TABLE IF NOT EXISTS shelves (id int)")
    client.execute("CREATE TABLE IF NOT EXISTS books (shelf int, title text)")
    client.execute("TRUNCATE shelves, books")
    client.execute("INSERT INTO shelves SELECT 300 + n FROM generate_series(1, 7) n")
    for _ in range(times):
        with client.transaction():
            for (shelf,) in client.execute("SELECT id FROM shelves").fetchall():
                client.execute(f"SELECT title FROM books WHERE shelf = {shelf}")


def test_repetitions_are_told_as_the_console_tells_them(start, connect, database):
    daemon = start()
    client = connect(daemon, prepare_threshold=None)
    lazy(client, 2)
    http = Http(daemon)
    data = http.get("/api/v1/repetitions").data
    [shown] = daemon.show("repetitions")
    [told] = data["repetitions"]
    assert data["enabled"] is True
    assert (told["kind"], told["database"], told["confirmed"]) == ("n+1", database, True)
    assert (told["windows"], told["executions"], told["most_executions"]) == (2, 14, 7)
    assert told["text"] == shown["query"] == "SELECT title FROM books WHERE shelf = $1"
    assert told["rewrite"] == shown["rewrite"] == "SELECT shelf, title FROM books WHERE shelf = ANY($1)"
    assert told["earlier"]["text"] == shown["earlier_query"] == "SELECT id FROM shelves"
    assert told["earlier"]["column"] == shown["earlier_column"] == "id"
    assert told["within"] == shown["within"] == "transaction"
    assert told["total_seconds"] * 1000 == pytest.approx(float(shown["total_exec_time"]), abs=0.001)
    known = {row["fingerprint"]: row["text"] for row in http.get("/api/v1/statements").data["statements"]}
    assert known[told["fingerprint"]] == told["text"]
    assert known[told["earlier"]["fingerprint"]] == told["earlier"]["text"]


def test_windows_are_counted(start, connect, database):
    daemon = start()
    client = connect(daemon, prepare_threshold=None)
    http = Http(daemon)
    name = f'forebay_repetitions_total{{database="{database}",kind="%s"}}'
    client.execute("SELECT 1")
    before = http.metrics()
    assert before[name % "n+1"] == before[name % "duplicate"] == 0
    lazy(client, 3)
    with client.transaction():
        for _ in range(5):
            client.execute("SELECT title FROM books WHERE shelf = 1")
    after = http.metrics()
    assert (after[name % "n+1"], after[name % "duplicate"]) == (3, 1)


def test_when_they_are_not_looked_for_that_is_said(start, connect):
    daemon = start("--set", "statements.repetitions=false")
    lazy(connect(daemon, prepare_threshold=None), 2)
    assert Http(daemon).get("/api/v1/repetitions").data == {"enabled": False, "repetitions": []}
