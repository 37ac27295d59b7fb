"""The clock that goes on while a machine is suspended, set forward for single processes: hours go by in a moment."""

import pathlib
import subprocess
import time

import pytest

from .directories import create_directory
from .environment import environment
from .forebay import forebay_binary

_SOURCE = pathlib.Path(__file__).with_name("boot_clock.c")


class BootClock:
    """What the processes that are started within `with clock.is_in_use():` have by CLOCK_BOOTTIME, which is all that
    Forebay goes by (base/clock.hpp). To them it is as if the machine had been suspended."""

    def __init__(self) -> None:
        needed = subprocess.run(["ldd", forebay_binary()], capture_output=True, text=True, check=True).stdout
        if "libasan" in needed or "libtsan" in needed:
            pytest.skip("a sanitizer has to be loaded first")
        folder = create_directory("clock")
        self._seconds = 0
        self._file, library = folder / "seconds", folder / "clock.so"
        self._file.write_bytes(bytes(8))
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, _SOURCE], check=True, timeout=60)
        self._environment = {"LD_PRELOAD": str(library), "FOREBAY_TEST_SUSPENDED": str(self._file)}

    def now(self) -> float:
        """As those processes have it."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self._seconds

    def advance(self, seconds: int) -> None:
        """For those that run as well."""
        self._seconds += seconds
        with open(self._file, "r+b", buffering=0) as file:  # in place: it is mapped
            file.write(self._seconds.to_bytes(8, "little"))

    def is_in_use(self):
        return environment(self._environment)
