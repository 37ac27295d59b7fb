"""What several client suites share."""

import contextlib
import os
import shutil
import subprocess

import pytest

from forebay_testing import wait_until


@pytest.fixture
def run(endpoint):
    """run(program, argument, …, input=…): runs a client with libpq's variables set; returns CompletedProcess."""

    def run_client(*command: str, check: bool = True, **options) -> subprocess.CompletedProcess:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        environment = clean | {"LC_ALL": "C.UTF-8"} | endpoint.environment() | options.pop("env", {})
        options = {"text": True, "capture_output": True, "timeout": 50} | options
        try:
            done = subprocess.run([str(part) for part in command], env=environment, **options)
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"{command} ran longer than {late.timeout} s\n{late.stdout}\n{late.stderr}")
        if check and done.returncode != 0:
            pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return run_client


@pytest.fixture
def program():
    """program(name, package): full path of a client program; fails with the package to install."""

    def find(name: str, package: str) -> str:
        path = shutil.which(name)
        if not path:
            pytest.fail(f"{name} is missing: apt-get install {package}")
        return path

    return find


@pytest.fixture
def table(reference):
    """table(columns): makes a table with this definition, returns its name, drops it at the end."""
    with contextlib.ExitStack() as stack:
        names = []
        owner = stack.enter_context(reference.connect())

        def make(columns: str, name: str | None = None) -> str:
            name = name or f"t{len(names)}_{os.urandom(4).hex()}"
            owner.execute(f"CREATE TABLE {name} ({columns})")
            names.append(name)
            return name

        yield make
        owner.execute("SET lock_timeout = '10s'")
        for name in names:
            owner.execute(f"DROP TABLE {name} CASCADE")


@pytest.fixture
def running(endpoint):
    """running(text): waits until the server runs a statement that contains it; returns the backend's pid."""

    def wait(text: str) -> int:
        sql = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND datname = %s AND strpos(query, %s) > 0"
        found = wait_until(lambda: endpoint.server.query(sql, (endpoint.dbname, text)), 10, f"{text!r} runs")
        return found[0][0]

    return wait
