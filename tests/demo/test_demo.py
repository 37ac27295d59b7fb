"""./dev demo: what it shows, and that it leaves nothing behind however it ends."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile

import psycopg
import pytest

from forebay_testing import forebay_binary, wait_until
from forebay_testing.directories import REPOSITORY

SMALL = ["--users", "600", "--seconds", "1"]
pytestmark = pytest.mark.time_limit(120)


class Demonstration:
    """The demo as a child, everything it leaves in a folder of our own."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="fb-")
        os.chmod(self.folder.name, 0o755)  # the server's own user has to get in
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-u", REPOSITORY / "scripts" / "demo.py", *SMALL, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
            env=os.environ | {"TMPDIR": self.folder.name, "FOREBAY_BINARY": forebay_binary()},
        )
        self.output = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def read_until(self, text):
        """Reads up to the first line with `text`."""
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        raise AssertionError(f"no {text!r} in:\n{self.output}")

    def end(self):
        self.output += self.process.stdout.read()
        return self.process.wait(60)

    def left_behind(self):
        """Files in its folder, and processes that know it: command line, environment or current folder."""
        processes = [pid for pid in os.listdir("/proc") if pid.isdigit()]
        return sorted(map(str, pathlib.Path(self.folder.name).iterdir())) + [
            known for known in map(self._known, processes) if known]

    def _known(self, pid):
        name = self.folder.name.encode()
        process = pathlib.Path("/proc", pid)
        try:
            command = (process / "cmdline").read_bytes()
            return command if name in command or name in (process / "environ").read_bytes() else None
        except OSError:
            return None

    def assert_nothing_left(self):
        try:
            wait_until(lambda: not self.left_behind(), 10)
        except TimeoutError:
            assert self.left_behind() == []


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
