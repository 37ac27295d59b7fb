"""A data directory made by initdb once and copied for every server: starting one then costs a copy."""

import fcntl
import hashlib
import os
import pathlib
import secrets
import shutil
import subprocess

from .directories import REPOSITORY, remove_directory, create_directory, server_user

SUPERUSER = "postgres"

# Small WAL segments: less to copy.
_INITDB_OPTIONS = [
    "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
    f"--username={SUPERUSER}", "--wal-segsize=4",
]


def copy_template(binaries: pathlib.Path, target: pathlib.Path) -> None:
    """Puts a fresh data directory at `target`, owned by the server user."""
    # cp keeps modes and owners and shares blocks where the file system can.
    subprocess.run(["cp", "-a", "--reflink=auto", _template(binaries) / "data", target], check=True, timeout=60)


def template_password(binaries: pathlib.Path) -> str:
    """The superuser's password in every copy; made when the template was made."""
    return (_template(binaries) / "password").read_text()


def _template(binaries: pathlib.Path) -> pathlib.Path:
    version = subprocess.run([binaries / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    user = server_user()
    key = hashlib.sha256(repr((version, str(binaries), _INITDB_OPTIONS, user or os.geteuid())).encode()).hexdigest()
    cache = REPOSITORY / "build" / "testing"
    cache.mkdir(parents=True, exist_ok=True)
    template = cache / f"initdb-{key[:16]}"
    if not template.exists():
        with open(cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test programs may start at once
            if not template.exists():
                _make(binaries, template)
    return template


def _make(binaries: pathlib.Path, template: pathlib.Path) -> None:
    user = server_user()
    credentials = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    password = secrets.token_urlsafe(18)
    workshop = create_directory("initdb")  # initdb may not be able to reach the repository as the server user
    unfinished = template.with_suffix(".new")
    try:
        (workshop / "password").write_text(password)
        if user:
            os.chown(workshop / "password", user.pw_uid, user.pw_gid)
        subprocess.run(
            [binaries / "initdb", "-D", workshop / "data", f"--pwfile={workshop / 'password'}", *_INITDB_OPTIONS],
            check=True, capture_output=True, timeout=120, cwd=workshop, **credentials,
        )
        shutil.rmtree(unfinished, ignore_errors=True)
        subprocess.run(["cp", "-a", workshop, unfinished], check=True, timeout=60)
        unfinished.rename(template)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"initdb failed: {error.stderr.decode(errors='replace')}") from None
    finally:
        remove_directory(workshop)
