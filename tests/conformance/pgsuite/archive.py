"""Debian's archive as this machine knows it, without touching the machine's own apt configuration.

The machine's source entries are copied into a private folder with "deb-src" added; package lists and downloads
stay in that folder too. Signatures and checksums are apt's business as always.
"""

import os
import pathlib
import re
import shutil
import subprocess

_APT_TIMEOUT = 600  # seconds for one apt command; the largest file has about 25 MB


class ArchiveError(Exception):
    """The archive could not be reached or does not have what was asked for; the text says which and why."""


class Archive:
    """Private apt configuration in `folder`. `update()` before anything else."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        for name in ("sources", "lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def update(self) -> None:
        """Copies the machine's entries for Debian and fetches the lists of packages and of sources."""
        for file in (self._folder / "sources").iterdir():
            file.unlink()
        entries = _files_with_debian_entries()
        if not entries:
            raise ArchiveError("apt on this machine has no source entries for Debian (apt-get indextargets)")
        for number, entry in enumerate(entries):
            copy = self._folder / "sources" / f"{number:02}{entry.suffix}"
            copy.write_text(with_sources(entry.read_text(), entry.suffix))
        # An entry that fails is apt's warning; what matters is whether the package is found then.
        self._run(["apt-get", *self._options(), "-q", "update"], check=False)

    def source_versions(self, package: str) -> list[str]:
        """Versions of a source package, newest first."""
        text = self._run(["apt-cache", *self._options(), "showsrc", "--only-source", package], check=False)
        versions = set(re.findall(r"^Version: (\S+)$", text, re.MULTILINE))
        ordered: list[str] = []
        for version in versions:
            at = next((at for at, other in enumerate(ordered) if _is_newer(version, other)), len(ordered))
            ordered.insert(at, version)
        return ordered

    def fetch_source(self, package: str, version: str, target: pathlib.Path) -> pathlib.Path:
        """Downloads a source package into `target` and returns its .dsc file."""
        target.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", *self._options(), "-q", "source", "--download-only", f"{package}={version}"]
        self._run(command, cwd=target)
        return next(target.glob("*.dsc"))

    def fetch_packages(self, packages: list[str], version: str, target: pathlib.Path) -> list[pathlib.Path]:
        """Downloads binary packages into `target`."""
        target.mkdir(parents=True, exist_ok=True)
        wanted = [f"{package}={version}" for package in packages]
        self._run(["apt-get", *self._options(), "-q", "download", *wanted], cwd=target)
        return sorted(target.glob("*.deb"))

    def _options(self) -> list[str]:
        settings = {
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": self._folder / "sources",
            "Dir::State::Lists": self._folder / "lists",
            "Dir::Cache": self._folder / "cache",
            # Downloading as another user would need a folder open to that user.
            "APT::Sandbox::User": "root",
        }
        return [f"-o{key}={value}" for key, value in settings.items()]

    def _run(self, command: list[str], cwd: pathlib.Path | None = None, check: bool = True) -> str:
        environment = os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        try:
            done = subprocess.run(
                command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=_APT_TIMEOUT
            )
        except FileNotFoundError:
            raise ArchiveError(f"{command[0]} is missing: this needs a Debian system") from None
        except subprocess.TimeoutExpired:
            raise ArchiveError(f"{command[0]} took longer than {_APT_TIMEOUT} s") from None
        if check and done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("E:")]
            raise ArchiveError(errors[0] if errors else done.stderr.strip() or f"{command[0]} failed")
        return done.stdout


def installed_version(package: str) -> str | None:
    query = ["dpkg-query", "-W", "-f=${db:Status-Abbrev} ${Version}", package]
    done = subprocess.run(query, capture_output=True, text=True)
    status, _, version = done.stdout.strip().partition(" ")
    return version.strip() if done.returncode == 0 and status.startswith("ii") else None


def unpack_source(dsc: pathlib.Path, target: pathlib.Path) -> None:
    """With Debian's patches applied. The signature of the list that names the files has been checked by apt."""
    if shutil.which("dpkg-source") is None:
        raise ArchiveError("dpkg-source is missing: apt-get install dpkg-dev")
    subprocess.run(["dpkg-source", "--no-check", "-x", dsc, target], check=True, capture_output=True, timeout=300)


def unpack_package(package: pathlib.Path, target: pathlib.Path) -> None:
    subprocess.run(["dpkg", "-x", package, target], check=True, capture_output=True, timeout=300)


def with_sources(text: str, suffix: str) -> str:
    """Source entries (sources.list(5)) extended to binary and source packages."""
    if suffix == ".sources":
        return re.sub(r"^Types:.*$", "Types: deb deb-src", text, flags=re.MULTILINE | re.IGNORECASE)
    binary = [line for line in text.splitlines() if re.match(r"deb\s", line)]
    return "".join(f"{line}\ndeb-src{line[3:]}\n" for line in binary)


def _files_with_debian_entries() -> list[pathlib.Path]:
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SOURCESENTRY)|$(ORIGIN)", "Created-By: Packages"],
        capture_output=True, text=True,
    ).stdout
    files = set()
    for line in targets.splitlines():
        entry, _, origin = line.rpartition("|")
        # Without package lists the origin is not known, and apt prints the name of the field.
        if origin in ("Debian", "", "$(ORIGIN)"):
            files.add(pathlib.Path(entry.rpartition(":")[0]))
    return sorted(file for file in files if file.is_file())


def _is_newer(version: str, than: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", than]).returncode == 0
