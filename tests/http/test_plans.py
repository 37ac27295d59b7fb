"""Slow statements are explained by themselves: each plan against what EXPLAIN says past Forebay (L6, L17, C10, B17)."""

import json
import threading
import time

import psycopg
import pytest

from conftest import USER, Http
from forebay_testing import wait_until

SLOW = "SELECT count(*) FROM progress WHERE user_id = %s AND slowed(lesson) > 0"
ROWS = 30_000
ADMIN = ("--set", "http.anonymous=admin")


@pytest.fixture
def direct(server, database):
    """A session past Forebay, of the same user."""
    dsn = server.dsn(user=USER, dbname=database, password=server.passwords[USER])
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def progress(direct):
    direct.execute("CREATE TABLE progress (id int PRIMARY KEY, user_id int, lesson int, note text)"
                   " WITH (autovacuum_enabled = off)")  # a vacuum in between would be a reason for another plan
    direct.execute(f"INSERT INTO progress SELECT i, i % 3000, i, 'a note' FROM generate_series(1, {ROWS}) i")
    direct.execute("CREATE FUNCTION slowed(int) RETURNS int STABLE LANGUAGE sql AS $$ SELECT $1 FROM pg_sleep(0.01) $$")
    direct.execute("ANALYZE progress")
    yield
    direct.execute("DROP TABLE IF EXISTS progress; DROP FUNCTION IF EXISTS slowed(int)")


@pytest.fixture
def forebay(start, connect):
    daemon = start(*ADMIN, "--set", "plans.slower_than=20ms", "--cache", "off")
    return daemon, Http(daemon), connect(daemon)


def until(ask, what: str, seconds: float = 90):
    return wait_until(ask, seconds, what, interval=0.2)


def row_of(http: Http, part: str) -> dict:
    rows = http.get("/api/v1/statements?limit=500").data["statements"]
    return next((row for row in rows if part in row["text"]), {})


def page_of(http: Http, part: str) -> dict:
    return http.get(f"/api/v1/statements/{row_of(http, part)['id']}").data


def explained(http: Http, part: str) -> dict:
    """Once there is a plan."""

    def ask():
        found = row_of(http, part)
        return found and found["plan"] and page_of(http, part)["explained"]

    return until(ask, f"an explanation of {part}")


def steps(node: dict) -> list:
    """Kinds of the steps, relations and indexes, ours or EXPLAIN's own."""
    names = {key.lower().replace(" ", "_"): value for key, value in node.items()}
    below = [step for child in names.get("plans", []) for step in steps(child)]
    return [(names["node_type"], names.get("relation_name"), names.get("index_name")), *below]


def run_slowly(client, times: int = 2) -> None:
    for user in range(times):
        client.execute(SLOW, (user,))


def test_a_slow_statement_is_found_explained_and_fixed(forebay, progress, direct):
    daemon, http, client = forebay
    run_slowly(client)
    told = explained(http, "slowed")
    assert told["why_not"] is None and told["asked"] is not None
    latest, = told["plans"]
    direct.execute("SET plan_cache_mode = force_generic_plan")
    direct.execute("PREPARE same AS SELECT count(*) FROM progress WHERE user_id = $1 AND slowed(lesson) > $2")
    explain = "EXPLAIN (FORMAT JSON) EXECUTE same(NULL, NULL)"
    assert steps(latest["root"]) == steps(direct.execute(explain).fetchone()[0][0]["Plan"])
    assert ("Seq Scan", "progress", None) in steps(latest["root"])
    finding, = until(lambda: page_of(http, "slowed")["explained"]["findings"], "the finding")
    assert finding["kind"] == "sequential_scan"
    assert finding["suggestion"] == "CREATE INDEX CONCURRENTLY ON public.progress (user_id);"
    row = row_of(http, "slowed")
    assert row["plan"]["findings"] == 1 and row["plan"]["total_cost"] == latest["total_cost"]

    direct.execute(finding["suggestion"])
    assert explain_when_free(http, f"/api/v1/statements/{row['id']}").status == 200
    told = page_of(http, "slowed")["explained"]
    assert told["findings"] == []
    now, before = told["plans"]
    assert steps(now["root"]) == steps(direct.execute(explain).fetchone()[0][0]["Plan"])
    assert now["changes"] and now["changes"][0].startswith("Seq Scan on progress became")
    assert "progress_user_id_idx" in now["changes"][0]
    assert before["calls"] >= 1 and before["mean_seconds"] >= 0.02
    assert 'a slow statement is run in another way' in daemon.log()


