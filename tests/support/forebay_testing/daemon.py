"""A child process that serves: started, awaited, measured, and ended whatever happens."""

import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import weakref

from . import keeper
from .directories import DATA_VARIABLE, create_directory, remove_directory, server_user
from .waiting import wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_running: "weakref.WeakSet[Daemon]" = weakref.WeakSet()


class DaemonError(RuntimeError):
    """A server did not start, or ended in another way than asked; the message holds the end of its log."""


class Daemon:
    """Base of PostgresServer, ForebayDaemon and PgBouncerDaemon. Not thread-safe.

    The folder lives from construction to close() (or the end of the `with` block), so that a server can be
    stopped and started again.
    """

    name = "daemon"
    orderly_signal = signal.SIGTERM  #: ends it after its work is done
    prompt_signal = signal.SIGKILL  #: ends it and all its children at once
    refuses_root = False
    keeps_data = False  #: its folder is in that of DATA_VARIABLE, where one is named
    start_timeout = 30.0
    stop_timeout = 30.0

    def __init__(self) -> None:
        base = os.environ.get(DATA_VARIABLE) if self.keeps_data else None
        self.directory: pathlib.Path = create_directory(self.name, base)
        self.log_path = self.directory / f"{self.name}.log"
        self._process: subprocess.Popen | None = None
        self._log_start = 0

    # What a subclass says.

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def ready(self) -> bool:
        raise NotImplementedError

    # Life.

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            if self._process is not None:
                self.stop()
        except DaemonError:
            if error is None:  # the test's own failure says more than ours
                raise
        finally:
            self.close()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise DaemonError(f"{self.name} is not running")
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        if self._process is not None:
            raise DaemonError(f"{self.name} is already running")
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self.environment(),
                start_new_session=True,  # Ctrl-C reaches the test run alone, which then stops us in order
                preexec_fn=self._die_with_parent(),
                **self._credentials(),
            )
        keeper.watch_process(self._process.pid, self.prompt_signal)
        _running.add(self)
        try:
            wait_until(self._ready_or_gone, self.start_timeout, f"{self.name}: ready to serve")
        except TimeoutError as error:
            self.kill()
            raise DaemonError(f"{error}; its log ends:\n{self.log_tail()}") from None

    def stop(self) -> None:
        """Ends it in order. Raises DaemonError when it was gone already, or ended with an error."""
        status = self._end(self.orderly_signal)
        if status != 0:
            raise DaemonError(f"{self.name} ended with status {status}; its log ends:\n{self.log_tail()}")

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._kill_now()
        self._process.wait()
        self._forget()

    def close(self) -> None:
        """Kills it if it runs, and removes its folder."""
        self.kill()
        keep = os.environ.get("FOREBAY_KEEP_LOGS")
        if keep and self.log_path.exists():
            pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
            shutil.copy(self.log_path, pathlib.Path(keep) / f"{self.directory.name}.log")
        remove_directory(self.directory)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    # What can be asked.

    def log(self) -> str:
        """Everything written since the last start."""
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_for_log(self, text: str, timeout: float = 10.0) -> None:
        wait_until(lambda: text in self.log(), timeout, f"{self.name}: log line with {text!r}")

    def cpu_seconds(self) -> float:
        """Processor time of the process and all its threads so far, user and system."""
        fields = _stat_fields(self.pid)
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def rss_bytes(self) -> int:
        return int(_stat_fields(self.pid)[21]) * _PAGE_BYTES

    # Inner parts.

    def _kill_now(self) -> None:
        self._process.kill()

    def _ready_or_gone(self) -> bool:
        if self._process.poll() is not None:
            status, tail = self._process.returncode, self.log_tail()
            self._forget()
            raise DaemonError(f"{self.name} ended with status {status} before it was ready; its log ends:\n{tail}")
        return self.ready()

    def _end(self, number: int) -> int:
        process = self._process
        if process is None:
            raise DaemonError(f"{self.name} is not running")
        try:
            if process.poll() is not None:
                status = f"had ended by itself with status {process.returncode}"
                raise DaemonError(f"{self.name} {status}; its log ends:\n{self.log_tail()}")
            process.send_signal(number)
            return process.wait(self.stop_timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DaemonError(
                f"{self.name} did not end within {self.stop_timeout:g} s; its log ends:\n{self.log_tail()}"
            ) from None
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            keeper.forget_process(self._process.pid)
        self._process = None
        _running.discard(self)

    def _credentials(self) -> dict:
        user = server_user() if self.refuses_root else None
        if user is None:
            return {}
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _die_with_parent(self):
        # The kernel sends this signal when the *thread* that started the child ends (prctl(2)), so it serves
        # only in the main thread; a server started elsewhere is left to the keeper.
        if threading.current_thread() is not threading.main_thread():
            return None
        number = int(self.prompt_signal)
        return lambda: _libc.prctl(_PR_SET_PDEATHSIG, number)


def _stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on (proc(5)); the second may hold spaces."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


@atexit.register
def _close_all() -> None:
    deadline = time.monotonic() + 20
    for daemon in list(_running):
        if time.monotonic() < deadline:
            daemon.close()
