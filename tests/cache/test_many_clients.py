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
