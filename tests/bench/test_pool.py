"""./dev bench pool: it runs, its figures hang together, and of ten thousand clients none is lost."""

import json
import os
import subprocess

import pytest

from forebay_testing import forebay_binary
from forebay_testing.directories import REPOSITORY

pytestmark = pytest.mark.time_limit(420)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    options = ["--quick", "--clients", "2", "--output", folder]
    done = subprocess.run(
        ["/usr/bin/python3", REPOSITORY / "bench" / "pool.py", *options], capture_output=True, text=True,
        timeout=400, env=os.environ | {"FOREBAY_BINARY": forebay_binary()})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| prepared | 2 |" in (folder / "pool.md").read_text()
    return json.loads((folder / "pool.json").read_text())


def test_everybody_is_measured_with_every_protocol(result):
    assert [case["protocol"] for case in result["throughput"]] == ["simple", "extended", "prepared"]
    for case in result["throughput"]:
        for name in ("direct", "PgBouncer", "Forebay"):
            median = case["medians"][name]
            assert median["per_second"] > 0
            assert 0 < median["p50_ms"] <= median["p99_ms"]
        ratio = case["medians"]["Forebay"]["per_second"] / case["medians"]["PgBouncer"]["per_second"]
        assert case["medians"]["Forebay to PgBouncer"]["per_second"] == pytest.approx(ratio)


def test_an_idle_client_takes_at_most_one_and_a_half_kilobytes(result):
    if "skipped" in result["idle"]:
        pytest.skip(result["idle"]["skipped"])
    assert 0 < result["idle"]["Forebay"]["pss_bytes_per_client"] <= 1500


def test_of_ten_thousand_clients_none_is_lost(result):
    if "skipped" in result["crowd"]:
        pytest.skip(result["crowd"]["skipped"])
    crowd = result["crowd"]["Forebay"]
    assert crowd["queries"] > 0
    assert (crowd["failed_queries"], crowd["lost_clients"]) == (0, 0)
