"""Patroni drives the cluster; Forebay follows, without a word from it."""

import contextlib
import time

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until

from patroni import PatroniCluster
from traffic import Traffic, insert, read


@pytest.fixture(scope="module")
def patroni():
    with contextlib.ExitStack() as stack:
        cluster = PatroniCluster(stack)
        cluster.execute("CREATE TABLE log (n int)")
        yield cluster


@pytest.fixture
def daemon(patroni):
    first, *others = patroni.members
    places = [word for member in others for word in ("--replica", f"{member.host}:{member.port}")]
    with ForebayDaemon(f"postgres://postgres@{first.host}:{first.port}", [*places, "--auth", "trust"]) as forebay:
        wait_until(lambda: states(forebay) == ["up"] * 3, 60, "all servers are up")
        yield forebay


def states(daemon) -> list[str]:
    return [row["state"] for row in daemon.show("topology")]


def run_through(daemon, change, patroni) -> tuple[Traffic, list[Traffic]]:
    """Clients write and read while `change` happens; returns when writes go on and all servers are up again."""
    def connect():
        return psycopg.connect(daemon.dsn(dbname="postgres"), autocommit=True, connect_timeout=20)

    writer, readers = Traffic(connect, insert), [Traffic(connect, read) for _ in range(2)]
    for thread in (writer, *readers):
        thread.start()
    wait_until(lambda: all(len(thread.done) > 50 for thread in (writer, *readers)), 20, "traffic")
    former = patroni.primary
    change(former)
    wait_until(lambda: patroni.primary is not former, 60, "another member leads")
    since = time.monotonic()
    wait_until(lambda: writer.goes_on(since + 0.5), 30, "writes go on")
    for thread in (writer, *readers):
        thread.stop()
    assert [error for reader in readers for _, error in reader.errors] == [], "no read fails"
    gaps = writer.longest_gap(), max(reader.longest_gap() for reader in readers)
    print("longest gap between writes {:.2f} s, reads {:.2f} s".format(*gaps))
    return writer, readers


@pytest.mark.time_limit(180)
def test_a_switchover_is_followed(patroni, daemon):
    run_through(daemon, lambda former: patroni.switch_over(), patroni)
    wait_until(lambda: states(daemon) == ["up"] * 3, 60, "the former primary is a replica")


@pytest.mark.time_limit(180)
def test_a_failover_is_followed(patroni, daemon):
    former = patroni.primary
    run_through(daemon, lambda member: member.kill_all(), patroni)
    former.start()
    wait_until(lambda: states(daemon) == ["up"] * 3, 90, "the former primary is a replica")
