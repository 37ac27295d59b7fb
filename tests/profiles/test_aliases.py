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
PROFILES = ("bdc", "classroom", "prepnexus")
#: What is promised of what Forebay has; B17's jobs are none of Forebay's.
PROMISED = {
    "bdc": {"dashboard", "database", "slow-queries", "cache", "memory", "health"},
    "classroom": {"performance", "metrics"},
    "prepnexus": {"metrics", "stats", "recommendations"},
}


def configuration(profile: str) -> str:
    return (REPOSITORY / "profiles" / profile / "forebay.yaml").read_text()


def aliases_of(profile: str) -> dict[str, str]:
    return yaml.safe_load(configuration(profile))["http"]["aliases"]


@pytest.fixture(scope="module", params=PROFILES)
def served(request, server):
    """(profile, ask): ask(path, token) gives status, type and body."""
    text = configuration(request.param).replace("http:\n", f"http:\n  anonymous: none\n  viewer_tokens: {TOKEN}\n")
    with ForebayDaemon(server, ["--threads", "2", "--admin", "127.0.0.1:0"], text) as daemon:
        found = wait_until(lambda: re.search(r"HTTP is served on (\S+)", daemon.log()), 10, "HTTP is served")

        def ask(path: str, token: str | None = TOKEN, method: str = "GET"):
            fields = {"Authorization": f"Bearer {token}"} if token else {}
            asked = urllib.request.Request(f"http://{found.group(1)}{path}", method=method, headers=fields)
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


def test_who_may_not_ask_for_what_a_path_stands_for_may_not_ask_by_it(served):
    profile, ask = served
    for path in aliases_of(profile):
        assert ask(path, token=None)[0] == 401, path
        assert ask(path, token="another-token-altogether")[0] == 401, path
        assert ask(path, method="DELETE")[0] == 405, path


def test_the_document_of_the_interface_names_them(served):
    profile, ask = served
    paths = json.loads(ask("/api/v1/openapi.json")[2])["paths"]
    for path, target in aliases_of(profile).items():
        assert target in paths[path]["get"]["summary"]
        built_in = paths[target.partition("?")[0]]["get"]
        assert paths[path]["get"]["responses"] == built_in["responses"]


def test_health_is_answered_by_the_paths_that_kubernetes_asks(served):
    """P6: health, detailed, ready, live, whoever asks but for details."""
    _, ask = served
    for path in ("/health", "/health/ready", "/health/live"):
        assert ask(path, token=None)[0] == 200, path
    assert ask("/health/detailed")[0] == 200
