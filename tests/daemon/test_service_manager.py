"""What systemd is told, and what it may pass: a socket of the test's own stands for systemd."""

import pathlib
import re
import signal
import socket
import subprocess

import psycopg
import pytest

from forebay_testing import ForebayDaemon, forebay_binary, keeper, wait_until


class Notified(ForebayDaemon):
    """A daemon with a notify socket: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html"""

    def __init__(self, server, path: str, *flags: str, **variables: str) -> None:
        super().__init__(server, flags)
        self._variables = {"NOTIFY_SOCKET": path, **variables}

    def environment(self) -> dict[str, str]:
        return super().environment() | self._variables


class Manager:
    """The other end of the notify socket."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.settimeout(15)

    def next(self) -> dict[str, str]:
        text = self._socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def next_but_watchdog(self) -> dict[str, str]:
        while (message := self.next()) == {"WATCHDOG": "1"}:
            pass
        return message

    def nothing_waits(self) -> bool:
        self._socket.setblocking(False)
        try:
            self._socket.recv(4096)
            return False
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(15)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["file", "abstract"])
def manager(request, socket_folder):
    address = str(socket_folder / "n") if request.param == "file" else f"@forebay-test-{socket_folder}"
    manager = Manager(address)
    manager.address = address
    yield manager
    manager.close()


def test_ready_reloading_and_stopping(server, manager):
    with Notified(server, manager.address) as daemon:
        ready = manager.next()
        assert ready == {"READY": "1", "STATUS": f"serving on 127.0.0.1:{daemon.port}"}
        daemon.reload()
        reloading = manager.next()
        assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
        assert manager.next() == {"READY": "1"}
        daemon.stop()
        assert manager.next()["STOPPING"] == "1"
        assert manager.nothing_waits()
        daemon.start()
        assert manager.next()["READY"] == "1"


def test_it_is_ready_only_when_it_serves(server, manager):
    with Notified(server, manager.address) as daemon:
        manager.next()
        with psycopg.connect(daemon.dsn()) as client:
            client.execute("SELECT 1")


def test_signs_of_life_when_they_are_asked_for(server, manager):
    with Notified(server, manager.address, WATCHDOG_USEC="200000"):
        assert manager.next()["READY"] == "1"
        for _ in range(5):
            assert manager.next() == {"WATCHDOG": "1"}


def test_no_signs_of_life_that_another_process_was_asked_for(server, manager):
    with Notified(server, manager.address, WATCHDOG_USEC="20000", WATCHDOG_PID="1") as daemon:
        assert manager.next()["READY"] == "1"
        daemon.reload()
        assert "RELOADING" in manager.next()
        assert manager.next() == {"READY": "1"}


def test_a_stopped_process_gives_no_sign_of_life(server, manager):
    with Notified(server, manager.address, "--threads", "2", WATCHDOG_USEC="200000") as daemon:
        assert manager.next()["READY"] == "1"
        assert manager.next() == {"WATCHDOG": "1"}
        daemon.signal(signal.SIGSTOP)
        try:
            wait_until(manager.nothing_waits, 5, "silence")
        finally:
            daemon.signal(signal.SIGCONT)
        assert manager.next() == {"WATCHDOG": "1"}


def test_after_a_takeover_the_new_process_speaks_for_the_service(server, manager, tmp_path, socket_folder):
    flags = ("--set", f"takeover_socket={socket_folder}/t.sock")
    old = Notified(server, manager.address, *flags, WATCHDOG_USEC="200000")
    try:
        old.start()
        assert "MAINPID" not in manager.next()
        new = Notified(server, manager.address, *flags, "--takeover")
        new.port = old.port
        with new:
            message = manager.next_but_watchdog()
            assert message["READY"] == "1" and message["MAINPID"] == str(new.pid)
            assert old._process.wait(20) == 0
            new.reload()
            # Had the old one said that the service stops, it would have come before.
            assert "RELOADING" in manager.next_but_watchdog()
    finally:
        old.close()


class Activated:
    """https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html"""

    def __init__(self, server, sockets, log: pathlib.Path, *flags: str, pid: str = "$$") -> None:
        # bash, because other shells take descriptors of one digit only.
        moves = " ".join(f"{3 + i}<&{passed.fileno()}" for i, passed in enumerate(sockets))
        script = f'export LISTEN_PID={pid} LISTEN_FDS={len(sockets)} LISTEN_FDNAMES=a:b; exec "$@" {moves}'
        command = ["/bin/bash", "-c", script, "bash", forebay_binary(), "serve", "--upstream", server.url(), *flags]
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                pass_fds=[passed.fileno() for passed in sockets],
            )
        keeper.watch_process(self.process.pid, signal.SIGKILL)

    def wait_for(self, text: str) -> str:
        return wait_until(lambda: text in self.log.read_text() and self.log.read_text(), 15, f"{text} in the log")

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            assert self.process.wait(20) == 0
        finally:
            self.process.kill()
            keeper.forget_process(self.process.pid)


def listening(address: str | pathlib.Path) -> socket.socket:
    if isinstance(address, pathlib.Path):
        made = socket.socket(socket.AF_UNIX)
        made.bind(str(address))
    else:
        made = socket.create_server((address, 0))
    made.listen(100)
    return made


def dsn(server, host, port) -> str:
    return f"host={host} port={port} user=app dbname=postgres password={server.passwords['app']}"


def test_sockets_of_the_service_manager_are_used(server, tmp_path, socket_folder):
    tcp = listening("127.0.0.1")
    unix = listening(socket_folder / ".s.PGSQL.6432")
    port = tcp.getsockname()[1]
    with tcp, unix, Activated(server, [tcp, unix], tmp_path / "log") as daemon:
        # The kernel takes connects before the daemon does: nobody is refused while it starts.
        for host, number in (("127.0.0.1", port), (socket_folder, 6432)):
            with psycopg.connect(dsn(server, host, number)) as client:
                assert client.execute("SELECT current_user").fetchone() == ("app",)
        log = daemon.wait_for("listening on")
        assert len(re.findall("listening on ", log)) == 2, "no default address beside what was passed"
    assert (socket_folder / ".s.PGSQL.6432").exists(), "the file is the service manager's"


def test_a_takeover_leaves_the_service_managers_file_alone(server, tmp_path, socket_folder):
    unix = listening(socket_folder / ".s.PGSQL.6432")
    flags = ("--set", f"takeover_socket={socket_folder}/t.sock")
    with Activated(server, [unix], tmp_path / "log", *flags) as old:
        unix.close()
        old.wait_for("listening on")
        wait_until((socket_folder / "t.sock").exists, 10, "the takeover socket")
        with Activated(server, [], tmp_path / "log2", *flags, "--takeover"):
            assert old.process.wait(20) == 0
            with psycopg.connect(dsn(server, socket_folder, 6432)) as client:
                client.execute("SELECT 1")
    assert (socket_folder / ".s.PGSQL.6432").exists()
    assert not (socket_folder / "t.sock").exists()


def test_an_address_of_the_configuration_that_was_passed_is_not_opened_again(server, tmp_path, socket_folder):
    tcp = listening("127.0.0.1")
    port = tcp.getsockname()[1]
    flags = ("--listen", f"127.0.0.1:{port}", "--listen", f"unix:{socket_folder}")
    with tcp, Activated(server, [tcp], tmp_path / "log", *flags) as daemon:
        log = daemon.wait_for(".s.PGSQL.6432")
        assert log.count("listening on ") == 2
        for host, number in (("127.0.0.1", port), (socket_folder, 6432)):
            with psycopg.connect(dsn(server, host, number)) as client:
                client.execute("SELECT 1")


def test_sockets_for_another_process_are_left_alone(server, tmp_path):
    tcp = listening("127.0.0.1")
    with tcp, Activated(server, [tcp], tmp_path / "log", "--listen", "127.0.0.1:0", pid="1") as daemon:
        log = daemon.wait_for("listening on")
        assert f":{tcp.getsockname()[1]}" not in log


def test_a_descriptor_that_listens_not_is_refused_with_advice(server, tmp_path):
    with socket.socket() as passed:
        daemon = Activated(server, [passed], tmp_path / "log")
        assert daemon.process.wait(20) == 1
        keeper.forget_process(daemon.process.pid)
    assert "ListenStream=" in daemon.log.read_text()
