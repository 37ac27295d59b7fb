"""What HTTP tells of servers during a failover (C3, C10, C11)."""

import json
import re
import urllib.error
import urllib.request

import pytest

from forebay_testing import wait_until


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
