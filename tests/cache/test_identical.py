"""An answer from memory is, byte for byte, what PostgreSQL answers: P2 (cached without code changes), P5 (pages)."""

import pytest

from forebay_testing import frontend_messages as fe

TABLES = """
CREATE TABLE kinds (
  id int PRIMARY KEY, small smallint, big bigint, real real, double double precision, exact numeric,
  yes boolean, words text, fixed char(9), bytes bytea, day date, moment timestamp, instant timestamptz, span interval,
  unique_id uuid, numbers int[], document jsonb, net inet, range int4range, nothing text);
INSERT INTO kinds SELECT n, n, n * 10000000000, n / 3.0, n / 7.0, n / 11.0, n % 2 = 0, repeat('ü' || n, n), 'c' || n,
  decode(repeat('00ff', n), 'hex'), date '2020-01-01' + n, timestamp '2020-01-01' + n * interval '1 hour',
  timestamptz '2020-01-01 00:00Z' + n * interval '1 minute', n * interval '1 month 3 days 1.5 s',
  ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ARRAY[n, NULL, n + 1], jsonb_build_object('n', n),
  ('10.0.0.' || n)::inet, int4range(n, n + 5), NULL FROM generate_series(1, 30) n;
CREATE TABLE pages AS SELECT n AS id, 'title ' || n AS title, repeat('long text ', 40) AS body, n % 3 = 0 AS published
  FROM generate_series(1, 500) n;
CREATE TABLE empty (x int);
CREATE VIEW published AS SELECT id, title FROM pages WHERE published;
"""

#: (text, values)
READS = [
    ("SELECT * FROM kinds WHERE id = $1", [7]),
    ("SELECT * FROM kinds ORDER BY id", []),
    ("SELECT id, title, left(body, 50) AS body FROM pages WHERE published ORDER BY id DESC LIMIT 50", []),  # P5
    ("SELECT id, title, body FROM pages ORDER BY id LIMIT 100", []),
    ("SELECT published, count(*), min(id), max(title) FROM pages GROUP BY published ORDER BY published", []),
    ("SELECT * FROM published WHERE id > $1 ORDER BY id", [470]),
    ("SELECT p.title, k.words FROM pages p JOIN kinds k USING (id) WHERE k.yes ORDER BY p.id", []),
    ("SELECT x FROM empty", []),
    ("SELECT FROM pages WHERE id < 4", []),
    ("TABLE kinds ORDER BY id LIMIT 3", []),
    ("WITH several AS (SELECT id FROM pages WHERE id % 100 = 0) SELECT count(*) FROM several", []),
    ("SELECT id FROM pages WHERE title = $1 OR id = $2 ORDER BY id", ["title 3", 4]),
]
IDS = [text[:40] for text, _ in READS]


@pytest.fixture(scope="module")
def tables(server, database):
    owners = "; ".join(f"ALTER TABLE {name} OWNER TO app" for name in ("kinds", "pages", "empty", "published"))
    server.psql(TABLES + owners, database)


def simple(text: str, values: list) -> bytes:
    for number, value in enumerate(values, 1):
        text = text.replace(f"${number}", str(value) if isinstance(value, int) else f"'{value}'")
    return fe.query(text)


def extended(text, values, formats=(), limit=0, describe="P") -> bytes:
    described = fe.describe(describe) if describe else b""
    return (fe.parse(text) + fe.bind(values, result_formats=formats) + described + fe.execute(limit=limit) + fe.sync())


def prepared(text, values, formats=(), described=True) -> bytes:
    middle = fe.describe("P") if described else b""
    return fe.bind(values, "statement", result_formats=formats) + middle + fe.execute() + fe.sync()


@pytest.fixture
def both(cached, reference, tables):
    """both(burst, syncs=1, first=b""): the answer to a burst, and PostgreSQL's own, once Forebay's is from memory."""
    with cached.raw() as through, reference.raw() as direct:
        def ask(burst: bytes, syncs: int = 1, first: bytes = b"") -> list:
            if first:
                for raw in (through, direct):
                    raw.send(first)
                    raw.until_ready()
            found = cached.warm(lambda: _answers(through, burst, syncs))
            return found, _answers(direct, burst, syncs)
        yield ask


def _answers(raw, burst: bytes, syncs: int) -> list:
    raw.send(burst)
    return [message for _ in range(syncs) for message in raw.until_ready()]


@pytest.mark.parametrize("text, values", READS, ids=IDS)
def test_simple(both, text, values):
    through, direct = both(simple(text, values))
    assert through == direct


@pytest.mark.parametrize("formats", [(), (1,)], ids=["text", "binary"])
@pytest.mark.parametrize("text, values", READS, ids=IDS)
def test_extended(both, text, values, formats):
    through, direct = both(extended(text, values, formats))
    assert through == direct


@pytest.mark.parametrize("formats", [(), (1,)], ids=["text", "binary"])
@pytest.mark.parametrize("described", [True, False], ids=["described", "not described"])
@pytest.mark.parametrize("text, values", READS[:5], ids=IDS[:5])
def test_prepared(both, text, values, described, formats):
    first = fe.parse(text, "statement") + fe.sync()
    through, direct = both(prepared(text, values, formats, described), first=first)
    assert through == direct


