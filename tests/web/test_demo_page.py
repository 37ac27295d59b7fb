"""What ./dev demo leads to: the address that it ends with, and its own traffic on that page, live."""

import os
import re
import signal

import pytest

from forebay_testing import wait_until
from forebay_testing.demonstration import Demonstration


@pytest.mark.time_limit(360)  # the first one may have to install the packages
def test_the_demo_ends_with_an_address_where_its_traffic_is_shown_live(browser):
    with Demonstration() as demo:
        demo.read_until("dashboard         http://")
        browser.open(re.findall(r"dashboard +(http://\S+)", demo.output)[-1])
        browser.see('[role="status"]', "Live")
        wait_until(lambda: browser.figure("throughput") > 0, 30, "the traffic", interval=0.5)
        before = browser.text('.figure:has([data-figure="throughput"]) small')
        note = wait_until(
            lambda: (text := browser.text('.figure:has([data-figure="throughput"]) small')) != before and text, 10,
            "it goes on", interval=0.5)
        assert number_of_queries(note) > number_of_queries(before)
        browser.picture("demo")
        assert not browser.complaints()
        os.killpg(demo.process.pid, signal.SIGINT)
        assert demo.end() == 0, demo.output


def number_of_queries(note: str) -> int:
    """Of "queries; 1,234 since the start"."""
    return int(re.search(r"([\d,]+) since", note).group(1).replace(",", ""))