def test_its_past_is_kept(forebay, progress):
    _, http, client = forebay
    run_slowly(client, 3)
    explained(http, "slowed")

    def whole():
        """Once the last look was behind the last call."""
        told = page_of(http, "slowed")
        past = told["explained"]["past"]
        calls = sum(filter(None, past["calls_per_second"])) * past["step_seconds"]
        is_whole = calls == pytest.approx(told["calls"], abs=0.01)
        return is_whole and past["newest_began"] > asked - past["step_seconds"] and past

    asked = time.time()
    past = until(whole, "all of its calls")
    assert past["newest_began"] <= time.time()
    assert len(past["calls_per_second"]) == len(past["mean_seconds"]) == 120
    assert max(mean for mean in past["mean_seconds"] if mean is not None) >= 0.02


def test_a_plan_is_of_who_ran_it_with_the_settings_of_his_session(forebay, direct):
    """Not with the rights of Forebay's own user: planning runs functions of the database."""
    _, http, client = forebay
    direct.execute("CREATE SCHEMA hidden; CREATE TABLE hidden.pearls AS SELECT 5 AS id")
    direct.execute("CREATE FUNCTION hidden.who() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
                   "IF current_user <> 'app' THEN RAISE EXCEPTION 'planned by somebody else'; END IF; "
                   "PERFORM pg_sleep(0.05); RETURN 7; END $$")
    direct.execute("CREATE TABLE hidden.his (id int)")
    client.execute("SET search_path = hidden")
    client.execute("SELECT id, 'x' FROM pearls, pg_sleep(0.05) WHERE id = 5")
    client.execute("SELECT id FROM his WHERE id = who()")
    assert ("Seq Scan", "pearls", None) in steps(explained(http, "pearls")["plans"][0]["root"])
    told = explained(http, "who()")
    assert told["why_not"] is None
    scan = told["plans"][0]["root"]
    assert scan["relation_name"] == "his" and "who" not in scan["filter"], "the function ran while it was planned"


def test_a_statement_is_explained_by_its_text(forebay):
    """Analyse a query (C10): whoever asks has a text, and other values in it than were counted."""
    _, http, client = forebay
    client.execute("SELECT pg_backend_pid(), 1 AS by_its_text")
    row = row_of(http, "by_its_text")
    reply = explain_when_free(http, "/api/v1/statements", {"statement": "SELECT pg_backend_pid(),  17 AS by_its_text;"})
    assert reply.status == 200, reply.text
    assert reply.data["id"] == row["id"]
    assert reply.data["explained"]["plans"][0]["root"]["node_type"] == "Result"
    elsewhere = {"statement": "SELECT pg_backend_pid(), 1 AS by_its_text", "database": "elsewhere"}
    assert http.post("/api/v1/statements/explain", elsewhere).json["error"]["code"] == "no_statement"
    assert http.post("/api/v1/statements/explain", {"statement": "SELECT never"}).status == 404
    for body in ({}, {"statement": " ; "}, {"statement": "SELECT 1; SELECT 2"}, {"statement": 1}):
        assert http.post("/api/v1/statements/explain", body).json["error"]["code"] == "invalid_body"
    assert http.post(f"/api/v1/statements/{row['id']}/explain", {"statement": "SELECT 1"}).status == 400


def test_a_write_is_explained_and_not_executed(forebay, progress, direct):
    _, http, client = forebay
    client.execute("BEGIN")
    client.execute("UPDATE progress SET note = 'written' WHERE user_id = 7 AND slowed(lesson) > 0")
    client.execute("ROLLBACK")
    told = explained(http, "UPDATE progress")
    assert told["why_not"] is None
    assert told["plans"][0]["root"]["node_type"] == "ModifyTable"
    assert "written" not in http.get("/api/v1/statements").text
    assert direct.execute("SELECT count(*), count(*) FILTER (WHERE note = 'written') FROM progress").fetchone() == (
        ROWS, 0)
    refused = explain_when_free(http, f"/api/v1/statements/{row_of(http, 'UPDATE progress')['id']}",
                                {"analyze": True, "parameters": ["written", "7", "0"]})
    assert refused.status == 422 and "no plain read" in refused.json["error"]["message"]
    assert direct.execute("SELECT count(*) FROM progress WHERE note = 'written'").fetchone() == (0,)


