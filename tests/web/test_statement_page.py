"""A slow statement is found, explained and fixed on the pages (L6, L17, C7, C10, B17)."""

import psycopg
import pytest

from conftest import USER, api, place
from forebay_testing import wait_until

TEXT = "SELECT count(*) FROM progress WHERE user_id = "

pytestmark = pytest.mark.time_limit(360)  # the first one may have to install the packages


@pytest.fixture
def direct(server, database):
    dsn = server.dsn(user=USER, dbname=database, password=server.passwords[USER])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE progress AS SELECT i AS id, i % 5000 AS user_id, 'a note' AS note "
                           "FROM generate_series(1, 50000) i")
        connection.execute("ANALYZE progress")
        yield connection
        connection.execute("DROP TABLE progress")


@pytest.fixture
def client(start, server, database, direct):
    """client(*flags): a session through a Forebay to which everything is slow, and the address of its pages."""
    opened = []

    def one(*flags):
        daemon = start("--set", "plans.slower_than=1ms", "--cache", "off", *flags)
        dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
        opened.append(psycopg.connect(dsn, autocommit=True))
        return opened[-1], place(daemon)

    yield one
    for connection in opened:
        connection.close()


def serious(browser) -> list:
    return [issue for issue in browser.do("axe") if issue["impact"] in ("serious", "critical")]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_slow_statement_is_found_explained_and_fixed(browser, client, direct, width, scheme):
    session, base = client("--set", "http.anonymous=admin")
    for user in range(30):
        session.execute(f"{TEXT}{user}")
    browser.open(base, width=width, scheme=scheme)
    browser.do("go", url=f"{base}#/statements")
    browser.see('table tr:has-text("FROM progress")', "can be mended")
    browser.click(f'table a:has-text("{TEXT.strip()}")')
    browser.see('section[aria-labelledby="statement"]', "SELECT count(*) FROM progress WHERE user_id = $1")
    assert "Seq Scan on progress" in browser.see(".plan", "Seq Scan")
    assert "filter (progress.user_id = $1)" in browser.text(".plan")
    assert "10 rows of about 50000 are expected to be left" in browser.text(".findings")
    browser.picture(f"statement-{width}-{scheme}")
    assert not serious(browser)
    assert browser.do("value", script="document.documentElement.scrollWidth - innerWidth") <= 0

    direct.execute(browser.text(".findings pre"))
    browser.click('button:text("Explain now")')
    changed = browser.see(".changes")
    assert changed.startswith("Seq Scan on progress became") and "progress_user_id_idx" in changed
    assert "progress_user_id_idx" in browser.text(".plan")
    assert browser.do("value", script="document.querySelector('.findings')") is None
    assert "Explain now" in browser.do("focused"), "who works by keyboard stays where he was"
    earlier = browser.see("details summary", "Until")
    assert changed.strip() in earlier
    browser.picture(f"statement-mended-{width}-{scheme}")
    assert not serious(browser)
    assert not browser.complaints()


def test_it_is_executed_for_who_asks_for_that(browser, client):
    session, base = client("--set", "http.anonymous=admin")
    session.execute(f"{TEXT}1")
    browser.open(base)
    browser.do("go", url=f"{base}#/statements")
    browser.click(f'table a:has-text("{TEXT.strip()}")')
    browser.see(".plan")
    browser.click('summary:has-text("Execute it once")')
    browser.do("fill", at=".values input", text="7")
    browser.click('button:text("Execute and explain")')
    assert "10 came" in browser.see(".measured .plan")
    browser.do("fill", at=".values input", text="seven")
    browser.click('button:text("Execute and explain")')
    assert "invalid input syntax" in browser.see('[role="alert"]')


def test_who_may_only_look_sees_the_plan_and_no_button(browser, client):
    session, base = client()
    session.execute(f"{TEXT}1")
    wait_until(lambda: any(row["plan"] for row in api(base, "api/v1/statements")["statements"]), 30, "a plan",
               interval=0.2)
    browser.open(base)
    browser.do("go", url=f"{base}#/statements")
    browser.click(f'table a:has-text("{TEXT.strip()}")')
    section = browser.see('section[aria-labelledby="plan"]', "Seq Scan")
    assert "for administrators" in section
    assert browser.texts('section[aria-labelledby="plan"] button') == []
    assert not browser.complaints()


def test_a_statement_that_is_not_there_is_said_not_to_be(browser, client):
    _, base = client()
    browser.open(base)
    browser.do("go", url=f"{base}#/statements/nowhere/{'0' * 32}")
    browser.see(".notice", "not counted any more")


def test_values_of_the_slowest_call_are_shown_to_administrators_where_they_are_kept(browser, client):
    session, base = client("--set", "http.anonymous=admin", "--set", "statements.samples=on")
    session.execute(f"{TEXT}4711 AND note <> 'a <b>bold</b> note'")
    browser.open(base)
    browser.do("go", url=f"{base}#/statements")
    browser.click(f'table a:has-text("{TEXT.strip()}")')
    told = browser.see('section[aria-labelledby="values"]', "Values of the slowest call")
    assert "4711" in told and "a <b>bold</b> note" in told
    assert not serious(browser)
    assert not browser.complaints()


def test_no_values_are_shown_where_none_are_kept(browser, client):
    session, base = client("--set", "http.anonymous=admin")
    session.execute(f"{TEXT}4711")
    browser.open(base)
    browser.do("go", url=f"{base}#/statements")
    browser.click(f'table a:has-text("{TEXT.strip()}")')
    assert "4711" not in browser.see("main", "The last hour")
