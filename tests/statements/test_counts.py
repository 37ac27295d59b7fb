"""Calls and rows are those that the server counts, whatever protocol they come by (B3, C6, C10, L17)."""

import threading
import time

import psycopg
import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until

from conftest import counts, milliseconds


def same_as_server(counted, containing: str, expected: tuple[int, int]) -> dict:
    """One row here and there, with these calls and rows; ours."""
    ours = counted.statement(containing)
    [theirs] = counted.by_server(containing)
    assert counts(theirs) == expected, "the test expects something else than the server does"
    assert counts(ours) == expected
    return ours


@pytest.mark.parametrize("how", ["simple", "extended", "prepared"])
def test_reads_and_writes(counted, how):
    threshold = {"simple": None, "extended": None, "prepared": 0}[how]
    with counted.connect(prepare_threshold=threshold) as client:
        def run(text: str, *values):
            if how == "simple":
                return client.execute(text.replace("%s", "{}").format(*values))
            return client.execute(text.replace("%s::int", "%s").replace("%s", "%s::int"), values)

        for number in range(1, 8):
            run("SELECT id, name FROM items WHERE id < %s", number)
        for number in range(1, 5):
            run("UPDATE items SET name = name WHERE id < %s", number)
        for number in range(1001, 1004):
            run("INSERT INTO items VALUES (%s, NULL) RETURNING id", number)
        run("DELETE FROM items WHERE id > %s", 1000)
    same_as_server(counted, "SELECT id, name FROM items WHERE", (7, 21))
    same_as_server(counted, "UPDATE items", (4, 6))
    same_as_server(counted, "INSERT INTO items", (3, 3))
    same_as_server(counted, "DELETE FROM items", (1, 3))


def test_times_are_those_that_the_client_waits(counted):
    with counted.connect() as client:
        began = time.monotonic()
        for seconds in (0.02, 0.02, 0.02, 0.2):
            client.execute(f"SELECT pg_sleep({seconds})")
        waited = (time.monotonic() - began) * 1e3
    row = same_as_server(counted, "pg_sleep", (4, 4))
    [theirs] = counted.by_server("pg_sleep")
    assert theirs["mean_exec_time"] <= milliseconds(row["mean_exec_time"]) <= waited / 4
    assert theirs["min_exec_time"] <= milliseconds(row["min_exec_time"])
    assert 20 <= milliseconds(row["p50_exec_time"]) < 150
    assert 187 <= milliseconds(row["p95_exec_time"]) <= milliseconds(row["p99_exec_time"])
    assert milliseconds(row["p99_exec_time"]) <= milliseconds(row["max_exec_time"])
    assert abs(milliseconds(row["mean_exec_time"]) - milliseconds(row["total_exec_time"]) / 4) < 0.002
    assert (row["errors"], row["last_error"], row["cache_hits"]) == (0, None, 0)
    assert row["first_seen"] <= row["last_seen"]


def test_binary_results(counted):
    """Numbers with a fraction are the same in either format."""
    with counted.connect() as client:
        client.execute("SELECT pg_sleep(0.01)")
    with psycopg.connect(counted.daemon.dsn(dbname="forebay"), autocommit=True) as console:
        text, binary = (
            console.cursor(binary=binary).execute("SHOW STATEMENTS").fetchall() for binary in (False, True))
    assert text == binary and any("pg_sleep" in row[1] for row in text)


def test_several_statements_in_one_text(counted):
    """Each counts by itself, as the server has it; so does the text of one that stands alone elsewhere."""
    with counted.raw() as raw:
        raw.query("SELECT sum(id) AS summed FROM items WHERE id = 7; UPDATE items SET name = 'x' WHERE id IN (1, 2);;"
                  " SELECT 'alone' FROM items LIMIT 3 -- the end")
        raw.query("SELECT 'alone' FROM items LIMIT 5")
    same_as_server(counted, "AS summed", (1, 1))
    same_as_server(counted, "UPDATE items", (1, 2))
    same_as_server(counted, "FROM items LIMIT", (2, 8))
    assert len(counted.statements("items")) == 3, counted.statements("items")


