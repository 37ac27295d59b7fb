"""A new process takes the listening sockets over while clients come, work and go."""

import os
import pathlib
import re
import signal
import socket
import stat
import threading
import urllib.request

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until


def takeover_socket(daemon: ForebayDaemon) -> pathlib.Path:
    setting = next(flag for flag in daemon._flags if flag.startswith("takeover_socket="))
    return pathlib.Path(setting.partition("=")[2])


def wait_for_end(daemon: ForebayDaemon, timeout: float = 20.0) -> int:
    """The exit status of a daemon that ends by itself."""
    return daemon._process.wait(timeout)


class Connecting(threading.Thread):
    """Connects, asks and leaves, over and over; whatever goes wrong is kept."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.dsn = dsn
        self.count = 0
        self.failures: list[str] = []
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            try:
                with psycopg.connect(self.dsn, connect_timeout=10) as connection:
                    assert connection.execute("SELECT 1").fetchone() == (1,)
                self.count += 1
            except Exception as error:
                self.failures.append(repr(error))

    def wait_for_more(self, number: int) -> None:
        goal = self.count + number
        wait_until(lambda: self.count >= goal or self.failures, 20, f"{number} more connects")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self.join(20)


def test_no_connect_is_refused_during_a_restart(daemons):
    old = daemons("--threads", "2")
    with Connecting(old.dsn()) as first, Connecting(old.dsn()) as second:
        former = old
        for _ in range(3):
            first.wait_for_more(5)
            new = daemons.successor(former)
            assert new.port == old.port
            assert wait_for_end(former) == 0, former.log_tail()
            first.wait_for_more(5)
            second.wait_for_more(5)
            former = new
    assert not first.failures and not second.failures


def test_a_transaction_on_the_old_process_is_finished_there(daemons, server):
    old = daemons()
    server.execute("DROP TABLE IF EXISTS moved")
    server.execute("CREATE TABLE moved (n int)")
    with psycopg.connect(old.dsn()) as before:
        before.execute("INSERT INTO moved VALUES (1)")
        new = daemons.successor(old)
        old.wait_for_log("another process serves now")
        with psycopg.connect(new.dsn()) as after:
            assert after.execute("SELECT count(*) FROM moved").fetchone() == (0,), "not committed yet"
        before.execute("INSERT INTO moved VALUES (2)")
        before.commit()
        # Not only this transaction: the client stays for as long as it likes.
        assert before.execute("SELECT count(*) FROM moved").fetchone() == (2,)
        before.commit()
        assert old.running()
    assert wait_for_end(old) == 0, old.log_tail()
    new.wait_for_log("the former process has ended")


def test_clients_that_do_not_leave_are_ended_after_the_time_for_a_shutdown(daemons):
    old = daemons("--set", "timeouts.shutdown=300ms")
    with psycopg.connect(old.dsn(), autocommit=True) as client:
        client.execute("SELECT 1")
        daemons.successor(old)
        assert wait_for_end(old) == 0
        with pytest.raises(psycopg.OperationalError, match="administrator command"):
            client.execute("SELECT 1")
    assert "timeouts.shutdown has passed" in old.log()


def test_a_cancel_finds_the_client_of_the_old_process(daemons, server):
    old = daemons()
    with psycopg.connect(old.dsn(), autocommit=True) as client:
        client.execute("SELECT 1")
        new = daemons.successor(old)
        old.wait_for_log("another process serves now")
        outcome = []

        def sleep() -> None:
            try:
                client.execute("SELECT pg_sleep(50) /* to be cancelled */")
            except psycopg.Error as error:
                outcome.append(error)

        thread = threading.Thread(target=sleep)
        thread.start()
        running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(50) /* to be%' AND state = 'active'"
        wait_until(lambda: server.query(running), 10, "the statement running")
        client.cancel()  # connects to the listening socket: to the new process
        thread.join(20)
        assert [type(error) for error in outcome] == [psycopg.errors.QueryCanceled]
        assert new.running()


def test_unix_sockets_are_taken_over_and_removed_by_the_last(daemons, socket_folder):
    old = daemons("--listen", "127.0.0.1:0", "--listen", f"unix:{socket_folder}")
    assert len(list(socket_folder.iterdir())) == 1
    new = daemons.successor(old)
    assert wait_for_end(old) == 0
    with psycopg.connect(new.dsn(host=socket_folder, port=6432)) as client:
        client.execute("SELECT 1")
    new.stop()
    assert list(socket_folder.iterdir()) == []


def test_the_takeover_socket_is_for_its_user_alone_and_goes_with_the_process(daemons):
    daemon = daemons()
    path = takeover_socket(daemon)
    wait_until(path.exists, 5, "the takeover socket")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    daemon.stop()
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can pose as another user")
def test_another_user_is_turned_away(daemons):
    daemon = daemons()
    path = takeover_socket(daemon)
    wait_until(path.exists, 5, "the takeover socket")
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            os.chmod(path, 0o777)
            for parent in path.parents[:-1]:
                if not os.stat(parent).st_mode & 0o001:
                    os.chmod(parent, os.stat(parent).st_mode | 0o011)
            os.setuid(65534)
            peer.connect(str(path))
            peer.settimeout(10)
            peer.send(b"forebay takeover 1")
            status = 0 if peer.recv(100) == b"" else 2
        except ConnectionError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    daemon.wait_for_log("a process of another user wants to take over")
    with psycopg.connect(daemon.dsn()) as client:
        client.execute("SELECT 1")


def test_a_successor_that_dies_before_it_serves_changes_nothing(daemons):
    daemon = daemons()
    path = takeover_socket(daemon)
    wait_until(path.exists, 5, "the takeover socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(str(path))
        peer.settimeout(10)
        peer.send(b"forebay takeover 1")
        text, descriptors, _, _ = socket.recv_fds(peer, 100, 10)
        assert text == b"sockets r" and len(descriptors) == 1
        for descriptor in descriptors:
            os.close(descriptor)
    daemon.wait_for_log("has gone before it served")
    with psycopg.connect(daemon.dsn()) as client:
        client.execute("SELECT 1")
    new = daemons.successor(daemon)
    assert wait_for_end(daemon) == 0
    with psycopg.connect(new.dsn()) as client:
        client.execute("SELECT 1")


def test_another_version_is_told_so(daemons):
    daemon = daemons()
    path = takeover_socket(daemon)
    wait_until(path.exists, 5, "the takeover socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(str(path))
        peer.settimeout(10)
        peer.send(b"forebay takeover 99")
        assert b"another version" in peer.recv(200)


def test_takeover_without_a_former_process_just_starts(daemons):
    daemon = daemons("--takeover")
    assert "there is nobody to take over from" in daemon.log()
    with psycopg.connect(daemon.dsn()) as client:
        client.execute("SELECT 1")


def test_a_second_process_without_the_flag_leaves_the_first_in_peace(daemons):
    first = daemons()
    wait_until(takeover_socket(first).exists, 5, "the takeover socket")
    second = ForebayDaemon(first._server, first._flags)
    try:
        second.start()  # on a port of its own
        second.wait_for_log("no online restart will be possible")
        assert f"belongs to process {first.pid}" in second.log()
        second.stop()
    finally:
        second.close()
    daemons.successor(first)
    assert wait_for_end(first) == 0


def test_a_new_process_that_dies_leaves_the_address_free(daemons):
    """While the old one still serves its clients, another can start in the place of the dead."""
    old = daemons()
    with psycopg.connect(old.dsn(), autocommit=True) as client:
        client.execute("SELECT 1")
        new = daemons.successor(old)
        old.wait_for_log("another process serves now")
        new.kill()
        third = daemons.successor(old)
        assert "there is nobody to take over from" in third.log()
        with psycopg.connect(third.dsn()) as other:
            other.execute("SELECT 1")
        client.execute("SELECT 1")


def test_while_it_stops_connects_are_refused_and_transactions_finish(daemons):
    daemon = daemons()
    with psycopg.connect(daemon.dsn()) as client:
        client.execute("SELECT 1")
        daemon.signal(signal.SIGTERM)

        def is_refused() -> bool:
            try:
                socket.create_connection((daemon.host, daemon.port), timeout=10).close()
                return False
            except ConnectionResetError:  # it met the very moment of the close: the kernel's handshake was under way
                return False
            except ConnectionRefusedError:
                return True

        wait_until(is_refused, 10, "connects refused")
        client.execute("SELECT 1")
        client.commit()
    assert wait_for_end(daemon) == 0


def test_sigusr2_starts_the_process_that_takes_over(daemons):
    """What `systemctl kill --signal=USR2` does: the service replaces itself by what is installed now."""
    old = daemons()
    wait_until(takeover_socket(old).exists, 5, "the takeover socket")
    with Connecting(old.dsn()) as connecting:
        connecting.wait_for_more(3)
        old.signal(signal.SIGUSR2)
        assert wait_for_end(old) == 0
        connecting.wait_for_more(3)
    assert not connecting.failures
    found = re.search(r"a new process was started to take over process=(\d+)", old.log())
    new = int(found.group(1))
    try:
        command = pathlib.Path(f"/proc/{new}/cmdline").read_bytes().split(b"\0")
        assert b"--takeover" in command
    finally:
        os.kill(new, signal.SIGTERM)
        wait_until(lambda: not running(new), 20, "the new process gone")


def running(process: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # its parent is gone: whoever adopts it may take a moment


def test_a_new_process_that_cannot_start_is_told_of(daemons):
    old = daemons()
    wait_until(takeover_socket(old).exists, 5, "the takeover socket")
    with psycopg.connect(old.dsn()) as client:
        client.execute("SELECT 1")
        # Somebody holds the connection of a successor, so that the real one is turned away and ends.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.connect(str(takeover_socket(old)))
            peer.settimeout(10)
            peer.send(b"forebay takeover 1")
            socket.recv_fds(peer, 100, 10)
            old.signal(signal.SIGUSR2)
            old.wait_for_log("the process that was started to take over has ended")
        client.execute("SELECT 1")


def test_http_goes_with_the_other_sockets(daemons):
    """Who asks for health during a restart is always answered, at last by the new process."""
    old = daemons("--admin", "127.0.0.1:0")
    place = re.compile(r"HTTP is served on 127\.0\.0\.1:(\d+)")
    port = wait_until(lambda: place.search(old.log()), 10, "HTTP is served").group(1)

    def start_time() -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            return float(re.search(rb"^process_start_time_seconds (\S+)$", page.read(), re.M).group(1))

    former = start_time()
    with psycopg.connect(old.dsn()) as busy:  # keeps the old process
        busy.execute("SELECT 1")
        daemons.successor(old)
        seen = []
        wait_until(lambda: seen.append(start_time()) or seen[-1] != former, 20, "the new process answers")
        assert all(start_time() == seen[-1] for _ in range(20))
