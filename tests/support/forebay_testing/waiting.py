"""Waiting for a condition of another process, bounded in time."""

import time

#: Seconds between two looks: the first comes soon, and who waits for long looks less often, for each look may cost a
#: connection of a server, or a browser's time.
_FIRST, _LONGEST, _GROWTH = 0.005, 0.05, 1.15


def wait_until(condition, timeout: float = 40.0, what: str = "the condition", interval: float | None = None):
    """Returns the first true value of condition(); raises TimeoutError after `timeout` seconds. `interval`: always as
    many seconds between two looks.

    Only for what another process does and gives no event for; inside one process wait for the event.
    """
    deadline = time.monotonic() + timeout
    pause = interval or _FIRST
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not come about within {timeout:g} s")
        time.sleep(pause)
        if interval is None:
            pause = min(pause * _GROWTH, _LONGEST)
