"""What statements come to, by HTTP, is what the console says, and what was done (L2, L17, B17, C6)."""

import psycopg
import pytest

from conftest import Http


def statement(http: Http, text: str) -> dict:
    found = [row for row in http.get("/api/v1/statements").data["statements"] if row["text"] == text]
    assert len(found) == 1, text
    return found[0]


def test_a_statement_is_told_as_show_statements_tells_it(start, connect, database):
    daemon = start()
    client = connect(daemon, prepare_threshold=None)
    for number in range(5):
        client.execute(f"SELECT {number}, pg_sleep(0.002)")
    with pytest.raises(Exception, match="division by zero"):
        client.execute("SELECT 1 / 0")
    http = Http(daemon)
    told = statement(http, "SELECT $1, pg_sleep($2)")
    shown = next(row for row in daemon.show("statements") if row["query"] == told["text"])
    assert (told["database"], told["calls"], told["rows"], told["errors"]) == (database, 5, 5, 0)
    for name in ("min", "max", "mean", "p50", "p95", "p99", "total"):
        assert told[f"{name}_seconds"] * 1000 == pytest.approx(float(shown[f"{name}_exec_time"]), abs=0.001), name
    assert told["min_seconds"] >= 0.002
    failed = statement(http, "SELECT $1 / $2")
    assert (failed["calls"], failed["errors"], failed["last_error"], failed["mean_seconds"]) == (0, 1, "22012", None)


def test_limit_says_how_many_and_the_rest_is_summed(start, connect):
    daemon = start()
    client = connect(daemon, prepare_threshold=None)
    for number in range(4):
        client.execute(f"SELECT {number} AS column_{number}")
    http = Http(daemon)
    all_of_it = http.get("/api/v1/statements").data
    few = http.get("/api/v1/statements?limit=2").data
    assert len(all_of_it["statements"]) >= 4 and all_of_it["others"] is None and len(few["statements"]) == 2
    calls = sum(row["calls"] for row in all_of_it["statements"])
    assert sum(row["calls"] for row in few["statements"]) + few["others"]["calls"] == calls


def test_the_first_of_every_order_is_found_among_all(start, connect, server, database):
    """Not among those that took most time only: which one is first is told by what the test did, or
    by all that there is."""
    server.execute("CREATE TABLE IF NOT EXISTS ranked AS SELECT generate_series(1, 3000) AS n", dbname=database)
    server.execute("GRANT SELECT ON ranked TO PUBLIC", dbname=database)
    daemon = start("--cache", "off")
    clients = [connect(daemon, prepare_threshold=None) for _ in range(2)]

    def run(text, times=1):
        for number in range(times):
            clients[number % 2].execute(text)

    for number in range(30):
        run(f"SELECT pg_sleep(0.01) AS other_{number}")
    run("SELECT pg_sleep(0.03) AS in_total", 20)
    run("SELECT pg_sleep(0.2) AS at_worst")
    run("SELECT 1 AS in_calls", 60)
    run("SELECT n AS in_rows FROM ranked")
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            run("SELECT 1/0 AS in_errors")
    http = Http(daemon)

    def first(order: str) -> dict:
        return http.get(f"/api/v1/statements?limit=1&order={order}").data["statements"][0]

    named = {"calls": "in_calls", "rows": "in_rows", "errors": "in_errors"}
    assert {order: first(order)["text"].rsplit(" AS ")[-1].split(" ")[0] for order in named} == named
    everything = http.get("/api/v1/statements?limit=500").data["statements"]
    means = [row["mean_seconds"] for row in everything if row["mean_seconds"] is not None]
    assert first("mean")["mean_seconds"] == max(means)
    assert first("wait")["wait_seconds"] == max(row["wait_seconds"] for row in everything)
    # Which these two are is not for the test to say: on a busy machine any statement may take long.
    assert first("total")["total_seconds"] == max(row["total_seconds"] for row in everything) >= 20 * 0.03
    longest = [row["max_seconds"] for row in everything if row["max_seconds"] is not None]
    assert first("slowest")["max_seconds"] == max(longest) >= 0.2
    told = http.get("/api/v1/statements?limit=5&order=mean").data["statements"]
    assert [row["mean_seconds"] for row in told] == sorted(means, reverse=True)[:5]


@pytest.mark.parametrize("query", ["limit=", "limit=0", "limit=501", "limit=-1", "limit=2x", "order=",
                                   "order=call", "limit=2&limit=3", "most=1"])
def test_what_cannot_be_asked_for_is_refused(start, query):
    reply = Http(start()).get(f"/api/v1/statements?{query}")
    assert (reply.status, reply.json["error"]["code"]) == (400, "bad_parameter")


def test_statements_that_are_not_counted_are_said_not_to_be(start, connect):
    daemon = start("--set", "statements.enabled=false")
    connect(daemon).execute("SELECT 1")
    assert Http(daemon).get("/api/v1/statements").data == {"enabled": False, "statements": [], "others": None}


def test_durations_are_histograms_whose_counts_are_calls(start, connect, database):
    daemon = start()
    client = connect(daemon, prepare_threshold=None)
    http = Http(daemon)
    name = "forebay_call_duration_seconds"
    label = f'{{database="{database}"'
    client.execute("SELECT 1")
    before = http.metrics()
    for _ in range(3):
        client.execute("SELECT pg_sleep(0.02)")
    after = http.metrics()

    def grown(sample: str) -> float:
        return after[sample] - before.get(sample, 0)

    assert grown(f"{name}_count{label}}}") == grown(f'{name}_bucket{label},le="+Inf"}}') == 3
    assert 0.06 <= grown(f"{name}_sum{label}}}") < 10
    bounds = [float(sample.partition('le="')[2].rstrip('"}')) for sample in after
              if sample.startswith(f"{name}_bucket{label}") and "+Inf" not in sample]
    assert bounds == sorted(bounds) and len(bounds) > 10
    short = max(bound for bound in bounds if bound <= 0.02)
    assert grown(f'{name}_bucket{label},le="{short:g}"}}') == 0


def test_texts_in_other_encodings_break_nothing(start, connect):
    daemon = start()
    http = Http(daemon)
    connect(daemon, client_encoding="latin1").execute('SELECT 1 AS "caf\u00e9"')
    texts = [row["text"] for row in http.get("/api/v1/statements").data["statements"]]
    assert 'SELECT $1 AS "caf\ufffd"' in texts
    assert 'SELECT $1 AS "caf\ufffd"' in [row["query"] for row in daemon.show("statements")]
