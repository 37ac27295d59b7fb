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


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """A folder with server.crt and server.key, other.key, locked.key, open.key and junk."""
    folder = tmp_path_factory.mktemp("identity")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=h", "-days", "2", "-keyout",
            folder / "server.key", "-out", folder / "server.crt")
    openssl("genrsa", "-out", folder / "other.key", "2048")
    openssl("rsa", "-aes256", "-passout", "pass:secret", "-in", folder / "server.key", "-out", folder / "locked.key")
    (folder / "open.key").write_text((folder / "server.key").read_text())
    (folder / "junk").write_text("junk\n")
    for name in ("server.key", "other.key", "locked.key", "junk"):
        (folder / name).chmod(0o600)
    (folder / "open.key").chmod(0o644)
    return folder


@pytest.mark.parametrize(
    "settings, place, told",
    [
        ("tls: {{mode: require, certificate: {0}/server.crt, key: {0}/other.key}}", "2:", "not the certificate's"),
        ("tls: {{mode: require, certificate: {0}/server.crt,\n  key: {0}/locked.key}}", "3:3", "is encrypted"),
        ("tls: {{mode: require, certificate: {0}/server.crt,\n  key: {0}/open.key}}", "3:3", "by others; chmod 600"),
        ("tls: {{mode: require, certificate: {0}/junk, key: {0}/server.key}}", "2:", "not a certificate in PEM"),
        (
            "tls: {{mode: verify-full, certificate: {0}/server.crt, key: {0}/server.key,\n  ca: {0}/junk}}",
            "3:3",
            "holds no certificate in PEM",
        ),
        ("databases:\n  a: postgres://u@127.0.0.1/?sslmode=verify-ca&sslrootcert={0}/junk", "3:6", "holds no certif"),
        ("auth: {{file: {0}/junk}}", "2:8", "junk:1: the user name must stand in double quotes"),
        ("listen: [0.0.0.0:7001, 127.0.0.1:7001]", "2:1", "127.0.0.1:7001 is part of 0.0.0.0:7001"),
        ("listen: unix:{0}/junk", "2:1", "is no directory"),
        ("replicas: [db2, '127.0.0.1:1']", "2:1", "127.0.0.1:1 is the upstream; name every server once"),
    ],
    ids=[
        "another key", "pass phrase", "open key", "certificate", "authority", "server's authority", "user list",
        "overlap", "no directory", "replica",
    ],
)
def test_check_finds_what_serve_would_fail_at(tmp_path, identity, settings, place, told):
    """It said "no mistakes" of files that no start could use."""
    text = "upstream: postgres://u@127.0.0.1:1\n" + settings.format(identity) + "\n"
    done = check(text, tmp_path)
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    assert f"forebay.yaml:{place}" in done.stderr and told in done.stderr
    if "listen" not in settings:
        served = forebay("serve", "--config", tmp_path / "forebay.yaml", "--listen", "127.0.0.1:0")
        assert served.returncode == 1 and told in served.stderr


def test_check_tells_of_a_directory_that_is_not_there_yet(tmp_path, socket_folder):
    """systemd makes /run/forebay when the service starts, so it is no mistake."""
    done = check(f"upstream: postgres://u@h\nlisten: unix:{socket_folder}/missing\n", tmp_path)
    assert done.returncode == 0
    assert f"there is no directory {socket_folder}/missing yet" in done.stderr


def test_check_tells_the_socket_that_a_unix_address_makes(tmp_path):
    done = check("upstream: postgres://u@h\nlisten: [127.0.0.1:55720, unix:/run/forebay]\n", tmp_path)
    assert "listen     127.0.0.1:55720, unix:/run/forebay:6432" in done.stdout


@pytest.mark.parametrize(
    "text, told",
    [
        ("upstrem: postgres://u@h\n", 'did you mean "upstream"?'),
        ("upstream: http://h\n", "no PostgreSQL URL"),
        ("upstream: ${UP\n", "has no closing brace"),
        ("upstream: postgres://h\nauth: {mode: md5x}\n", 'did you mean "md5"?'),
    ],
)
def test_one_mistake_is_one_mistake(tmp_path, text, told):
    """A second, false one came with it: that auth.mode scram needs an upstream's user."""
    done = check(text, tmp_path)
    assert done.returncode == 1 and told in done.stderr
    assert done.stderr.splitlines()[1:] == ["1 mistake"]


def test_a_variable_in_braces_is_told_to_need_quotes(tmp_path):
    for text in ("log: {level: ${LVL:-info}}\n", "admin: {users: [${A:-b}]}\n"):
        done = check("upstream: postgres://u@h\n" + text, tmp_path)
        assert "inside { } and [ ] a value with ${…} in it goes between double quotes" in done.stderr, text
    assert check('upstream: postgres://u@h\nlog: {level: "${LVL:-info}"}\n', tmp_path).returncode == 0


@pytest.mark.parametrize("size", ["64", "0", "64KiB", "100000GiB", "1e3MiB", "many", "-1MiB", "nanMiB"])
def test_a_size_needs_a_unit_and_has_bounds(tmp_path, size):
    """64 was 64 bytes, and nothing was kept."""
    done = check(f"upstream: postgres://u@h\ncache: {{size: {size}}}\n", tmp_path)
    assert done.returncode == 1 and "2:15: cache.size: " in done.stderr and size in done.stderr


