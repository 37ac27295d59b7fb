"""JDBC (pgjdbc of the distribution): the programs of jdbc/."""

import pathlib
import subprocess

import pytest

SOURCES = pathlib.Path(__file__).parent / "jdbc"
DRIVER = "/usr/share/java/postgresql.jar"


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Class path with the compiled programs and the driver."""
    folder = tmp_path_factory.mktemp("jdbc")
    path = f"{folder}:{DRIVER}"
    command = ["javac", "-Xlint:all", "-Xlint:-path", "-Werror", "-d", folder, "-cp", path, *SOURCES.glob("*.java")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stderr}\n(needs default-jdk-headless and libpostgresql-jdbc-java)"
    return path


@pytest.mark.time_limit(180)
@pytest.mark.pool(2)
@pytest.mark.parametrize("name", ["Statements", "Sessions"])
def test_jdbc(run, endpoint, program, classes, name):
    login = f"user=app&password={endpoint.password()}&loginTimeout=20"
    url = f"jdbc:postgresql://{endpoint.host}:{endpoint.port}/{endpoint.dbname}?{login}"
    done = run(program("java", "default-jre-headless"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
               "-Duser.timezone=Asia/Kolkata",
               f"-Durl={url}", "-cp", classes, name, check=False, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
