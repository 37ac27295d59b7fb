"""What the API tells is what the console tells, and what it does is what the console does (C10, P6, B17)."""

import pathlib
import re
import socket
import time

import psycopg
import pytest

from conftest import USER, Http
from forebay_testing import wait_until


def test_the_document_lists_what_there_is_and_nothing_else(start):
    """Every path and method of the document exists; for a path that is there every other method is refused."""
    daemon = start("--set", "http.anonymous=admin")
    http = Http(daemon)
    document = http.get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method in ("get", "post"):
            if path == "/api/v1/events" and method == "get":
                reply = http.ask("HEAD", path)
            else:
                reply = http.ask(method.upper(), path)
            expected = operations.get(method)
            assert (reply.status == 405) is (expected is None), (method, path, reply.status)
            if expected is None:
                assert method.upper() not in reply.fields["allow"]
            elif method == "get":
                kinds = {kind for answer in expected["responses"].values() for kind in answer.get("content", {})}
                assert reply.fields["content-type"].partition(";")[0] in kinds
    assert {"/metrics", "/health/ready", "/api/v1/overview", "/api/v1/cache/clear"} <= set(document["paths"])
    assert http.get("/api/v1/nothing").status == 404


def test_parameters_of_the_document_are_those_that_are_taken(start):
    http = Http(start())
    told = {path: {each["name"]: each["schema"] for each in operations["get"].get("parameters", [])
                   if each["in"] == "query"}
            for path, operations in http.get("/api/v1/openapi.json").json["paths"].items() if "get" in operations}
    told = {path: names for path, names in told.items() if names}
    assert {path: set(names) for path, names in told.items()} == {
        "/api/v1/statements": {"limit", "order", "database"}, "/api/v1/history": {"series", "seconds"}}
    for path, names in told.items():
        for name, schema in names.items():
            fitting = schema.get("enum", [schema.get("minimum", "queries"), schema.get("maximum", "queries")])
            assert [http.get(f"{path}?{name}={value}").status for value in fitting] == [200] * len(fitting)
        refused = http.get(f"{path}?unknown=1")
        assert refused.status == 400
        assert all(f"{name}=" in refused.json["error"]["message"] for name in names)
    assert http.get("/api/v1/statements?order=unknown").status == 400
    assert http.get("/api/v1/statements?limit=501").status == http.get("/api/v1/statements?limit=0").status == 400


def test_references_of_the_document_lead_somewhere(start):
    document = Http(start()).get("/api/v1/openapi.json").json

    def references(node):
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(document))
    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_reply_has_the_same_form(start):
    http = Http(start())
    for path in ("overview", "pools", "databases", "clients", "servers", "cache", "statements", "repetitions", "alerts",
                 "config", "version", "activity", "locks", "database", "tables", "indexes", "history"):
        reply = http.get(f"/api/v1/{path}")
        assert (reply.status, set(reply.json)) == (200, {"data", "meta"}), path
        assert set(reply.json["meta"]) == {"version", "time"}
    failed = http.get("/api/v1/nothing")
    assert set(failed.json) == {"error", "meta"}
    assert {"code", "message"} <= set(failed.json["error"])


def test_resources_are_what_show_says(start, connect, database):
    daemon = start()
    holding = connect(daemon, autocommit=False)
    holding.execute("SELECT 1")
    http = Http(daemon)
    shown = next(row for row in daemon.show("pools") if row["database"] == database)
    pool = next(pool for pool in http.get("/api/v1/pools").data if pool["database"] == database)
    assert pool["user"] == shown["user"] == USER
    assert pool["server"] == shown["server"]
    assert pool["mode"] == shown["pool_mode"]
    assert pool["backends"]["active"] == shown["sv_active"] == 1
    assert pool["clients"]["active"] == shown["cl_active"] == 1
    shown = next(row for row in daemon.show("stats") if row["database"] == database)
    told = next(row for row in http.get("/api/v1/databases").data if row["database"] == database)
    assert told["traffic"]["queries"] == shown["total_query_count"]
    assert (told["clients"], told["backends"]) == (1, 1)
    assert http.get("/api/v1/clients").data["active"] == 1
    overview = http.get("/api/v1/overview").data
    assert overview["clients"]["active"] == 1
    assert overview["paused"] is False
    config = {line["key"]: line["value"] for line in http.get("/api/v1/config").data}
    for row in daemon.show("config"):
        assert config[row["key"]] == row["value"]
    servers = wait_until(lambda: [s for s in http.get("/api/v1/servers").data if s.get("state") == "up"], 10)
    topology = daemon.show("topology")[0]
    assert (servers[0]["server"], servers[0]["role"]) == (topology["server"], topology["role"])
    assert servers[0]["primary"] is True


