"""Ends processes and removes folders of a test run that was itself killed.

Run as a program it reads lines from standard input: what to watch, what to forget. End of input means that the
run is over, in an orderly way or not; whatever is still watched is then ended and removed. It lives in a session
of its own, so that a signal to the run's process group or tree does not take it along.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_lock = threading.Lock()
_keeper: subprocess.Popen | None = None


def watch_process(pid: int, ending_signal: int) -> None:
    """`ending_signal` is what ends the process and its children promptly; SIGKILL follows after 5 s."""
    _tell(f"process {pid} {int(ending_signal)} {start_time(pid)}")


def forget_process(pid: int) -> None:
    _tell(f"forget-process {pid}")


def watch_directory(path: pathlib.Path) -> None:
    _tell(f"directory {path}")


def forget_directory(path: pathlib.Path) -> None:
    _tell(f"forget-directory {path}")


def start_time(pid: int) -> str:
    """Tells a process from a later one with the same number (proc(5), field 22 of stat); "" when gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _tell(line: str) -> None:
    global _keeper
    with _lock:
        if _keeper is None:
            # A signal to the run's process group must not end the keeper before it has a session of its own.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
            try:
                _keeper = subprocess.Popen(
                    [sys.executable, "-S", "-E", __file__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd="/",
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _keeper.returncode = 0  # it outlives us on purpose: no warning about a child still running
        _keeper.stdin.write(line.encode() + b"\n")
        _keeper.stdin.flush()


def _main() -> None:
    if os.fork():  # the run's process tree ends here: the keeper itself belongs to init
        os._exit(0)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    processes: dict[str, tuple[int, str]] = {}
    directories: dict[str, None] = {}
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "process":
            pid, number, started = (rest.split(" ") + [""])[:3]
            processes[pid] = (int(number), started)
        elif word == "forget-process":
            processes.pop(rest, None)
        elif word == "directory":
            directories[rest] = None
        elif word == "forget-directory":
            directories.pop(rest, None)
    _end(processes)
    for path in directories:
        _remove(path)


def _end(processes: dict[str, tuple[int, str]]) -> None:
    def alive() -> list[int]:
        return [int(pid) for pid, (_, started) in processes.items() if started and start_time(int(pid)) == started]

    for pid in alive():
        _signal(pid, processes[str(pid)][0])
    deadline = time.monotonic() + 5
    while alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in alive():
        _signal(pid, signal.SIGKILL)


def _remove(path: str) -> None:
    """A process that is about to die may still put a file into it meanwhile."""
    deadline = time.monotonic() + 5
    shutil.rmtree(path, ignore_errors=True)
    while os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.02)
        shutil.rmtree(path, ignore_errors=True)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


if __name__ == "__main__":
    _main()
