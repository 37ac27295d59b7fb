"""Says how a run went, and compares it with a run without a proxy."""

import pathlib

from .driver import Outcome


def unlike(outcome: Outcome, reference: Outcome) -> list[str]:
    """Tests that went another way than in `reference`.

    Several outputs can be right for one test; so a test is alike when it passed both times, or when both outputs are
    the same bytes.
    """
    different = []
    for name in outcome.schedule:
        both_passed = name in outcome.passed and name in reference.passed
        if not both_passed and not _same_output(outcome.results, reference.results, name):
            different.append(name)
    return different


def _same_output(results: pathlib.Path, others: pathlib.Path, name: str) -> bool:
    mine, other = results / f"{name}.out", others / f"{name}.out"
    return mine.exists() and other.exists() and mine.read_bytes() == other.read_bytes()


def is_good(outcome: Outcome, different: list[str] | None, may_fail=()) -> bool:
    """With a reference: everything as it was there. Without: every test passed, those of `may_fail` aside."""
    ran = not outcome.is_timed_out and not outcome.not_run and not outcome.trouble
    wrong = outcome.failed if different is None else different
    return ran and all(name in may_fail for name in wrong)


def summary(title: str, outcome: Outcome, different: list[str] | None, folder: pathlib.Path, may_fail=()) -> str:
    total = len(outcome.schedule)
    lines = [f"{title}: {len(outcome.passed)} of {total} passed in {outcome.seconds:.0f} s"]
    if outcome.is_timed_out:
        lines.append("  ended at the time limit; what the server's sessions did then is in activity.txt")
    excused = [name for name in outcome.failed if name in may_fail]
    failed = [name for name in outcome.failed if name not in may_fail]
    labels = (("failed", failed), ("failed, as may be with so few backends", excused), ("not run", outcome.not_run))
    for label, names in labels:
        if names:
            lines.append(f"  {label} ({len(names)}): {' '.join(names)}")
    if different:
        lines.append(f"  unlike a direct connection ({len(different)}): {' '.join(different)}")
    elif different is not None and not outcome.not_run:
        lines.append("  every test went as it does directly")
    if outcome.not_run and not outcome.passed:
        lines += ["  " + line for line in outcome.log.splitlines()[-8:]]
    lines += ["  " + line for line in outcome.trouble.splitlines()[-12:]]
    if not is_good(outcome, different, may_fail) or outcome.failed:
        lines.append(f"  outputs, regression.diffs and logs: {folder}")
    return "\n".join(lines)
