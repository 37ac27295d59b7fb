"""libpq in C: what only its own interface can say."""

import pathlib
import subprocess
import concurrent.futures

import pytest

SOURCES = pathlib.Path(__file__).parent / "libpq"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """built(name): the program made from libpq/<name>.c."""
    folder = tmp_path_factory.mktemp("libpq")
    include = subprocess.run(["pg_config", "--includedir"], capture_output=True, text=True, check=True).stdout.strip()

    def build(name: str) -> pathlib.Path:
        target = folder / name
        if not target.exists():
            command = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", f"-I{include}", f"-I{SOURCES}"]
            subprocess.run([*command, SOURCES / f"{name}.c", "-o", target, "-lpq"], check=True, timeout=60)
        return target

    return build


def test_pipelines(run, built, reference):
    ours = run(built("pipeline")).stdout
    assert ours == run(built("pipeline"), env=reference.environment()).stdout
    lines = ours.splitlines()
    assert lines[lines.index("-- errors") + 1 :][:5] == [
        "PGRES_TUPLES_OK [SELECT 1] : word=before", "PGRES_FATAL_ERROR 22012 division by zero",
        "PGRES_PIPELINE_ABORTED", "PGRES_PIPELINE_ABORTED", "PGRES_PIPELINE_SYNC",
    ]
    assert lines[-1] == "10000 results, sum 99990000"


@pytest.mark.pool(2)
def test_ten_pipelines_over_two_backends(run, built):
    program = built("pipeline")
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        outputs = list(pool.map(lambda _: run(program).stdout, range(10)))
    assert len(set(outputs)) == 1 and outputs[0].endswith("10000 results, sum 99990000\n")


def test_single_rows_copy_portals_reset(run, built, reference):
    ours = run(built("queries")).stdout
    assert ours == run(built("queries"), env=reference.environment()).stdout
    assert "50000 rows, 10000000 bytes" in ours


def test_large_objects_and_fast_path(run, built, reference):
    ours = run(built("large_objects")).stdout
    assert ours == run(built("large_objects"), env=reference.environment()).stdout
    assert ours.startswith("at 409600\n100 bytes left\nwrite refused: -1\n")
