"""How long results are kept, and whether: by policies of the configuration, and by comments of the application."""

import itertools
import subprocess
import time

import psycopg
import pytest

from forebay_testing import forebay_binary, wait_until

pytestmark = pytest.mark.usefixtures("items")

POLICIES = """
cache: {lifetime: 1h, min_cost: 0}
policies:
  catalogue: {relations: items, lifetime: 10min}
  dashboard: {tags: [dashboard, "report:*"], lifetime: 1h}
  short: {relations: public.items, tags: short, lifetime: 1s}
  views: {relations: public.dear, keep: false}
  told: {statement: "SELECT price FROM items WHERE id = $1 AND name <> $2", keep: false}
  never: {relations: items, statement: "SELECT name FROM items WHERE price > 5", keep: false}
"""


def explained(client, text: str) -> list[str]:
    return [line for (line,) in client.execute(f"EXPLAIN (forebay) {text}", prepare=False).fetchall()]


@pytest.fixture
def cached(daemons, around):
    around("CREATE OR REPLACE VIEW dear AS SELECT * FROM items WHERE price > 100; GRANT SELECT ON dear TO app")
    cached = daemons(config=POLICIES)
    cached.warm_up()
    return cached


@pytest.mark.parametrize("text, lifetime, origin", [
    ("SELECT name FROM items", "10min", "policy catalogue"),
    ("SELECT x FROM warm_up", "1h", "cache.lifetime"),
    ("SELECT x FROM warm_up /* forebay: tags=report:5 */", "1h", "policy dashboard"),
    ("SELECT name FROM items /* forebay: tags=dashboard,short */", "1s", "policy short"),
    ("SELECT name FROM items /* forebay: tags=short ttl=15min */", "15min", "its comment"),
    ("/* forebay: ttl=120 */ SELECT x FROM warm_up", "2min", "its comment"),
])
def test_the_lifetime_is_that_of_the_comment_or_of_the_shortest_policy(client, text, lifetime, origin):
    """Lifetimes by kind of resource."""
    kept = explained(client, text)[0]
    assert kept == f"Kept: until what it depends on changes, {lifetime} at most ({origin})"


@pytest.mark.parametrize("text, why", [
    ("SELECT name FROM items WHERE price > 9", "policy never says so"),
    ("select  name from items where price > 9 -- other spelling", None),
    ("SELECT price FROM items WHERE id = 7 AND name <> 'x'", "policy told says so"),
    ("SELECT price FROM items WHERE id = 7 AND name <> name", None),
    ("SELECT name FROM dear", "policy views says so"),
    ("SELECT name FROM items /* forebay: keep=no */", "its comment says so"),
])
def test_what_is_not_to_be_kept_is_not(cached, client, text, why):
    if why is None:
        assert explained(client, text)[0].startswith("Kept: until")
    else:
        assert explained(client, text) == [f"Kept: no; {why}"]
        cached.never_hits(lambda: client.execute(text).fetchall())


def test_a_result_goes_when_its_lifetime_is_over(cached, client):
    text = "SELECT name FROM items WHERE id = 1 /* forebay: tags=short */"
    cached.warm(lambda: client.execute(text, prepare=False).fetchall())
    # Any other policy's lifetime is ten minutes or more.
    wait_until(lambda: "what was there has ended" in explained(client, text)[-1], 40, "the end of its lifetime")


def test_cheap_results_are_not_kept_where_that_is_said(daemons):
    cached = daemons(config="cache: {min_cost: 400ms}")
    with cached.connect() as client:
        slow = "SELECT count(*) FROM items a, items b, items c, generate_series(1, 3)"
        cached.warm(lambda: client.execute(slow).fetchall(), timeout=60)

        def slowest_of_twenty(number: int) -> float:
            took = []
            for _ in range(20):
                began = time.monotonic()
                client.execute(f"SELECT name FROM items WHERE id = {number}").fetchall()
                took.append(time.monotonic() - began)
            return max(took)

        for number in itertools.count(1):  # of one for which the machine stood still another row is read
            before = cached.figures()["hits"]
            if slowest_of_twenty(number) < 0.4:
                assert cached.figures()["hits"] == before
                break


def test_clearing_by_tag(cached, client):
    """Invalidation by pattern."""
    texts = {tags: f"SELECT name FROM items WHERE id = 1 /* forebay: tags={tags} */"
             for tags in ("user:1,profile", "user:2", "course:1")}
    for text in texts.values():
        cached.settle(lambda text=text: client.execute(text).fetchall())

    def left() -> set:
        return {entry["tags"] for entry in cached.entries() if entry["tags"]}

    assert left() == set(texts)
    cached.clear("TAG profile")
    assert left() == {"user:2", "course:1"}
    cached.clear('TAG "user:*"')
    assert left() == {"course:1"}
    cached.clear('TAG "*"')
    assert left() == set()


def test_a_reload_with_other_policies_forgets_what_was_kept_by_the_old_ones(cached, client):
    text = "SELECT name FROM items WHERE id = 1"
    cached.settle(lambda: client.execute(text, prepare=False).fetchall())
    assert explained(client, text)[-1].startswith("In memory, as a simple query: 1 rows")
    cached.daemon.config_path.write_text(POLICIES.replace("10min", "20min"))
    with psycopg.connect(cached.daemon.dsn(dbname="forebay"), autocommit=True) as console:
        console.execute("RELOAD")
    assert "20min at most (policy catalogue)" in explained(client, text)[0]
    assert explained(client, text)[-1] == "In memory, as a simple query: no"
    assert not [entry for entry in cached.entries() if "items" in entry["statement"]]


@pytest.mark.parametrize("policy, complaint", [
    ("p: {lifetime: 5s}", "policies.p fits nothing; give it relations, tags or a statement"),
    ("p: {tags: a}", "policies.p says nothing; give it a lifetime or a strategy, or keep: false"),
    ("p: {tags: a, keep: false, lifetime: 5s}", "policies.p has a lifetime for what is not kept"),
    ("p: {tag: a, lifetime: 5s}", "did you mean"),
    ("[a]", "policies maps names to their settings"),
])
def test_policies_that_make_no_sense_are_refused(tmp_path, policy, complaint):
    file = tmp_path / "forebay.yaml"
    file.write_text(f"upstream: postgres://x@127.0.0.1\npolicies:\n  {policy}\n")
    said = subprocess.run([forebay_binary(), "check", "--config", file], capture_output=True, text=True, timeout=20)
    assert said.returncode != 0 and complaint in said.stdout + said.stderr