@pytest.mark.parametrize(("text", "part", "why"), [
    ("SELECT pg_sleep(0.05) WHERE 'b' < 'c'" + " OR 'd' < 'e'" * 90, "pg_sleep", "first 1024 bytes"),
    ("SELECT id, pg_sleep(0.05) FROM generate_series(1, 1) id ORDER BY 1", "pg_sleep", "number of a column"),
    ("DO $$ BEGIN PERFORM pg_sleep(0.05); END $$", "DO", "reads and writes of rows only"),
], ids=["cut", "numbered", "utility"])
def test_what_cannot_be_explained_says_why(forebay, text, part, why):
    _, http, client = forebay
    client.execute(text)
    told = explained(http, part)
    assert why in told["why_not"] and told["plans"] == []


def test_a_literal_with_its_type_in_front_is_no_obstacle(forebay):
    _, http, client = forebay
    client.execute("SELECT pg_sleep(0.05), now() - interval '1 day' < date '2020-01-01'")
    told = explained(http, "interval")
    assert told["why_not"] is None and told["plans"][0]["root"]["node_type"] == "Result"


def test_a_right_that_has_gone_is_the_reason(forebay, server, database):
    _, http, client = forebay
    server.psql("CREATE TABLE vault (id int); GRANT SELECT ON vault TO app", dbname=database)
    client.execute("SELECT id, pg_sleep(0.05) FROM vault LEFT JOIN generate_series(1, 1) ON true")
    client.execute("SELECT count(*), pg_sleep(0.05) FROM vault")
    assert explained(http, "count(*), pg_sleep")["why_not"] is None
    server.psql("REVOKE SELECT ON vault FROM app", dbname=database)
    identifier = row_of(http, "count(*), pg_sleep")["id"]
    refused = explain_when_free(http, f"/api/v1/statements/{identifier}")
    assert refused.status == 422 and "permission denied for table vault" in refused.json["error"]["message"]
    told = page_of(http, "count(*), pg_sleep")["explained"]
    assert "permission denied" in told["why_not"] and len(told["plans"]) == 1, "the last plan stays to be seen"


def test_executing_it_is_for_plain_reads_with_values_and_ends_in_time(forebay, progress, direct):
    _, http, client = forebay
    client.execute("SELECT count(*) FROM progress WHERE user_id = 3")
    path = f"/api/v1/statements/{row_of(http, 'count(*) FROM progress')['id']}"
    assert explain_when_free(http, path, {"analyze": True, "parameters": ["4"]}).status == 200
    measured = http.get(path).data["explained"]["measured"]
    scan = measured["root"]["plans"][0]
    assert scan["actual_rows"] == 10 and scan["rows_removed_by_filter"] == ROWS - 10
    assert measured["execution_seconds"] > 0
    assert explain_when_free(http, path, {"analyze": True}).json["error"]["message"] == (
        "it takes 1 values, and 0 were sent")
    wrong = explain_when_free(http, path, {"analyze": True, "parameters": ["'); DROP TABLE progress; --"]})
    assert wrong.status == 422 and "invalid input syntax" in wrong.json["error"]["message"]
    assert direct.execute("SELECT count(*) FROM progress").fetchone() == (ROWS,)
    client.execute("SELECT pg_sleep(0.01)")
    late = explain_when_free(http, f"/api/v1/statements/{row_of(http, 'pg_sleep')['id']}",
                             {"analyze": True, "parameters": ["30"]})
    assert late.status == 422 and "statement timeout" in late.json["error"]["message"]
    client.execute(SLOW, (1,))
    unknown = explain_when_free(http, f"/api/v1/statements/{row_of(http, 'slowed')['id']}",
                                {"analyze": True, "parameters": ["1", "0"]})
    assert unknown.status == 422 and "no plain read" in unknown.json["error"]["message"]


