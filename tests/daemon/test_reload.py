"""A new configuration is read while everybody goes on."""

import os
import signal
import socket

import psycopg

from forebay_testing import ForebayDaemon, wait_until


class SlowFile:
    """A pipe in a file's place: whoever reads it waits until the test writes."""

    def __init__(self, path) -> None:
        self._path = path
        path.unlink()
        os.mkfifo(path)
        self._writing = None

    def await_reader(self) -> None:
        self._writing = wait_until(self._open, 10, "somebody reads the file")

    def write(self, text: str) -> None:
        os.write(self._writing, text.encode())
        os.close(self._writing)

    def _open(self) -> int | None:
        try:
            return os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # ENXIO: nobody reads
            return None


def test_clients_are_served_while_a_slow_file_is_read(server, tmp_path):
    users = tmp_path / "users.txt"
    listed = f'"app" "{server.passwords["app"]}"\n'
    users.write_text(listed)
    with ForebayDaemon(server, ["--threads", "1", "--auth-file", str(users)]) as daemon:
        with psycopg.connect(daemon.dsn(user="app"), autocommit=True) as client:
            slow = SlowFile(users)
            daemon.reload()
            slow.await_reader()
            try:
                assert client.execute("SELECT 1").fetchone() == (1,)
                with psycopg.connect(daemon.dsn(user="app")) as other:
                    assert other.execute("SELECT 2").fetchone() == (2,)
                assert "configuration reloaded" not in daemon.log()
            finally:
                slow.write(listed)
            daemon.wait_for_log("configuration reloaded")


def test_a_stop_while_a_slow_file_is_read_is_an_orderly_one(daemons, tmp_path):
    users = tmp_path / "users.txt"
    users.write_text("")
    daemon = daemons("--auth-file", str(users))
    slow = SlowFile(users)
    daemon.reload()
    slow.await_reader()
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: not is_served(daemon), 10, "nobody listens any more")
    slow.write("")
    assert daemon._process.wait(20) == 0, daemon.log_tail()


def is_served(daemon) -> bool:
    try:
        socket.create_connection((daemon.host, daemon.port)).close()
        return True
    except (ConnectionRefusedError, ConnectionResetError):  # reset: the socket was closed just then
        return False
