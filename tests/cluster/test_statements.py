"""Reads that replicas answer are counted once, wherever they went, and those that are asked again too (C3, L17)."""

import psycopg
from psycopg.rows import dict_row

from forebay_testing import wait_until


def statement(daemon, containing: str) -> dict:
    with psycopg.connect(daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
        [row] = [row for row in console.execute("SHOW STATEMENTS") if containing in row["query"]]
        return row


def wait_until_replicas_answer(cluster, daemon, client) -> None:
    """They do from when the catalog is known, which a function's volatility is read from."""
    def is_answered() -> bool:
        client.execute("SELECT generate_series(1, 3) AS numbers")
        return sum(cluster.reads(daemon)[1:]) > 0
    wait_until(is_answered, 20, "a replica answers")


def test_reads_of_replicas_are_counted_once(cluster):
    daemon = cluster.forebay("--cache", "off")
    with cluster.connect(daemon) as client:
        wait_until_replicas_answer(cluster, daemon, client)
        before = sum(cluster.reads(daemon)[1:])
        for number in range(1, 61):
            assert client.execute("SELECT generate_series(1, %s) AS numbered", (number % 3 + 1,)).rowcount > 0
    row = statement(daemon, "AS numbered")
    assert (row["calls"], row["rows"], row["errors"]) == (60, 120, 0)
    assert sum(cluster.reads(daemon)[1:]) > before, "replicas have answered"
    assert 0 < row["min_exec_time"] <= row["mean_exec_time"] <= row["max_exec_time"]


def test_an_error_of_a_replica_is_not_one_of_the_statement(cluster):
    """A statement that fails everywhere is asked again of the primary: one error. Of what stands before it in its
    batch nothing is counted twice."""
    daemon = cluster.forebay("--cache", "off")
    with cluster.connect(daemon, prepare_threshold=None) as client:
        client.execute("SELECT 'settled'")
        for _ in range(10):
            try:
                with client.pipeline():
                    client.execute("SELECT 1 AS sound, %s::int", (1,))
                    client.execute("SELECT 2 AS unsound, 1 / %s::int", (0,))
            except psycopg.errors.DivisionByZero:
                pass
    sound, unsound = statement(daemon, "AS sound"), statement(daemon, "AS unsound")
    assert (sound["calls"], sound["errors"]) == (10, 0)
    assert (unsound["calls"], unsound["errors"], unsound["last_error"]) == (0, 10, "22012")
