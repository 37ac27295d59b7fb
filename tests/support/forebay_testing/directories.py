"""Temporary folders that are removed whatever happens, and the OS user that servers run as."""

import atexit
import contextlib
import os
import pathlib
import pwd
import re
import secrets
import shutil
import tempfile

from . import keeper

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]

# A Unix socket's path has at most 107 bytes on Linux (unix(7)); this leaves room for /.s.PGSQL.65535.
_LONGEST_BASE = 60

#: Names the folder in which servers keep their data; else it is the system's for temporary files.
DATA_VARIABLE = "FOREBAY_TEST_DATA"
_MEMORY = "/dev/shm"
_ENOUGH_BYTES = 4 << 30  # many times the 0.3 GB that the suites were seen to have there, two side by side


def server_user() -> pwd.struct_passwd | None:
    """The OS user for programs that refuse to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise RuntimeError("running as root needs an OS user 'postgres': apt-get install postgresql-15") from None


def directory_in_memory() -> str | None:
    """A folder whose files are in memory, where there is plenty of it.

    A database is 300 files, and the suites make thousands: laying them out on a disk was a sixth of the processor time
    of tests/transparency (229 s of /proc/stat instead of 192).
    """
    try:
        system = os.statvfs(_MEMORY)
        available = re.search(r"^MemAvailable: +(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    is_roomy = system.f_bavail * system.f_frsize >= _ENOUGH_BYTES and os.access(_MEMORY, os.W_OK)
    return _MEMORY if is_roomy and available and int(available[1]) << 10 >= 2 * _ENOUGH_BYTES else None


def create_directory(prefix: str, base: str | None = None) -> pathlib.Path:
    """A new private folder that the server user owns; remove_directory() or the keeper removes it."""
    base = base or tempfile.gettempdir()
    if len(base) > _LONGEST_BASE:
        base = "/tmp"
    path = pathlib.Path(base, f"forebay-{prefix}-{secrets.token_hex(8)}")
    keeper.watch_directory(path)  # before it is there, or it would stay when we are killed in between
    path.mkdir(mode=0o700)
    user = server_user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)
    _created.add(path)
    return path


def remove_directory(path: pathlib.Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    keeper.forget_directory(path)
    _created.discard(path)


@contextlib.contextmanager
def temporary_directory(prefix: str = "test"):
    path = create_directory(prefix)
    try:
        yield path
    finally:
        remove_directory(path)


_created: set[pathlib.Path] = set()


@atexit.register
def _remove_all() -> None:
    for path in list(_created):
        remove_directory(path)
