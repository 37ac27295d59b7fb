"""What HTTP tells of servers during a failover (C3, C10, C11)."""

import json
import re
import urllib.error
import urllib.request

import psycopg
import pytest

from forebay_testing import wait_until

from traffic import WHERE


@pytest.fixture
def cluster(log_cluster):
    return log_cluster


class Watching:
    def __init__(self, daemon) -> None:
        port = re.search(r"HTTP is served on 127\.0\.0\.1:(\d+)", daemon.log()).group(1)
        self._place = f"http://127.0.0.1:{port}"

    def ask(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self._place + path, timeout=20) as page:
                return page.status, page.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def reasons(self) -> list[str]:
        return [reason["code"] for reason in json.loads(self.ask("/health/ready")[1])["reasons"]]

    def value(self, name: str, **labels: str) -> float:
        """Of the sample that has these labels."""
        for line in self.ask("/metrics")[1].decode().splitlines():
            if line.startswith(name + "{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)


@pytest.mark.time_limit(120)
def test_a_failover_is_told(cluster):
    daemon = cluster.forebay("--admin", "127.0.0.1:0")
    watching = Watching(daemon)
    old, new = (f"{server.host}:{server.port}" for server in cluster.servers[:2])
    assert watching.ask("/health/ready")[0] == 200
    assert watching.value("forebay_server_role", server=old, role="primary") == 1
    assert watching.value("forebay_server_primary", server=old) == 1
    assert watching.value("forebay_server_lag_seconds", server=new) >= 0
    cluster.servers[0].kill()
    wait_until(lambda: watching.reasons() == ["no_primary"], 20, "readiness tells that the primary is gone")
    assert watching.value("forebay_server_state_changes_total", server=old, state="down") == 1
    cluster.servers[1].promote()
    cluster.primary = cluster.servers[1]
    wait_until(lambda: watching.ask("/health/ready")[0] == 200, 20, "readiness tells that there is another")
    assert watching.value("forebay_server_primary", server=new) == 1
    assert watching.value("forebay_server_promotions_total", server=new) == 1
    assert watching.value("forebay_server_role_changes_total", server=new, role="primary") == 1
    assert watching.value("forebay_server_state", server=old, state="down") == 1


@pytest.mark.time_limit(120)
def test_after_a_switchover_the_new_primary_was_told_to_have_lent_what_the_old_one_had(cluster):
    """A counter of one server went back to nothing, and another's leapt."""
    daemon = cluster.forebay("--admin", "127.0.0.1:0")
    watching = Watching(daemon)
    names = [f"{server.host}:{server.port}" for server in cluster.servers[:2]]

    def lent() -> list[int]:
        return [int(watching.value("forebay_server_assignments_total", server=name)) for name in names]

    with cluster.connect(daemon, prepare_threshold=None) as client:  # preparing would be another assignment
        for _ in range(30):
            client.execute("INSERT INTO log VALUES (1)")
        old, new = lent()
        assert old >= 30
        cluster.switch_over(daemon, cluster.servers[1])
        client.execute("INSERT INTO log VALUES (2)")
        begun = lent()
        assert begun[0] == old and new < begun[1] < new + 10
        for _ in range(7):
            client.execute("INSERT INTO log VALUES (3)")
        assert lent() == [old, begun[1] + 7] == cluster.reads(daemon)[:2]


def test_routed_reads_are_told_by_the_server_that_answered_and_why(cluster):
    """Against the port of the server that answered each of them (C3, C11)."""
    daemon = cluster.forebay("--admin", "127.0.0.1:0", "--cache", "off")
    watching = Watching(daemon)
    primary = cluster.servers[0].port
    kinds = [("replica", "chosen"), ("primary", "chosen"), ("primary", "wanted"), ("primary", "behind"),
             ("primary", "failed")]

    def told() -> dict[tuple[str, str], int]:
        figures = {kind: int(watching.value("forebay_routed_reads_total", database="shop", role=kind[0], why=kind[1]))
                   for kind in kinds}
        return figures | {"again": int(watching.value("forebay_reads_asked_again_total", database="shop"))}

    with cluster.connect(daemon, prepare_threshold=None) as client:
        wait_until(lambda: client.execute(WHERE).fetchone()[0] != primary, 5, "a replica answers")

        def change_of(act) -> dict:
            before = told()
            act()
            return {kind: value - before[kind] for kind, value in told().items() if value > before[kind]}

        def read(text: str = WHERE, times: int = 20) -> set[int]:
            return {client.execute(text).fetchone()[0] for _ in range(times)}

        assert change_of(lambda: read("/* forebay: read=primary */ " + WHERE)) == {("primary", "wanted"): 20}
        ports = []
        grown = change_of(lambda: ports.extend(client.execute(WHERE).fetchone()[0] for _ in range(40)))
        by_replicas = sum(port != primary for port in ports)
        assert by_replicas > 0 and grown.pop(("replica", "chosen")) == by_replicas
        assert sum(grown.values()) == 40 - by_replicas

        def fail() -> None:
            for _ in range(7):
                with pytest.raises(psycopg.errors.DivisionByZero):
                    client.execute("SELECT 1 / 0")

        grown = change_of(fail)
        # Each that a replica refused is asked again, of the primary.
        assert grown["again"] == grown[("primary", "failed")] == grown[("replica", "chosen")] > 0
        assert grown["again"] + sum(grown.get(("primary", why), 0) for why in ("chosen", "behind")) == 7
        for replica in cluster.replicas:
            replica.execute("SELECT pg_wal_replay_pause()")
        try:
            client.execute("INSERT INTO log VALUES (4)")
            assert change_of(lambda: read(times=5)) == {("primary", "behind"): 5}
        finally:
            for replica in cluster.replicas:
                replica.execute("SELECT pg_wal_replay_resume()")