def test_a_measured_run_of_many_steps_was_said_to_have_no_row(forebay, direct):
    """The server tells of ten tables in more than 32 KiB."""
    _, http, client = forebay
    direct.execute("CREATE TABLE parts AS SELECT id FROM generate_series(1, 20) id; ANALYZE parts")
    text = "SELECT count(*) FROM parts p0 " + " ".join(f"JOIN parts p{number} USING (id)" for number in range(1, 10))
    raw, = direct.execute(f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) {text}").fetchone()
    assert len(json.dumps(raw, indent=2)) > 32 * 1024
    client.execute(text, prepare=False)
    path = f"/api/v1/statements/{row_of(http, 'FROM parts p0')['id']}"
    reply = explain_when_free(http, path, {"analyze": True})
    assert reply.status == 200, reply.json
    assert len(steps(http.get(path).data["explained"]["measured"]["root"])) == len(steps(raw[0]["Plan"]))


def explain_when_free(http: Http, path: str, body: dict | None = None):
    """It waits for a tenth of a second to get a backend, which may have to be opened."""

    def ask():
        reply = http.post(f"{path}/explain", body)
        return None if reply.status != 200 and "no backend" in reply.json["error"]["message"] else reply

    return until(ask, "an answer of the server's")


def test_only_administrators_ask_and_names_are_checked(start, connect):
    daemon = start("--set", "http.anonymous=viewer")
    http = Http(daemon)
    connect(daemon).execute("SELECT 1 AS something")
    identifier = row_of(http, "something")["id"]
    page = http.get(f"/api/v1/statements/{identifier}").data
    assert page["text"] == "SELECT $1 AS something" and not page["may_explain"] and page["repetitions"] == []
    assert http.post(f"/api/v1/statements/{identifier}/explain").status in (401, 403)
    for wrong in ("x", "0" * 32 + "-nothing", identifier[:-1] + "%zz", "0" * 32):
        assert http.get(f"/api/v1/statements/{wrong}").status == 404
    assert http.get(f"/api/v1/statements/{identifier}/more").status == 404


@pytest.mark.parametrize("body", [{"analyze": "yes"}, {"parameters": [1]}, {"other": True}, {"parameters": ["1"]}])
def test_a_body_that_is_wrong_is_told_so(forebay, body):
    _, http, client = forebay
    client.execute("SELECT 1 AS something")
    reply = http.post(f"/api/v1/statements/{row_of(http, 'something')['id']}/explain", body)
    assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_body")


def test_clients_that_wait_come_first(start, connect, direct):
    daemon = start(*ADMIN, "--pool-size", "1", "--set", "pool.overflow=0", "--set", "plans.slower_than=20ms")
    http = Http(daemon)
    first, second, third = (connect(daemon) for _ in range(3))
    first.execute("SELECT pg_sleep(0.05)")
    identifier = row_of(http, "pg_sleep")["id"]
    direct.execute("SELECT pg_advisory_lock(1)")
    blocked = ("SELECT pg_advisory_xact_lock(1)",)
    waiting = [threading.Thread(target=client.execute, args=blocked) for client in (second, third)]
    for thread in waiting:
        thread.start()
    until(lambda: any(pool["clients"]["waiting"] for pool in http.get("/api/v1/pools").data), "somebody who waits")
    refused = http.post(f"/api/v1/statements/{identifier}/explain")
    assert refused.status == 422 and "clients wait" in refused.json["error"]["message"]
    direct.execute("SELECT pg_advisory_unlock(1)")
    for thread in waiting:
        thread.join(20)


def test_it_can_be_switched_off(start, connect):
    daemon = start(*ADMIN, "--set", "plans.enabled=false", "--set", "plans.slower_than=20ms")
    http = Http(daemon)
    client = connect(daemon)
    client.execute("SELECT pg_sleep(0.05)")
    past = until(lambda: any(page_of(http, "pg_sleep")["explained"]["past"]["calls_per_second"]), "a look")
    assert past and row_of(http, "pg_sleep")["plan"] is None
    assert explain_when_free(http, f"/api/v1/statements/{row_of(http, 'pg_sleep')['id']}").status == 200
