"""Clients that begin at the same moment, with nothing in memory."""

import subprocess

import pytest

from forebay_testing import postgres_binary

pytestmark = pytest.mark.usefixtures("items")

PGBENCH = postgres_binary("pgbench")
SCRIPT = "\\set page random(1, 100)\nSELECT id, name FROM items WHERE id + :page > 0 ORDER BY id;\n"


def test_clients_that_miss_together_do_not_go_on_missing_for_ever(cached, tmp_path):
    """All read the whole table: a client that got one page from the server is newer than all pages in memory. That
    must end with the next lease, instead of making others miss in their turn.
    """
    script = tmp_path / "pages.sql"
    script.write_text(SCRIPT)
    cached.warm_up()
    before = cached.figures()
    dsn = cached.daemon.dsn(user="app", dbname=cached.dbname)
    subprocess.run([PGBENCH, "-n", "-M", "extended", "-c", "16", "-T", "3", "-f", script, dsn],
                   check=True, capture_output=True, text=True, timeout=60)
    after = cached.figures()
    hits, misses = (after[name] - before[name] for name in ("hits", "misses"))
    assert hits > misses, after


@pytest.mark.parametrize("protocol", ["extended", "prepared"])
def test_rows_by_key_stay_apart_in_a_database_with_code(cached, around, tmp_path, protocol):
    """A function that might change sessions makes Forebay look at each statement twice. The second look took the rows
    that it reads for all rows of the table, so that a client that missed one was kept from all others.
    """
    around("DROP TABLE IF EXISTS many, with_code;"
           " CREATE TABLE many AS SELECT n AS id, 'row ' || n AS name FROM generate_series(1, 20000) n;"
           " ALTER TABLE many OWNER TO app; ALTER TABLE many ADD PRIMARY KEY (id);"
           " CREATE OR REPLACE FUNCTION sets_something() RETURNS trigger LANGUAGE plpgsql AS"
           " $$ BEGIN PERFORM set_config('work_mem', '5MB', false); RETURN NEW; END $$;"
           " CREATE TABLE with_code (x int);"
           " CREATE TRIGGER sets BEFORE INSERT ON with_code FOR EACH ROW EXECUTE FUNCTION sets_something()")
    script = tmp_path / "rows.sql"
    script.write_text("\\set key random_zipfian(1, 20000, 1.1)\nSELECT name FROM many WHERE id = :key;\n")
    cached.warm_up()
    dsn = cached.daemon.dsn(user="app", dbname=cached.dbname)
    before = cached.figures()
    subprocess.run([PGBENCH, "-n", "-M", protocol, "-c", "8", "-T", "3", "-f", script, dsn],
                   check=True, capture_output=True, text=True, timeout=60)
    after = cached.figures()
    hits, misses = (after[name] - before[name] for name in ("hits", "misses"))
    assert hits > misses, after
