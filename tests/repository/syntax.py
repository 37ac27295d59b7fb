"""Scripts and data that no compiler of the build reads."""

import json
import pathlib
import subprocess

from files import Finding, interpreter, repository_files


def check_syntax(root: pathlib.Path) -> list[Finding]:
    found = []
    for name in repository_files(root):
        program = interpreter(root, name)
        if name.endswith(".sh") or "bash" in program or program.endswith("/sh"):
            found += _check_shell(root, name)
        elif name.endswith(".py") or "python" in program:
            found += _check_python(root, name)
        elif name.endswith(".json"):
            found += _check_json(root, name)
    return found


def _check_shell(root: pathlib.Path, name: str) -> list[Finding]:
    ran = subprocess.run(["bash", "-n", name], cwd=root, capture_output=True, text=True, timeout=20)
    return [Finding(name, 0, ran.stderr.strip())] if ran.returncode else []


def _check_python(root: pathlib.Path, name: str) -> list[Finding]:
    try:
        compile((root / name).read_bytes(), name, "exec")
    except SyntaxError as error:
        return [Finding(name, error.lineno or 0, str(error))]
    return []


def _check_json(root: pathlib.Path, name: str) -> list[Finding]:
    try:
        json.loads((root / name).read_text())
    except ValueError as error:
        return [Finding(name, 0, str(error))]
    return []
