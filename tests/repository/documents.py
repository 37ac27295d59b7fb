"""Links between documents."""

import pathlib
import re
import urllib.parse

from files import Finding, lines_of, repository_files

_INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)")
_ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def check_links(root: pathlib.Path) -> list[Finding]:
    """Every relative link of every *.md leads to a file, and its anchor to a heading."""
    found = []
    for name in repository_files(root):
        if not name.endswith(".md"):
            continue
        for number, target in _links(lines_of(root, name)):
            text = _broken(root, pathlib.PurePosixPath(name), target)
            if text:
                found.append(Finding(name, number, text))
    return found


def anchors(lines: list[str]) -> set[str]:
    """The names that a page's headings get."""
    names: set[str] = set()
    for _, line in _outside_code(lines):
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if not heading:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = 0
        while (unique := f"{name}-{count}" if count else name) in names:
            count += 1
        names.add(unique)
    return names


def _links(lines: list[str]):
    for number, line in _outside_code(lines):
        line = re.sub(r"`[^`]*`", "", line)
        for target in _INLINE.findall(line) + _REFERENCE.findall(line):
            if not _ELSEWHERE.match(target):
                yield number, target


def _broken(root: pathlib.Path, page: pathlib.PurePosixPath, target: str) -> str:
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    there = root / page if not path else root / page.parent / path
    if path.startswith("/") or not there.resolve().is_relative_to(root.resolve()):
        return f"{target} leads out of the repository"
    if not there.exists():
        return f"{target} does not exist"
    if anchor and there.suffix == ".md" and anchor not in anchors(there.read_text().splitlines()):
        return f"{target}: no such heading"
    return ""


def _outside_code(lines: list[str]):
    fence = ""
    for number, line in enumerate(lines, 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and line.strip().startswith(fence):
            fence = ""
        elif not fence:
            yield number, line