def test_an_empty_text_is_no_call(counted):
    with counted.raw() as raw:
        raw.query("")
        raw.query(" ; -- nothing")
    assert counted.statements() == []


def test_pipelines(counted):
    """Many under one Sync, and many Syncs before the first answer."""
    with counted.raw() as raw:
        one = fe.parse("SELECT id AS piped FROM items WHERE id <= $1") + fe.bind(["3"]) + fe.execute()
        other = fe.parse("UPDATE items SET name = $1 WHERE id = 9") + fe.bind(["y"]) + fe.execute()
        raw.send(one + other + one + fe.sync() + one + fe.sync() + other + other + fe.sync())
        for _ in range(3):
            raw.until_ready()
    same_as_server(counted, "piped", (3, 9))
    same_as_server(counted, "UPDATE items", (3, 3))


def test_what_an_error_ends(counted):
    """The failed one is an error of its statement; what the server skips is nothing."""
    with counted.raw() as raw:
        good = fe.parse("SELECT 'good' FROM items LIMIT 2") + fe.bind() + fe.execute()
        bad = fe.parse("SELECT 'bad', 1 / $1::int FROM items") + fe.bind(["0"]) + fe.execute()
        raw.send(good + bad + good + fe.sync() + good + fe.sync())
        raw.until_ready()
        raw.until_ready()
        raw.query("SELECT 'good' FROM items LIMIT 1; SELECT 'bad too' FROM absent; SELECT 'never' FROM items")
        raw.send(fe.parse("SELECT 'no syntax' FROM") + fe.bind() + fe.execute() + fe.sync())
        raw.until_ready()
    good = same_as_server(counted, "FROM items LIMIT", (3, 5))
    assert (good["errors"], good["last_error"]) == (0, None)
    bad = counted.statement("::int FROM items")
    assert (bad["calls"], bad["errors"], bad["last_error"]) == (0, 1, "22012")
    assert bad["mean_exec_time"] is None and bad["total_exec_time"] == 0
    absent = counted.statement("FROM absent")
    assert (absent["calls"], absent["errors"], absent["last_error"]) == (0, 1, "42P01")
    syntax = [row for row in counted.statements() if row["query"] == "SELECT $1 FROM"]
    assert [(row["calls"], row["errors"], row["last_error"]) for row in syntax] == [(0, 1, "42601")]


