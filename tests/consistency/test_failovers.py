"""Replicas answer, servers change places, and nothing is stale, lost or done twice (C3, C11; pitfalls 11 to 13).

Commits wait for a standby, so whatever was acknowledged is on the server that takes the primary's place. Longer runs:
README.md.
"""

import os

import pytest

import faults
from arena import Arena, has_cache

SEED = int(os.environ.get("FOREBAY_SEED", "1"))
#: After a schema change through Forebay all reads are the primary's until the catalog has been looked at again, for ten
#: times as long as the last look took: seconds on a busy machine.
CATALOG_PAUSE = 6.0
LEAST_SHARE = 0.2  #: of the reads, from replicas, and from memory where there is a cache
#: Long enough that a slow machine is without a primary for the smaller part of it.
SECONDS = 27
pytestmark = pytest.mark.time_limit(150)


def run(seconds: float, names: list[str], **options):
    with Arena(replicas=2, **options) as arena:
        outcome = arena.check(seconds, SEED, faults.run_all(SEED, names, rounds=1), catalog_pause=CATALOG_PAUSE)
    print(outcome)
    assert not outcome.violations, str(outcome)
    assert all(outcome.count(name) for name in names), f"time was too short for some fault\n{outcome}"
    assert outcome.share(outcome.by_replicas) >= LEAST_SHARE, f"replicas were hardly asked\n{outcome}"
    return outcome


@pytest.mark.skipif(not has_cache(), reason="this build of Forebay has no cache")
def test_nothing_is_stale_when_the_primary_is_another_one():
    outcome = run(SECONDS, ["fail_over", "delay_replica"], level="bounded")
    assert outcome.share(outcome.from_memory) >= LEAST_SHARE, f"the cache was hardly asked\n{outcome}"


def test_nothing_is_stale_without_a_cache_either():
    run(SECONDS, ["fail_over", "switch_over", "freeze_replica"], cache=False)
