"""A disk that can be filled."""

import contextlib
import ctypes
import errno
import os
import pathlib
import subprocess

from .directories import server_user, temporary_directory

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x20000  # linux/sched.h
#: In megabytes, for tests that write little: a copy of an empty cluster, and some segments of its log.
ROOM_FOR_A_REPLICA = 256


class SmallDiskError(RuntimeError):
    """No disk can be mounted here: that takes root, and a kernel that allows it."""


class SmallDisk:
    """A file system of its own in memory. mount() gives one."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leaves not one byte free."""
        with open(self._ballast, "ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(size))

    def empty(self) -> None:
        """What fill() has taken is free again."""
        self._ballast.unlink()


@contextlib.contextmanager
def mount(megabytes: int):
    """A SmallDisk that the server user owns. Other processes than this one and its children, of this thread, do not see
    it, and the kernel takes it away with the last of them, however they end.
    """
    if os.geteuid() != 0 or _libc.unshare(_CLONE_NEWNS) != 0:
        raise SmallDiskError(f"no small disk can be mounted: {os.strerror(ctypes.get_errno() or errno.EPERM)}")
    user = server_user()
    options = f"size={megabytes}m,mode=700,uid={user.pw_uid},gid={user.pw_gid}"
    with temporary_directory("disk") as folder:
        mounted = subprocess.run(f"mount --make-rprivate / && mount -t tmpfs -o {options} forebay {folder}",
                                 shell=True, capture_output=True, text=True)
        if mounted.returncode != 0:
            raise SmallDiskError(f"no small disk can be mounted: {mounted.stderr.strip()}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)
