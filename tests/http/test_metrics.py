"""Metrics say what happened, under names that stay (C10, P6, L7, B17)."""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

import psycopg
import pytest

from conftest import USER, Http, samples_of
from forebay_testing import PostgresServer, wait_until

_GOLDEN = pathlib.Path(__file__).with_name("metrics.txt")
_OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def families(page: str) -> list[str]:
    """Name, kind and labels of each family, in the order of the page."""
    labels: dict[str, str] = {}
    for name, _ in samples_of(page):
        plain, _, rest = name.partition("{")
        labels[plain] = ",".join(part.partition("=")[0] for part in rest.rstrip("}").split('",') if part)
    found = [line.split(" ")[2:4] for line in page.splitlines() if line.startswith("# TYPE ")]
    return [" ".join([name, kind, labels.get(name, labels.get(f"{name}_count", ""))]).rstrip() for name, kind in found]


def names_of(answer) -> list[str]:
    return [name for name, _ in samples_of(answer.text)]


def test_names_kinds_and_labels_are_those_that_were_promised(start, connect):
    """A rename breaks dashboards: change metrics.txt knowingly. Without replicas no server has a lag, and no table
    has ten thousand dead rows, so that their families have no labels here; the cache's own stream is the one standby
    that the server sees."""
    daemon = start("--cache", "on", "--set", "sampling.interval=1s")
    http = Http(daemon)
    client = connect(daemon)
    client.execute("CREATE TABLE goods (id int)")

    def is_leased():
        client.execute("SELECT * FROM goods")
        samples = http.metrics()
        is_watched = any(name.startswith("forebay_server_state{") for name in samples)
        is_sampled = all(any(name.startswith(f"forebay_postgres_{family}{{") for name in samples) for family in (
            "sessions", "slot_retained_bytes", "standby_lag_bytes", "database_size_bytes", "tables",
            "unused_index_bytes"))
        is_cached = any(name.startswith("forebay_cache_lease_age_seconds{") for name in samples)
        return is_watched and is_sampled and is_cached

    wait_until(is_leased, 30, "a lease of the cache, and samples of the server")
    found = families(http.get("/metrics").text)
    assert "\n".join(found) + "\n" == _GOLDEN.read_text()


def test_queries_transactions_and_bytes_are_counted_exactly(start, connect, database):
    daemon = start()
    client = connect(daemon, prepare_threshold=None)  # preparing would be a query more
    http = Http(daemon)
    label = f'{{database="{database}"}}'
    client.execute("SELECT 1")  # whatever connecting costs has been counted by now
    before = http.metrics()
    for _ in range(7):
        client.execute("SELECT 1")
    with client.transaction():
        client.execute("SELECT 2")
    after = http.metrics()
    grown = {name: after[name + label] - before[name + label] for name in (
        "forebay_queries_total", "forebay_transactions_total", "forebay_backend_assignments_total")}
    assert grown == {
        "forebay_queries_total": 10, "forebay_transactions_total": 8, "forebay_backend_assignments_total": 8}
    assert after["forebay_client_received_bytes_total" + label] > before["forebay_client_received_bytes_total" + label]