def test_formats_of_single_columns(both):
    through, direct = both(extended("SELECT id, words, numbers FROM kinds WHERE id = $1", [3], (0, 1, 1)))
    assert through == direct


@pytest.mark.parametrize("limit", [0, 500, 501, 1000])
def test_fetch_sizes_that_return_all_rows(both, limit):
    """With exactly as many rows as asked for PostgreSQL says PortalSuspended: then it need not be from memory."""
    burst = extended("SELECT id FROM pages ORDER BY id", [], limit=limit)
    if limit == 500:
        both(extended("SELECT id FROM pages ORDER BY id", []))
        return
    through, direct = both(burst)
    assert through == direct


def test_a_smaller_fetch_size_is_still_right(cached, reference, both):
    both(extended("SELECT id FROM pages ORDER BY id", []))
    for limit in (1, 499, 500):
        burst = extended("SELECT id FROM pages ORDER BY id", [], limit=limit)
        with cached.raw() as through, reference.raw() as direct:
            assert _answers(through, burst, 1) == _answers(direct, burst, 1)


def test_a_burst_of_many(both):
    """Sixteen questions in one write, each with a Sync of its own."""
    text = "SELECT id, title FROM pages WHERE id = $1"
    burst = b"".join(prepared("", [number]) for number in range(16))
    through, direct = both(burst, 16, first=fe.parse(text, "statement") + fe.sync())
    assert through == direct


def test_known_and_unknown_and_wrong_in_one_burst(both, cached, reference):
    """The answers keep the order of the questions, whoever gives them."""
    hit = "SELECT id, title FROM pages WHERE id = 5"
    both(fe.query(hit))
    burst = b"".join(map(fe.query, (hit, "SELECT 1/0", hit, "SELECT count(*) FROM pg_class WHERE oid = 0", hit)))
    with cached.raw() as through, reference.raw() as direct:
        assert _answers(through, burst, 5) == _answers(direct, burst, 5)


def test_one_sync_for_several(cached, reference, both):
    text = "SELECT id, title FROM pages WHERE id = $1"
    both(extended(text, [5]))
    one = fe.parse(text) + fe.bind([5]) + fe.describe("P") + fe.execute()
    burst = one + fe.parse(text) + fe.bind([6]) + fe.execute() + one + fe.sync()
    with cached.raw() as through, reference.raw() as direct:
        for _ in range(3):
            assert _answers(through, burst, 1) == _answers(direct, burst, 1)


def test_an_error_before_it_in_the_same_burst_skips_it(cached, reference, both):
    text = "SELECT id, title FROM pages WHERE id = $1"
    both(extended(text, [5]))
    burst = fe.parse("SELECT wrong") + fe.parse(text) + fe.bind([5]) + fe.execute() + fe.sync()
    with cached.raw() as through, reference.raw() as direct:
        assert _answers(through, burst, 1) == _answers(direct, burst, 1)


def test_several_statements_in_one_text(cached, reference, both):
    both(fe.query("SELECT id FROM pages WHERE id = 5"))
    one = "SELECT id FROM pages WHERE id = 5"
    for text in (f"{one}; SELECT id FROM pages WHERE id = 6", f"{one};", f";{one}", f"{one};;", ""):
        with cached.raw() as through, reference.raw() as direct:
            for _ in range(3):
                assert through.query(text) == direct.query(text)


def test_in_a_transaction_the_status_is_right(cached, reference, both):
    both(fe.query("SELECT id FROM pages WHERE id = 5"))
    with cached.raw() as through, reference.raw() as direct:
        for text in ("BEGIN", "SELECT id FROM pages WHERE id = 5", "SELECT 1/0", "SELECT id FROM pages WHERE id = 5",
                     "ROLLBACK", "SELECT id FROM pages WHERE id = 5"):
            assert through.query(text) == direct.query(text), text


def test_other_spellings_have_their_own_column_names(cached, reference, both):
    texts = ["SELECT id FROM pages WHERE id = 5", "SELECT id AS other FROM pages WHERE id = 5",
             'SELECT id AS "Other" FROM pages WHERE id = 5', "SELECT id FROM pages AS p WHERE id = 5",
             "SELECT id + 0 FROM pages WHERE id = 5", "SELECT id FROM pages WHERE id = 05",
             "SELECT id FROM pages WHERE id = '5'"]
    for text in texts:
        through, direct = both(fe.query(text))
        assert through == direct


def test_types_of_parameters_tell_statements_apart(cached, reference, tables):
    """The same text and bytes, read as another type."""
    text = "SELECT id, $1 AS given FROM pages WHERE id = 5"
    end = fe.describe("P") + fe.execute() + fe.sync()
    bursts = [fe.parse(text, types=types) + fe.bind(["7"]) + end for types in ((), (25,), (1043,), (23,))]
    bursts.append(fe.parse(text, types=(23,)) + fe.bind([b"\0\0\0\7"], formats=(1,)) + end)
    with cached.raw() as through, reference.raw() as direct:
        for _ in range(3):
            for burst in bursts:
                assert _answers(through, burst, 1) == _answers(direct, burst, 1)
