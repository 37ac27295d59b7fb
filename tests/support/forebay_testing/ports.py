"""Free TCP ports on the loopback address."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (ip_local_port_range, 32768 and
# up): a server that is stopped and started again finds its port still free.
_FIRST, _LAST = 15000, 32000
_random = random.SystemRandom()


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now. Someone may take it before you do: be ready to try another."""
    for _ in range(200):
        port = _random.randint(_FIRST, _LAST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port found on {host} in 200 tries between {_FIRST} and {_LAST}")
