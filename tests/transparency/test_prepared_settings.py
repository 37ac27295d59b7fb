"""What a literal stands for is settled when it is parsed, by the settings and time of then: a statement that clients
prepare alike is one only when both are. No client may read, or write, by another one's (pitfalls: pooling 2, 4)."""

import time

import pytest

MOMENT = "SELECT extract(epoch FROM '2024-01-01 00:00'::timestamptz)::bigint"
DAY = "SELECT '03/04/2024'::date - '2024-01-01'::date"
ZONES = {"UTC": 1704067200, "Asia/Tokyo": 1704034800}


@pytest.mark.parametrize("text, setting, values", [
    (MOMENT, "TimeZone", ZONES),
    (DAY, "DateStyle", {"ISO, MDY": 63, "ISO, DMY": 93}),
    ("SELECT count(*) FROM (VALUES (1), (NULL)) v (n) WHERE n = NULL", "transform_null_equals", {"on": 1, "off": 0}),
    ("SELECT (1::float8 / 3)::text", "extra_float_digits", {"0": "0.333333333333333", "1": "0.3333333333333333"}),
], ids=["zone", "order of day and month", "equality with null", "digits"])
def test_prepared_statements_are_read_by_each_clients_own_settings(endpoint, text, setting, values):
    clients = []
    try:
        for value in list(values) * 6:
            client = endpoint.connect()
            client.execute(f"SET {setting} = '{value}'")
            clients.append((client, values[value]))
        for _ in range(4):
            for client, expected in clients:
                assert client.execute(text, prepare=True).fetchone()[0] == expected
    finally:
        for client, _ in clients:
            client.close()


def test_a_client_that_changes_its_mind_takes_nobody_along(endpoint):
    with endpoint.connect() as steady, endpoint.connect() as fickle:
        for client in (steady, fickle):
            client.execute("SET TimeZone = 'UTC'")
            assert client.execute(MOMENT, prepare=True).fetchone()[0] == ZONES["UTC"]
        fickle.execute("SET TimeZone = 'Asia/Tokyo'")
        for _ in range(10):
            fickle.execute(MOMENT, prepare=True)
            assert steady.execute(MOMENT, prepare=True).fetchone()[0] == ZONES["UTC"]


def test_what_is_written_is_by_the_clients_own_settings(endpoint):
    with endpoint.connect() as first, endpoint.connect() as second:
        first.execute("CREATE TABLE moments (at timestamptz)")
        insert = "INSERT INTO moments VALUES ('2024-01-01 00:00') RETURNING extract(epoch FROM at)::bigint"
        for client, zone in ((first, "UTC"), (second, "Asia/Tokyo")) * 3:
            client.execute(f"SET TimeZone = '{zone}'")
            assert client.execute(insert, prepare=True).fetchone()[0] == ZONES[zone]
        first.execute("DROP TABLE moments")


def test_now_is_the_moment_of_the_clients_own_parse(endpoint):
    text = "SELECT extract(epoch FROM now() - 'now'::timestamptz)::float"
    with endpoint.connect() as early, endpoint.connect() as late:
        early.execute(text, prepare=True)
        time.sleep(1.2)
        began = time.monotonic()
        [since] = late.execute(text, prepare=True).fetchone()
        assert since <= time.monotonic() - began, "its own parse was not before that"
