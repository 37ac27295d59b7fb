"""pgbench counts its transactions, the server its statements, Forebay too: all the same (L17)."""

import os
import re
import subprocess

import pytest

from forebay_testing import postgres_binary
from forebay_testing.fixtures import Endpoint

PGBENCH = postgres_binary("pgbench")


def run(place, *arguments: str) -> str:
    done = subprocess.run([PGBENCH, *arguments], env=os.environ | place.environment(), check=True, capture_output=True,
                          text=True, timeout=100)
    return done.stdout


@pytest.fixture(scope="module")
def tables(server, shop):
    run(Endpoint("direct", server, server, shop), "-i", "-q", "-s", "1")


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_tpcb(counted, tables, protocol):
    said = run(counted, "-n", "-M", protocol, "-c", "6", "-j", "6", "-t", "30")
    assert re.search(r"number of transactions actually processed: 180/180", said), said
    for text in (*(f"UPDATE pgbench_{table}" for table in ("accounts", "tellers", "branches")), "SELECT abalance",
                 "INSERT INTO pgbench_history"):
        rows = counted.statements(text)
        # In texts with values, those with a sign are statements of their own.
        assert len(rows) <= (2 if protocol == "simple" else 1)
        [theirs] = counted.by_server(text)
        calls = sum(row["calls"] for row in rows)
        assert calls == sum(row["rows"] for row in rows) == theirs["calls"] == theirs["rows"] == 180
        assert float(sum(row["total_exec_time"] for row in rows)) >= theirs["total_exec_time"]
        assert all(row["errors"] == 0 for row in rows)
    begun = [row for row in counted.statements() if row["query"] in ("BEGIN", "END")]
    assert [row["calls"] for row in begun] == [180, 180]
