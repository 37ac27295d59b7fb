"""Metrics by OTLP over HTTP: what a collector of OpenTelemetry is sent (L17)."""

import pytest

from conftest import Http
from forebay_testing import wait_until
from forebay_testing.receiver import Receiver


def attributes(of: list[dict]) -> dict[str, str]:
    return {each["key"]: each["value"]["stringValue"] for each in of}


def metrics_in(request: dict) -> dict[str, dict]:
    [resource] = request["resourceMetrics"]
    assert attributes(resource["resource"]["attributes"])["service.name"] == "forebay"
    [scope] = resource["scopeMetrics"]
    return {metric["name"]: metric for metric in scope["metrics"]}


def point_of(metric: dict, **labels: str) -> dict:
    [kind] = {"sum", "gauge", "histogram"} & metric.keys()
    points = metric[kind]["dataPoints"]
    [point] = [point for point in points if labels.items() <= attributes(point["attributes"]).items()]
    return point


def test_what_is_sent_is_what_the_page_says(start, connect, database):
    with Receiver() as collector:
        daemon = start(config=f"""
otlp: {{url: 'http://127.0.0.1:{collector.port}/v1/metrics', interval: 1s, token: a-secret-of-sixteen-letters}}
""")
        client = connect(daemon)
        for _ in range(25):
            client.execute("SELECT 1")
        page = Http(daemon).metrics()
        sent = collector.requests
        seen = len(sent)
        path, fields, body = wait_until(lambda: len(sent) > seen + 1 and sent[-1], 20, "metrics are sent")
    assert path == "/v1/metrics"
    assert fields["content-type"] == "application/json"
    assert fields["authorization"] == "Bearer a-secret-of-sixteen-letters"
    metrics = metrics_in(body)
    queries = metrics["forebay_queries"]
    assert (queries["unit"], queries["sum"]["isMonotonic"], queries["sum"]["aggregationTemporality"]) == ("1", True, 2)
    point = point_of(queries, database=database)
    assert int(point["asInt"]) == page[f'forebay_queries_total{{database="{database}"}}']
    assert int(point["startTimeUnixNano"]) < int(point["timeUnixNano"])
    calls = metrics["forebay_call_duration_seconds"]
    times = point_of(calls, database=database)
    assert calls["unit"] == "s" and len(times["bucketCounts"]) == len(times["explicitBounds"]) + 1
    name = f'forebay_call_duration_seconds_{{}}{{database="{database}"}}'
    assert sum(map(int, times["bucketCounts"])) == int(times["count"]) == page[name.replace("{}", "count", 1)]
    assert times["sum"] == pytest.approx(page[name.replace("{}", "sum", 1)])
    assert metrics["process_resident_memory_bytes"]["unit"] == "By"


def test_a_collector_that_is_away_is_logged_once(start):
    daemon = start(config="otlp: {url: 'http://127.0.0.1:1/v1/metrics', interval: 1s}\n")
    wait_until(lambda: "metrics cannot be sent to otlp.url" in daemon.log(), 20, "it is logged")
    assert Http(daemon).get("/health/live").status == 200
    assert daemon.log().count("metrics cannot be sent") == 1
