"""PostgreSQL's own tests through Forebay: nobody can tell."""

import pathlib
import subprocess
import sys

import pytest

RUN = pathlib.Path(__file__).with_name("run.py")
SKIPPED = 77


@pytest.fixture(scope="module")
def tests_at_hand():
    """Fetches and builds what the suites need, once; without a network and without a cache there is nothing to run."""
    fetched = subprocess.run([sys.executable, RUN, "--fetch-only"], capture_output=True, text=True)
    if fetched.returncode == SKIPPED:
        pytest.skip(fetched.stderr.strip())
    assert fetched.returncode == 0, fetched.stderr


def run(*options: str) -> None:
    done = subprocess.run([sys.executable, RUN, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, "\n" + done.stdout


@pytest.mark.time_limit(720)
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_regression_suite(tests_at_hand, mode):
    run("--suite", "regress", "--mode", mode)


@pytest.mark.time_limit(720)
def test_regression_suite_with_fewer_backends_than_clients(tests_at_hand):
    run("--scarce")


@pytest.mark.time_limit(900)
def test_isolation_suite_goes_as_it_does_directly(tests_at_hand):
    run("--suite", "isolation", "--time-limit", "400")