def test_a_client_is_idle_in_a_transaction_since_its_answer_and_not_since_its_question(start, connect, database):
    daemon = start()
    client = connect(daemon, autocommit=False)
    http = Http(daemon)

    def idle_ms() -> int:
        pool = next(pool for pool in http.get("/api/v1/pools").data if pool["database"] == database)
        return pool["longest_idle_in_transaction_ms"]

    asked = time.monotonic()
    client.execute("SELECT pg_sleep(1.5)")
    told = idle_ms()
    passed = (time.monotonic() - asked) * 1000
    assert told < passed - 1400, "since the question it would be 1500 more"
    wait_until(lambda: idle_ms() > 300, 10, "it goes on")
    client.rollback()
    assert idle_ms() == 0


def test_no_secret_is_told(start, server):
    token = "a-token-that-nobody-must-see"
    config = f"http: {{viewer_tokens: [{token}]}}\nusers: {{hidden: {{password: s3cret-of-hidden}}}}\n"
    daemon = start(config=config)
    http = Http(daemon)
    upstream_password = server.passwords[server.superuser]
    for path in ("/api/v1/config", "/metrics", "/health/detailed", "/api/v1/overview"):
        text = http.get(path).text
        assert token not in text and "s3cret-of-hidden" not in text, path
        assert upstream_password is None or upstream_password not in text, path
    lines = {line["key"]: line["value"] for line in http.get("/api/v1/config").data}
    assert lines["http.viewer_tokens"] == "***"
    assert lines["users.hidden.password"] == "***"
    assert token not in daemon.log()


@pytest.fixture
def cached(start, connect):
    """A daemon with two kept results, and its client."""
    daemon = start("--set", "http.anonymous=admin", "--cache", "on")
    client = connect(daemon)
    client.execute("CREATE TABLE IF NOT EXISTS wares (id int)")
    client.execute("CREATE TABLE IF NOT EXISTS people (id int)")
    http = Http(daemon)

    def fill():
        client.execute("SELECT * FROM wares", prepare=False)
        client.execute("/* forebay: tags=person:1 */ SELECT * FROM people", prepare=False)
        return http.get("/api/v1/cache").data["store"]["entries"] >= 2

    wait_until(fill, 20, "two kept results")
    return http, fill


def test_the_cache_is_cleared(cached):
    http, fill = cached
    assert http.post("/api/v1/cache/clear", {"relation": "wares"}).data == {"cleared": 1}
    assert http.post("/api/v1/cache/clear", {"relation": "wares"}).data == {"cleared": 0}
    assert http.post("/api/v1/cache/clear", {"tag": "person:*"}).data == {"cleared": 1}
    wait_until(fill, 20, "two kept results again")
    assert http.post("/api/v1/cache/clear", {}).data == {"cleared": 2}
    databases = http.get("/api/v1/cache").data["databases"]
    assert databases and databases[0]["entries"] == 0


def test_what_statements_have_come_to_is_forgotten(start, connect):
    """Reset metrics (C10); counters for Prometheus go on."""
    daemon = start("--set", "http.anonymous=admin")
    client = connect(daemon)
    client.execute("SELECT 1 AS forgotten")
    http = Http(daemon)

    def texts():
        return [row["text"] for row in http.get("/api/v1/statements").data["statements"]]

    wait_until(lambda: any("forgotten" in text for text in texts()), 10, "it is counted")
    before = http.get("/api/v1/overview").data["traffic"]["queries"]
    assert http.post("/api/v1/statements/reset").data == {"reset": True}
    assert texts() == []
    assert http.get("/api/v1/overview").data["traffic"]["queries"] == before
    client.execute("SELECT 1 AS forgotten")
    wait_until(lambda: any("forgotten" in text for text in texts()), 10, "it is counted again")


