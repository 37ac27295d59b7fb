"""clang-tidy over the C++ files, the changed ones first, remembering what passed.

A file is looked at again when it, a header of ours that it includes, or .clang-tidy changes. The time is bounded:
what is left over is said, and comes first the next time because it has not been remembered.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import time

_INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def cpp_files(root: pathlib.Path) -> list[pathlib.Path]:
    """What git has or would take of C++, relative to root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(pathlib.Path(name) for name in listed.split("\0") if name and (root / name).exists())


def check(root: pathlib.Path, seconds: float) -> bool:
    database = _without_precompiled(root / "build" / "dev", root / "build" / "tidy")
    work = {path: key for path, key in _keys(root, database).items() if not _stamp(root, key).exists()}
    if not work:
        print("   nothing has changed since every file passed")
        return True
    deadline = time.monotonic() + seconds
    changed = _changed(root)
    order = sorted(work, key=lambda path: (path not in changed, path))
    passed = True
    left = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {path: pool.submit(_tidy, root, database, path, deadline) for path in order}
        for number, (path, run) in enumerate(runs.items(), 1):
            findings = run.result()
            if findings is None:
                left += 1
                continue
            print(f"   [{number}/{len(order)}] {path}{' FAILED' if findings else ''}", flush=True)
            if findings:
                print(findings, flush=True)
                passed = False
            else:
                _stamp(root, work[path]).parent.mkdir(parents=True, exist_ok=True)
                _stamp(root, work[path]).touch()
    if left:
        print(f"   {left} of {len(order)} files not looked at: {seconds / 60:g} minutes are over (see --minutes)")
    return passed


def _without_precompiled(database: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The compile commands without the precompiled headers, which are the compiler's own and not clang's."""
    entries = json.loads((database / "compile_commands.json").read_text())
    for entry in entries:
        entry["command"] = re.sub(r" -Winvalid-pch -include \S+", "", entry["command"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(entries))
    return folder


def _tidy(root: pathlib.Path, database: pathlib.Path, path: pathlib.Path, deadline: float) -> str | None:
    """What clang-tidy says, "" when nothing, None when it was too late to start."""
    if time.monotonic() >= deadline:
        return None
    ran = subprocess.run(["clang-tidy", "--quiet", "-p", database, path], cwd=root, capture_output=True, text=True)
    if ran.returncode == 0:
        return ""
    return ran.stdout + "\n".join(line for line in ran.stderr.splitlines() if "warnings generated" not in line)


def _keys(root: pathlib.Path, database: pathlib.Path) -> dict[pathlib.Path, str]:
    """For each compiled file of ours: a hash of everything of ours that decides the outcome."""
    compiled = {pathlib.Path(entry["file"]) for entry in json.loads((database / "compile_commands.json").read_text())}
    settings = (root / ".clang-tidy").read_bytes()
    keys = {}
    for path in cpp_files(root):
        if root / path not in compiled:
            continue
        digest = hashlib.sha256(settings)
        for part in sorted(_with_headers(root, root / path)):
            digest.update(part.read_bytes())
        keys[path] = digest.hexdigest()
    return keys


def _with_headers(root: pathlib.Path, path: pathlib.Path) -> set[pathlib.Path]:
    found: set[pathlib.Path] = set()
    pending = [path]
    while pending:
        file = pending.pop()
        if file in found:
            continue
        found.add(file)
        for name in _INCLUDE.findall(file.read_bytes()):
            candidates = [base / name.decode() for base in (root / "src", file.parent)]
            pending += [candidate for candidate in candidates if candidate.is_file()]
    return found


def _changed(root: pathlib.Path) -> set[pathlib.Path]:
    listed = subprocess.run(["git", "status", "--porcelain", "--no-renames"], cwd=root, capture_output=True, text=True)
    return {pathlib.Path(line[3:]) for line in listed.stdout.splitlines()}


def _stamp(root: pathlib.Path, key: str) -> pathlib.Path:
    return root / "build" / "tidy" / key