@pytest.mark.parametrize(
    "size, shown", [("256M", "256MiB"), ("1G", "1GiB"), ("0.5GiB", "512MiB"), ("2 MB", "2000000B")]
)
def test_a_size_as_people_write_it(tmp_path, size, shown):
    done = check(f"upstream: postgres://u@h\ncache: {{enabled: on, size: {size}}}\n", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"cache      on, {shown}, level auto, staleness 1s" in done.stdout


def test_an_entry_is_not_larger_than_the_cache(tmp_path):
    done = check("upstream: postgres://u@h\ncache: {size: 2MiB, max_entry: 3MiB}\n", tmp_path)
    assert "cache.max_entry 3MiB is more than cache.size 2MiB" in done.stderr


def test_check_tells_of_everything_that_is_set(tmp_path, identity):
    text = f"""
upstream: {{url: "postgres://u:hunter1@h", tls: {{mode: verify-ca, ca: "{identity}/server.crt"}}}}
cache: {{enabled: off}}
databases: {{shop: {{pool: {{size: 7}}}}, far: "postgres://u:hunter2@g/x", "*": null}}
users: {{me: {{password: hunter3, limits: {{max_clients: 4}}}}}}
policies: {{hot: {{relations: items, lifetime: 1h}}}}
admin: {{users: root, stats_users: [a, b]}}
"""
    done = check(text, tmp_path)
    for line in ("cache      off", "policies   hot", "users      me; others may log in too",
                 "console    root; to look only: a, b", "databases  far, shop, all others"):
        assert line in done.stdout, done.stdout
    every = forebay("check", "--config", tmp_path / "forebay.yaml", "--all").stdout
    for key, value in (("upstream.tls.ca", f"{identity}/server.crt"), ("databases.shop.pool.size", "7"),
                       ("databases.far.upstream", "postgres://u:***@g:5432/x"), ("users.me.password", "***"),
                       ("users.me.limits.max_clients", "4"), ("policies.hot.lifetime", "1h")):
        assert re.search(rf"^\* {re.escape(key)} +{re.escape(value)}$", every, re.MULTILINE), every
    assert "hunter" not in every


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["check", "--upstream", "a", "--upstream", "b"], "--upstream is given more than once and takes one value"),
        (["serve", "--upstream", "postgres://u@h", "extra"], '"extra" is not known here'),
        (["check", "--upstream"], "--upstream needs a value"),
        (["check", "--pol-size", "3"], "did you mean --pool-size?"),
        (["outbox", "instal", "--upstream", "x"], '"instal" is not one of install, remove, status; did you mean'),
        (["check"], "nothing to check; give --config FILE, or flags of serve such as --upstream URL"),
        (["check", "m.yaml"], '"m.yaml" is not known here; did you mean --config m.yaml?'),
        (["import", "a.ini", "b.ini"], '"b.ini" is not known here'),
    ],
)
def test_a_wrong_command_line_is_told_in_plain_words(arguments, told):
    done = forebay(*arguments)
    assert done.returncode == 2 and f"forebay: {told}" in done.stderr.replace("ACTION: ", "").replace(
        '"--pol-size" is not known here; ', ""), done.stderr


def test_the_help_says_how_to_switch_the_cache():
    told = " ".join(forebay("serve", "--help").stdout.split())
    assert "--cache NAME Whether repeated reads are answered from memory: auto, on, off [auto]" in told


@pytest.mark.parametrize("value, shown", [
    ("auto", "where the server allows the level bounded"), ("true", "on"), ("on", "on"), ("yes", "on"),
    ("false", "off"), ("off", "off"), ("no", "off"),
])
def test_the_cache_is_switched_by_words_and_booleans(tmp_path, value, shown):
    done = check(f"upstream: postgres://u@h\ncache: {{enabled: {value}}}\n", tmp_path)
    assert done.returncode == 0 and f"cache      {shown}" in done.stdout


def test_an_unknown_key_of_an_entry_names_the_entry(tmp_path):
    done = check("upstream: postgres://u@h\ndatabases: {shop: {prot: 3}}\n", tmp_path)
    assert 'the key "prot" does not exist in databases.shop' in done.stderr


def test_entries_on_the_command_line_are_told_to_need_the_file():
    done = forebay("check", "--upstream", "postgres://u@h", "--set", "databases.shop.pool.size=3")
    assert done.returncode == 1 and "entries of databases can only be given in the file" in done.stderr


def test_an_import_of_a_directory_is_called_one(tmp_path):
    assert "Is a directory" in forebay("import", tmp_path).stderr


def test_an_import_warns_who_relies_on_names_that_move(tmp_path):
    """PgBouncer looks names up again by itself; with its defaults nothing was said."""
    ini = tmp_path / "pgbouncer.ini"
    for host, warned in (("db.example", True), ("10.0.0.1", False), ("/run/postgresql", False), ("::1", False)):
        ini.write_text(f"[databases]\n* = host={host}\n")
        assert ("are resolved at start and at every reload" in forebay("import", ini).stderr) == warned, host


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
cache: {size: 0.5GiB, max_entry: "64 K"}
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
    yield "a size without unit", "upstream: postgres://u@h\ncache: {size: 64}\n"
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
    assert lost[0] == "database *: user=u: every client logs in to the server as itself, not as one user for all"
    assert lost[1].startswith("dns_max_ttl = 15, the default: ") and len(lost) == 2
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
