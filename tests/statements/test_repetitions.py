"""Statements that repeat, found from what passes by (L6, L17, B3, C10): each protocol, each window, the rewrite run."""

import itertools
import time

import psycopg
import pytest

from forebay_testing import wait_until

CACHED = "cache: {enabled: 'on', staleness: 1s, strategy: cache-aside}\n"
HOWS = ("simple", "extended", "prepared")


@pytest.fixture
def place(daemons, school):
    place = daemons("--pool-mode", "transaction", "--pool-size", "20")
    place.reset()
    return place


def run(client, how: str, text: str, *values):
    if how == "simple":
        return client.execute(text.replace("%s", "{}").format(*values)).fetchall()
    return client.execute(text, values, prepare=how == "prepared").fetchall()


#: Where there is no transaction, who pauses for longer than 50 ms begins anew: a page without such a pause.
QUICK = 0.03


def lazy_page(client, how: str) -> float:
    """The longest time from one answer to the next."""
    courses = run(client, how, "SELECT id, title, teacher_id FROM courses WHERE seats > %s ORDER BY id", 0)
    assert len(courses) == 15
    answers = [time.monotonic()]
    for course in courses:
        run(client, how, "SELECT name FROM lessons WHERE course_id = %s", course[0])
        answers.append(time.monotonic())
    return max(later - earlier for earlier, later in itertools.pairwise(answers))


def the_only(rows: list[dict]) -> dict:
    assert len(rows) == 1, [(row["query"], row["within"]) for row in rows]
    return rows[0]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("how", HOWS)
def test_a_list_and_a_read_for_each_of_it(place, how, binary):
    """In one transaction. The first time it repeats; the second time it is known where the keys come from."""
    with place.connect(autocommit=False) as client:
        for _ in range(3):
            with client.transaction():
                if binary and how != "simple":
                    rows = client.cursor(binary=True).execute("SELECT id FROM courses ORDER BY id").fetchall()
                    for row in rows:
                        run(client, how, "SELECT name FROM lessons WHERE course_id = %s", row[0])
                else:
                    lazy_page(client, how)
    row = the_only(place.repetitions())
    assert (row["query"], row["within"]) == ("SELECT name FROM lessons WHERE course_id = $1", "transaction")
    assert (row["windows"], row["executions"], row["most_executions"]) == (3, 45, 15)
    assert row["confirmed"] == "yes"
    assert "FROM courses" in row["earlier_query"] and row["earlier_column"] == "id"
    assert float(row["total_exec_time"]) > 0
    assert place.repetitions("duplicate") == []


def test_the_rewrite_gives_what_all_of_them_gave(place):
    reads = {
        "SELECT name FROM lessons WHERE course_id = %s":
            "SELECT course_id, name FROM lessons WHERE course_id = ANY($1)",
        "SELECT count(*) FROM lessons l WHERE l.course_id = %s":
            "SELECT l.course_id, count(*) FROM lessons l WHERE l.course_id = ANY($1) GROUP BY l.course_id",
        "SELECT s.name FROM students s JOIN enrollments e ON e.student_id = s.id WHERE e.course_id = %s LIMIT 50":
            "SELECT e.course_id, s.name FROM students s JOIN enrollments e ON e.student_id = s.id"
            " WHERE e.course_id = ANY($1)",
    }
    gave = {}
    with place.connect() as client, client.transaction():
        keys = [row[0] for row in client.execute("SELECT id FROM courses")]
        for text in reads:
            gave[reads[text]] = sorted((key, *row) for key in keys for row in run(client, "simple", text, key))
    rows = place.repetitions()
    assert {row["rewrite"] for row in rows} == set(reads.values())
    with place.connect() as client:
        for rewrite, expected in gave.items():
            found = client.execute(rewrite.replace("$1", "%s"), (keys,)).fetchall()
            assert sorted(found) == expected and len(found) >= 15


def test_a_cycle_of_reads(place):
    """Four rounds are too few for one statement to repeat, but not for three together."""
    with place.connect() as client:
        for _ in range(2):
            with client.transaction():
                for (key,) in client.execute("SELECT id FROM courses WHERE id <= 12").fetchall():
                    run(client, "simple", "SELECT title FROM courses WHERE id = %s", key)
                    run(client, "simple", "SELECT name FROM lessons WHERE course_id = %s", key)
                    run(client, "simple", "SELECT student_id FROM enrollments WHERE course_id = %s", key)
    rows = place.repetitions()
    assert len(rows) == 3 and {row["most_executions"] for row in rows} == {4}
    assert {row["confirmed"] for row in rows} == {"yes"}


