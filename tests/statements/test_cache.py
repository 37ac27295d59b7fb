"""What is answered from memory is a call as well, told apart from what the server is asked (B4, L17)."""

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import frontend_messages as fe
from forebay_testing import wait_until

CONFIG = "cache: {enabled: 'on', staleness: 1s, strategy: cache-aside}\n"


@pytest.fixture
def cached(daemons):
    place = daemons("--pool-mode", "transaction", config=CONFIG)
    place.reset()
    return place


def figures(place) -> dict:
    with psycopg.connect(place.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
        [row] = [row for row in console.execute("SHOW CACHE") if row["database"] == place.dbname]
        return row


@pytest.mark.parametrize("how", ["simple", "extended", "prepared"])
def test_hits_and_misses_are_all_calls(cached, how):
    text = f"SELECT id, name AS {how} FROM items WHERE id < "
    with cached.connect(prepare_threshold=0 if how == "prepared" else None) as client:
        def run(number: int) -> None:
            if how == "simple":
                assert len(client.execute(text + str(number)).fetchall()) == number - 1
            else:
                assert len(client.execute(text + "%s::int", (number,)).fetchall()) == number - 1

        run(3)
        calls = 1
        before = figures(cached)

        def is_hit() -> bool:
            nonlocal calls
            run(3)
            calls += 1
            return figures(cached)["hits"] >= before["hits"] + 20

        wait_until(is_hit, 20, "hits", interval=0.01)
        after = figures(cached)
    row = cached.statement(f"AS {how}")
    [theirs] = cached.by_server(f"AS {how}")
    assert (row["calls"], row["rows"]) == (calls, 2 * calls)
    assert row["cache_hits"] == after["hits"] - before["hits"]
    assert row["calls"] - row["cache_hits"] == theirs["calls"]
    assert float(row["saved_time"]) > 0
    assert abs(float(row["saved_time"]) - (after["saved_ms"] - before["saved_ms"])) <= 1
    by_server = float(row["total_exec_time"]) / (calls - row["cache_hits"])
    assert abs(float(row["mean_exec_time"]) - by_server) < 0.002, "hits are no part of the mean"


def test_batches(cached):
    """Many reads under one Sync, all from memory: each is a hit of its own."""
    one = fe.bind(["5"], "one") + fe.execute()
    two = fe.bind([], "two") + fe.execute()
    with cached.raw() as raw:
        raw.send(fe.parse("SELECT name AS first FROM items WHERE id = $1", "one")
                 + fe.parse("SELECT name AS second FROM items LIMIT 3", "two") + fe.sync())
        raw.until_ready()
        sent = 0

        def are_hits() -> bool:
            nonlocal sent
            raw.send(one + two + one + fe.sync())
            raw.until_ready()
            sent += 1
            return cached.statement("AS first")["cache_hits"] >= 10

        wait_until(are_hits, 20, "hits", interval=0.01)
    first, second = cached.statement("AS first"), cached.statement("AS second")
    assert (first["calls"], first["rows"]) == (2 * sent, 2 * sent)
    assert (second["calls"], second["rows"]) == (sent, 3 * sent)
    assert first["cache_hits"] == 2 * second["cache_hits"] > 0
    assert first["calls"] - first["cache_hits"] == cached.by_server("AS first")[0]["calls"]
