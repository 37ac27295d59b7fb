"""Thousands of clients from one process: logged in, idle, each able to ask a question of its own.

Speaks just enough of the protocol for servers that ask for no password:
https://www.postgresql.org/docs/15/protocol-flow.html
"""

import collections
import selectors
import socket
import struct
import time

_AT_A_TIME = 100
_LONGEST_STEP = 60.0  # seconds for all logins, or for all answers


class ClientLost(RuntimeError):
    """A client was refused, cut off, or answered wrongly."""


class IdleClients:
    """`count` connections. Use as a context manager. Not thread-safe."""

    def __init__(self, host: str, port: int, user: str, database: str, count: int) -> None:
        self._address = (host, port)
        words = b"user\0" + user.encode() + b"\0database\0" + database.encode() + b"\0\0"
        self._startup = struct.pack("!II", 8 + len(words), 196608) + words
        self._sockets: list[socket.socket] = []
        self._count = count

    def __enter__(self) -> "IdleClients":
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        for opened in self._sockets:
            opened.close()
        self._sockets.clear()

    def check_alive(self) -> int:
        """How many are still connected, with nothing sent to them unasked."""
        alive = 0
        for opened in self._sockets:
            try:
                opened.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                alive += 1
            except OSError:
                pass
        return alive

    def ask_all(self) -> None:
        """Each asks for its own number and must get it."""
        self._converse(self._sockets, self._ask, self._check_answer)

    def _open(self) -> None:
        for _ in range(self._count):
            opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._sockets.append(opened)
        self._converse(self._sockets, self._connect, lambda number, messages: None)

    def _connect(self, number: int, opened: socket.socket) -> None:
        opened.connect(self._address)
        opened.setblocking(False)
        opened.send(self._startup)

    @staticmethod
    def _ask(number: int, opened: socket.socket) -> None:
        text = f"select {number}".encode() + b"\0"
        opened.send(b"Q" + struct.pack("!I", 4 + len(text)) + text)

    @staticmethod
    def _check_answer(number: int, messages: list[tuple[bytes, bytes]]) -> None:
        rows = [body for kind, body in messages if kind == b"D"]
        expected = str(number).encode()
        if rows != [struct.pack("!HI", 1, len(expected)) + expected]:
            raise ClientLost(f"client {number} asked for {number} and got {messages}")

    @staticmethod
    def _converse(sockets, begin, check) -> None:
        """begin() on each, a bounded number at a time; check() with all messages up to ReadyForQuery."""
        deadline = time.monotonic() + _LONGEST_STEP
        waiting = collections.deque(enumerate(sockets))
        with selectors.EpollSelector() as selector:
            while waiting or selector.get_map():
                while waiting and len(selector.get_map()) < _AT_A_TIME:
                    number, opened = waiting.popleft()
                    begin(number, opened)
                    selector.register(opened, selectors.EVENT_READ, (number, bytearray()))
                ready = selector.select(deadline - time.monotonic())
                if not ready:
                    raise ClientLost(f"{len(selector.get_map())} clients got no answer within {_LONGEST_STEP:g} s")
                for key, _ in ready:
                    number, buffer = key.data
                    read = key.fileobj.recv(65536)
                    buffer += read
                    messages = _messages(buffer)
                    if not read or any(kind == b"E" for kind, _ in messages):
                        raise ClientLost(f"client {number} was cut off: {bytes(buffer)!r}")
                    if messages and messages[-1][0] == b"Z":
                        selector.unregister(key.fileobj)
                        check(number, messages)


def _messages(data: bytes) -> list[tuple[bytes, bytes]]:
    """The complete messages in `data`: type and body."""
    found, at = [], 0
    while at + 5 <= len(data):
        end = at + 1 + struct.unpack_from("!I", data, at + 1)[0]
        if end > len(data):
            break
        found.append((bytes(data[at:at + 1]), bytes(data[at + 5:end])))
        at = end
    return found
