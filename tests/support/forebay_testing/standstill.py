"""A daemon that stands still while it has something at hand, and how long that takes it at least and at most."""

import bisect
import contextlib
import math
import pathlib
import signal
import subprocess
import time

import pytest

from . import frontend_messages as fe
from .directories import create_directory
from .environment import environment
from .forebay import forebay_binary
from .waiting import wait_until

_SOURCE = pathlib.Path(__file__).with_name("standstill.c")


@contextlib.contextmanager
def standstill(daemon):
    """The daemon does nothing within."""
    daemon.signal(signal.SIGSTOP)
    with _goes_on_after(daemon):
        yield


@contextlib.contextmanager
def _goes_on_after(daemon):
    """It has been told to stop, or stops by itself."""
    try:
        wait_until(lambda: _states(daemon.pid) == {"T"}, 20, "all its threads stand still", interval=0.0002)
        yield
    finally:
        daemon.signal(signal.SIGCONT)


def _states(pid: int) -> set[str]:
    threads = pathlib.Path(f"/proc/{pid}/task").glob("*/stat")
    return {each.read_text().rpartition(")")[2].split()[0] for each in threads}


def unread(port: int, sockets) -> list[tuple[int, int]]:
    """For each of these connections to a port of 127.0.0.1, how many bytes of what has been sent there have not been
    read, and how many of what has come from there, as the kernel has it (proc(5)). Neither any, where something has
    been asked: that is at hand."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    waiting = {(_port(row[1]), _port(row[2])): int(row[4].split(":")[1], 16) for row in rows if row[3] == "01"}
    ports = [each.getsockname()[1] for each in sockets]
    return [(waiting[port, own], waiting[own, port]) for own in ports]


def _port(end: str) -> int:
    return int(end.split(":")[1], 16)


class Trap:
    """Daemons that are started within `with trap.is_set():` stop by themselves once they have read "stand still", if
    that is wanted."""

    def __init__(self) -> None:
        needed = subprocess.run(["ldd", forebay_binary()], capture_output=True, text=True, check=True).stdout
        if "libasan" in needed or "libtsan" in needed:
            pytest.skip("a sanitizer has to be loaded first")
        folder = create_directory("trap")
        self._file, library = folder / "wanted", folder / "trap.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, _SOURCE], check=True, timeout=60)
        self._environment = {"LD_PRELOAD": str(library), "FOREBAY_TEST_STANDSTILL": str(self._file)}

    def is_set(self):
        return environment(self._environment)

    def spring(self) -> None:
        """The next time, and only then."""
        self._file.touch()


class HitTimes:
    """A question with "stand still" in it, which memory answers, and how long each answer can have taken Forebay: from
    when it was read to the end of the round that sent it."""

    def __init__(self, trap: Trap, daemon, client, question: str, misses) -> None:
        """client: a RawConnection. misses(): how often the server has been asked; returns when it is not any more."""
        self._trap, self._daemon, self._socket = trap, daemon, client.socket
        self._question, self._misses = fe.query(question), misses
        self._stood = []  # of single answers, those that the daemon stood still for
        self._begun, self._ended = [], []  # of single answers
        self._answer = self._ask_first()
        wait_until(self._is_hit, 30, "an answer from memory", interval=0.05)
        self._missed = misses()
        self._doubtful = len(self._begun)  # some of them were answers from memory

    def ask(self, count: int) -> None:
        """All in one go."""
        self._begin(count)
        self._end(count)

    def ask_and_stand_still(self, count: int, seconds: float) -> None:
        """When all have been read, and none has been answered."""
        self._trap.spring()
        self._begin(count)
        with _goes_on_after(self._daemon):
            stopped = time.monotonic()
            assert unread(self._daemon.port, [self._socket]) == [(0, 0)]
            time.sleep(seconds)
            self._stood += [time.monotonic() - stopped] * count
        self._end(count)

    def percentile(self, share: float) -> tuple[float, float]:
        """What at least that share of the answers from memory did not exceed, at least and at most."""
        assert self._misses() == self._missed, "all since have come from memory"
        count = len(self._begun)
        rank, others = math.ceil(share * count), count - len(self._stood)
        least = sorted(self._stood)[rank - others - 1] if rank > others else 0
        # By when the next answer had come, so that the round was over.
        ends = [*self._ended, math.inf]
        spans = [ends[bisect.bisect(ends, end)] - begin for begin, end in zip(self._begun, self._ended, strict=True)]
        rank = self._doubtful + math.ceil(share * (count - self._doubtful))
        return least, sorted(spans)[rank - 1]

    def _ask_first(self) -> bytes:
        self._begin(1)
        answer = self._socket.recv(65536)
        self._ended.append(time.monotonic())
        return answer

    def _is_hit(self) -> bool:
        before = self._misses()
        self.ask(1)
        return self._misses() == before

    def _begin(self, count: int) -> None:
        self._begun += [time.monotonic()] * count
        self._socket.sendall(self._question * count)

    def _end(self, count: int) -> None:
        wanted, received = self._answer * count, b""
        while len(received) < len(wanted) and (part := self._socket.recv(65536)):
            received += part
        assert received == wanted
        self._ended += [time.monotonic()] * count
