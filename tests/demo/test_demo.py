"""./dev demo: what it shows, and that it leaves nothing behind however it ends."""

import os
import pathlib
import re
import signal

import psycopg
import pytest

from forebay_testing.demonstration import Demonstration

pytestmark = pytest.mark.time_limit(120)


def test_it_compares_and_ends():
    with Demonstration("--exit") as demo:
        assert demo.end() == 0, demo.output
        for way in ("web server", "services"):
            assert re.search(rf"== {way}.*\n.*directly +through Forebay\n +requests per second +\d+ +\d+", demo.output)
        assert re.findall(r"failed requests +(\d+) +(\d+)", demo.output) == [("0", "0"), ("0", "0")]
        demo.assert_nothing_left()


def test_it_stays_up_for_psql_until_ctrl_c():
    with Demonstration() as demo:
        demo.read_until("directly          psql")
        through_forebay, directly = re.findall(r"psql (postgres://\S+)", demo.output)
        for url in (through_forebay, directly):
            with psycopg.connect(url) as connection:
                assert connection.execute("select count(*) from users").fetchone()[0] == 600
        with psycopg.connect(through_forebay, autocommit=True) as client:
            kept = client.execute("EXPLAIN (FOREBAY) SELECT count(*) FROM users").fetchone()[0]
            assert kept.startswith("Kept: until"), "the cache runs, as it does by default"
        os.killpg(demo.process.pid, signal.SIGINT)
        assert demo.end() == 0, demo.output
        demo.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["Starting a private", "Warming up", "Rounds of"])
def test_it_can_be_stopped_at_any_time(moment, number):
    with Demonstration() as demo:
        demo.read_until(moment)
        os.killpg(demo.process.pid, number)
        assert demo.end() == 130, demo.output
        assert "Traceback" not in demo.output
        demo.assert_nothing_left()


def test_it_leaves_nothing_even_when_killed():
    with Demonstration() as demo:
        demo.read_until("Warming up")
        demo.process.kill()
        demo.process.wait()
        demo.assert_nothing_left()


@pytest.mark.parametrize("name", ["postgres", "forebay"])
def test_it_ends_when_a_part_dies(name):
    with Demonstration() as demo:
        demo.read_until("Rounds of")
        for pid in pathlib.Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text().split():
            program = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            if pathlib.Path(program).name.endswith(name):
                os.kill(int(pid), signal.SIGKILL)
        assert demo.end() == 1, demo.output
        assert f"!! {name} has ended by itself" in demo.output
        demo.assert_nothing_left()
