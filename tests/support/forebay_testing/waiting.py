"""Waiting for a condition of another process, bounded in time."""

import time


def wait_until(condition, timeout: float = 40.0, what: str = "the condition", interval: float = 0.005):
    """Returns the first true value of condition(); raises TimeoutError after `timeout` seconds.

    Only for what another process does and gives no event for; inside one process wait for the event.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not come about within {timeout:g} s")
        time.sleep(interval)
