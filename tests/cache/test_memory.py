"""`cache.size` bounds what the process takes, seen from outside, whatever the mix of results."""

import sys
import time

import pytest

from forebay_testing import frontend_messages as fe
from forebay_testing.directories import REPOSITORY
from forebay_testing.fixtures import USER
from forebay_testing.rawpg import RawConnection

sys.path.insert(0, str(REPOSITORY / "scripts"))

from processes import memory_bytes  # noqa: E402

pytestmark = pytest.mark.usefixtures("items")

MIB = 1 << 20
SIZE = 16 * MIB
#: As docs/architecture.md says: of cache.size, with what the allocator cannot use of the pages that it holds.
OVERHEAD = 1.6
#: The price is always more than minus something, so that each number makes a question of its own.
READ = "SELECT name, repeat('x', $1) FROM items WHERE id = 1 AND price > 0 - $2"


def ask(client: RawConnection, size: int, count: int) -> None:
    """Each twice, which makes it worth to be kept."""
    for number in range(count):
        for _ in range(2):
            client.send(fe.bind((str(size), str(number)), "read") + fe.execute() + fe.sync())
            assert [message.kind for message in client.until_ready()] == ["2", "D", "C", "Z"]


@pytest.mark.time_limit(240)
def test_the_process_stays_within_the_bound_under_any_mix(daemons, server, database, around):
    cached = daemons("--cache-size", f"{SIZE // MIB}MiB", "--threads", "2")
    with cached.connect() as client:
        cached.settle(lambda: client.execute("SELECT max(price) FROM items", prepare=False))
    with RawConnection(cached.daemon.host, cached.daemon.port) as client:
        client.login(USER, server.passwords[USER], database)
        client.send(fe.parse(READ, "read", (23, 23)), fe.sync())
        client.until_ready()

        def grown() -> int:
            """What has gone is given back every tenth of a second or so, later on a busy machine."""
            until = time.monotonic() + 20
            while (size := memory_bytes(cached.daemon.pid)["Rss"] - before) > OVERHEAD * SIZE:
                if time.monotonic() > until:
                    break
                time.sleep(0.05)
            return size

        before = memory_bytes(cached.daemon.pid)["Rss"]
        highest = {}
        for name, size, count in (("small", 10, 25_000), ("pages", 6_000, 4_000), ("large", 300_000, 150),
                                  ("small again", 20, 10_000)):
            ask(client, size, count)
            highest[name] = grown()
            assert cached.figures()["bytes"] > 0.7 * SIZE, f"{name}: the cache was not filled"
            around("UPDATE items SET price = price WHERE id = 1")
            ask(client, size, count // 4)
            highest[name + " after a write"] = grown()
    told = ", ".join(f"{name}: {size / MIB:.1f} MiB" for name, size in highest.items())
    print(told)
    assert max(highest.values()) <= OVERHEAD * SIZE, told
