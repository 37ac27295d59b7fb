"""psql: its own commands, scripts, variables, and how it shows errors."""

import pytest

from forebay_testing import postgres_binary

PSQL = postgres_binary("psql")


@pytest.fixture
def psql(run):
    """psql(script, option, …): unaligned, tuples only, no start-up file; returns CompletedProcess."""

    def go(script: str, *options: str, **keywords):
        return run(PSQL, "-XqAt", *options, input=script, **keywords)

    return go


def test_describe_commands_show_the_same(psql, table, endpoint, reference, run):
    name = table("id int PRIMARY KEY, word text NOT NULL DEFAULT 'x', UNIQUE (word, id)")
    script = (f"\\d {name}\n\\d+ {name}\n\\dt {name}\n\\di *{name}*\n"
              f"\\du app\n\\dn\n\\df pg_sl*\n\\l {endpoint.dbname}\n\\dx\n")
    ours = psql(script)
    theirs = run(PSQL, "-XqAt", input=script, env=reference.environment())
    assert ours.stdout == theirs.stdout and f"{name}_pkey" in ours.stdout
    assert ours.stderr == theirs.stderr


def test_copy_in_and_out(psql, table, tmp_path):
    name = table("id int, word text")
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("".join(f'{number},"w,{number}"\n' for number in range(3000)))
    done = psql(f"\\copy {name} FROM '{source}' CSV\n"
                f"\\copy (SELECT * FROM {name} ORDER BY id) TO '{target}' CSV\n")
    assert target.read_text() == source.read_text(), done


def test_copy_from_the_script_itself(psql, table):
    name = table("id int")
    done = psql(f"COPY {name} FROM STDIN;\n1\n2\n3\n\\.\nSELECT sum(id) FROM {name};\nCOPY {name} TO STDOUT;\n")
    assert done.stdout.split() == ["6", "1", "2", "3"]


def test_variables_gset_gexec_and_bind_free_formats(psql):
    done = psql(
        "SELECT 41 + 1 AS answer, 'a b' AS word \\gset got_\n"
        "\\echo :got_answer :'got_word'\n"
        "SELECT :got_answer * 2;\n"
        "SELECT format('SELECT %s', n) FROM generate_series(1, 3) n \\gexec\n"
        "SELECT 1 AS a, 2 AS b \\gx\n"
        "SELECT 1 AS one, NULL AS two \\gdesc\n"
    )
    assert done.stdout.splitlines() == ["42 'a b'", "84", "1", "2", "3", "a|1", "b|2", "one|integer", "two|text"]


def test_crosstab(psql):
    done = psql("SELECT v, h, 1 FROM (VALUES ('a','x'),('b','y')) t(v, h) \\crosstabview\n")
    assert done.stdout.splitlines() == ["a|1|", "b||1"]


def test_connect_to_another_database_and_role(psql, endpoint):
    password = endpoint.password("alice")
    done = psql(
        "SELECT current_user, current_database();\n"
        "\\c postgres\n"
        "SELECT current_user, current_database();\n"
        f"\\c \"dbname={endpoint.dbname} user=alice password={password}\"\n"
        "SELECT current_user, current_database();\n"
    )
    assert done.stdout.splitlines() == [f"app|{endpoint.dbname}", "app|postgres", f"alice|{endpoint.dbname}"]


def test_connection_lost_and_reset_in_one_session(psql):
    """\\c without arguments connects anew; what was set is gone, as with a new session."""
    done = psql("SET work_mem = '7MB';\nSHOW work_mem;\n\\c\nSHOW work_mem;\n")
    assert done.stdout.splitlines() == ["7MB", "4MB"]


@pytest.mark.parametrize("verbosity", ["default", "terse", "verbose", "sqlstate"])
def test_errors_look_the_same(psql, run, reference, verbosity):
    script = (
        f"\\set VERBOSITY {verbosity}\n\\set SHOW_CONTEXT always\n"
        "SELECT 1/0;\nSELEKT 1;\nSELECT nothing FROM pg_class;\n"
        "DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'ABCDE', HINT = 'h', DETAIL = 'd', TABLE = 't'; END $$;\n"
        "\\errverbose\n\\echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE :ERROR :ROW_COUNT\n"
        "DO $$ BEGIN RAISE WARNING 'only a warning'; END $$;\n"
    )
    ours = psql(script)
    theirs = run(PSQL, "-XqAt", input=script, env=reference.environment())
    assert (ours.stdout, ours.stderr) == (theirs.stdout, theirs.stderr)
    assert "ABCDE" in ours.stdout


def test_on_error_stop_ends_with_status_3(psql, table):
    name = table("id int")
    done = psql(f"INSERT INTO {name} VALUES (1);\nSELECT 1/0;\nINSERT INTO {name} VALUES (2);\n",
                "-v", "ON_ERROR_STOP=1", check=False)
    assert done.returncode == 3 and "division by zero" in done.stderr
    assert psql(f"SELECT id FROM {name};\n").stdout == "1\n"


