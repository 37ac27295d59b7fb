"""What the suites need, once per version: the tests themselves, programs of the same version, regress.so."""

import contextlib
import fcntl
import json
import pathlib
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass

from . import archive
from .archive import Archive, ArchiveError

MAJOR = 15
PACKAGE = f"postgresql-{MAJOR}"
# C functions that the tests load beside regress.so; they come with the server's package.
_CONTRIB_LIBRARIES = ("autoinc.so", "refint.so")


@dataclass(frozen=True)
class Suites:
    """Ready to run. All paths are absolute."""

    version: str  #: of Debian's source package
    tests: str  #: src/test of the source: regress/ and isolation/
    prefix: str  #: folder under which usr/lib/postgresql lies: "/" when the installed server has the same version
    libraries: str  #: regress.so and what else the tests load

    @property
    def programs(self) -> pathlib.Path:
        return pathlib.Path(self.prefix, f"usr/lib/postgresql/{MAJOR}/bin")

    def driver(self, suite: str, name: str) -> pathlib.Path:
        """pg_regress or pg_isolation_regress; Debian ships both with the server."""
        return pathlib.Path(self.prefix, f"usr/lib/postgresql/{MAJOR}/lib/pgxs/src/test", suite, name)

    @property
    def is_installed_server(self) -> bool:
        return self.prefix == "/"


def prepare(cache: pathlib.Path, say, version: str | None = None, refresh: bool = False) -> Suites:
    """From the cache, or fetched and built (about 45 MB and ten seconds). `say` is told about each step.

    Without `version`: what the cache has, else the installed server's version, else the newest one that the archive
    really serves. Raises ArchiveError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache):
        ready = None if refresh else _from_cache(cache, version)
        return ready or _fetch(cache, say, version)


@contextlib.contextmanager
def _lock(cache: pathlib.Path):
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test programs may start at once
        yield


def _from_cache(cache: pathlib.Path, version: str | None) -> Suites | None:
    found = [Suites(**json.loads(file.read_text())) for file in sorted(cache.glob("*/ready.json"))]
    installed = archive.installed_version(PACKAGE)
    found = [suites for suites in found if _is_usable(suites, installed) and version in (None, suites.version)]
    return max(found, key=lambda suites: (suites.version == installed, suites.version), default=None)


def _is_usable(suites: Suites, installed: str | None) -> bool:
    """An upgrade of the installed server turns "the same version" into a wrong one."""
    same = not suites.is_installed_server or suites.version == installed
    return same and suites.programs.exists() and pathlib.Path(suites.tests).exists()


def _fetch(cache: pathlib.Path, say, version: str | None) -> Suites:
    started = time.monotonic()
    say("reading the lists of Debian's archive")
    packages = Archive(cache / "apt")
    packages.update()
    installed = archive.installed_version(PACKAGE)
    served = packages.source_versions(PACKAGE)
    candidates = [version] if version else _in_order(served, installed)
    if not candidates:
        raise ArchiveError(f"the archive has no source package {PACKAGE}")
    reasons = []
    for candidate in candidates:
        try:
            say(f"fetching the source of {PACKAGE} {candidate}")
            suites = _fetch_version(packages, cache, candidate, installed, say)
        except ArchiveError as error:
            say(f"not available: {error}")
            reasons.append(f"{candidate}: {error}")
            continue
        say(f"ready after {time.monotonic() - started:.0f} s")
        return suites
    raise ArchiveError(f"no source of {PACKAGE} could be fetched; " + "; ".join(reasons))


def _in_order(served: list[str], installed: str | None) -> list[str]:
    return sorted(served, key=lambda version: version != installed)  # stable: newest first after that


def _fetch_version(packages: Archive, cache: pathlib.Path, version: str, installed: str | None, say) -> Suites:
    home = cache / version
    workshop = cache / f"{version}.new"
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        dsc = packages.fetch_source(PACKAGE, version, workshop / "download")
        archive.unpack_source(dsc, workshop / "source")
        shutil.move(workshop / "source/src/test", workshop / "test")
        prefix = _programs(packages, workshop, version, installed, say)
        say("building regress.so")
        _build_regress(workshop, prefix or workshop / "root")
        for leftover in ("download", "source", "headers"):
            shutil.rmtree(workshop / leftover, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
        workshop.rename(home)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    suites = Suites(version, str(home / "test"), str(prefix or home / "root"), str(home / "lib"))
    (home / "ready.json").write_text(json.dumps(asdict(suites), indent=1))
    return suites


def _programs(packages: Archive, workshop: pathlib.Path, version: str, installed: str | None, say):
    """Unpacks headers, and the server too when the installed one has another version. Returns "/" or None.

    The outputs that the tests expect change between minor versions, psql's included, so everything has to match.
    """
    names = [f"postgresql-server-dev-{MAJOR}"]
    if installed != version:
        say(f"the installed server is {installed or 'missing'}: unpacking {version} beside it, nothing is installed")
        names += [PACKAGE, f"postgresql-client-{MAJOR}"]
    for package in packages.fetch_packages(names, version, workshop / "download"):
        is_headers = package.name.startswith("postgresql-server-dev")
        archive.unpack_package(package, workshop / ("headers" if is_headers else "root"))
    return pathlib.Path("/") if installed == version else None


def _build_regress(workshop: pathlib.Path, prefix: pathlib.Path) -> None:
    libraries = workshop / "lib"
    libraries.mkdir()
    headers = workshop / f"headers/usr/include/postgresql/{MAJOR}/server"
    source = workshop / "test/regress/regress.c"
    command = ["cc", "-O2", "-shared", "-fPIC", "-I", headers, "-o", libraries / "regress.so", source]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        raise ArchiveError("no C compiler: apt-get install build-essential") from None
    except subprocess.CalledProcessError as error:
        raise ArchiveError(f"regress.so could not be built:\n{error.stderr}") from None
    for name in _CONTRIB_LIBRARIES:
        shutil.copy(prefix / f"usr/lib/postgresql/{MAJOR}/lib" / name, libraries / name)
