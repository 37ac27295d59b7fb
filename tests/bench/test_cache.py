"""./dev bench cache: it runs, and its figures hang together."""

import json
import os
import subprocess

import pytest

from forebay_testing import forebay_binary
from forebay_testing.directories import REPOSITORY

pytestmark = pytest.mark.time_limit(420)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    said = subprocess.run([forebay_binary(), "serve", "--help"], capture_output=True, text=True, timeout=20)
    if "--cache" not in said.stdout + said.stderr:
        pytest.skip("this build of Forebay has no cache")
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        ["/usr/bin/python3", REPOSITORY / "bench" / "cache.py", "--quick", "--clients", "4", "--output", folder],
        capture_output=True, text=True, timeout=400, env=os.environ | {"FOREBAY_BINARY": forebay_binary()})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| small row, hot | prepared |" in (folder / "cache.md").read_text()
    return json.loads((folder / "cache.json").read_text())


def test_everybody_who_is_installed_is_measured(result):
    missing = " ".join(result["missing"])
    expected = {"direct", "Forebay"} | ({"Pgpool-II"} if "pgpool" not in missing else set())
    assert all(set(case["medians"]) == expected for case in result["pgbench"])
    redis = {"Redis"} if "redis" not in missing else set()
    assert all(set(case["medians"]) == expected | redis for case in result["flood"])
    for case in result["pgbench"] + result["flood"] + result["miss"]:
        for name in ("direct", "Forebay", "Redis", "Forebay, cache off"):
            if name in case["medians"]:
                assert case["medians"][name]["per_second"] > 0 and case["medians"][name]["us_per_request"] > 0


def test_a_heavy_question_is_answered_from_memory(result):
    [heavy] = [case["medians"] for case in result["pgbench"] if case["what"].startswith("aggregate")]
    assert heavy["Forebay"]["per_second"] > 20 * heavy["direct"]["per_second"]


def test_staleness_is_measured_and_within_the_bound(result):
    assert [case["writes"] for case in result["staleness"]] == [0, 10]
    for case in result["staleness"]:
        stale = case["staleness_ms"]
        assert stale["writes"] > 5 and 0 <= stale["p50"] <= stale["p99"] <= stale["max"] <= 1000
        assert case["proof_age_ms"]["p50"] > 0 and case["server_ms"] > 0
    assert 0 <= result["staleness"][0]["wal_bytes"] < 100_000, "reading writes nothing"


def test_every_protocol_is_measured(result):
    for part in ("flood", "miss"):
        assert {case["protocol"] for case in result[part]} == {"simple", "extended", "prepared", "pipelined"}