def test_only_clients_are_lent_backends_and_who_gets_none_has_waited_too(start, connect, database):
    """Out of patience, cancelled and gone: the page said that clients waited 0 ms where nobody got a backend."""
    daemon = start("--pool-size", "1", "--pool-overflow", "0", config="timeouts: {wait: 40s}\n")
    http, label = Http(daemon), f'{{database="{database}"}}'
    began = time.monotonic()
    holder = connect(daemon, autocommit=False)
    holder.execute("SELECT 1")
    assert http.metrics()["forebay_backend_assignments_total" + label] == 1, "no look of Forebay's own counts"

    cancelled, gone, patient = (connect(daemon) for _ in range(3))
    with concurrent.futures.ThreadPoolExecutor(3) as threads:

        def asks(client, waiting: int) -> concurrent.futures.Future:
            asked = threads.submit(client.execute, "SELECT 2")
            wait_until(lambda: http.metrics()['forebay_clients{state="waiting"}'] == waiting, 20, "it waits")
            return asked

        asked = asks(cancelled, 1)
        cancelled.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            asked.result(20)
        asked = asks(gone, 1)
        with socket.socket(fileno=os.dup(gone.fileno())) as transport:
            transport.shutdown(socket.SHUT_RDWR)
        with pytest.raises(psycopg.OperationalError):
            asked.result(20)
        asked = asks(patient, 2)
        # Only now, so that no pause of the machine makes the others wait for longer than they may.
        daemon.config_path.write_text("timeouts: {wait: 3s}\n")
        daemon.reload()
        with pytest.raises(psycopg.OperationalError, match="no backend came free"):
            asked.result(30)
    wait_until(lambda: http.metrics()["forebay_failed_checkouts_total" + label] == 3, 20, "all have given up")
    passed = time.monotonic() - began
    metrics = http.metrics()
    assert metrics["forebay_backend_assignments_total" + label] == 1
    # Nobody reads from a client that waits, so that one that has gone is refused, too.
    assert metrics["forebay_refused_calls_total" + label] == 2, "who cancels wants no answer"
    # Two waited for three seconds or more, and never more than two at a time.
    assert 2 * 3 <= metrics["forebay_client_wait_seconds_total" + label] < 2 * passed
    assert metrics["forebay_backend_wait_duration_seconds_count" + label] == 4
    assert metrics["forebay_backend_wait_duration_seconds_sum" + label] == pytest.approx(
        metrics["forebay_client_wait_seconds_total" + label], abs=0.01)


def test_who_leaves_while_it_waits_is_seen_waiting_and_its_statement_runs(start, connect, database, server):
    daemon = start("--pool-size", "1", "--pool-overflow", "0")
    http = Http(daemon)
    with connect(daemon, autocommit=False) as holder:
        holder.execute("CREATE TABLE left_behind (x int)")
        holder.commit()
        holder.execute("SELECT 1")
        leaving = connect(daemon)
        leaving.pgconn.send_query(b"INSERT INTO left_behind VALUES (1)")
        leaving.close()
        wait_until(lambda: http.metrics()['forebay_clients{state="waiting"}'] == 1, 10, "it waits")
        holder.rollback()
        wait_until(lambda: server.query("SELECT count(*) FROM left_behind", dbname=database)[0][0] == 1, 10, "it ran")
    wait_until(lambda: http.metrics()['forebay_clients{state="waiting"}'] == 0, 10, "it has gone")


def test_who_waits_in_vain_to_be_let_in_is_seen_waiting_and_counted(start):
    """Clients of a pool that can have no backend at all, for others have taken what the server has."""
    with PostgresServer({"max_connections": 8, "superuser_reserved_connections": 0}) as own:
        own.create_role(USER)
        daemon = start("--auth", "trust", "--set", "timeouts.wait=5s", upstream=own)
        http, label = Http(daemon), '{database="postgres"}'
        wait_until(lambda: http.get("/health/ready").status == 200, 10, "the server is known")
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(psycopg.connect(own.dsn()))
            with concurrent.futures.ThreadPoolExecutor(3) as threads:
                dsn = daemon.dsn(user=USER, dbname="postgres", password=own.passwords[USER])
                logins = [threads.submit(psycopg.connect, dsn) for _ in range(3)]
                wait_until(lambda: http.metrics()['forebay_clients{state="waiting"}'] == 3, 10, "all wait")
                assert sum(pool["clients"]["waiting"] for pool in http.get("/api/v1/pools").data) >= 3
                for login in logins:
                    with pytest.raises(psycopg.OperationalError):
                        login.result(20)
        metrics = http.metrics()
        assert metrics["forebay_failed_checkouts_total" + label] == 3
        assert metrics["forebay_refused_logins_total"] == 3
        assert 3 < metrics["forebay_client_wait_seconds_total" + label] < 40
        assert metrics["forebay_backend_wait_duration_seconds_sum" + label] == pytest.approx(
            metrics["forebay_client_wait_seconds_total" + label], abs=0.01)


