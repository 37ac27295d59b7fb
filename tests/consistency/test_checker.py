"""Many clients read through Forebay while others write through it, past it and by every means, and things go wrong.

These runs are short; run.py runs longer ones. README.md says what is checked.
"""

import os
import subprocess

import pytest

import faults
from arena import Arena, can_break, has_cache

SEED = int(os.environ.get("FOREBAY_SEED", "1"))
pytestmark = pytest.mark.time_limit(150)
needs_cache = pytest.mark.skipif(not has_cache(), reason="this build of Forebay has no cache")


def test_the_checker_agrees_with_postgresql():
    """Without a cache nothing is stale, not even for a moment: whatever it finds then is its own mistake."""
    with Arena(bound=0, cache=False) as arena:
        outcome = arena.check(6, SEED, writers=3, write_pause=0.005, catalog_pause=0.02)
    assert not outcome.violations, str(outcome)
    assert not outcome.summary["errors"], str(outcome)
    assert outcome.summary["reads_through"] > 1000
    without_effect = {name for name in outcome.summary["writes"] if name.endswith(", not committed")}
    assert len(outcome.summary["writes"]) - len(without_effect) > 50, "a path of writing is never taken"


@needs_cache
def test_the_checker_notices_what_is_stale():
    """Judged by a stricter bound than the daemon keeps, what it rightly does is wrong.

    Nobody runs code through Forebay or writes through it, which would end the serving before the lease does.
    """
    with Arena() as arena:
        outcome = arena.check(5, SEED, faults.run_all(SEED, ["delay_stream"]), readers=0, sleepers=0,
                              judged_by=0, catalog_pause=10, through=0)
    assert outcome.violations.get("bound"), str(outcome)


def run_without_faults(catalog_pause=1.5, **options):
    with Arena(**options) as arena:
        outcome = arena.check(8, SEED, catalog_pause=catalog_pause)
    assert not outcome.violations, str(outcome)
    assert not outcome.summary["errors"], str(outcome)
    return outcome


@needs_cache
def test_nothing_is_stale():
    """The schema changes seldom enough that answers are kept in between on a slow machine as well: behind each change
    clients keep their backends until it is known what code there is now.
    """
    outcome = run_without_faults(catalog_pause=4)
    assert outcome.hits > outcome.summary["reads_through"] / 50, f"the cache was hardly asked\n{outcome}"


@needs_cache
def test_nothing_is_stale_that_is_asked_again_unasked():
    """What writes end is filled again at once, by Forebay itself."""
    outcome = run_without_faults(strategy="write-through")
    assert outcome.cache["refills"] > 20, str(outcome)


@needs_cache
def test_nothing_is_stale_where_triggers_tell_of_changes():
    outcome = run_without_faults(level="outbox")
    assert outcome.cache["level"] == "outbox" and outcome.hits > 50, f"the cache was hardly asked\n{outcome}"


@needs_cache
def test_nothing_is_stale_whatever_goes_wrong():
    """Stream cut, delayed, its slot dropped; server restarted and killed; Forebay stopped; commits held; much work."""
    with Arena(bound=0.5) as arena:
        outcome = arena.check(18, SEED, faults.run_all(SEED))
    assert not outcome.violations, str(outcome)
    assert outcome.hits > 0, f"there was not one hit\n{outcome}"


@needs_cache
@pytest.mark.skipif(not can_break(), reason="needs the preset broken (README.md)")
@pytest.mark.parametrize("rule, broken_by, found", [
    ("fence", "hold_commits", {"bound", "written through"}),
    ("lease", "delay_stream", {"bound"}),
    ("own_write", "delay_stream", {"own write", "written through"}),
])
def test_a_build_without_the_rule_is_caught(rule, broken_by, found):
    """Only watchers read: a reader of everything soon sees what is newer and then no longer asks the cache."""
    with Arena(bound=0.5, environment={"FOREBAY_BREAK": rule}) as arena:
        outcome = arena.check(20, SEED, faults.run_all(SEED, [broken_by]), readers=0, sleepers=0, writers=12,
                              write_pause=0.3, catalog_pause=20)
    assert found & set(outcome.violations), f"without {rule} nothing was noticed\n{outcome}"


def test_a_long_run_has_a_command():
    here = os.path.dirname(__file__)
    said = subprocess.run([f"{here}/run.py", "--help"], capture_output=True, text=True, timeout=20)
    assert said.returncode == 0 and all(name in said.stdout for name in ("--seconds", "--seed", "kill_server"))
