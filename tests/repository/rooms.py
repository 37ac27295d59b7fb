"""The one-way order of the rooms: a room includes itself and what stands above it."""

import pathlib
import re

from files import Finding, lines_of, repository_files

_ORDER = re.compile(r"foreach\(\s*room\s+IN\s+ITEMS\s+([^)]*)\)")
_INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')
_LISTED = re.compile(r"\s*(?:\||[-*]|\d+\.)\s*`?(?:src/)?([a-z]\w*)/?`?\s*(?:\||:|—|–|-|$)")


def declared_order(root: pathlib.Path) -> list[str]:
    """From the top CMakeLists.txt, top room first."""
    found = _ORDER.search((root / "CMakeLists.txt").read_text())
    if not found:
        raise ValueError("CMakeLists.txt has no foreach(room IN ITEMS …)")
    return found.group(1).split()


def documented_order(root: pathlib.Path, order: list[str]) -> list[str]:
    """The rooms in the order in which docs/architecture.md lists them, in a table or a list; [] if it does not."""
    document = root / "docs" / "architecture.md"
    if not document.exists():
        return []
    named: list[str] = []
    for line in document.read_text().splitlines():
        found = _LISTED.match(line)
        if found and found.group(1) in order and found.group(1) not in named:
            named.append(found.group(1))
    return named


def check_order(root: pathlib.Path) -> list[Finding]:
    order = declared_order(root)
    found = []
    for room in sorted({name.split("/")[1] for name in _sources(root)}):
        if room not in order:
            found.append(Finding(f"src/{room}", 0, "is not in the list of rooms in CMakeLists.txt"))
    documented = documented_order(root, order)
    if documented and documented != order:
        text = f"lists the rooms as {' '.join(documented)}, CMakeLists.txt as {' '.join(order)}"
        found.append(Finding("docs/architecture.md", 0, text))
    return found


def check_includes(root: pathlib.Path) -> list[Finding]:
    order = declared_order(root)
    found = []
    for name in _sources(root):
        room = name.split("/")[1]
        for number, line in enumerate(lines_of(root, name), 1):
            include = _INCLUDE.match(line)
            if include:
                text = _wrong_include(root, order, room, include.group(1))
                if text:
                    found.append(Finding(name, number, text))
    return found


def _wrong_include(root: pathlib.Path, order: list[str], room: str, target: str) -> str:
    target_room = target.split("/")[0]
    if "/" not in target or target_room not in order:
        return f'"{target}" is not of the form "room/file.hpp"'
    if not (root / "src" / target).exists():
        return f'"{target}" does not exist under src/'
    if room in order and order.index(target_room) > order.index(room):
        return f'"{target}": {room} may include only rooms above it, {target_room} stands below'
    return ""


def _sources(root: pathlib.Path) -> list[str]:
    return [
        name for name in repository_files(root)
        if name.startswith("src/") and name.count("/") >= 2 and name.endswith((".cpp", ".hpp", ".h", ".c"))
    ]
