"""A commit that is in the change stream, but not visible yet.

With a synchronous standby a transaction is written and decoded first and becomes visible when the standby has answered:
https://www.postgresql.org/docs/15/warm-standby.html#SYNCHRONOUS-REPLICATION. What is read in between is the old row,
long after its invalidation came by. It must not be kept.
"""

import concurrent.futures
import time

import psycopg
import pytest

from faults import CANCEL_WAITS
from forebay_testing import wait_until

pytestmark = pytest.mark.time_limit(60)

HELD = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
READS = [
    "SELECT n, v FROM by_number WHERE id = 1",
    "SELECT n, v FROM by_number WHERE n = 1",
    "SELECT n, max(v) FROM by_number WHERE id = 1 GROUP BY n",
]


@pytest.fixture(scope="module")
def versions():
    return iter(range(1, 1000))


@pytest.fixture
def holding(arena):
    """Commits wait for a standby that is absent; holding() lets them go on."""
    def release():
        arena.server.reload({"synchronous_standby_names": ""})

    arena.server.reload({"synchronous_standby_names": "absent"})
    yield release
    release()


def write(dsn: str, texts: list[str]) -> float:
    """Returns the moment at which it knew that it was done."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for text in texts:
            connection.execute(text)
        return time.monotonic()


def ways(version: int) -> dict[str, list[str]]:
    update = f"UPDATE by_number SET v = {version} WHERE id = 1"
    return {
        "update": [update],
        "transaction": ["BEGIN", update, "COMMIT"],
        "two phases": ["SET synchronous_commit = local", "BEGIN", update, "PREPARE TRANSACTION 'held'",
                       "RESET synchronous_commit", "COMMIT PREPARED 'held'"],
    }


@pytest.mark.parametrize("release_by", ["standby is given up", "wait is cancelled"])
@pytest.mark.parametrize("way", ["update", "transaction", "two phases"])
@pytest.mark.parametrize("route", ["around", "through"])
def test_never_stale(arena, holding, versions, route, way, release_by):
    version = next(versions)
    daemon = arena.forebay if route == "through" else arena.server
    with arena.connect() as client, concurrent.futures.ThreadPoolExecutor(1) as pool:
        old = {text: client.execute(text).fetchall() for text in READS}
        writing = pool.submit(write, daemon.dsn(user="app", dbname="arena"), ways(version)[way])
        try:
            wait_until(lambda: arena.server.query(HELD)[0][0] > 0, 10, "the commit is held")
            # Long enough for the stream and several leases; old rows are right all the while.
            read_until = time.monotonic() + 0.6
            while time.monotonic() < read_until:
                for text in READS:
                    assert client.execute(text).fetchall() == old[text]
        finally:
            if release_by == "standby is given up":
                holding()
            else:
                arena.server.query(CANCEL_WAITS)
        acknowledged = writing.result(20)
        due = acknowledged if route == "through" else acknowledged + arena.bound
        read_until = due + 0.3
        while (begin := time.monotonic()) < read_until:
            for text in READS:
                [[_, seen]] = client.execute(text).fetchall()
                assert seen == version or begin <= due, f"{text}: {seen} {begin - acknowledged:.3f} s after the answer"
    assert int(arena.cache_figures()["hits"]) > 0
