#!/usr/bin/python3
"""Formatting, clang-tidy, the types of the dashboard, and what the repository says of itself (tests/repository)."""

import argparse
import pathlib
import subprocess
import sys
import time

import tidy

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev check", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="format the files instead of complaining")
    parser.add_argument("--minutes", type=float, default=8, help="longest time for clang-tidy (default %(default)s)")
    parser.add_argument("--strict", action="store_true", help="findings of clang-tidy fail the check too")
    arguments = parser.parse_args()
    steps = {
        "Formatting": lambda: check_format(arguments.fix),
        "Repository": check_repository,
        "Dashboard": check_dashboard,
        "clang-tidy": lambda: tidy.check(ROOT, arguments.minutes * 60),
    }
    failed = [name for name, step in steps.items() if not run(name, step)]
    if "clang-tidy" in failed and not arguments.strict:
        print("   clang-tidy has findings (above); they fail the check with --strict.", flush=True)
        failed.remove("clang-tidy")
    print(f"!! Failed: {', '.join(failed)}" if failed else "== All checks passed.", flush=True)
    return 1 if failed else 0


def run(name: str, step) -> bool:
    print(f"== {name}", flush=True)
    start = time.monotonic()
    passed = step()
    print(f"   {'passed' if passed else 'FAILED'} in {time.monotonic() - start:.1f} s", flush=True)
    return passed


def check_format(fix: bool) -> bool:
    files = [str(path) for path in tidy.cpp_files(ROOT)]
    mode = ["-i"] if fix else ["--dry-run", "--Werror"]
    passed = subprocess.run(["clang-format", "--style=file", *mode, *files], cwd=ROOT).returncode == 0
    if not passed:
        print("   ./dev check --fix formats these files.")
    return passed


def check_repository() -> bool:
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "tests/repository"]
    return subprocess.run(command, cwd=ROOT).returncode == 0


def check_dashboard() -> bool:
    """Types, and what is declared and not used."""
    web = ROOT / "web"
    installed = subprocess.run(["bash", "scripts/npm_packages.sh", web], cwd=ROOT).returncode == 0
    return installed and subprocess.run(["npm", "run", "--silent", "check"], cwd=web).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
