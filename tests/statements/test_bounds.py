"""However many statements there are, memory stays within what docs/statements.md says, and no call is lost."""

import psycopg
import pytest
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon
from forebay_testing import frontend_messages as fe
from forebay_testing.fixtures import Endpoint

MOST = 10_000
#: What docs/statements.md states of one thread.
BYTES_EACH = 3_000
#: Likewise, where values are kept.
BYTES_OF_VALUES = 5_000


def shown(place) -> list[dict]:
    with psycopg.connect(place.daemon.dsn(dbname="forebay"), autocommit=True, row_factory=dict_row) as console:
        return console.execute("SHOW STATEMENTS").fetchall()


def run_different(place, numbers: range) -> None:
    """Statements that differ in a name, each once."""
    with place.raw() as raw:
        for first in numbers[::250]:
            last = min(first + 250, numbers.stop)
            raw.send(*(fe.query(f"SELECT 1 AS a_rather_long_name_of_column_{n}") for n in range(first, last)))
            for _ in range(first, last):
                raw.until_ready()


@pytest.fixture
def one_thread(server, shop):
    """one_thread(config): a daemon whose clients all share a thread."""
    started = []

    def start(config: str) -> Endpoint:
        daemon = ForebayDaemon(server, ["--threads", "1"], config)
        daemon.start()
        started.append(daemon)
        return Endpoint("transaction", daemon, server, shop)

    yield start
    for daemon in started:
        daemon.stop()
        daemon.close()


@pytest.mark.time_limit(240)
def test_ten_thousand_statements(one_thread):
    growth = {}
    for enabled in ("true", "false"):
        place = one_thread(f"statements: {{enabled: {enabled}, max: {MOST}}}\n")
        run_different(place, range(100))
        before = place.daemon.rss_bytes()
        run_different(place, range(100, MOST))
        full = place.daemon.rss_bytes()
        run_different(place, range(MOST, 2 * MOST))
        growth[enabled] = (full - before, place.daemon.rss_bytes() - before)
        calls = sum(row["calls"] for row in shown(place))
        assert calls == (2 * MOST if enabled == "true" else 0)
    print("growth of memory, counted and not:", growth)
    for counted, not_counted in zip(growth["true"], growth["false"]):
        assert counted - not_counted < MOST * BYTES_EACH
    later = (growth["true"][1] - growth["true"][0]) - (growth["false"][1] - growth["false"][0])
    assert later < 4 << 20, "what made room has given its memory back"


@pytest.mark.time_limit(240)
def test_ten_thousand_statements_with_their_values(one_thread):
    """Thirty-two of the slowest call of each, of forty bytes."""
    values = ", ".join(f"'{number:040}'" for number in range(32))
    growth = {}
    for samples in ("on", "off"):
        place = one_thread(f"statements: {{max: {MOST}, samples: {samples}}}\n")
        with place.raw() as raw:
            for first in range(0, MOST, 100):
                if first == 100:
                    before = place.daemon.rss_bytes()
                raw.send(*(fe.query(f"SELECT id AS c{number} FROM items WHERE name IN ({values}) LIMIT 0")
                           for number in range(first, first + 100)))
                for _ in range(100):
                    raw.until_ready()
            growth[samples] = place.daemon.rss_bytes() - before
        assert sum(row["calls"] for row in shown(place)) == MOST
    print("growth of memory with values and without:", growth)
    assert growth["off"] < MOST * BYTES_EACH
    assert growth["on"] - growth["off"] < MOST * BYTES_OF_VALUES


def test_dear_statements_stay(one_thread):
    place = one_thread("statements: {max: 100}\n")
    with place.connect(prepare_threshold=None) as client:
        client.execute("SELECT pg_sleep(0.2)")
        client.execute("SELECT 'cheap' FROM items LIMIT 0")
    run_different(place, range(1000))
    rows = shown(place)
    assert rows[0]["query"] == "SELECT pg_sleep($1)" and rows[0]["calls"] == 1
    assert len(rows) <= 101 and rows[-1]["query"] == "(others)" and rows[-1]["database"] is None
    assert sum(row["calls"] for row in rows) == 1002
    assert sum(row["rows"] for row in rows) == 1001


def test_nothing_is_counted_when_told_so(one_thread):
    place = one_thread("statements: {enabled: true}\n")
    with place.connect() as client:
        client.execute("SELECT 1")
        assert len(shown(place)) == 1
        config = place.daemon.config_path
        config.write_text("statements: {enabled: false}\n")
        reload(place)
        client.execute("SELECT 1")
        assert shown(place) == []
        config.write_text("statements: {enabled: true}\n")
        reload(place)
        client.execute("SELECT 2, 3")
        assert [row["query"] for row in shown(place)] == ["SELECT $1, $2"]


def reload(place) -> None:
    with psycopg.connect(place.daemon.dsn(dbname="forebay"), autocommit=True) as console:
        console.execute("RELOAD")


def test_no_value_is_shown(one_thread):
    place = one_thread("statements: {enabled: true}\n")
    with place.connect(prepare_threshold=None) as client:
        client.execute("SELECT 'secret', 77001 /* 77002 */, $$77003$$ -- 77004")
        client.execute("SELECT %s::text", ("secret",))
        client.execute("NOTIFY channel, 'secret'")
        client.execute("SET my.secret_free TO '77005'")
        client.execute("SET standard_conforming_strings = off")
        client.execute(r"SELECT 'it\'s secret', 'x'")
        with pytest.raises(psycopg.Error):
            client.execute("SELECT 'secret' FROM")
        client.execute("SELECT '" + 40_000 * "secret" + "'")
    said = "\n".join(row["query"] for row in shown(place))
    assert "'" not in said and "7700" not in said and said.replace("secret_free", "").count("secret") == 0, said
    assert "(longer than 32 KiB, or prepared in another way)" in said
