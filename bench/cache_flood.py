"""Starts cache_flood.cpp, a client that costs as little as redis-benchmark does."""

import json
import pathlib
import struct
import subprocess

from forebay_testing import frontend_messages as fe

_SOURCE = pathlib.Path(__file__).with_name("cache_flood.cpp")


class FloodError(RuntimeError):
    """It could not be compiled, or did not run; the text holds its own words."""


def compiled(folder: pathlib.Path) -> pathlib.Path:
    """The program, made anew when its source is newer."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "cache_flood"
    if not program.exists() or program.stat().st_mtime < _SOURCE.stat().st_mtime:
        _run(["c++", "-std=c++20", "-O2", "-o", program, _SOURCE], 120)
    return program


def flood(program: pathlib.Path, daemon, user: str, database: str, bursts: tuple[bytes, list[bytes]], clients: int,
          seconds: float) -> dict:
    """bursts: what is sent first, and what may be sent each time. Per second: bursts, not questions."""
    chunks = [fe.startup({"user": user, "database": database}), bursts[0], *bursts[1]]
    file = program.with_suffix(".bursts")
    file.write_bytes(b"".join(struct.pack("!I", len(chunk)) + chunk for chunk in chunks))
    found = json.loads(_run([program, daemon.host, daemon.port, clients, seconds, file], seconds + 60))
    return found | {"per_second": found["bursts"] / found["seconds"]}


def _run(command: list, timeout: float) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise FloodError(f"{command[0]}: {done.stderr}")
    return done.stdout
