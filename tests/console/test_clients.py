"""psql, psycopg, and a JDBC program that reads figures as an exporter does."""

import pathlib
import shutil
import subprocess

import psycopg
import pytest

from forebay_testing import ForebayDaemon, postgres_binary

from conftest import Console

DRIVER = "/usr/share/java/postgresql.jar"


@pytest.fixture(scope="module")
def forebay(server):
    with ForebayDaemon(server, ["--threads", "2"]) as daemon:
        with psycopg.connect(daemon.dsn(), autocommit=True) as client:
            client.execute("SELECT 1")
            yield daemon


def psql(daemon, *arguments: str, script: str = "") -> subprocess.CompletedProcess:
    command = [postgres_binary("psql"), "-X", *arguments, "-d", daemon.dsn(dbname="forebay")]
    return subprocess.run(command, input=script, text=True, capture_output=True, timeout=30)


def test_psql_runs_one_command(forebay):
    done = psql(forebay, "-At", "-c", "SHOW VERSION")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Forebay ")
    assert psql(forebay, "-c", "PAUSE; RESUME").returncode == 0


def test_psql_interactively(forebay):
    script = "\\conninfo\n\\x on\nSHOW\n  POOLS;\n\\x off\n\\pset null (none)\n"
    script += "SHOW DATABASES;\nSHOW HELP;\nPAUSE;\nRESUME;\n\\q\n"
    done = psql(forebay, "-v", "ON_ERROR_STOP=1", script=script)
    assert done.returncode == 0, done.stderr
    for words in ('connected to database "forebay"', "sv_active", "(none)", "PAUSE", "RESUME"):
        assert words in done.stdout
    assert "Console usage" in done.stderr and "SHOW HELP|POOLS" in done.stderr


def test_psql_tells_errors(forebay):
    done = psql(forebay, script="SHOW POOOLS;\nSELECT 1;\nSHOW STATE;\n")
    assert done.returncode == 0
    assert 'there is no "POOOLS" to show' in done.stderr and "Did you mean SHOW POOLS?" in done.stderr
    assert "SELECT 1" in done.stderr and "paused" in done.stdout


def test_psql_watches(forebay):
    done = psql(forebay, "-v", "ON_ERROR_STOP=1", "-c", "SHOW STATS", "-c", "SHOW STATS")
    assert done.returncode == 0 and done.stdout.count("total_xact_count") == 2


def test_psycopg_in_every_manner(forebay):
    with psycopg.connect(forebay.dsn(dbname="forebay")) as connection:  # opens transactions by itself
        assert connection.execute("SHOW POOLS").fetchall()
        connection.commit()
        with pytest.raises(psycopg.Error):
            connection.execute("SHOW NOTHING")
        connection.rollback()
        assert connection.execute("SHOW POOLS", prepare=True).fetchall()
        assert connection.execute("SHOW STATS", binary=True).fetchall()
        with connection.pipeline():
            cursors = [connection.execute("SHOW LISTS") for _ in range(5)]
        assert all(len(cursor.fetchall()) == 14 for cursor in cursors)
    with psycopg.connect(forebay.dsn(dbname="pgbouncer"), autocommit=True) as connection:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.info.server_version == 150000


def test_jdbc_reads_figures(forebay, server, tmp_path):
    if not (shutil.which("javac") and pathlib.Path(DRIVER).exists()):
        pytest.fail("needs default-jdk-headless and libpostgresql-jdbc-java")
    source = pathlib.Path(__file__).parent / "jdbc" / "Exporter.java"
    path = f"{tmp_path}:{DRIVER}"
    subprocess.run(["javac", "-d", tmp_path, "-cp", path, source], check=True, timeout=120)
    for mode in ("extended", "simple"):
        url = f"jdbc:postgresql://{forebay.host}:{forebay.port}/pgbouncer?preferQueryMode={mode}"
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, "Exporter",
                   url, server.superuser, server.passwords[server.superuser]]
        done = subprocess.run(command, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "postgres/postgres" in done.stdout
        assert done.stdout.splitlines()[-1] == "done"


def test_sizes_of_large_answers(forebay):
    """Longer than the loop's scratch, and than a socket's buffer."""
    consoles = [Console(forebay, application_name="n" * 60) for _ in range(200)]
    try:
        rows = [row for row in consoles[0].show("CLIENTS") if row["application_name"] == "n" * 60]
        assert len(rows) == 200
    finally:
        for console in consoles:
            console.connection.close()
