"""Where messages begin in a stream of bytes that passes by, in either direction.

https://www.postgresql.org/docs/15/protocol-message-formats.html
"""

import struct

from forebay_testing import frontend_messages as fe

_HEADER = 5
_SHORT_REQUESTS = {fe.SSL_REQUEST_CODE: "ssl", fe.GSS_REQUEST_CODE: "gss", fe.CANCEL_REQUEST_CODE: "cancel"}


class Framer:
    """Feed it a stream in pieces; it says where in each piece messages begin, and of which type."""

    def __init__(self) -> None:
        self._left = 0  # bytes of a message's body that are still to come
        self._head = b""  # a header that is not complete yet

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        """(offset in data, type) of every message that begins here; a header that was cut begins at a negative one."""
        found = []
        at = 0
        while at < len(data):
            if self._left:
                part = min(self._left, len(data) - at)
                self._left -= part
                at += part
                continue
            at = self._take_head(data, at, found)
        return found

    def _take_head(self, data: bytes, at: int, found: list[tuple[int, str]]) -> int:
        if not self._head:
            found.append((at, chr(data[at])))
        part = data[at : at + _HEADER - len(self._head)]
        self._head += part
        if len(self._head) == _HEADER:
            self._left = max(struct.unpack_from("!I", self._head, 1)[0] - 4, 0)
            self._head = b""
        return at + len(part)


class FrontendFramer:
    """The client's direction: packets without a type come first, and say what the connection is for."""

    def __init__(self) -> None:
        self.kind = ""  #: "session" or "cancel" once it is known
        self.parameters: dict[str, str] = {}  #: of the start-up packet
        self.one_byte_answers = 0  #: requests so far that are answered with a single byte
        self._begun = b""
        self._messages = Framer()

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        if self.kind:
            return self._messages.feed(data)
        before = len(self._begun)
        self._begun += data
        while not self.kind and len(self._begun) >= 8:
            length, code = struct.unpack_from("!II", self._begun)
            if len(self._begun) < length:
                return []
            packet, self._begun = self._begun[8:length], self._begun[length:]
            before -= length
            self._note(_SHORT_REQUESTS.get(code, "session"), packet)
        if not self.kind:
            return []
        rest, self._begun = self._begun, b""
        return [(offset - before, kind) for offset, kind in self._messages.feed(rest)]

    def _note(self, kind: str, packet: bytes) -> None:
        if kind in ("ssl", "gss"):
            self.one_byte_answers += 1
            return
        self.kind = kind
        if kind == "session":
            words = packet.decode(errors="replace").split("\0")
            self.parameters = {name: value for name, value in zip(words[0::2], words[1::2]) if name}


class BackendFramer:
    """The server's direction; `frontend` tells which answers are single bytes."""

    def __init__(self, frontend: FrontendFramer) -> None:
        self._frontend = frontend
        self._answered = 0
        self._messages = Framer()

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        skip = min(self._frontend.one_byte_answers - self._answered, len(data))
        self._answered += skip
        return [(offset + skip, kind) for offset, kind in self._messages.feed(data[skip:])]
