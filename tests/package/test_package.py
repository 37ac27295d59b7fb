"""The Debian package: what is in it, and that its parts fit the program."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from forebay_testing import forebay_binary
from forebay_testing.directories import REPOSITORY


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    return pathlib.Path(run(REPOSITORY / "scripts" / "package.sh", forebay_binary(), folder).strip())


@pytest.fixture(scope="module")
def unpacked(package):
    root = package.parent / "unpacked"
    run("dpkg-deb", "--extract", package, root)
    return root


def test_it_holds_the_program_and_what_belongs_to_it(unpacked):
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert files == {
        "etc/forebay/forebay.yaml",
        "lib/systemd/system/forebay.service",
        "lib/systemd/system/forebay.socket",
        "usr/bin/forebay",
        "usr/share/doc/forebay/changelog.gz",
        "usr/share/doc/forebay/configuration.md",
        "usr/share/doc/forebay/copyright",
        "usr/share/doc/forebay/operations.md",
        "usr/share/forebay/forebay.schema.json",
        "usr/share/man/man8/forebay.8.gz",
    }


def test_its_version_is_the_programs(package, unpacked):
    version = run(unpacked / "usr/bin/forebay", "--version").split()[-1]
    assert run("dpkg-deb", "--field", package, "Version").strip() == version
    assert f"Forebay {version}" in run("zcat", unpacked / "usr/share/man/man8/forebay.8.gz")


def test_it_names_the_packages_of_its_libraries(package):
    depends = run("dpkg-deb", "--field", package, "Depends")
    for library in ("libc6", "libssl3", "libyaml-cpp0.7"):
        assert re.search(rf"(^|, ){library}( |,|$)", depends)


def test_its_configuration_has_no_mistakes(unpacked):
    run(unpacked / "usr/bin/forebay", "check", "--config", unpacked / "etc/forebay/forebay.yaml")


def test_its_page_names_every_flag(unpacked):
    usage = run(unpacked / "usr/bin/forebay", "serve", "--help").partition("Examples")[0]
    page = run("zcat", unpacked / "usr/share/man/man8/forebay.8.gz").replace("\\-", "-")
    assert flags(usage) - flags(page) == {"--help"}


def test_its_page_describes_every_command(unpacked):
    listed = run(unpacked / "usr/bin/forebay", "--help").partition("Subcommands:")[2].partition("Examples")[0]
    commands = re.findall(r"^  (\w+) ", listed, re.MULTILINE)
    described = run("zcat", unpacked / "usr/share/man/man8/forebay.8.gz").partition(".SH DESCRIPTION")[2]
    assert "serve" in commands
    assert [name for name in commands if f"\n.B {name}\n" not in described] == []


def flags(text):
    return set(re.findall(r"--[a-z][a-z-]+", text))


def test_its_units_are_well_formed(unpacked):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *unpacked.glob("lib/systemd/system/forebay.*")],
        capture_output=True, text=True, timeout=60, env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"})
    # The program itself is not installed here.
    wrong = [line for line in said.stderr.splitlines() if "forebay." in line and "is not executable" not in line]
    assert wrong == []


def test_the_same_source_gives_the_same_package(package, tmp_path):
    again = pathlib.Path(run(REPOSITORY / "scripts" / "package.sh", forebay_binary(), tmp_path).strip())
    assert again.read_bytes() == package.read_bytes()