def test_single_transaction_is_undone_whole(psql, table):
    name = table("id int")
    done = psql(f"INSERT INTO {name} VALUES (1);\nSELECT 1/0;\n", "-1", "-v", "ON_ERROR_STOP=1", check=False)
    assert done.returncode == 3
    assert psql(f"SELECT count(*) FROM {name};\n").stdout == "0\n"


def test_on_error_rollback_uses_savepoints(psql, table):
    name = table("id int")
    done = psql(f"\\set ON_ERROR_ROLLBACK on\nBEGIN;\nINSERT INTO {name} VALUES (1);\nSELECT 1/0;\n"
                f"INSERT INTO {name} VALUES (2);\nCOMMIT;\nSELECT count(*) FROM {name};\n")
    assert done.stdout == "2\n"


def test_cursor_fetches_in_parts(psql):
    done = psql("\\set FETCH_COUNT 100\nSELECT * FROM generate_series(1, 1234);\n")
    assert done.stdout.split() == [str(number) for number in range(1, 1235)]


def test_conditionals_and_timing(psql):
    done = psql("\\timing on\nSELECT true AS yes \\gset\n\\if :yes\n\\echo taken\n\\else\n\\echo not taken\n\\endif\n")
    assert "taken" in done.stdout.splitlines() and "not taken" not in done.stdout


def test_autocommit_off(psql, table):
    name = table("id int")
    done = psql(f"\\set AUTOCOMMIT off\nINSERT INTO {name} VALUES (1);\nROLLBACK;\nSELECT count(*) FROM {name};\n")
    assert done.stdout == "0\n"


def test_several_statements_of_one_message(psql):
    done = psql("", "-c", "SELECT 1; SELECT 2; SELECT 3", "-c", "SHOW application_name")
    assert done.stdout.split() == ["1", "2", "3", "psql"]


def test_new_password_is_valid_at_once(psql, endpoint, server, run):
    """\\password sends a verifier (SCRAM); the next log-in, through Forebay too, must use it."""
    role = f"changing_{endpoint.mode}"
    server.create_role(role)
    as_role = endpoint.environment("app") | {"PGUSER": role, "PGPASSWORD": server.passwords[role]}
    run(PSQL, "-XqAtc", "SELECT 1", env=as_role)  # the old verifier has been used, and may have been kept
    # psql reads the new password twice from standard input when there is no terminal.
    run("setsid", "-w", PSQL, "-Xq", "-c", f"\\password {role}", input="new secret\nnew secret\n", env=as_role)
    renewed = run(PSQL, "-XqAtc", "SELECT current_user", env=as_role | {"PGPASSWORD": "new secret"})
    assert renewed.stdout == f"{role}\n"
    refused = run(PSQL, "-XqAtc", "SELECT 1", env=as_role, check=False)
    assert refused.returncode == 2 and "password authentication failed" in refused.stderr


def test_options_in_the_environment_arrive(psql):
    """PGOPTIONS, PGTZ, PGCLIENTENCODING and PGAPPNAME become startup parameters (pitfalls: pooling 7)."""
    names = ("work_mem", "search_path", "TimeZone", "client_encoding", "application_name")
    done = psql("".join(f"SHOW {name};\n" for name in names), env={
        "PGOPTIONS": "-c work_mem=9MB -c search_path=\"one\\ two\",public", "PGTZ": "Asia/Kolkata",
        "PGCLIENTENCODING": "LATIN1", "PGAPPNAME": "the tests",
    })
    assert done.stdout.splitlines() == ["9MB", '"one two",public', "Asia/Kolkata", "LATIN1", "the tests"]


def test_dump_and_restore(run, endpoint, table, tmp_path):
    """pg_dump: one long REPEATABLE READ transaction, many locks, COPY out; psql restores it with COPY in."""
    name = table("id int PRIMARY KEY, word text")
    with endpoint.connect() as connection:
        connection.execute(f"INSERT INTO {name} SELECT n, 'w' || n FROM generate_series(1, 2000) n")
        dump = run(postgres_binary("pg_dump"), "-t", name, "--no-owner", endpoint.dbname).stdout
        connection.execute(f"ALTER TABLE {name} RENAME TO {name}_before")
        connection.execute(f"ALTER INDEX {name}_pkey RENAME TO {name}_before_pkey")
        run(PSQL, "-Xq", "-v", "ON_ERROR_STOP=1", input=dump)
        differences = connection.execute(f"SELECT * FROM {name} EXCEPT SELECT * FROM {name}_before").fetchall()
        count = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        connection.execute(f"DROP TABLE {name}_before")
    assert differences == [] and count == (2000,)