def test_timeouts_show_their_time(counted):
    with counted.connect() as client:
        client.execute("SET statement_timeout = '150ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.execute("SELECT pg_sleep(5)")
    row = counted.statement("pg_sleep")
    assert (row["calls"], row["errors"], row["last_error"]) == (0, 1, "57014")
    assert 150 <= milliseconds(row["total_error_time"]) < 2000


def test_copy(counted):
    with counted.connect() as client:
        with client.cursor().copy("COPY items (id) FROM STDIN") as copy:
            copy.write("2001\n2002\n2003\n")
        with client.cursor().copy("COPY (SELECT id FROM items WHERE id > 2000) TO STDOUT") as copy:
            assert len(list(copy)) == 3
        client.execute("DELETE FROM items WHERE id > 2000")
    same_as_server(counted, "FROM STDIN", (1, 3))
    same_as_server(counted, "TO STDOUT", (1, 3))


def test_portals_that_are_read_in_parts(counted):
    """Each Execute is a call: that is what the client waits for. The server counts the portal once."""
    with counted.raw() as raw:
        raw.query("BEGIN")
        raw.send(fe.parse("SELECT id AS parts FROM items ORDER BY id LIMIT $1") + fe.bind(["25"], portal="p")
                 + fe.execute("p", 10) + fe.sync())
        raw.until_ready()
        raw.send(fe.bind(["1"], portal="q") + fe.execute("q") + fe.execute("p", 10) + fe.sync())
        raw.until_ready()
        raw.send(fe.execute("p", 10) + fe.sync())
        raw.until_ready()
        raw.query("COMMIT")
    assert counts(counted.statement("AS parts")) == (4, 26)
    [theirs] = counted.by_server("AS parts")
    assert theirs["calls"] == 2


def test_cursors_of_sql(counted):
    with counted.connect() as client, client.transaction():
        client.execute("DECLARE c CURSOR FOR SELECT id FROM items")
        for _ in range(3):
            assert len(client.execute("FETCH 7 FROM c").fetchall()) == 7
        client.execute("MOVE 7 FROM c")
    same_as_server(counted, "FETCH", (3, 21))
    assert counts(counted.statement("MOVE")) == (1, 0)
    same_as_server(counted, "DECLARE c", (1, 0))
    assert counts(counted.statement("BEGIN"))[0] == counts(counted.statement("COMMIT"))[0] == 1


def test_held_sessions(counted):
    """A client that keeps its backend is counted like others; what Forebay asks by itself is not."""
    with counted.connect() as client:
        client.execute("LISTEN channel")
        client.execute("SELECT pg_advisory_lock(7)")
        for _ in range(5):
            client.execute("SELECT 'held' FROM items LIMIT 1")
        client.execute("SELECT pg_advisory_unlock(7)")
        client.execute("UNLISTEN *")
        client.execute("SELECT 'held' FROM items LIMIT 1")
    same_as_server(counted, "FROM items LIMIT", (6, 6))
    same_as_server(counted, "pg_advisory_lock", (1, 1))
    assert counted.statements("pg_listening_channels") == []


def test_all_threads_are_added_up(counted):
    """Clients on both threads run the same text."""
    def run():
        with counted.connect(prepare_threshold=0) as client:
            for number in range(50):
                client.execute("SELECT id, 'many' FROM items WHERE id <= %s::int", (number % 10,))

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same_as_server(counted, "FROM items WHERE id <=", (600, 12 * 5 * 45))


def test_waiting_for_a_backend(daemons):
    counted = daemons("--pool-mode", "transaction", "--pool-size", "1", "--pool-overflow", "0")
    with counted.connect(prepare_threshold=None) as first, counted.connect(prepare_threshold=None) as second:
        first.execute("SELECT 1")
        counted.reset()
        slow = threading.Thread(target=first.execute, args=("SELECT pg_sleep(3)",))
        slow.start()
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep(3)%%'"
        wait_until(lambda: counted.server.query(running + " AND usename = %s", ("app",)) == [(1,)], 10, "it runs")
        second.execute("SELECT 'waits' FROM items LIMIT 1")
        slow.join()
        second.execute("SELECT 'waits' FROM items LIMIT 1")
    row = counted.statement("FROM items LIMIT")
    assert 50 <= milliseconds(row["total_wait_time"]) < 10000
    assert milliseconds(row["max_exec_time"]) < milliseconds(row["total_wait_time"]), "waiting is not running"
    assert milliseconds(counted.statement("pg_sleep")["total_wait_time"]) < 50


def test_a_client_that_leaves_before_the_answer_has_waited_for_so_long(counted):
    """The slower a server was, the more clients gave up, and the quicker it seemed."""
    for number, how in enumerate(("simple", "extended")):
        with counted.raw() as client:
            slow = f"SELECT pg_sleep(2), {number}"
            running = f"SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = '{slow}'"
            client.send(*([fe.query(slow)] if how == "simple" else
                          [fe.parse(slow), fe.bind(), fe.execute(), fe.sync()]))
            wait_until(lambda: counted.server.query(running), 10, "it runs", interval=0.05)
            begun = time.monotonic()
            wait_until(lambda: time.monotonic() - begun > 0.3, 10, "a while")
    row = wait_until(lambda: (one := counted.statement("pg_sleep")) and one["errors"] == 2 and one, 10, "both are told")
    assert (row["calls"], row["last_error"]) == (0, "08006")
    assert 600 <= milliseconds(row["total_error_time"]) < 4000
