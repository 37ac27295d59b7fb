"""Recommendations on real servers: with figures, dismissed, measured after something was done (B22, L17, C7, C10)."""

import contextlib
import re
import subprocess
import threading

import pytest

from conftest import USER, Http
from forebay_testing import PostgresServer, forebay_binary, postgres_binary, wait_until

SMALL = "http: {anonymous: admin}\npool: {size: 2, overflow: 0}\n"
LARGE = "http: {anonymous: admin}\npool: {size: 8, overflow: 0}\n"

pytestmark = pytest.mark.time_limit(240)


@pytest.fixture
def load(server, database):
    """load(daemon, script, clients): pgbench runs through the daemon until the test ends."""
    with contextlib.ExitStack() as running:

        def run(daemon, script: str, clients: int, *flags: str) -> None:
            path = daemon.directory / "load.sql"
            path.write_text(script)
            dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
            process = subprocess.Popen(
                [postgres_binary("pgbench"), "--no-vacuum", f"--file={path}", f"--client={clients}", "--time=230",
                 *flags, dsn], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.terminate)

        yield run


def told(http: Http, where: str, kind: str) -> dict | None:
    """The first recommendation of a kind in one of the lists."""
    return next((each for each in http.get("/api/v1/recommendations").data[where] if each["kind"] == kind), None)


def awaited(http: Http, where: str, kind: str, seconds: float = 60) -> dict:
    return wait_until(lambda: told(http, where, kind), seconds, f"{kind} among {where}", interval=0.5)


def test_a_pool_that_is_too_small_is_recommended_with_figures_and_the_gain_is_measured(start, load, database):
    daemon = start(config=SMALL)
    http = Http(daemon)
    load(daemon, "SELECT pg_sleep(0.2);\n", 8)  # beside which it is nothing by how much a client reads late
    found = awaited(http, "open", "pool-size")
    assert found["id"] == f"pool-size:{USER}@{database}"
    assert found["title"] == f"Give the pool of {USER}@{database} more backends"
    assert "checkouts" in found["evidence"]
    # One may be on its way from client to client at that moment.
    wait_until(lambda: "2 of 2 backends are in use" in told(http, "open", "pool-size")["evidence"], 30, "both in use",
               interval=0.2)
    # Six of eight clients wait at each time: by Little's law so many backends more.
    found = wait_until(lambda: (one := told(http, "open", "pool-size")) and "size: 8" in one["change"]["text"] and one,
                       90, "six clients on average, over a whole minute", interval=0.5)
    assert found["change"] == {"form": "yaml", "text": "pool:\n  size: 8"}
    assert found["gain"]["unit"] == "client_seconds_per_hour"
    assert 5 * 3600 < found["gain"]["value"] <= 6 * 3600
    assert found["subject"] == {"database": database, "user": USER, "server": found["subject"]["server"], "use": "all"}

    daemon.config_path.write_text(LARGE)
    assert http.post("/api/v1/reload").data["reloaded"] is True
    awaited(http, "measuring", "pool-size", 30)
    done = awaited(http, "done", "pool-size", 150)
    assert done["outcome"] == "done" and done["title"] == found["title"]
    effect = done["effect"]
    assert effect["figure"] == "waiting for each checkout"
    assert effect["before"]["unit"] == effect["after"]["unit"] == "milliseconds"
    assert 400 < effect["before"]["value"] < 1800, "three quarters of the clients waited for 200 ms of others"
    assert effect["after"]["value"] < effect["before"]["value"] / 10
    assert effect["measured_seconds"] >= 60
    assert told(http, "open", "pool-size") is None


