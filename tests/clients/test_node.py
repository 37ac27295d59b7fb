"""node-postgres: the suites of node/, each run by Node's own test runner."""

import fcntl
import pathlib
import re
import subprocess

import pytest

SUITES = pathlib.Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def packages():
    """node_modules as the lock file says; installed when missing or older than it."""
    with open(SUITES / "package.json") as lock:  # several test programs may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = SUITES / "node_modules" / ".package-lock.json"
        if not done.exists() or done.stat().st_mtime < (SUITES / "package-lock.json").stat().st_mtime:
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=SUITES, check=True,
                           capture_output=True, timeout=300)
            done.touch()


@pytest.mark.time_limit(360)  # the first one may have to install the packages
@pytest.mark.pool(2)
@pytest.mark.parametrize("suite", sorted(path.name for path in SUITES.glob("*.test.mjs")))
def test_node_postgres(run, program, packages, suite):
    done = run(program("node", "nodejs"), "--test", "--test-reporter=tap", SUITES / suite, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE).group(1)) > 0
