"""The command line as a person uses it: check, import and generate, with files, environment and exit codes."""

import json
import os
import pathlib
import re
import subprocess

import psycopg
import pytest

from forebay_testing import PgBouncerDaemon, PostgresServer, forebay_binary

REPOSITORY = pathlib.Path(__file__).parents[2]


def forebay(*arguments, environment=None, stdin=None, cwd=None):
    """Runs one command to its end."""
    return subprocess.run(
        [forebay_binary(), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=20,
        cwd=cwd,
        env=os.environ | (environment or {}),
    )


def check(text, tmp_path, **keywords):
    file = tmp_path / "forebay.yaml"
    file.write_text(text)
    return forebay("check", "--config", file, **keywords)


def test_the_example_has_no_mistakes():
    done = forebay("check", "--config", REPOSITORY / "config" / "forebay.example.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no mistakes" in done.stdout


def test_every_mistake_is_told_with_its_place(tmp_path):
    done = check("upstream: postgres://u@h\npool:\n  sise: 4\nlisten: 6432\n", tmp_path)
    assert done.returncode == 1
    told = 'the key "sise" does not exist in pool; did you mean "size"?'
    assert f"{tmp_path}/forebay.yaml:3:3: {told}" in done.stderr
    assert f"{tmp_path}/forebay.yaml:4:9: listen: \"6432\" is no address" in done.stderr
    assert "2 mistakes" in done.stderr


def test_the_environment_is_read(tmp_path):
    text = "upstream: {host: '${FOREBAY_TEST_HOST}', user: u}\npool: {size: '${FOREBAY_TEST_SIZE:-7}'}\n"
    done = check(text, tmp_path, environment={"FOREBAY_TEST_HOST": "db.example"})
    assert done.returncode == 0, done.stderr
    assert "u@db.example:5432" in done.stdout and "7 backends" in done.stdout
    done = check(text, tmp_path)
    assert done.returncode == 1
    assert "forebay.yaml:1:18: the environment variable FOREBAY_TEST_HOST is not set" in done.stderr


def test_a_file_may_come_through_a_pipe():
    done = forebay("check", "--config", "/dev/stdin", stdin="upstream: postgres://u@h\n")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\n" + "".join(f"b{i}: &b{i} [{', '.join([f'*b{i - 1}' if i else '*a'] * 9)}]\n" for i in range(9)),
        "[" * 500_000,
        "{a: " * 200_000,
        "a" * 2_000_000,
        "? " * 500_000,
    ],
    ids=["aliases", "lists", "mappings", "large", "keys"],
)
def test_a_bomb_is_a_mistake(text, tmp_path):
    done = check(text, tmp_path)
    assert done.returncode == 1
    assert len(done.stderr) < 100_000


@pytest.mark.parametrize("arguments", [["serve", "--pol-size", "3"], ["sreve"], ["check"], []])
def test_a_wrong_command_line_ends_with_two(arguments):
    done = forebay(*arguments)
    assert done.returncode == 2
    assert done.stdout == "" and "forebay" in done.stderr


def test_serve_refuses_a_configuration_with_mistakes():
    done = forebay("serve", "--upstream", "postgres://h", "--auth", "trust", "--listen", "0.0.0.0:0")
    assert done.returncode == 1
    assert "auth.mode trust lets everybody in without a password" in done.stderr


def lines_of_schema(schema):
    """Every key that the schema knows, dotted."""
    for name, child in schema.get("properties", {}).items():
        yield name
        yield from (f"{name}.{below}" for below in lines_of_schema(child))


def test_the_schema_names_every_setting_that_check_prints(tmp_path):
    schema = json.loads((REPOSITORY / "config" / "forebay.schema.json").read_text())
    done = forebay("check", "--upstream", "postgres://u@h", "--all")
    settings = set(re.findall(r"^[ *] ([a-z_.]+)", done.stdout.split("Every setting")[1], re.MULTILINE))
    assert len(settings) > 30
    assert settings <= set(lines_of_schema(schema))