def test_statements_that_repeat_are_recommended_to_be_asked_at_once(start, connect, database):
    http = Http(daemon := start())
    stop = threading.Event()
    client = connect(daemon, prepare_threshold=None)
    client.execute("CREATE TABLE shelves (id int)")
    client.execute("CREATE TABLE books (shelf int, title text)")
    client.execute("INSERT INTO shelves SELECT 300 + n FROM generate_series(1, 20) n")
    client.execute("INSERT INTO books SELECT 300 + n % 20, 'x' FROM generate_series(1, 20000) n")

    def pages():
        while not stop.is_set():
            with client.transaction():
                for (shelf,) in client.execute("SELECT id FROM shelves").fetchall():
                    client.execute(f"SELECT title FROM books WHERE shelf = {shelf}")

    loading = threading.Thread(target=pages)
    loading.start()
    try:
        found = awaited(http, "open", "repetition")
    finally:
        stop.set()
        loading.join(20)
    assert found["title"] == "Ask for all of them at once: SELECT title FROM books WHERE shelf = $1"
    counted = re.match(r"Run ([\d,]+) times in ([\d,]+) windows .*, ([\d.]+) times for each, with values from id of an"
                       " earlier result;", found["evidence"])
    runs, windows = (int(number.replace(",", "")) for number in counted.groups()[:2])
    assert abs(runs - 20 * windows) < 20, "20 for each, but for the transaction in progress"
    assert counted[3] == f"{runs / windows:.1f}".removesuffix(".0")
    assert found["change"] == {"form": "sql", "text": "SELECT shelf, title FROM books WHERE shelf = ANY($1);"}
    assert found["gain"]["value"] > 0 and "round trips fewer each hour" in found["gain"]["text"]
    assert found["subject"]["database"] == database


def test_an_index_that_plans_want_is_recommended_and_its_gain_measured(start, connect, load, server, database):
    """A slow statement leads to its index among what is to be done next (L17, C7)."""
    server.execute("CREATE TABLE parcels AS SELECT n AS id, n % 5000 AS shelf, repeat('x', 100) AS note"
                   " FROM generate_series(1, 240000) n", dbname=database)
    server.execute("GRANT SELECT ON parcels TO PUBLIC; ANALYZE parcels", dbname=database)
    daemon = start("--set", "http.anonymous=admin", "--set", "plans.slower_than=1ms", "--cache", "off")
    http = Http(daemon)
    text = "SELECT count(note) FROM parcels WHERE shelf = "
    load(daemon, f"\\set shelf random(0, 4999)\n{text}:shelf;\n", 1, "--rate=10")
    found = awaited(http, "open", "missing-index", 90)
    assert found["title"] == f"Make an index for {text}$1"
    assert found["change"] == {"form": "sql", "text": "CREATE INDEX CONCURRENTLY ON public.parcels (shelf);"}
    assert "all of public.parcels is read" in found["evidence"] and " of servers' time " in found["evidence"]
    assert found["gain"]["unit"] == "server_seconds_per_hour" and found["gain"]["value"] >= 36

    def counted() -> dict:
        rows = http.get("/api/v1/statements?limit=5").data["statements"]
        return next(row for row in rows if row["text"].startswith(text))

    # What is measured before begins when the recommendation does: what the machine did earlier does not count.
    first = counted()
    last = wait_until(lambda: (row := counted())["calls"] >= first["calls"] + 150 and row, 60, "150 calls more",
                      interval=0.5)
    mean = (last["total_seconds"] - first["total_seconds"]) / (last["calls"] - first["calls"])
    server.execute(found["change"]["text"], dbname=database)
    done = awaited(http, "done", "missing-index", 150)
    assert done["outcome"] == "done" and done["effect"]["figure"] == "servers' time for each call"
    assert done["effect"]["before"]["value"] == pytest.approx(mean * 1000, rel=0.5)
    assert done["effect"]["after"]["value"] < done["effect"]["before"]["value"] / 3
    assert told(http, "open", "missing-index") is None