def test_without_a_transaction_a_client_that_does_not_pause(place):
    def is_without_a_pause() -> bool:
        place.reset()
        pauses = []
        for _ in range(3):
            with place.connect() as client:
                pauses.append(lazy_page(client, "extended"))
        return max(pauses) < QUICK

    wait_until(is_without_a_pause, 30, "three pages")
    row = the_only(place.repetitions())
    assert (row["within"], row["windows"], row["confirmed"]) == ("client", 3, "yes")


def test_a_window_that_is_open_is_told_of(place):
    with place.connect() as client, client.transaction():
        lazy_page(client, "simple")
        row = wait_until(lambda: place.repetitions(), 10, "it is told")[0]
        assert row["executions"] == 15


def test_one_trace_over_many_connections(daemons, school):
    """As from an asynchronous application: each read on a connection of its own, not one transaction. On one thread:
    each has windows of its own."""
    place = daemons("--pool-mode", "transaction", "--threads", "1")
    place.reset()
    for trace in ("0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"):
        mark = f" /*route='/courses',traceparent='00-{trace}-b7ad6b7169203331-01'*/"
        clients = [place.connect() for _ in range(4)]
        courses = clients[0].execute("SELECT id FROM courses" + mark).fetchall()
        for number, (key,) in enumerate(courses):
            run(clients[number % 4], "simple", "SELECT name FROM lessons WHERE course_id = %s" + mark, key)
        for client in clients:
            client.close()
    row = the_only(place.repetitions())
    assert row["within"] == "trace" and row["executions"] == 30 and row["confirmed"] == "yes"


def test_what_was_found_in_other_traces_is_not_one(place):
    with place.connect() as client:
        for key in range(10):
            client.execute(f"SELECT name FROM lessons WHERE course_id = {key} /*trace_id='{key}'*/")
    assert place.repetitions() == []


@pytest.mark.parametrize("how", HOWS)
def test_the_same_again_is_a_duplicate(place, how):
    with place.connect() as client, client.transaction():
        for _ in range(6):
            run(client, how, "SELECT title FROM courses WHERE id = %s", 3)
    assert place.repetitions() == []
    row = the_only(place.repetitions("duplicate"))
    assert (row["executions"], row["rewrite"], row["earlier_query"]) == (6, None, None)


def test_hits_are_executions(daemons, school):
    """What is answered from memory repeats as much; it costs the servers nothing."""
    place = daemons("--pool-mode", "transaction", config=CACHED)
    place.reset()

    def is_from_memory() -> bool:
        with place.connect() as client:
            if lazy_page(client, "simple") > QUICK:
                place.reset()
                return False
        row = the_only(place.repetitions())
        hits = place.statement("FROM lessons WHERE course_id")["cache_hits"]
        return hits >= 30 and row["confirmed"] == "yes"

    wait_until(is_from_memory, 30, "answers from memory")
    row = the_only(place.repetitions())
    assert row["executions"] == place.statement("FROM lessons WHERE course_id")["calls"]


def test_writes_and_catalogs_are_no_repetitions(place):
    with place.connect() as client, client.transaction():
        for key in range(8):
            client.execute(f"UPDATE students SET name = name WHERE id = {key}")
            client.execute(f"SELECT relname FROM pg_class WHERE oid = {key}")
            client.execute(f"SELECT {key}")
    assert place.repetitions() == [] and place.repetitions("duplicate") == []


def test_reset_and_the_option(daemons, school):
    place = daemons("--pool-mode", "transaction", "--set", "statements.repetitions=false")
    with place.connect() as client, client.transaction():
        lazy_page(client, "simple")
    assert place.repetitions() == [] and place.statements("FROM lessons") != []


def test_reset_forgets(place):
    with place.connect() as client, client.transaction():
        lazy_page(client, "simple")
    assert place.repetitions() != []
    place.reset()
    assert place.repetitions() == []
