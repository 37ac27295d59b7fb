"""The dashboard in a real browser, with live traffic: what each page shows is what the API says (C7, B22, P6)."""

import psycopg
import pytest

from browser import number_in
from conftest import USER, api, place
from forebay_testing import wait_until

READS = "\\set id random(1, 100)\nSELECT v FROM shelf WHERE id = :id;\n"
PAGES = ("", "statements", "cache", "pools", "database", "alerts", "recommendations", "settings")
VIEWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def shelf(server, database):
    server.psql(
        "create table shelf(id int primary key, v text); insert into shelf select i, 'book ' || i from "
        "generate_series(1, 100) i; grant all on shelf to app", dbname=database)


@pytest.fixture
def busy(start, load, shelf):
    """The address of a Forebay whose cache answers."""
    daemon = start("--cache", "on")
    load(daemon, READS)
    base = place(daemon)
    wait_until(lambda: api(base, "api/v1/overview")["cache"]["hits"] > 100, 30, "answers from memory", interval=0.2)
    return base


@pytest.mark.time_limit(360)  # the first one may have to install the packages
def test_the_overview_shows_the_load_as_it_is(browser, busy):
    browser.open(busy)
    browser.see('[role="status"]', "Live")
    wait_until(lambda: 100 < browser.figure("throughput") < 300, 30, "the rate of pgbench, 200/s", interval=0.5)
    assert browser.figure("clients") == 4
    overview = api(busy, "api/v1/overview")
    hits = number_in(browser.text('.figure:has([data-figure="hit-rate"]) small'))
    assert 0 < hits <= overview["cache"]["hits"]
    assert hits > overview["cache"]["hits"] - 5 * 300
    assert 90 < browser.figure("hit-rate") <= 100
    assert "now, between" in browser.do("attribute", at='.chart [role="img"]', name="aria-label")
    assert not browser.complaints()


@pytest.mark.time_limit(240)
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_every_page_is_well_made(browser, busy, width, scheme):
    browser.open(busy, width=width, scheme=scheme)
    browser.see('[role="status"]', "Live")
    hidden = "[...document.querySelectorAll('nav a')].filter((a) => a.getBoundingClientRect().right > innerWidth)"
    assert browser.do("value", script=f"{hidden}.length") == 0, "no link has to be searched for"
    for page in PAGES:
        browser.do("go", url=f"{busy}#/{page}")
        browser.see("main section, main .notice")
        browser.do("value", script="new Promise((done) => setTimeout(done, 2500))" if page == "" else "0")
        browser.picture(f"{page or 'overview'}-{width}-{scheme}")
        serious = [issue for issue in browser.do("axe") if issue["impact"] in ("serious", "critical")]
        assert not serious, f"{page}: {serious}"
        wider = browser.do("value", script="document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{page} is {wider} pixels too wide"
    assert not browser.complaints()
    assert browser.hosts() == {busy.split("/")[2]}


@pytest.mark.time_limit(240)
def test_statements_are_sorted_by_the_heading_that_is_clicked(browser, start, server, database, shelf):
    daemon = start()
    dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as client:
        for number in range(105):  # more than the table has, and each takes longer than what is called often
            client.execute(f"SELECT pg_sleep(0.02) AS slow_{number}")
        for number, column in enumerate(("id", "v", "id, v", "v, id", "count(*)"), start=1):
            for _ in range(number * 10):
                client.execute(f"SELECT {column} FROM shelf LIMIT 1")
    base = place(daemon)
    browser.open(f"{base}#/statements")
    browser.see("tbody tr code", "slow_")

    def calls() -> list[int]:
        return [int(text.replace(",", "")) for text in browser.texts("tbody tr > :nth-child(4)")]

    heading = 'th:has(button:has-text("Calls"))'
    for direction, is_reversed in (("descending", True), ("ascending", False)):
        browser.click(f"{heading} button")
        browser.see(f'{heading}[aria-sort="{direction}"]')
        wait_until(lambda: {10, 20, 30, 40, 50} <= set(calls()), 20, "those that are called most often")
        assert calls() == sorted(calls(), reverse=is_reversed)
        browser.see("h2", "called most often")
    by_api = [each["calls"] for each in api(base, "api/v1/statements?limit=100&order=calls")["statements"]]
    assert sorted(by_api) == calls()
    assert not browser.complaints()
