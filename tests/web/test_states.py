"""The dashboard when something is not well: stopped, a pool too small, a replica gone, somebody unknown (C7, C14)."""

import re

import pytest

from conftest import USER, place
from forebay_testing import ReplicaServer, free_port, wait_until

TOKEN = "viewer-token-of-this-test"
LOCKED_OUT = f"""
http:
  anonymous: none
  viewer_tokens: ["{TOKEN}"]
admin:
  stats_users: [watcher]
users:
  watcher:
    password: "a watcher's password"
"""

pytestmark = pytest.mark.time_limit(240)


def test_a_forebay_that_is_stopped_is_said_to_be_and_found_again(browser, start):
    daemon = start(at=f"127.0.0.1:{free_port('127.0.0.1')}")  # where it is found after a restart, too
    browser.open(place(daemon))
    browser.see('[role="status"]', "Live")
    browser.see('[data-figure="clients"]')
    daemon.stop()
    told = browser.see('[role="status"]', "Not live")
    assert "The last figures are of" in told
    wait_until(lambda: is_grey(browser), 10, "figures of the past are grey")
    assert browser.text('[data-figure="clients"]') == "0", "the last figures stay to be seen"
    browser.see("section", "Not known now")
    browser.see(".advice li", "Find out why no figures come")
    browser.picture("stopped")
    daemon.start()
    # Not by the mouse: the page tries by itself, too, and may have found it before the mouse is there.
    browser.do("value", script="document.querySelector('.link button')?.click()")
    browser.see('[role="status"]', "Live")
    wait_until(lambda: not is_grey(browser), 10, "figures of now have their colours")


def is_grey(browser) -> bool:
    return browser.do("value", script="getComputedStyle(document.querySelector('main')).filter") == "grayscale(1)"


def test_a_page_that_is_gone_to_while_forebay_is_stopped_is_not_empty(browser, start):
    daemon = start()
    browser.open(place(daemon))
    browser.see('[role="status"]', "Live")
    daemon.stop()
    browser.see('[role="status"]', "Not live")
    browser.click('nav a:text("Settings")')
    browser.see("h1", "Settings")
    assert browser.see("main .empty, main .notice, main section")


def test_a_pool_that_clients_wait_for_is_what_to_do_next(browser, start, load, server, database):
    daemon = start("--pool-size", "2", "--pool-overflow", "0")
    load(daemon, "SELECT pg_sleep(0.4);\n", clients=8, rate=1000)
    browser.open(place(daemon))
    browser.see(".advice li", f"Give the pool of {USER}@{database} more backends", timeout=60_000)
    evidence = browser.see(".advice li p", "2 of 2 backends are in use")
    assert re.search(r"\d clients waited on average in the last \d", evidence)
    assert "wait for a backend" in browser.see(".lights li", "6 clients")
    browser.picture("pool-waits")
    assert not browser.complaints()


def test_a_replica_that_is_gone_is_drawn_and_is_what_to_do_next(browser, start, server):
    with ReplicaServer(server) as replica:
        replica.catch_up()
        base = place(start("--replica", f"{replica.host}:{replica.port}"))
        browser.open(f"{base}#/pools")
        assert "writes go here" in browser.see(".box.primary", "up")
        assert "Weight" in browser.see(".box.replica", "up")
        browser.picture("replicas")
        replica.stop()
        assert browser.see(".box", "down")
        browser.do("go", url=f"{base}#/")
        browser.see(".advice li", f"Bring {replica.host}:{replica.port} back")
        browser.see(".lights li.attention", "is down")
        browser.picture("replica-down")
        assert not browser.complaints()


def test_a_database_that_is_paused_is_what_to_do_next(browser, start):
    daemon = start(config="http:\n  anonymous: admin\n")
    base = place(daemon)
    browser.open(base)
    browser.see('[role="status"]', "Live")
    browser.do("value", script="fetch('/api/v1/pause', {method: 'POST', body: '{}', "
               "headers: {'Content-Type': 'application/json'}}).then((reply) => reply.status)")
    browser.see(".advice li", "End the pause")
    browser.see("section", "Something is wrong")


def test_who_is_not_known_signs_in_and_nobody_else_sees_anything(browser, start):
    base = place(start(config=LOCKED_OUT))
    browser.open(base)
    browser.see("form", "Sign in")
    assert browser.texts("section") == []
    serious = [issue for issue in browser.do("axe") if issue["impact"] in ("serious", "critical")]
    assert not serious
    browser.picture("sign-in")

    browser.do("fill", at='input[name="token"]', text="a-token-that-nobody-has-given")
    browser.click('button[type="submit"]')
    browser.see('[role="alert"]', "Not signed in")
    browser.picture("sign-in-refused")

    browser.do("fill", at='input[name="token"]', text=TOKEN)
    browser.click('button[type="submit"]')
    browser.see('[role="status"]', "Live")
    browser.see('[data-figure="throughput"]')
    kept = browser.do("value", script="[document.cookie, JSON.stringify(localStorage)]")
    assert kept[0] == "" and TOKEN not in kept[1]
    browser.do("reload")
    browser.see('[role="status"]', "Live")

    browser.click('button:text("Sign out")')
    browser.see("form", "Sign in")
    assert browser.do("value", script="sessionStorage.length") == 0
    complaints = [each for each in browser.complaints() if "401" not in each]
    assert not complaints


def test_name_and_password_of_a_user_of_the_console_let_in(browser, start):
    base = place(start(config=LOCKED_OUT))
    browser.open(base)
    browser.click('label:has-text("name and password") input')
    browser.do("fill", at='input[name="name"]', text="watcher")
    browser.do("fill", at='input[name="password"]', text="a watcher's password")
    browser.click('button[type="submit"]')
    browser.see('[role="status"]', "Live")


def test_all_is_reached_by_keyboard_alone(browser, start):
    browser.open(place(start()))
    browser.see('[role="status"]', "Live")
    browser.do("press", key="Tab")
    assert "To the page" in browser.do("focused")
    for _ in range(4):  # the name, and three pages
        browser.do("press", key="Tab")
    browser.do("press", key="Enter")
    browser.see("h1", "Cache")
    assert browser.do("focused").startswith("<main"), "who follows a link goes on in the page"


def test_colours_can_be_chosen_and_stay_chosen(browser, start):
    browser.open(place(start()), scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.see('[role="status"]', "Live")
    light = browser.do("value", script=ground)
    browser.do("choose", at=".theme select", value="dark")
    dark = browser.do("value", script=ground)
    assert dark != light
    browser.do("reload")
    browser.see('[role="status"]', "Live")
    assert browser.do("value", script=ground) == dark


def test_a_statement_is_found_and_has_a_page(browser, start, load):
    daemon = start()
    load(daemon, "SELECT 4711;\n")
    browser.open(f"{place(daemon)}#/statements")
    browser.see("tbody th", "SELECT $1")
    browser.click("tbody th a")
    browser.see("pre", "SELECT $1")
    browser.see(".figure", "Half are faster than")
    assert not browser.complaints()


def test_statements_that_are_not_counted_are_said_not_to_be(browser, start):
    browser.open(f"{place(start('--set', 'statements.enabled=false'))}#/statements")
    browser.see(".notice", "statements.enabled")
    assert not browser.complaints()
