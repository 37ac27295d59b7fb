"""For every suite under tests/: the support package, and a limit on each test's time."""

import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

# pytest keeps the folders of tmp_path for a look afterwards: not in the system's temporary folder.
_kept = pathlib.Path(__file__).parents[1] / "build" / "testing"
_kept.mkdir(parents=True, exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_kept))

from forebay_testing.directories import DATA_VARIABLE, directory_in_memory  # noqa: E402

if DATA_VARIABLE not in os.environ and (_in_memory := directory_in_memory()) is not None:
    os.environ[DATA_VARIABLE] = _in_memory  # for the programs that tests begin as well

pytest_plugins = ["forebay_testing.fixtures"]


class TooSlow(Exception):
    """A test ran longer than its limit."""


def limit_of(item) -> float:
    mark = item.get_closest_marker("time_limit")
    return mark.args[0] if mark else float(item.config.getini("time_limit"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Ends a test (its fixtures included) after `time_limit` seconds, or those of @pytest.mark.time_limit(n).

    A C extension that waits without looking for signals is out of reach; ctest's own limit ends those.
    """
    limit = limit_of(item)

    def ended(number, frame):
        raise TooSlow(f"longer than {limit:g} s")

    previous = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def known_gaps() -> dict[str, str]:
    """tests/known_gaps.txt: what Forebay is known not to do yet, as test → why."""
    gaps = {}
    for line in (pathlib.Path(__file__).parent / "known_gaps.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, _, reason = line.partition("  # ")
            gaps[test.strip()] = reason.strip()
    return gaps


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):  # several run side by side: what may take long begins first
        items.sort(key=limit_of, reverse=True)
    gaps = known_gaps()
    for item in items:
        for test, reason in gaps.items():
            if test in item.nodeid and "[direct" not in item.nodeid:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))


def pytest_addoption(parser):
    parser.addini("time_limit", "seconds that one test may take", default="60")


def pytest_configure(config):
    config.addinivalue_line("markers", "time_limit(seconds): this test's own limit")
