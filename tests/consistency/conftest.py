"""Fixtures of the consistency tests."""

import pytest

from arena import Arena, has_cache


@pytest.fixture(scope="module")
def arena():
    """A server of the module's own with Forebay's cache in front of it."""
    if not has_cache():
        pytest.skip("this build of Forebay has no cache")
    with Arena(bound=0.5) as arena:
        yield arena
