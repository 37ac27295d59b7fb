"""What a literal of a prepared statement stands for was settled when it was parsed; entries are kept by the settings of
now. No answer may be kept, or given, by a statement that was parsed under others."""

import pytest

EVENTS = """
CREATE TABLE IF NOT EXISTS events (id int, at timestamptz);
TRUNCATE events;
INSERT INTO events VALUES (1, '2023-12-31 18:00+00'), (2, '2024-01-01 18:00+00');
ALTER TABLE events OWNER TO app;
"""
TEXT = "SELECT id FROM events WHERE at >= '2024-01-01 00:00' ORDER BY id"
TOKYO, HERE = [(1,), (2,)], [(2,)]


@pytest.fixture
def events(around):
    around(EVENTS)


def test_what_was_prepared_under_another_time_zone_for_a_transaction_is_not_kept_for_others(cached, events):
    with cached.connect() as other, cached.connect() as client:
        cached.warm_up()
        with client.transaction():
            client.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
            assert client.execute(TEXT, prepare=True).fetchall() == TOKYO
        for _ in range(5):
            client.execute(TEXT, prepare=True)
            assert other.execute(TEXT, prepare=True).fetchall() == HERE


def test_who_has_changed_the_time_zone_gets_what_was_prepared_before(cached, events):
    """And nothing of it is kept for those who have prepared it since."""
    with cached.connect() as client, cached.connect() as other, cached.connect() as third:
        cached.warm_up()
        for one in (client, other):
            assert one.execute(TEXT, prepare=True).fetchall() == HERE
        for one in (client, third):
            one.execute("SET TimeZone = 'Asia/Tokyo'")
        for _ in range(5):
            assert third.execute(TEXT, prepare=True).fetchall() == TOKYO
            assert other.execute(TEXT, prepare=True).fetchall() == HERE
            client.execute(TEXT, prepare=True)


def test_what_is_prepared_under_the_settings_of_now_is_kept(cached, events):
    with cached.connect() as client:
        client.execute("SET TimeZone = 'Asia/Tokyo'")
        assert cached.warm(lambda: client.execute(TEXT, prepare=True).fetchall()) == TOKYO
