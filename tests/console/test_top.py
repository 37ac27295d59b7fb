"""forebay top: what a running Forebay does, in a terminal (L17, B8)."""

import contextlib
import os
import pty
import re
import subprocess
import termios
import threading

import pytest

from forebay_testing import ForebayDaemon, PostgresServer, ReplicaServer, forebay_binary, wait_until


@pytest.fixture(scope="module")
def daemon():
    with PostgresServer() as server, ForebayDaemon(server) as forebay:
        yield forebay


@contextlib.contextmanager
def traffic(daemon, text="SELECT pg_sleep(0.001) AS rested"):
    """A client that asks this, by default to sleep a millisecond, again and again; how often it has, so far."""
    import psycopg
    done, stop = [0], threading.Event()

    def work():
        with psycopg.connect(daemon.dsn(dbname="postgres"), autocommit=True) as client:
            while not stop.is_set():
                client.execute(text)
                done[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: done[0] > 5, 20, "traffic")
        yield done
    finally:
        stop.set()
        thread.join()


def test_one_interval_is_printed_where_there_is_no_terminal(daemon):
    with traffic(daemon) as done:
        before = done[0]
        told = subprocess.run([forebay_binary(), "top", daemon.url(), "--interval", "1"], capture_output=True, text=True,
                              timeout=30, stdin=subprocess.DEVNULL)
        most = done[0] - before
    assert (told.returncode, told.stderr) == (0, "")
    [line] = [line for line in told.stdout.splitlines() if "AS rested" in line]
    assert "SELECT pg_sleep($1) AS rested" in line, "without its value"
    share, _, rate, mean, unit, *_ = line.split()
    assert int(share) > 80, line
    assert unit == "ms" and 1 <= float(mean) < 100
    # A rate of one second, of which the client did no more around it than it said.
    assert 0 < float(rate) <= most
    pool = next(line for line in told.stdout.splitlines() if line.startswith("postgres "))
    assert pool.split()[2:4] == ["1", "0"], "one client, nobody waits"


def told_by_top(daemon) -> list[str]:
    command = [forebay_binary(), "top", daemon.url(), "--once", "--interval", "1"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout.splitlines()


def test_what_memory_answers_and_how_servers_are_is_told():
    """All comes from memory while the server does not read the table; one that is stopped is down (L17, C7)."""
    with PostgresServer() as server, ReplicaServer(server) as replica:
        server.psql("CREATE TABLE kept AS SELECT 7 AS n; ANALYZE kept", "postgres")
        replica.catch_up()

        def reads() -> int:
            return server.query("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'kept'")[0][0]

        places = {f"{each.host}:{each.port}": each for each in (server, replica)}
        flags = ["--cache", "on", "--staleness", "20s", "--replica", f"{replica.host}:{replica.port}"]
        with ForebayDaemon(server, flags) as daemon, traffic(daemon, "SELECT n FROM kept") as done:
            wait_until(lambda: [each["state"] for each in daemon.show("topology")] == ["up"] * 2, 20, "both are known")

            def is_kept() -> bool:
                asked, read = done[0], reads()
                wait_until(lambda: done[0] > asked + 1000, 20, "a thousand more")
                return reads() == read

            wait_until(is_kept, 30, "nothing but memory answers")
            before, read = done[0], reads()
            lines = told_by_top(daemon)
            most = done[0] - before
            assert reads() == read
            [memory] = [line for line in lines if line.startswith("memory")]
            share, rate = re.match(r"memory  ([\d.]+) % of what can be kept, (\S+)/s   saves servers", memory).groups()
            assert float(share) == 100 and 0 < float(rate.replace("k", "e3")) <= most * 1.01, memory

            def servers(lines: list[str]) -> dict[str, list[str]]:
                return {place: line.split()[1:3] for place in places for line in lines if line.startswith(place)}

            [primary, standby] = places
            assert servers(lines) == {primary: ["primary", "up"], standby: ["replica", "up"]}
            replica.stop()
            wait_until(lambda: servers(told_by_top(daemon))[standby][1] == "down", 30, "its replica is gone")
            assert servers(told_by_top(daemon))[primary] == ["primary", "up"]


def test_active_alerts_and_what_to_do_stand_above_the_tables():
    """What the dashboard says first a terminal says as well (L17)."""
    with PostgresServer() as server, ForebayDaemon(server, ["--admin", "127.0.0.1:0"]) as daemon:
        server.stop()
        wait_until(lambda: daemon.show("alerts") and daemon.show("recommendations"), 30, "both", interval=0.2)
        lines = told_by_top(daemon)
    alert = next(number for number, line in enumerate(lines) if line.startswith("ALERT   critical server-down server="))
    advice = next(number for number, line in enumerate(lines) if line.startswith("next    now: "))
    assert alert < advice


def test_a_screen_is_painted_until_somebody_leaves(daemon):
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 120))
    before = termios.tcgetattr(terminal)
    with traffic(daemon):
        top = subprocess.Popen([forebay_binary(), "top", daemon.url(), "--interval", "0.2"],
                               stdin=terminal, stdout=terminal, stderr=terminal)
        try:
            painted = b""
            while painted.count(b"\x1b[H") < 4 or b"AS rested" not in painted:
                painted += os.read(controller, 65536)
            assert painted.startswith(b"\x1b[?1049h"), "what was on the screen comes back afterwards"
            os.write(controller, b"q")
            while b"\x1b[?1049l" not in painted:
                painted += os.read(controller, 65536)
            assert top.wait(20) == 0
        finally:
            top.kill()
            top.wait()
    assert termios.tcgetattr(terminal) == before
    os.close(controller)
    os.close(terminal)
    assert max(len(line) for line in re.sub(rb"\x1b\[[?0-9]*[a-zA-Z]", b"", painted).split(b"\r\n")) <= 120


def test_a_forebay_that_is_not_there_is_told():
    told = subprocess.run([forebay_binary(), "top", "postgres://nobody@127.0.0.1:1/forebay", "--once"],
                          capture_output=True, text=True, timeout=30)
    assert told.returncode == 1 and "Connection refused" in told.stderr
