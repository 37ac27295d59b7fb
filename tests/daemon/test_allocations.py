"""docs/life-of-a-query.md: in steady state a query makes Forebay ask for no memory."""

import pathlib
import subprocess

import pytest

from forebay_testing import ForebayDaemon, forebay_binary, postgres_binary

COUNTER = pathlib.Path(__file__).with_name("allocation_counter.c")
CLIENTS = 4


class Counted:
    """A daemon whose allocations are counted."""

    def __init__(self, daemon: ForebayDaemon, file: pathlib.Path, script: pathlib.Path) -> None:
        self._daemon, self._file, self._script = daemon, file, script

    def allocations(self, protocol: str, transactions: int) -> int:
        """While each client comes, runs so many queries, and leaves."""
        before = self._count()
        subprocess.run(
            [postgres_binary("pgbench"), "-n", "-f", self._script, "-M", protocol, "-c", str(CLIENTS),
             "-t", str(transactions), self._daemon.dsn(user="app")],
            check=True, capture_output=True, timeout=100)
        return self._count() - before

    def _count(self) -> int:
        return int.from_bytes(self._file.read_bytes(), "little")


@pytest.fixture(scope="module")
def counted(server, tmp_path_factory):
    if any(name in subprocess.run(["ldd", forebay_binary()], capture_output=True, text=True).stdout
           for name in ("libasan", "libtsan")):
        pytest.skip("a sanitizer has its own way to allocate")
    folder = tmp_path_factory.mktemp("allocations")
    library, file, script, program = (folder / name for name in ("counter.so", "count", "script.sql", "forebay"))
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, COUNTER], check=True)
    file.write_bytes(bytes(8))
    script.write_text("\\set id random(1, 1000)\nSELECT :id::int;\n")
    environment = f"LD_PRELOAD={library} FOREBAY_TEST_ALLOCATIONS={file}"
    program.write_text(f'#!/bin/sh\n{environment} exec {forebay_binary()} "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOREBAY_BINARY", str(program))
        with ForebayDaemon(server) as daemon:
            yield Counted(daemon, file, script)


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_a_query_that_has_come_before_allocates_nothing(counted, protocol):
    counted.allocations(protocol, 1000)  # what is repeated is looked at for a while
    few, many = counted.allocations(protocol, 500), counted.allocations(protocol, 2500)
    assert few > 0, "clients that come allocate"
    assert many - few < 0.02 * CLIENTS * 2000
