"""What three of the systems promise by HTTP is answered with their profiles' configurations (B17, C10, P6)."""

import json
import re
import urllib.error
import urllib.request

import pytest
import yaml

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.directories import REPOSITORY

TOKEN = "a-token-of-somebody-who-looks"
ADMIN = "a-token-of-somebody-who-acts"
PROFILES = ("bdc", "classroom", "prepnexus")
#: What is promised of what Forebay has; B17's jobs are none of Forebay's.
PROMISED = {
    "bdc": {"dashboard", "database", "slow-queries", "cache", "memory", "health", "clear", "release"},
    "classroom": {"performance", "metrics", "analyze-query", "reset", "resolve"},
    "prepnexus": {"metrics", "stats", "clear", "recommendations"},
}
#: What actions say to a body that holds nothing: done, or what they want to be told.
ACTIONS = {
    "/api/v1/cache/clear": 200, "/api/v1/memory/release": 200, "/api/v1/statements/reset": 200,
    "/api/v1/statements/explain": 400, "/api/v1/alerts/resolve": 400,
}


def configuration(profile: str) -> str:
    return (REPOSITORY / "profiles" / profile / "forebay.yaml").read_text()


def aliases_of(profile: str) -> dict[str, str]:
    return yaml.safe_load(configuration(profile))["http"]["aliases"]


@pytest.fixture(scope="module", params=PROFILES)
def served(request, server):
    """(profile, ask): ask(path, token) gives status, type and body."""
    text = configuration(request.param).replace("http:\n", f"http:\n  anonymous: none\n"
                                                        f"  viewer_tokens: {TOKEN}\n  admin_tokens: {ADMIN}\n")
    with ForebayDaemon(server, ["--threads", "2", "--admin", "127.0.0.1:0"], text) as daemon:
        found = wait_until(lambda: re.search(r"HTTP is served on (\S+)", daemon.log()), 10, "HTTP is served")

        def ask(path: str, token: str | None = TOKEN, method: str = "GET"):
            fields = {"Authorization": f"Bearer {token}"} if token else {}
            body = None
            if method == "POST":
                body, fields["Content-Type"] = b"{}", "application/json"
            asked = urllib.request.Request(f"http://{found.group(1)}{path}", body, method=method, headers=fields)
            try:
                with urllib.request.urlopen(asked, timeout=20) as reply:
                    return reply.status, reply.headers["Content-Type"], reply.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.headers["Content-Type"], error.read().decode()

        wait_until(lambda: ask("/health/ready")[0] == 200, 40, "the server is known", interval=0.2)
        yield request.param, ask


def test_every_promised_path_is_answered_as_the_one_that_it_stands_for(served):
    profile, ask = served
    aliases = aliases_of(profile)
    assert PROMISED[profile] <= {path.rpartition("/")[2] for path in aliases}
    for path, target in aliases.items():
        if target in ACTIONS:
            continue
        status, kind, body = ask(path)
        assert status == 200, (path, body)
        assert kind == ask(target)[1], path
        if kind.startswith("application/json"):
            told = json.loads(body)
            expected = json.loads(ask(target)[2])
            assert told.keys() == expected.keys(), path
            if isinstance(expected.get("data"), dict):
                assert told["data"].keys() == expected["data"].keys(), path
        else:
            assert "# TYPE forebay_queries_total counter" in body


def test_every_promised_action_is_done_for_administrators(served):
    """Clear caches, release memory (B17, P6); analyse a query, reset metrics, resolve an alert (C10)."""
    profile, ask = served
    actions = {path: target for path, target in aliases_of(profile).items() if target in ACTIONS}
    assert actions
    for path, target in actions.items():
        status, _, body = ask(path, ADMIN, "POST")
        assert status == ACTIONS[target], (path, body)
        assert json.loads(body).keys() == json.loads(ask(target, ADMIN, "POST")[2]).keys(), path
        assert ask(path, TOKEN, "POST")[0] == 403, path
        assert ask(path)[0] == 405, path


def test_who_may_not_ask_for_what_a_path_stands_for_may_not_ask_by_it(served):
    profile, ask = served
    for path, target in aliases_of(profile).items():
        method = "POST" if target in ACTIONS else "GET"
        assert ask(path, None, method)[0] == 401, path
        assert ask(path, "another-token-altogether", method)[0] == 401, path
        assert ask(path, method="DELETE")[0] == 405, path


def test_the_document_of_the_interface_names_them(served):
    profile, ask = served
    paths = json.loads(ask("/api/v1/openapi.json")[2])["paths"]
    for path, target in aliases_of(profile).items():
        method = "post" if target in ACTIONS else "get"
        assert target in paths[path][method]["summary"]
        built_in = paths[target.partition("?")[0]][method]
        assert paths[path][method]["responses"] == built_in["responses"]


def test_health_is_answered_by_the_paths_that_kubernetes_asks(served):
    """P6: health, detailed, ready, live, whoever asks but for details."""
    _, ask = served
    for path in ("/health", "/health/ready", "/health/live"):
        assert ask(path, token=None)[0] == 200, path
    assert ask("/health/detailed")[0] == 200