def valid_documents(tmp_path):
    yield "the example", (REPOSITORY / "config" / "forebay.example.yaml").read_text()
    yield "all kinds", """
upstream: {url: "postgres://u@h", password: 1234, tls: {mode: require}}
listen: [127.0.0.1:6432, "unix:/run/forebay"]
threads: ${THREADS:-2}
pool: {size: 3, mode: session, reserve_after: 1h30min}
timeouts: {wait: 0, connect: 0.5s, recycle: "${RECYCLE:-1d}"}
databases: {a: "postgres://u@h/x", b: {pool: {size: 1}, timeouts: {command: 1s}}, "*": null}
users: {me: {password: x, limits: {max_clients: 4}}}
admin: {users: [me], stats_users: me}
log: {connections: on}
"""
    ini = tmp_path / "pgbouncer.ini"
    ini.write_text("[databases]\na = host=h user=u pool_size=3\nb = host=i\n[users]\nme = pool_mode=session\n")
    yield "an import", forebay("import", ini).stdout


def invalid_documents():
    yield "an unknown key", "upstream: postgres://u@h\npol: {}\n"
    yield "a number out of range", "upstream: postgres://u@h\npool: {size: 0}\n"
    yield "a duration without unit", "upstream: postgres://u@h\ntimeouts: {wait: 30}\n"
    yield "a wrong choice", "upstream: postgres://u@h\nauth: {mode: sha}\n"
    yield "a wrong URL", "upstream: http://h\n"
    yield "a list for a value", "upstream: postgres://u@h\npool: {size: [1]}\n"


def test_schema_and_check_agree(tmp_path):
    jsonschema = pytest.importorskip("jsonschema", reason="needs python3-jsonschema")
    yaml = pytest.importorskip("yaml", reason="needs python3-yaml")
    schema = json.loads((REPOSITORY / "config" / "forebay.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name, text in valid_documents(tmp_path):
        assert check(text, tmp_path).returncode == 0, f"{name}: {check(text, tmp_path).stderr}"
        assert not [error.message for error in validator.iter_errors(yaml.safe_load(text))], name
    for name, text in invalid_documents():
        assert check(text, tmp_path).returncode == 1, name
        assert list(validator.iter_errors(yaml.safe_load(text))), name


def test_pgbouncers_own_defaults_lose_nothing(tmp_path):
    """Every parameter that a running PgBouncer has, written out with its default, is known to the import."""
    with PostgresServer() as server, PgBouncerDaemon(server) as pgbouncer:
        with psycopg.connect(pgbouncer.dsn(dbname="pgbouncer"), autocommit=True) as console:
            rows = console.execute("SHOW CONFIG").fetchall()
    defaults = {row[0]: row[2] for row in rows if row[2] is not None}
    assert len(defaults) > 60
    ini = tmp_path / "pgbouncer.ini"
    given = {name: value for name, value in defaults.items() if name not in ("auth_type", "auth_query", "conffile")}
    lines = ["[databases]", "* = host=h user=u", "[pgbouncer]"] + [f"{name} = {value}" for name, value in given.items()]
    ini.write_text("\n".join(lines))
    done = forebay("import", ini)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "not a parameter" in line] == []
    lost = [line.strip() for line in done.stderr.split("Not needed:")[0].splitlines() if line.startswith("  ")]
    assert lost == ["database *: user=u: every client logs in to the server as itself, not as one user for all"]
    assert check(done.stdout, tmp_path).returncode == 0


def test_an_import_can_be_checked_and_says_what_is_lost(tmp_path):
    (tmp_path / "users.txt").write_text('"me" "secret"\n')
    (tmp_path / "more.ini").write_text("max_client_conn = 77\n")
    ini = tmp_path / "pgbouncer.ini"
    ini.write_text(
        "[databases]\nshop = host=10.0.0.1 dbname=shop_1 pool_size=5\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        "auth_file = users.txt\nauth_type = scram-sha-256\nlogfile = /var/log/x\n%include more.ini\n"
    )
    done = forebay("import", ini, cwd=tmp_path)
    assert done.returncode == 0
    assert "logfile = /var/log/x: Forebay logs on standard error" in done.stderr
    checked = check(done.stdout, tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "at most 77 at a time" in checked.stdout
    assert "shop; others are refused" in checked.stdout
