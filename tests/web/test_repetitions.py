"""An N+1 in the page of statements: what is repeated, what came before, and what to ask instead (C7, B22, L17)."""

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import wait_until


@pytest.fixture
def lazy(start, server, database):
    """A Forebay through which a page of posts has been read twice, with the comments of each one by one."""
    server.psql(
        "create table posts(id int primary key, title text); insert into posts select 50 + i, 'p' || i from "
        "generate_series(1, 12) i; create table comments(post_id int, words text); insert into comments select "
        "50 + i % 12, 'c' || i from generate_series(1, 40) i; grant all on posts, comments to app", dbname=database)
    daemon = start()
    with psycopg.connect(daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])) as client:
        for _ in range(2):
            with client.transaction():
                for post, _ in client.execute("SELECT id, title FROM posts").fetchall():
                    client.execute(f"SELECT words FROM comments WHERE post_id = {post}")
        for _ in range(6):
            client.execute("SELECT count(*) FROM posts")
        client.commit()
    yield place(daemon)
    server.psql("drop table posts, comments", dbname=database)


@pytest.mark.time_limit(360)  # the first one may have to install the packages
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_shows_what_repeats_and_what_to_ask_instead(browser, lazy, width, scheme):
    wait_until(lambda: len(api(lazy, "api/v1/repetitions")["repetitions"]) == 2, 10, "both are told")
    browser.open(lazy, width=width, scheme=scheme)
    browser.do("go", url=f"{lazy}#/statements")
    section = browser.see('section[aria-labelledby="repeated"]')
    first = browser.texts('section[aria-labelledby="repeated"] li')[0]
    assert "N+1" in first and "N+1?" not in first
    for text in ("SELECT id, title FROM posts", "SELECT words FROM comments WHERE post_id = $1",
                 "SELECT post_id, words FROM comments WHERE post_id = ANY($1)", "the column id", "one transaction"):
        assert text in first, text
    assert "24" in first and "12" in first, "executions, and those of one window"
    assert "repeated alike" in section and "SELECT count(*) FROM posts" in section
    marked = browser.see("table tr:has(.mark)", "comments")
    assert "N+1" in marked
    browser.picture(f"repetitions-{width}-{scheme}")
    serious = [issue for issue in browser.do("axe") if issue["impact"] in ("serious", "critical")]
    assert not serious, serious
    assert browser.do("value", script="document.documentElement.scrollWidth - innerWidth") <= 0
    assert not browser.complaints()


def test_the_page_of_one_statement_says_that_it_repeats(browser, lazy):
    browser.open(lazy)
    browser.do("go", url=f"{lazy}#/statements")
    browser.click('section[aria-labelledby="repeated"] figcaption a')
    browser.see('section[aria-labelledby="statement"]', "SELECT words FROM comments")
    assert "ANY($1)" in browser.see('section[aria-labelledby="repeated"]')


def test_where_nothing_repeats_there_is_no_section(browser, start):
    browser.open(place(start()))
    browser.do("go", url=browser.do("value", script="location.origin") + "/#/statements")
    browser.see('section[aria-labelledby="statements"]')
    assert browser.do("value", script="document.querySelector('#repeated')") is None
