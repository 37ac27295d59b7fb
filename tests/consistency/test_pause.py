"""Forebay is stopped for longer than the bound and wakes with a question at its door and an entry at hand."""

import os
import signal
import time

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

pytestmark = pytest.mark.time_limit(90)
TEXT = "SELECT v FROM by_number WHERE id = 2"


@pytest.mark.parametrize("length", [1.05, 3], ids=lambda length: f"{length} bounds")
def test_wakes_with_an_expired_lease(arena, length):
    with RawConnection(arena.forebay.host, arena.forebay.port, timeout=20) as raw:
        raw.login("app", database="arena")
        for version in range(3):
            arena.server.execute(f"UPDATE by_number SET v = {version} WHERE id = 2", dbname="arena")
            warm(raw, str(version).encode(), arena.bound)
            os.kill(arena.forebay.pid, signal.SIGSTOP)
            try:
                arena.server.execute(f"UPDATE by_number SET v = {version + 1} WHERE id = 2", dbname="arena")
                time.sleep(arena.bound * length)
                raw.send(fe.query(TEXT))
            finally:
                os.kill(arena.forebay.pid, signal.SIGCONT)
            assert value(raw.until_ready()) == str(version + 1).encode()


def warm(raw: RawConnection, expected: bytes, bound: float) -> None:
    """Reads until the bound is over and the value has been there for a while, so that it is in the cache."""
    end = time.monotonic() + bound + 0.2
    while time.monotonic() < end:
        seen = value(raw.query(TEXT))
    assert seen == expected


def value(messages) -> bytes:
    return next(message.value[0] for message in messages if message.kind == "D")
