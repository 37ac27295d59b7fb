"""How long calls, transactions and waits of a database take (C12, L17)."""

import threading

import psycopg
from psycopg.rows import dict_row

from forebay_testing import wait_until
from forebay_testing.frontend_messages import query


def latencies(place) -> dict[str, dict]:
    with psycopg.connect(place.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
        return {row["of"]: row for row in console.execute("SHOW LATENCIES") if row["database"] == place.dbname}


def test_of_a_database(daemons):
    place = daemons("--pool-mode", "transaction", "--pool-size", "1", "--pool-overflow", "0")
    with place.connect(prepare_threshold=None) as first, place.connect(prepare_threshold=None) as second:
        for _ in range(18):
            first.execute("SELECT 1")
        with first.transaction():
            slow = threading.Thread(target=second.execute, args=("SELECT 2",))
            slow.start()
            with psycopg.connect(place.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
                def is_waiting() -> bool:
                    return any(row["cl_waiting"] == 1 for row in console.execute("SHOW POOLS"))

                wait_until(is_waiting, 10, "the other client waits")
            first.execute("SELECT pg_sleep(0.3)")
        slow.join()
    rows = latencies(place)
    assert {of: row["count"] for of, row in rows.items()} == {"calls": 22, "transactions": 20, "waits": 20, "hits": 0}
    assert 300 <= float(rows["calls"]["total_time"]) < 5000
    assert 281 <= float(rows["calls"]["p99_time"]) and float(rows["calls"]["p50_time"]) < 100
    assert float(rows["calls"]["p95_time"]) < 100, "one of 22"
    assert 281 <= float(rows["transactions"]["p99_time"])
    assert 250 <= float(rows["waits"]["p99_time"]) and float(rows["waits"]["p50_time"]) < 100
    before = rows
    place.reset()
    assert latencies(place) == before


def test_pipelined_transactions_begin_when_the_one_before_has_ended(daemons):
    """They were counted as if they had begun when the machine did."""
    place = daemons("--pool-mode", "transaction")
    with place.raw() as client:
        client.send(*[query("SELECT pg_sleep(0.1)") for _ in range(3)])
        for _ in range(3):
            client.until_ready()
    rows = latencies(place)
    assert rows["transactions"]["count"] == 3
    assert 300 <= float(rows["transactions"]["total_time"]) < 2000
