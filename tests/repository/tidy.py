"""Stray files, long lines, long files, marks of unfinished work, words that belong to one machine only."""

import pathlib
import re

from files import Finding, interpreter, is_binary, lines_of, repository_files

LONGEST_LINE = 120  # columns
LONGEST_TABLE_LINE = 160  #: in suites that are tables of messages, one exchange a line
TABLES = ("tests/protocol/", "tests/faults/", "tests/console/")
LONGEST_FILE = 900  # lines
LARGEST_FILE = 512 * 1024  # bytes

TOP_LEVEL = {
    ".ci", ".clang-format", ".clang-tidy", ".editorconfig", ".gitattributes", ".github", ".gitignore",
    "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "CONTRIBUTING.md", "LICENSE", "NOTICE", "README.md",
    "apps", "bench", "cmake", "config", "dev", "docs", "include", "packaging", "profiles", "scripts", "src", "tests",
    "web",
}
CODE = {
    ".c", ".cmake", ".cpp", ".css", ".h", ".hpp", ".html", ".java", ".js", ".mjs", ".py", ".sh", ".sql", ".ts", ".tsx",
}
OTHER = {
    ".conf", ".diff", ".golden", ".in", ".inc", ".ini", ".json", ".md", ".out", ".png", ".service", ".socket", ".spec",
    ".svg", ".toml", ".txt", ".yaml", ".yml", ".dict", ".supp",
}
# Corpora hold bytes on purpose, without suffix.
CORPUS = re.compile(r"^tests/fuzz/(.*/)?corpus/|^tests/fuzz/corpus")
GENERATED = re.compile(r"(^|/)package-lock\.json$")

# Put together from pieces: this file is checked too.
MARKS = re.compile(r"\b(?:" + "|".join(("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK")) + r")\b")
_REGISTRIES = [
    ("registry", "npmjs", "org"), ("registry", "yarnpkg", "com"), ("pypi", "org"), ("pythonhosted", "org"),
    ("deb", "debian", "org"), ("crates", "io"), ("proxy", "golang", "org"), ("repo1", "maven", "org"),
]
FORBIDDEN = re.compile(
    "|".join(
        [r"(?<![\w.:/-])/" + "work" + r"(?=/|\b)", "bash" + "_jobs", r"(?<![\w.:/-])/" + r"(?:home|Users)/\w"]
        + [r"(?<![\w-])" + re.escape(".".join(host)) for host in _REGISTRIES]
    )
)


def check_names(root: pathlib.Path) -> list[Finding]:
    found = []
    for name in repository_files(root):
        path = pathlib.PurePosixPath(name)
        if path.parts[0] not in TOP_LEVEL:
            found.append(Finding(name, 0, f"{path.parts[0]} is no known entry of the top folder"))
        elif not _known_kind(root, path):
            found.append(Finding(name, 0, "is of no known kind: a stray file?"))
        elif name.startswith("src/") and not re.fullmatch(r"[a-z][a-z0-9_]*\.(cpp|hpp|c|h|inc|md|sh|txt)", path.name):
            found.append(Finding(name, 0, "files in src/ are snake_case.cpp or snake_case.hpp") if path.name !=
                         "CMakeLists.txt" else Finding(name, 0, "rooms have no CMakeLists.txt of their own"))
    return found


def check_contents(root: pathlib.Path) -> list[Finding]:
    found = []
    for name in repository_files(root):
        size = (root / name).stat().st_size
        if size == 0 and pathlib.PurePosixPath(name).name != "__init__.py" and not CORPUS.match(name):
            found.append(Finding(name, 0, "is empty"))
        if size > LARGEST_FILE:
            found.append(Finding(name, 0, f"has {size} bytes; at most {LARGEST_FILE}"))
        if is_binary(root, name):
            if not CORPUS.match(name) and not name.endswith(".png"):
                found.append(Finding(name, 0, "is binary"))
            continue
        if not CORPUS.match(name):
            found += _check_lines(root, name)
    return found


def check_modes(root: pathlib.Path) -> list[Finding]:
    """A file is executable if and only if it says what executes it."""
    found = []
    for name in repository_files(root):
        executable = bool((root / name).stat().st_mode & 0o111)
        if executable and not interpreter(root, name):
            found.append(Finding(name, 0, "is executable but has no #! line"))
        if not executable and interpreter(root, name):
            found.append(Finding(name, 0, "has a #! line but is not executable"))
    return found


def is_code(root: pathlib.Path, name: str) -> bool:
    path = pathlib.PurePosixPath(name)
    return path.suffix in CODE or path.name == "CMakeLists.txt" or bool(interpreter(root, name))


def _known_kind(root: pathlib.Path, path: pathlib.PurePosixPath) -> bool:
    if CORPUS.match(str(path)) or path.suffix in CODE | OTHER:
        return True
    if path.suffix:
        return len(path.parts) == 1 and path.name in TOP_LEVEL
    return path.name in TOP_LEVEL | {".gitignore", ".npmrc", "Dockerfile"} or bool(interpreter(root, str(path)))


def _check_lines(root: pathlib.Path, name: str) -> list[Finding]:
    found = []
    lines = lines_of(root, name)
    code = is_code(root, name)
    if code and len(lines) > LONGEST_FILE:
        found.append(Finding(name, 0, f"has {len(lines)} lines; at most {LONGEST_FILE}"))
    longest = LONGEST_TABLE_LINE if name.startswith(TABLES) else LONGEST_LINE
    for number, line in enumerate(lines, 1):
        if code and len(line) > longest and "https://" not in line:
            found.append(Finding(name, number, f"has {len(line)} columns; at most {longest}"))
        if code and line != line.rstrip():
            found.append(Finding(name, number, "ends with white space"))
        if MARKS.search(line) and not GENERATED.search(name):
            found.append(Finding(name, number, f"unfinished: {line.strip()}"))
        if FORBIDDEN.search(line):
            found.append(Finding(name, number, f"belongs to one machine only: {line.strip()}"))
    return found
