"""What names mean to one process, changed while it runs."""

import os
import socket
import subprocess

from .directories import create_directory, remove_directory

_HOSTS_BYTES = 4096
#: How long a name that is not set takes to be looked up in vain, in seconds.
SILENCE = 5


class Names:
    """/etc/hosts and /etc/resolv.conf of a mount namespace of its own; needs the right to make one.

    A name that is not set is asked of a name server that never answers. Used in a `with` block; set() at any time.
    """

    def __init__(self) -> None:
        self._directory = create_directory("names")
        self._addresses: dict[str, str] = {}
        self._hosts = self._directory / "hosts"
        self._resolver = self._directory / "resolv.conf"
        self._silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self):
        self._directory.chmod(0o755)
        address = f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
        self._resolver.write_text(f"nameserver {address}\noptions timeout:{SILENCE} attempts:1\n")
        self.set("localhost", "127.0.0.1")
        self._silent.bind((address, 53))
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._silent.close()
        remove_directory(self._directory)

    @staticmethod
    def are_possible() -> bool:
        """Whether this process may make mount namespaces, and be a name server."""
        made = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
        return made.returncode == 0 and os.geteuid() == 0

    def set(self, name: str, address: str) -> None:
        self._addresses[name] = address
        lines = "".join(f"{address} {name}\n" for name, address in self._addresses.items())
        # In place, for that is what is mounted; in one write, so that nobody reads half of it.
        with open(self._hosts, "r+b" if self._hosts.exists() else "wb", buffering=0) as hosts:
            hosts.write(lines.encode().ljust(_HOSTS_BYTES, b"\n"))

    def wrapped(self, command: list[str]) -> list[str]:
        """`command` as a process, with the same number, to which the names mean this."""
        script = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self._hosts), str(self._resolver), *command]
