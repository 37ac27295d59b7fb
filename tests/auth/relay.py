"""A man in the middle: takes a TLS connection of PostgreSQL's protocol apart and opens one of its own to the server."""

import contextlib
import pathlib
import selectors
import socket
import ssl
import struct
import threading

_SSL_REQUEST = struct.pack("!II", 8, 80877103)  # https://www.postgresql.org/docs/15/protocol-message-formats.html


class Relay:
    """Listens on `host` with a certificate of its own. `server_name` is the name that the last client sent (SNI)."""

    def __init__(self, upstream_port: int, certificate: pathlib.Path, key: pathlib.Path, host: str = "127.0.0.1",
                 newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self._upstream_port = upstream_port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self._context.maximum_version = newest
        self._context.set_ciphers("DEFAULT:@SECLEVEL=0")
        self._context.sni_callback = self._note_name
        self.server_name: str | None = None
        self.connections = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _note_name(self, connection, name, context) -> None:
        self.server_name = name

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        upstream = ("127.0.0.1", self._upstream_port)
        with contextlib.suppress(OSError), client, socket.create_connection(upstream) as plain:
            client.settimeout(20)
            assert client.recv(8, socket.MSG_WAITALL) == _SSL_REQUEST
            client.sendall(b"S")
            inner = self._context.wrap_socket(client, server_side=True)
            self.connections += 1
            plain.sendall(_SSL_REQUEST)
            assert plain.recv(1) == b"S"
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname = False
            trusting.verify_mode = ssl.CERT_NONE
            _pump(inner, trusting.wrap_socket(plain))


def _pump(one: ssl.SSLSocket, other: ssl.SSLSocket) -> None:
    with selectors.DefaultSelector() as selector, one, other:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        # The handshakes may have brought data with them, which no descriptor tells of.
        ready = [(one, other), (other, one)]
        while all(_pass_on(source, to) for source, to in ready):
            ready = [(key.fileobj, key.data) for key, _ in selector.select(20)]


def _pass_on(source: ssl.SSLSocket, to: ssl.SSLSocket) -> bool:
    """All that is there; a record need not hold data: the server's session tickets. False at the end."""
    while True:
        source.setblocking(False)
        try:
            data = source.recv(65536)
        except ssl.SSLWantReadError:
            return True
        finally:
            source.setblocking(True)
        if not data:
            return False
        to.sendall(data)
