"""./dev demo as a child of a test."""

import os
import pathlib
import subprocess
import tempfile

from .directories import REPOSITORY
from .forebay import forebay_binary
from .waiting import wait_until

SMALL = ["--users", "600", "--seconds", "1"]


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
