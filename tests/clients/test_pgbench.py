"""pgbench: the three protocols, with more clients than backends."""

import os
import re
import subprocess

import pytest

from forebay_testing import postgres_binary
from forebay_testing.fixtures import Endpoint

PGBENCH = postgres_binary("pgbench")

# A thread each: pgbench prepares with a call that blocks the thread, and with it other clients of the same thread
# that are in a transaction. With fewer backends than clients they could then wait for each other.
TEN_CLIENTS = ["-c", "10", "-j", "10"]


@pytest.fixture(scope="module")
def bench(server, database):
    """A database with pgbench's tables, scale 1, made directly."""
    place = Endpoint("direct", server, server, database)
    subprocess.run([PGBENCH, "-i", "-q", "-s", "1"], env=os.environ | place.environment(), check=True,
                   capture_output=True, timeout=60)
    return place


def processed(done) -> int:
    """Transactions that pgbench counted; fails when any failed."""
    assert re.search(r"number of failed transactions: 0 ", done.stdout), done.stdout
    return int(re.search(r"number of transactions actually processed: (\d+)/", done.stdout).group(1))


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_select_only(run, bench, protocol):
    done = run(PGBENCH, "-S", "-n", "-M", protocol, *TEN_CLIENTS, "-t", "200")
    assert processed(done) == 2000


@pytest.mark.pool(2)
@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_tpcb_keeps_its_books(run, bench, protocol):
    """Ten clients over two backends; the sums of the four tables agree afterwards as they must."""
    done = run(PGBENCH, "-n", "-M", protocol, *TEN_CLIENTS, "-t", "50")
    assert processed(done) == 500
    with bench.connect() as connection:
        sums = connection.execute(
            "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),"
            " (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT coalesce(sum(delta), 0) FROM pgbench_history)"
        ).fetchone()
    assert len(set(sums)) == 1, sums


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_new_connection_for_each_transaction(run, bench, protocol):
    done = run(PGBENCH, "-S", "-n", "-C", "-M", protocol, "-c", "4", "-j", "4", "-t", "25")
    assert processed(done) == 100


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pipeline_in_a_script(run, bench, protocol, tmp_path):
    script = tmp_path / "pipeline.sql"
    script.write_text(
        "\\set a random(1, 100000)\n\\startpipeline\n"
        "SELECT abalance FROM pgbench_accounts WHERE aid = :a;\nSELECT :a::int + 1;\nSELECT 2;\n\\endpipeline\n"
        "BEGIN;\nSELECT aid AS got FROM pgbench_accounts WHERE aid = :a \\gset\n"
        "SELECT 1 / (:got::int - :a::int + 1);\nEND;\n"
    )
    if protocol == "simple":
        script.write_text(script.read_text().replace("\\startpipeline\n", "").replace("\\endpipeline\n", ""))
    done = run(PGBENCH, "-n", "-M", protocol, "-f", script, *TEN_CLIENTS, "-t", "50")
    assert processed(done) == 500


@pytest.mark.time_limit(120)
def test_initialisation_through_the_endpoint(run, endpoint, bench):
    """pgbench -i: DDL, COPY in with FREEZE in one transaction, VACUUM outside one; in a schema of its own."""
    schema = f"made_in_{endpoint.mode}"
    with bench.connect() as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        run(PGBENCH, "-i", "-q", "-s", "1", "--partitions=4", "-I", "dtgvpf",
            env={"PGOPTIONS": f"-c search_path={schema}"})
        assert connection.execute(f"SELECT count(*) FROM {schema}.pgbench_accounts").fetchone() == (100_000,)
