"""Servers that come, go and change places while clients work."""

import subprocess
import time

import pytest

from forebay_testing import ForebayDaemon, forebay_binary, wait_until

from traffic import Traffic, insert, read


@pytest.fixture
def cluster(log_cluster):
    return log_cluster


@pytest.mark.time_limit(120)
def test_a_switchover_by_hand_costs_no_client_an_error(cluster):
    daemon = cluster.forebay()
    traffic = [Traffic(lambda: cluster.connect(daemon), work) for work in (insert, read, read)]
    for thread in traffic:
        thread.start()
    wait_until(lambda: all(len(thread.done) > 50 for thread in traffic), 20, "traffic")
    cluster.switch_over(daemon, cluster.servers[1])
    resumed = time.monotonic()
    wait_until(lambda: all(thread.goes_on(resumed + 0.5) for thread in traffic), 20, "all go on")
    for thread in traffic:
        thread.stop()
    assert [error for thread in traffic for _, error in thread.errors] == []


@pytest.mark.time_limit(120)
def test_servers_are_added_and_drained_by_a_reload(cluster):
    first, second = (f"{server.host}:{server.port}" for server in cluster.servers[1:])
    daemon = ForebayDaemon(cluster.primary, config=f"replicas: ['{first}']\n")
    with daemon:
        wait_until(lambda: cluster.states(daemon) == {0: "up", 1: "up"}, 20, "both are up")
        readers = [Traffic(lambda: cluster.connect(daemon), read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for named in (f"['{first}', '{second}']", f"['{second}']", "[]", f"['{first}']"):
            daemon.config_path.write_text(f"replicas: {named}\n")
            daemon.reload()
            servers = named.count(":") + 1
            wait_until(lambda: list(cluster.states(daemon).values()) == ["up"] * servers, 20, f"replicas: {named}")
            since = time.monotonic()
            wait_until(lambda: all(reader.goes_on(since + 0.3) for reader in readers), 20, "all go on")
        for reader in readers:
            reader.stop()
        assert [error for reader in readers for _, error in reader.errors] == []


def test_topology_is_told_on_the_command_line(cluster):
    daemon = cluster.forebay()

    def ask():
        return subprocess.run([forebay_binary(), "topology", daemon.url()], capture_output=True, text=True, timeout=20)

    told = ask()
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0].split()[:3] == ["server", "role", "state"]
    assert [line.split()[1:3] for line in lines[1:]] == [["primary", "up"], ["replica", "up"], ["replica", "up"]]
    cluster.servers[2].kill()
    wait_until(lambda: cluster.states(daemon)[2] == "down", 20, "it is down")
    told = ask()
    assert told.returncode == 1
    assert "down" in told.stdout.splitlines()[3]


def test_a_dead_replica_does_not_keep_the_start_waiting(cluster):
    cluster.servers[2].kill()
    places = [word for server in cluster.servers[1:] for word in ("--replica", f"{server.host}:{server.port}")]
    with ForebayDaemon(cluster.primary, places) as daemon:
        begun = time.monotonic()
        with cluster.connect(daemon) as client:
            client.execute("INSERT INTO log VALUES (1)")
        assert time.monotonic() - begun < 6


def test_replicas_are_not_used_by_whom_they_do_not_tell_what_they_follow(cluster):
    cluster.primary.create_role("modest", options="LOGIN")
    for replica in cluster.replicas:
        replica.catch_up()
    places = [word for server in cluster.servers[1:] for word in ("--replica", f"{server.host}:{server.port}")]
    with ForebayDaemon(cluster.primary.url("modest"), [*places, "--auth", "trust"]) as daemon:
        expected = ["up", "lagging", "lagging"]
        wait_until(lambda: [row["state"] for row in daemon.show("topology", "modest")] == expected, 20, "the states")
        assert "pg_read_all_stats" in daemon.show("topology", "modest")[1]["why"]
