"""Recommendations on the dashboard: evidence and change, dismissed and restored by administrators (B22, C7)."""

import urllib.request

import pytest

from conftest import USER, api, place

ADMIN = "http:\n  anonymous: admin\n"
SMALL = ("--pool-size", "2", "--pool-overflow", "0")
SLEEPS = "SELECT pg_sleep(0.4);\n"
WAIT = 60_000  #: a rate is of a quarter of a minute at least

pytestmark = pytest.mark.time_limit(240)


def pause(base: str) -> None:
    request = urllib.request.Request(base + "api/v1/pause", b"{}", {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light"), (390, "dark"), (1280, "light")])
def test_what_to_do_next_has_evidence_gain_and_change(browser, start, load, database, width, scheme):
    daemon = start(*SMALL, config=ADMIN)
    base = place(daemon)
    load(daemon, SLEEPS, clients=8, rate=1000)
    browser.open(base, width=width, scheme=scheme)
    browser.see(".advice li", f"Give the pool of {USER}@{database} more backends", timeout=WAIT)
    assert "Gain: up to" in browser.see(".advice li", "2 of 2 backends are in use")
    [found] = api(base, "api/v1/recommendations")["open"]
    assert browser.text(".advice pre").startswith("pool:\n  size:") and found["change"]["text"].startswith("pool:")
    browser.click(".advice .change button")
    browser.see('.advice .change [role="status"]', "Copied.")
    for page in ("", "recommendations"):
        browser.do("go", url=f"{base}#/{page}")
        browser.see(".advice li", "more backends")
        browser.picture(f"recommended-{page or 'overview'}-{width}-{scheme}")
        serious = [issue for issue in browser.do("axe") if issue["impact"] in ("serious", "critical")]
        assert not serious, serious
        assert browser.do("value", script="document.documentElement.scrollWidth - innerWidth") <= 0
    assert not browser.complaints()


def test_a_recommendation_is_dismissed_by_a_click_and_restored(browser, start):
    base = place(start(config=ADMIN))
    browser.open(base)
    browser.see(".empty", "Nothing: no figure calls for anything.")
    pause(base)
    browser.see(".advice li", "End the pause")
    browser.click('button[aria-label="Dismiss: End the pause"]')
    browser.see('.done[role="status"]', "Dismissed: End the pause.")
    browser.see(".empty", "Nothing: no figure calls for anything.")
    browser.click('a:text("all recommendations")')
    browser.see("h1", "Recommendations")
    told = browser.see("tbody tr", "End the pause")
    assert "somebody local" in told and "yes" in told
    browser.picture("recommendation-dismissed")
    browser.click('button[aria-label="Restore: End the pause"]')
    browser.see('.done[role="status"]', "Restored: End the pause.")
    browser.see(".advice li", "End the pause")
    assert not [each for each in browser.complaints() if "503" not in each], "but what readiness says of a pause"


def test_a_recommendation_is_dismissed_by_keyboard(browser, start):
    base = place(start(config=ADMIN))
    pause(base)
    browser.open(base)
    browser.see(".advice li", "End the pause")
    for _ in range(40):
        browser.do("press", key="Tab")
        if "Dismiss: End the pause" in browser.do("focused"):
            break
    browser.do("press", key="Enter")
    browser.see('.done[role="status"]', "Dismissed: End the pause.")


def test_who_may_only_look_sees_no_buttons_to_dismiss(browser, start, load):
    daemon = start(*SMALL, config="http:\n  anonymous: viewer\n")
    load(daemon, SLEEPS, clients=8, rate=1000)
    browser.open(f"{place(daemon)}#/recommendations")
    browser.see(".advice li", "more backends", timeout=WAIT)
    assert browser.texts('button[aria-label^="Dismiss"]') == []
    browser.see("section", "for administrators")