def test_metrics_are_what_show_says(start, connect, database):
    daemon = start()
    active, idle = connect(daemon, autocommit=False), connect(daemon)
    active.execute("SELECT 1")
    idle.execute("SELECT 1")
    metrics = Http(daemon).metrics()
    stats = {row["database"]: row for row in daemon.show("stats")}[database]
    label = f'{{database="{database}"}}'
    assert metrics["forebay_queries_total" + label] == stats["total_query_count"]
    assert metrics["forebay_client_received_bytes_total" + label] == stats["total_received"]
    assert metrics["forebay_client_sent_bytes_total" + label] == stats["total_sent"]
    assert metrics["forebay_query_seconds_total" + label] == pytest.approx(float(stats["total_query_time"]) / 1e6)
    pool = next(row for row in daemon.show("pools") if (row["database"], row["user"]) == (database, USER))
    place = f'{{database="{database}",user="{USER}",server="{pool["server"]}",use="all"'
    for state, column in (("active", "sv_active"), ("idle", "sv_idle"), ("login", "sv_login")):
        assert metrics[f'forebay_pool_backends{place},state="{state}"}}'] == pool[column], state
    assert metrics[f'forebay_pool_clients{place},state="active"}}'] == pool["cl_active"] == 2
    assert metrics["forebay_pool_backends_limit" + place + "}"] == pool["sv_most"]
    assert metrics['forebay_clients{state="active"}'] == 1
    assert metrics['forebay_clients{state="idle"}'] == 1
    lists = {row["list"]: row["items"] for row in daemon.show("lists")}
    assert (metrics["forebay_pools"], metrics["forebay_databases"]) == (lists["pools"], lists["databases"])
    users = {row["name"]: row for row in daemon.show("users")}
    assert metrics[f'forebay_user_clients{{user="{USER}"}}'] == users[USER]["current_client_connections"] == 2


def test_the_process_says_what_it_uses(start):
    daemon = start()
    metrics = Http(daemon).metrics()
    status = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
    resident = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) * 1024
    assert metrics["process_resident_memory_bytes"] == pytest.approx(resident, rel=0.2)
    assert metrics["process_threads"] == int(
        next(line.split()[1] for line in status.splitlines() if line.startswith("Threads:")))
    assert 0 < metrics["process_open_fds"] < metrics["process_max_fds"]
    assert metrics["process_cpu_seconds_total"] >= 0
    assert metrics["forebay_client_threads"] == 2


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_wrong(start, connect):
    daemon = start()
    connect(daemon).execute("SELECT 1")
    page = Http(daemon).get("/metrics").body
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_open_metrics_is_sent_to_whoever_prefers_it(start, connect):
    daemon = start()
    connect(daemon).execute("SELECT 1")
    http = Http(daemon)

    def of_one_moment():
        """The two pages, once no family has come between them: the first samples of a server take a while."""
        plain, opened, again = http.get("/metrics"), http.get("/metrics", Accept=_OPEN), http.get("/metrics")
        return (plain, opened) if names_of(plain) == names_of(again) else None

    plain, opened = wait_until(of_one_moment, 30, "two pages with the same families")
    assert plain.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert opened.fields["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert opened.text.endswith("# EOF\n") and "# TYPE forebay_queries counter\n" in opened.text
    assert "# UNIT forebay_client_sent_bytes bytes\n" in opened.text
    assert names_of(plain) == names_of(opened)


def test_names_that_would_break_a_line_are_escaped(start, server):
    name = 'odd"name\\with{all}'
    quoted = '"' + name.replace('"', '""') + '"'
    server.execute(f"CREATE DATABASE {quoted} OWNER {USER}")
    daemon = start()
    with psycopg.connect(daemon.dsn(user=USER, dbname=name, password=server.passwords[USER])) as client:
        client.execute("SELECT 1")
        page = Http(daemon).get("/metrics").text
    assert 'forebay_queries_total{database="odd\\"name\\\\with{all}"}' in page
