"""Which files belong to the repository, and what a check reports."""

import pathlib
import subprocess
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Finding(NamedTuple):
    path: str  # relative to the root
    line: int  # 0: the file as a whole
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def repository_files(root: pathlib.Path) -> list[str]:
    """Paths relative to root, sorted: what git has or would take; without git, everything there is."""
    if (root / ".git").exists():
        command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        names = {name for name in listed.stdout.split("\0") if name}
    else:
        names = {str(path.relative_to(root)) for path in root.rglob("*")}
    return sorted(name for name in names if (root / name).is_file())


def lines_of(root: pathlib.Path, name: str) -> list[str]:
    return (root / name).read_text(encoding="utf-8", errors="replace").splitlines()


def is_binary(root: pathlib.Path, name: str) -> bool:
    with open(root / name, "rb") as file:
        return b"\0" in file.read(8192)


def interpreter(root: pathlib.Path, name: str) -> str:
    """The first line after "#!", or ""."""
    with open(root / name, "rb") as file:
        first = file.readline(200)
    return first[2:].decode(errors="replace").strip() if first.startswith(b"#!") else ""
