"""A clock of the test's own for processes, by Debian's libfaketime (package faketime)."""

from .directories import create_directory
from .environment import environment

_LIBRARY = "/usr/$LIB/faketime/libfaketimeMT.so.1"  # $LIB is the loader's


class FakeClock:
    """What the processes that are started within `with clock.is_in_use():` take for the time of day.

    `time` is written as libfaketime wants it: "@2059-12-31 23:59:00" begins there, "+0" is right. The clock that only
    counts, by which timers run, is left alone: the library breaks timerfd's (Boost.Asio sets them to 1 ns by the
    absolute clock when they are due).
    """

    def __init__(self, time: str) -> None:
        self._file = create_directory("clock") / "time"
        self._environment = {"LD_PRELOAD": _LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self._file),
                             "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.set(time)

    def set(self, time: str) -> None:
        """From now on, for those that run already, too."""
        self._file.write_text(time)

    def is_in_use(self):
        return environment(self._environment)
