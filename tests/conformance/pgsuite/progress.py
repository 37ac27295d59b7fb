"""Shows how far a run is: one line that changes on a terminal, a line now and then in a log."""

import sys
import time

_BETWEEN_LINES = 15.0  # seconds, where lines stay


class Progress:
    """Told about each test as it ends."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._failed = 0
        self._is_terminal = sys.stdout.isatty()
        self._shown_at = time.monotonic()

    def note(self, name: str, passed: bool) -> None:
        self._done += 1
        if not passed:
            self._failed += 1
            self._clear()
            print(f"   {name} failed", flush=True)
        if self._is_terminal:
            print(f"\r   {self._state()}", end="", flush=True)
        elif time.monotonic() - self._shown_at >= _BETWEEN_LINES:
            self._shown_at = time.monotonic()
            print(f"   {self._state()}", flush=True)

    def end(self) -> None:
        self._clear()

    def _state(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._done} of {self._total} tests{failed}"

    def _clear(self) -> None:
        if self._is_terminal:
            print("\r\033[K", end="", flush=True)
