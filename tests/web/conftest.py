"""A browser, and Forebay with HTTP in front of a real server under a load of pgbench."""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import psycopg
import pytest

from browser import Browser
from forebay_testing import ForebayDaemon, postgres_binary, wait_until
from truths import COUNTED, CountingServer

FOLDER = pathlib.Path(__file__).parent
USER = "app"
_PLACE = re.compile(r"HTTP is served on (\S+):(\d+)")


def install(folder: pathlib.Path) -> None:
    script = ["bash", FOLDER.parents[1] / "scripts" / "npm_packages.sh", folder]
    subprocess.run(script, check=True, timeout=300)


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the packages of this folder."""
    program = shutil.which("node") or shutil.which("nodejs")
    assert program, "Node.js is missing: ./dev test installs it"
    install(FOLDER)
    return program


@pytest.fixture(scope="session")
def browser(node):
    with contextlib.closing(Browser(node)) as one:
        yield one
        outside = {host for host in one.hosts_of_all() if not host.startswith("127.0.0.1:")}
        assert not outside, "no page asks another host than Forebay"


@pytest.fixture
def start(server):
    """start(*flags, config=None, upstream=None, at=…): a daemon that serves HTTP; ended with the test."""
    with contextlib.ExitStack() as running:

        def run(*flags, config: str | None = None, upstream=None, at: str = "127.0.0.1:0") -> ForebayDaemon:
            daemon = ForebayDaemon(upstream or server, ["--threads", "2", "--admin", at, *flags], config)
            return running.enter_context(daemon)

        yield run


@pytest.fixture(scope="session")
def counting():
    """A server that counts statements itself, with a database of its own for that."""
    with CountingServer() as own:
        own.prepare()
        yield own


@pytest.fixture
def connect(counting):
    """connect(daemon): a client of `counting`; all are closed with the test."""
    with contextlib.ExitStack() as opened:
        yield lambda daemon: opened.enter_context(
            psycopg.connect(daemon.dsn(USER, COUNTED), autocommit=True, prepare_threshold=None))


@pytest.fixture
def load(server, database):
    """load(daemon, script, clients=4): pgbench runs through the daemon until the test ends or it is stopped."""
    with contextlib.ExitStack() as running:

        def run(daemon, script: str, clients: int = 4, rate: int = 200) -> "Load":
            return running.enter_context(contextlib.closing(Load(server, database, daemon, script, clients, rate)))

        yield run


class Load:
    def __init__(self, server, database, daemon, script, clients, rate) -> None:
        path = daemon.directory / "load.sql"
        path.write_text(script)
        dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
        command = [postgres_binary("pgbench"), "--no-vacuum", f"--file={path}", f"--client={clients}", "--time=120",
                   f"--rate={rate}", "--protocol=prepared", dsn]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate()


def place(daemon: ForebayDaemon) -> str:
    """The address of the dashboard."""
    found = wait_until(lambda: _PLACE.search(daemon.log()), 10, "HTTP is served")
    return f"http://127.0.0.1:{found.group(2)}/"


def api(base: str, path: str, authorization: str = ""):
    request = urllib.request.Request(base + path, headers={"Authorization": authorization} if authorization else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from None