def test_memory_that_is_free_is_released(start, connect):
    """B17. What a crowd of clients took is free once they have gone, and was not returned by itself."""
    daemon = start("--set", "http.anonymous=admin")
    http = Http(daemon)
    crowd = [connect(daemon) for _ in range(60)]
    for client in crowd:
        client.execute("SELECT 1")
        client.close()
    told = http.post("/api/v1/memory/release").data
    truth = int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{daemon.pid}/status").read_text()).group(1)) * 1024
    assert told["resident_bytes"] <= told["resident_bytes_before"]
    assert told["resident_bytes"] == pytest.approx(truth, rel=0.05)
    assert http.post("/api/v1/memory/release", {"all": "yes"}).status == 400


def test_a_pause_holds_clients_until_it_is_ended(start, connect, database):
    daemon = start("--set", "http.anonymous=admin")
    client = connect(daemon)
    client.execute("SELECT 1")
    http = Http(daemon)
    assert http.post("/api/v1/pause", {"database": database}).data["paused"] is True
    told = next(row for row in http.get("/api/v1/databases").data if row["database"] == database)
    assert told["paused"] is True
    with pytest.raises(psycopg.OperationalError):
        with psycopg.connect(daemon.dsn(user=USER, dbname=database), connect_timeout=2):
            pass
    assert http.post("/api/v1/resume").data == {"paused": False}
    assert client.execute("SELECT 2").fetchone() == (2,)
    assert http.post("/api/v1/resume").json["error"]["code"] == "not_paused"
    assert http.post("/api/v1/resume").status == 409


def test_a_reload_says_what_came_of_it(start):
    daemon = start(config="http: {anonymous: admin}\npool: {size: 7}\n")
    http = Http(daemon)
    daemon.config_path.write_text("http: {anonymous: admin}\npool: {size: 9}\nthreads: 1\n")
    assert http.post("/api/v1/reload").data["reloaded"] is True
    assert {line["key"]: line["value"] for line in http.get("/api/v1/config").data}["pool.size"] == "9"
    daemon.config_path.write_text("pool: {size: many}\n")
    failed = http.post("/api/v1/reload")
    assert (failed.status, failed.json["error"]["code"]) == (422, "not_reloaded")
    assert "pool.size" in failed.json["error"]["message"]


@pytest.mark.parametrize("body", [
    b"[]", b"{", b"1", b'"x"', b'{"database": 1}', b'{"database": ""}', b'{"else": "x"}', b"\xff\xfe", b"[" * 60000,
    b'{"relation": "a", "tag": "b"}',
])
def test_a_body_that_means_nothing_changes_nothing(start, body):
    http = Http(start("--set", "http.anonymous=admin"))
    for path in ("/api/v1/cache/clear", "/api/v1/pause", "/api/v1/reload"):
        reply = http.ask("POST", path, body)
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_body"), (path, reply.text)
    assert http.get("/api/v1/overview").data["paused"] is False


def test_a_database_that_is_not_listed_cannot_be_paused(start):
    http = Http(start(config="http: {anonymous: admin}\ndatabases: {shop: {}}\n"))
    reply = http.post("/api/v1/pause", {"database": "shpo"})
    assert (reply.status, reply.json["error"]["hint"]) == (404, "Did you mean shop?")


def test_head_says_what_get_would(start):
    http = Http(start())
    got, head = http.get("/health/live"), http.ask("HEAD", "/health/live")
    assert head.body == b""
    assert (head.status, head.fields["content-length"]) == (200, got.fields["content-length"])


def test_a_connection_is_used_again(start):
    http = Http(start())
    request = f"GET /health/live HTTP/1.1\r\nHost: localhost:{http.port}\r\n\r\n".encode()
    with http.connect() as connection:
        connection.sendall(request * 3)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3
