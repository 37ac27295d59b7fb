"""The support package itself: servers end and folders vanish however the test run ends."""

import os
import pathlib
import signal
import subprocess
import sys

import psycopg
import pytest

from forebay_testing import DaemonError, PgBouncerDaemon, PostgresServer, keeper, temporary_directory, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection, RawError

SUPPORT = pathlib.Path(__file__).parent

RUN = """
import os, signal, sys
sys.path.insert(0, {support!r})
from forebay_testing import PostgresServer
server = PostgresServer()
server.start()
print(server.pid, server.directory, flush=True)
{end}
"""


def gone(pid: int, folder: str) -> bool:
    return not keeper.start_time(pid) and not os.path.exists(folder)


@pytest.mark.parametrize("end", [
    "os.kill(os.getpid(), signal.SIGKILL)", "os.kill(os.getpid(), signal.SIGTERM)", "os._exit(0)", "raise SystemExit",
    "1 / 0",
])
def test_nothing_is_left_of_a_run(end):
    code = RUN.format(support=str(SUPPORT), end=end)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    pid, folder = run.stdout.split()
    wait_until(lambda: gone(int(pid), folder), 10, "server and folder gone")


WRITER = """
import pathlib, sys, time
end = time.monotonic() + 1
files = 0
while time.monotonic() < end:
    files += 1
    try:
        pathlib.Path(sys.argv[1], str(files)).touch()
    except OSError:
        pass
    if files == 300:
        print("at work", flush=True)
"""

RUN_WITH_WRITER = """
import os, signal, subprocess, sys
sys.path.insert(0, {support!r})
from forebay_testing.directories import create_directory
folder = create_directory("writer")
subprocess.Popen([sys.executable, "-c", {writer!r}, folder], stdout=subprocess.PIPE).stdout.readline()
print(folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_goes_even_when_somebody_still_writes_to_it():
    code = RUN_WITH_WRITER.format(support=str(SUPPORT), writer=WRITER)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    folder = run.stdout.strip()
    assert run.returncode == -signal.SIGKILL and folder, run.stderr
    wait_until(lambda: not os.path.exists(folder), 10, "folder gone")


def test_server_is_killed_and_comes_back_with_its_data():
    with PostgresServer() as server:
        server.execute("CREATE TABLE kept AS SELECT 7 AS n")
        server.execute("CHECKPOINT")
        children = [row[0] for row in server.query("SELECT pid FROM pg_stat_activity")]
        port = server.port
        server.kill()
        assert not any(keeper.start_time(pid) for pid in children)
        server.start()
        assert server.port == port and server.query("SELECT n FROM kept") == [(7,)]


def test_stop_tells_when_the_server_had_ended_by_itself():
    with PostgresServer() as server:
        os.kill(server.pid, signal.SIGKILL)
        server._process.wait()
        with pytest.raises(DaemonError, match="ended by itself"):
            server.stop()


def test_configuration_and_roles():
    with PostgresServer({"work_mem": "9MB"}) as server:
        server.create_role("somebody", "it's a 'secret' \\ with space")
        with psycopg.connect(server.dsn("somebody")) as client:
            assert client.execute("SHOW work_mem").fetchone() == ("9MB",)
        with psycopg.connect(server.url("somebody", "postgres")) as client:
            assert client.execute("SELECT current_user").fetchone() == ("somebody",)
        server.reload({"work_mem": "8MB"})
        assert server.query("SHOW work_mem") == [("8MB",)]


def test_pgbouncer_in_front():
    with PostgresServer() as server, PgBouncerDaemon(server) as bouncer, psycopg.connect(bouncer.dsn()) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
        assert bouncer.rss_bytes() > 0 and bouncer.cpu_seconds() >= 0


def test_raw_client():
    with PostgresServer() as server, RawConnection(server.host, server.port) as raw:
        raw.login(server.superuser, server.passwords[server.superuser])
        raw.send(fe.parse("SELECT $1::int, $2", types=(0, 25)), fe.bind([7, None]), fe.describe("P"), fe.execute(),
                 fe.sync())
        messages = raw.until_ready()
        assert [message.kind for message in messages] == ["1", "2", "T", "D", "C", "Z"]
        assert messages[3].value == [b"7", None] and messages[4].value == "SELECT 1" and raw.status == "I"
        with pytest.raises(RawError, match="22012"):
            raw.rows("SELECT 1/0")
        with RawConnection(server.socket_directory, server.port) as other:
            other.login(server.superuser)
        with pytest.raises(RawError, match="28P01"), RawConnection(server.host, server.port) as other:
            other.login(server.superuser, "wrong")


def test_temporary_directory_is_removed():
    with temporary_directory() as path:
        (path / "file").write_text("x")
    assert not path.exists()