def test_what_is_dismissed_stays_so_until_it_is_restored_by_an_administrator(start, connect, database):
    daemon = start(config="http:\n  anonymous: viewer\n  admin_tokens: [an-admin-of-this-test]\n")
    http = Http(daemon)
    admin = {"Authorization": "Bearer an-admin-of-this-test"}
    connect(daemon)
    assert http.post("/api/v1/pause", {"database": database}, **admin).data["paused"] is True
    found = awaited(http, "open", "restricted-database")
    assert found["urgency"] == "now" and found["change"] == {"form": "console", "text": f"RESUME {database};"}
    name = {"id": found["id"]}

    assert http.post("/api/v1/recommendations/dismiss", name).status in (401, 403), "viewers may look"
    assert http.get("/api/v1/recommendations").data["may_change"] is False
    foreign = http.post("/api/v1/recommendations/dismiss", name, Origin="http://elsewhere.example", **admin)
    assert foreign.status == 403, "nobody else's page may"
    assert told(http, "open", "restricted-database"), "nothing of that did anything"

    assert http.post("/api/v1/recommendations/dismiss", name, **admin).data == {"dismissed": True}
    assert told(http, "open", "restricted-database") is None
    dismissed = told(http, "dismissed", "restricted-database")
    assert dismissed["holds"] is True and dismissed["dismissed"]["by"]
    again = http.post("/api/v1/recommendations/dismiss", name, **admin)
    assert (again.status, again.json["error"]["code"]) == (404, "no_recommendation")

    # What is found meanwhile changes nothing: another look is proved by another recommendation.
    assert http.post("/api/v1/pause", {"database": "postgres"}, **admin).data["paused"] is True
    assert awaited(http, "open", "restricted-database")["subject"] == {"database": "postgres"}
    assert [each["id"] for each in http.get("/api/v1/recommendations").data["dismissed"]] == [found["id"]]
    assert http.post("/api/v1/recommendations/restore", name, **admin).data == {"restored": True}
    open_now = http.get("/api/v1/recommendations").data["open"]
    assert {each["id"] for each in open_now} == {found["id"], "restricted-database:postgres"}

    assert http.post("/api/v1/resume", {"database": database}, **admin).status == 200
    ended = awaited(http, "done", "restricted-database")
    assert (ended["outcome"], ended["effect"]) == ("no_longer_seen", None)


