"""Runs the wanted suites in the wanted modes, one after another, and adds up."""

import pathlib
import shutil
import subprocess
from dataclasses import dataclass, field, replace

from forebay_testing import DaemonError, temporary_directory
from forebay_testing.directories import server_user

from .build import Suites
from .driver import SUITES, Driver, Outcome, schedule_of
from .progress import Progress
from .report import is_good, summary, unlike
from .target import MODES, activity, serving


@dataclass
class Campaign:
    """What is to be run; see the options of run.py."""

    suites: Suites
    output: pathlib.Path
    chosen: list[str] = field(default_factory=lambda: list(SUITES))
    modes: list[str] = field(default_factory=lambda: ["session", "transaction"])
    proxy: str = "forebay"
    proxy_flags: list[str] = field(default_factory=list)
    pool_size: int = 30
    tests: list[str] = field(default_factory=list)
    with_reference: bool = True
    may_fail: list[str] = field(default_factory=list)
    time_limit: float = 600
    wal_level: str = "replica"

    def run(self, say) -> bool:
        """True when everything is as it should be."""
        summaries = []
        all_good = True
        modes = [mode for mode in MODES if mode in self.modes]  # direct first: it is the reference
        for suite in self.chosen:
            reference = None
            # A few isolation tests may fail directly as well; what counts is that a proxy changes nothing. Of the
            # regression suite every test passes directly, so it needs no reference.
            if suite == "isolation" and self.with_reference and "direct" not in modes:
                reference = self._run_one(suite, "direct", say)
            for mode in modes:
                outcome = self._run_one(suite, mode, say)
                different = None if reference is None else unlike(outcome, reference)
                if suite == "isolation" and mode == "direct":
                    reference = outcome
                all_good = is_good(outcome, different, self.may_fail) and all_good
                title, folder = self._title(suite, mode), self._folder(suite, mode)
                summaries.append(summary(title, outcome, different, folder, self.may_fail))
        print("\n" + "\n".join(summaries), flush=True)
        return all_good

    def _run_one(self, suite: str, mode: str, say) -> Outcome:
        say(self._title(suite, mode))
        keep = self._folder(suite, mode)
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir(parents=True)
        with temporary_directory(suite) as directory:
            suites = _readable(self.suites, directory)
            progress = Progress(len(self.tests or schedule_of(suites, suite)))
            outcome = self._drive(suites, suite, mode, directory, keep, progress)
            progress.end()
            for name in ("results", "regression.diffs"):
                _copy(directory / name, keep / name)
        outcome.results = keep / "results"
        (keep / "log.txt").write_text(outcome.log)
        return outcome

    def _drive(self, suites, suite: str, mode: str, directory, keep, progress: Progress) -> Outcome:
        outcome = None
        try:
            serves = serving(mode, self.proxy, self.pool_size, self.proxy_flags, keep, self.wal_level)
            with serves as (server, address):
                driver = Driver(suites, suite, address, directory, _credentials())

                def on_time_limit() -> None:
                    (keep / "activity.txt").write_text(activity(server))

                outcome = driver.run(self.tests, self.time_limit, progress.note, on_time_limit)
        except DaemonError as error:
            if outcome is None:
                raise
            outcome.trouble = str(error)  # the tests ran, but server or proxy did not end as it should
        return outcome

    def _title(self, suite: str, mode: str) -> str:
        if mode == "direct":
            return f"{suite}, directly"
        return f"{suite}, {self.proxy} in {mode} pooling ({self.pool_size} backends)"

    def _folder(self, suite: str, mode: str) -> pathlib.Path:
        return self.output / (f"{suite}-direct" if mode == "direct" else f"{suite}-{self.proxy}-{mode}")


def _credentials() -> dict:
    """The tests run as the server does: both read and write files of the other's."""
    user = server_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _readable(suites: Suites, directory: pathlib.Path) -> Suites:
    """`suites`, or a copy of its files in `directory` when the server's user cannot reach the cache."""
    if subprocess.run(["test", "-r", f"{suites.libraries}/regress.so"], **_credentials()).returncode == 0:
        return suites
    copies = {}
    for name in ("tests", "libraries", "prefix"):
        source = getattr(suites, name)
        if source != "/":
            copies[name] = str(shutil.copytree(source, directory / name, symlinks=True))
    return replace(suites, **copies)


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)
