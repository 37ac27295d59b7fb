"""The profile lms: loading it, and its mix of requests as options for pgbench."""

import pathlib
import subprocess

from forebay_testing import PostgresServer, postgres_binary

PROFILE = pathlib.Path(__file__).resolve().parents[1] / "profiles" / "lms"
DATABASE = "lms"


def load(server: PostgresServer, on_stage=lambda stage: None, **variables) -> None:
    """Creates and fills the database. `on_stage` gets the name of each part when it begins."""
    server.psql(f"create database {DATABASE}")
    settings = [option for name, value in variables.items() for option in ("-v", f"{name}={value}")]
    command = [
        "setpriv", "--pdeathsig", "KILL", postgres_binary("psql"), "-XqAt", *settings,
        "-f", str(PROFILE / "load.sql"), "-d", server.socket_dsn(dbname=DATABASE),
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as psql:
        try:
            for line in psql.stdout:
                on_stage(line.strip())
        except BaseException:
            psql.kill()
            raise
    if psql.returncode:
        raise RuntimeError(f"loading {PROFILE} did not succeed (psql ended with status {psql.returncode})")


def counts(server: PostgresServer) -> dict[str, int]:
    """Rows by table."""
    tables = ("users", "courses", "lessons", "enrollments", "lesson_progress")
    columns = ", ".join(f"(select count(*) from {table})" for table in tables)
    return dict(zip(tables, map(int, server.psql(f"select {columns}", dbname=DATABASE).split("|"))))


def mix(server: PostgresServer) -> list[str]:
    """pgbench options: each request of the mix with its weight, and how many rows there are to choose from."""
    sizes = server.psql("""
        select 'first_student=' || min(id) filter (where role = 'student'),
               'students=' || count(*) filter (where role = 'student'),
               'first_instructor=' || min(id) filter (where role = 'instructor'),
               'instructors=' || count(*) filter (where role = 'instructor')
          from users where email like '%@lms.example';
        select 'courses=' || count(*), 'published_courses=' || count(*) filter (where is_published) from courses;
        select 'enrollments=' || count(*) from enrollments""", dbname=DATABASE)
    defines = [f"--define={definition}" for definition in sizes.replace("\n", "|").split("|") if definition]
    files = [f"--file={PROFILE / 'mix' / name}.sql@{weight}" for name, weight in weights().items()]
    return defines + files


def weights() -> dict[str, int]:
    """Requests of the mix and their weights."""
    lines = (PROFILE / "mix" / "weights.txt").read_text().splitlines()
    return {name: int(weight) for name, weight in (line.split() for line in lines if line and line[0] != "#")}