def test_the_console_and_top_tell_the_same(start, connect, database):
    daemon = start(config=SMALL)
    http = Http(daemon)
    connect(daemon)
    assert daemon.show("recommendations") == []
    assert http.post("/api/v1/pause", {"database": database}).data["paused"] is True
    found = awaited(http, "open", "restricted-database")
    [shown] = daemon.show("recommendations")
    assert shown == {"urgency": found["urgency"], "title": found["title"], "evidence": found["evidence"], "gain": None,
                     "advice": found["advice"], "change": found["change"]["text"], "id": found["id"]}
    told = subprocess.run([forebay_binary(), "top", daemon.url(), "--interval", "1"], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    assert (told.returncode, told.stderr) == (0, "")
    assert f"next    now: Let clients use {database} again" in told.stdout.splitlines()
    assert http.post("/api/v1/recommendations/dismiss", {"id": found["id"]}).status == 200
    assert daemon.show("recommendations") == [], "at once"


def test_a_transaction_that_holds_up_others_is_named_with_who_it_is(start, server, connect, database):
    daemon = start("--set", "sampling.interval=1s", upstream=server.url(dbname=database))
    http = Http(daemon)
    holder, waiter = connect(daemon, autocommit=False), connect(daemon)
    holder.execute("CREATE TABLE held (id int)")
    holder.commit()
    holder.execute("LOCK TABLE held")
    waiting = threading.Thread(target=lambda: waiter.execute("SELECT count(*) FROM held"))
    waiting.start()
    try:
        found = awaited(http, "open", "long-transaction")
        assert "others wait for its locks" in found["evidence"] and "LOCK TABLE held" in found["evidence"]
        assert found["urgency"] == "now"
        assert found["change"]["text"] == f"SELECT pg_terminate_backend({holder.info.backend_pid});"
        server.query(found["change"]["text"].removesuffix(";"))
    finally:
        with contextlib.suppress(Exception):
            holder.rollback()
        waiting.join(20)
    assert awaited(http, "done", "long-transaction")["outcome"] == "no_longer_seen"


def test_nothing_is_recommended_to_a_calm_server_that_is_well_set_up(start, load, server, database):
    """Wrong advice is worse than none."""
    server.psql("CREATE TABLE goods (id int PRIMARY KEY, name text); GRANT ALL ON goods TO app; "
                "INSERT INTO goods SELECT i, 'x' FROM generate_series(1, 1000) i", dbname=database)
    daemon = start("--cache", "on", config="http: {anonymous: admin}\n", upstream=server.url(dbname=database))
    http = Http(daemon)
    load(daemon, "\\set id random(1, 1000)\nSELECT name FROM goods WHERE id = :id;\n"
         "UPDATE goods SET name = 'y' WHERE id = :id;\n", 4, "--rate=100", "--protocol=prepared")
    # A pause at the end proves that looks are taken, and were for longer than any rate is of.
    seen = []

    def looked_for_long():
        data = http.get("/api/v1/recommendations").data
        seen.extend((each["title"], each["evidence"]) for each in data["open"])
        queries = (http.get("/api/v1/history?series=queries&seconds=60").data["series"]["queries"] or {}).get("mean")
        return sum(1 for each in queries or [] if each and each > 50) >= 45

    wait_until(looked_for_long, 120, "three quarters of a minute of traffic", interval=1)
    assert set(seen) == set()
    assert http.post("/api/v1/pause").data["paused"] is True
    assert [each["kind"] for each in wait_until(
        lambda: http.get("/api/v1/recommendations").data["open"], 30, "the pause", interval=0.5)] == ["readiness"]
    assert http.post("/api/v1/resume").status == 200, "clients that wait would hold up the end"


@pytest.fixture
def small():
    """A server with little room for its log and for sorts."""
    with PostgresServer({"max_wal_size": "32MB", "min_wal_size": "32MB", "work_mem": "1MB"}) as own:
        own.create_role(USER)
        own.create_database("small", f"OWNER {USER}")
        yield own


def change_at(server, found: dict) -> None:
    for statement in found["change"]["text"].splitlines():
        server.execute(statement, dbname="small")


def test_settings_that_are_too_small_are_recommended_and_the_gain_is_measured(start, small):
    config = "http: {anonymous: admin}\nsampling: {interval: 1s}\n"
    http = Http(start(config=config, upstream=small.url(dbname="small")))
    small.execute("CREATE TABLE words (id int, word text)", dbname="small")
    script = small.directory / "load.sql"
    script.write_text("BEGIN;\nINSERT INTO words SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 5000) i;\n"
                      "SELECT count(*) FROM (SELECT DISTINCT repeat(i::text, 20) FROM generate_series(1, 50000) i) a;\n"
                      "TRUNCATE words;\nEND;\n")
    # A session for each transaction: settings of the database hold from the next one on.
    with subprocess.Popen([postgres_binary("pgbench"), "--no-vacuum", "--connect", f"--file={script}", "--time=220",
                           small.dsn(dbname="small")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
        try:
            log, sorts = awaited(http, "open", "checkpoints"), awaited(http, "open", "temporary-files")
            assert re.search(r"\d+ checkpoints began in the last .* max_wal_size at 32MB", log["evidence"]), log
            assert re.search(r"\d+ temporary files of .* on average were written", sorts["evidence"]), sorts
            for found in (log, sorts):
                for statement in found["change"]["text"].splitlines():
                    small.execute(statement, dbname="small")
            done = awaited(http, "done", "temporary-files", 170)
        finally:
            load.terminate()
    assert (done["outcome"], done["effect"]["figure"]) == ("done", "temporary files written a minute")
    assert done["effect"]["before"]["value"] > 100e6 > 10 * done["effect"]["after"]["value"]
    (size,), = small.query("SELECT pg_size_bytes(current_setting('max_wal_size'))")
    assert size > 32 * 2**20
