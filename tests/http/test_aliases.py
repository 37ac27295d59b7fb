"""Further paths for what is built in: who may ask by them is who may ask by the path itself (B17, C10, P6)."""

import subprocess

import pytest

from conftest import Http
from forebay_testing import wait_until
from forebay_testing.forebay import forebay_binary

ALIASES = """\
http:
  anonymous: none
  viewer_tokens: looks-and-does-nothing
  aliases:
    /alive: /health/live
    /performance: /api/v1/overview
    /slow: /api/v1/statements?limit=1
"""
VIEWER = "Bearer looks-and-does-nothing"


def test_an_alias_has_the_role_of_what_it_stands_for(start):
    http = Http(start(config=ALIASES))
    assert http.get("/alive").json == {"status": "live"}
    assert http.get("/performance").status == 401
    assert http.get("/performance", Authorization="Bearer of-nothing-that-is-known").status == 401
    assert "queries" in http.get("/performance", Authorization=VIEWER).data["traffic"]
    assert http.ask("HEAD", "/performance", Authorization=VIEWER).body == b""


def test_an_alias_is_for_reading(start):
    http = Http(start(config=ALIASES))
    refused = http.post("/performance", {}, Authorization=VIEWER)
    assert (refused.status, refused.fields["allow"]) == (405, "GET, HEAD")
    assert http.get("/performance/", Authorization=VIEWER).status == 404


def test_parameters_are_the_aliases_and_the_requests(start, connect):
    daemon = start(config=ALIASES)
    client = connect(daemon)
    for number in range(3):
        client.execute(f"SELECT {number} AS a{number}")
    http = Http(daemon)
    wait_until(lambda: len(http.get("/api/v1/statements", Authorization=VIEWER).data["statements"]) >= 3, 10,
               "three statements")
    assert len(http.get("/slow", Authorization=VIEWER).data["statements"]) == 1
    assert http.get("/slow?limit=2", Authorization=VIEWER).status == 400, "the alias has said it already"


def test_an_alias_of_an_action_does_it_for_those_who_may(start):
    """Clear caches (B17, P6), reset metrics and resolve an alert (C10), by the paths of another system."""
    http = Http(start(config=ALIASES + """\
    /cache/clear: /api/v1/cache/clear
    /metrics/reset: /api/v1/statements/reset
    /alerts/resolve: /api/v1/alerts/resolve
  admin_tokens: does-everything-there-is
"""))
    admin = "Bearer does-everything-there-is"
    assert http.post("/cache/clear", {}, Authorization=admin).data == {"cleared": 0}
    assert http.post("/metrics/reset", {}, Authorization=admin).data == {"reset": True}
    unknown = http.post("/alerts/resolve", {"id": "none"}, Authorization=admin)
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "no_alert")
    assert http.post("/cache/clear", {}, Authorization=VIEWER).status == 403
    assert http.post("/cache/clear", {}).status == 401
    assert http.post("/cache/clear", {}, Authorization=admin, Content_Type="text/plain").status == 403
    reading = http.get("/cache/clear", Authorization=admin)
    assert (reading.status, reading.fields["allow"]) == (405, "POST")
    paths = http.get("/api/v1/openapi.json", Authorization=VIEWER).json["paths"]
    assert list(paths["/cache/clear"]) == ["post"] and "requestBody" in paths["/cache/clear"]["post"]


def test_aliases_change_with_a_reload_and_a_wrong_one_keeps_the_old(start):
    daemon = start(config=ALIASES)
    http = Http(daemon)
    daemon.config_path.write_text(ALIASES.replace("/performance:", "/figures:"))
    daemon.reload()
    wait_until(lambda: http.get("/figures", Authorization=VIEWER).status == 200, 10, "the new path")
    assert http.get("/performance", Authorization=VIEWER).status == 404
    daemon.config_path.write_text(ALIASES.replace("/performance:", "/metrics:"))
    daemon.reload()
    daemon.wait_for_log("this path is built in")
    assert http.get("/figures", Authorization=VIEWER).status == 200


@pytest.mark.parametrize("alias, why", [
    ("/a: /api/v1/overvieww", "did you mean /api/v1/overview?"),
    ("/a: /api/v1/cache/clear?relation=b", "from the body, and no parameters"),
    ("/a: '/api/v1/statements/{id}/explain'", "stands for many paths"),
    ("/a: /b\n    /b: /metrics", "/b is an alias itself"),
    ("/a: /a", "/a is an alias itself"),
    ("/metrics: /api/v1/overview", "this path is built in"),
    ("a: /metrics", "a path begins with /"),
    ("/a: [/metrics]", "takes one value"),
])
def test_what_cannot_be_answered_is_told_by_check(tmp_path, alias, why):
    file = tmp_path / "forebay.yaml"
    file.write_text(f"upstream: postgres://u@127.0.0.1\nhttp:\n  aliases:\n    {alias}\n")
    done = subprocess.run([forebay_binary(), "check", "--config", file], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and why in done.stderr
    assert f"{file}:4:" in done.stderr, "where it stands"
