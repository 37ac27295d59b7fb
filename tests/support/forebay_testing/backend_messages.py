"""Messages from a server to a client: https://www.postgresql.org/docs/15/protocol-message-formats.html"""

import struct
from typing import Any, NamedTuple

NAMES = {
    "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete", "A": "NotificationResponse",
    "C": "CommandComplete", "D": "DataRow", "E": "ErrorResponse", "G": "CopyInResponse", "H": "CopyOutResponse",
    "I": "EmptyQueryResponse", "K": "BackendKeyData", "N": "NoticeResponse", "R": "Authentication",
    "S": "ParameterStatus", "T": "RowDescription", "V": "FunctionCallResponse", "W": "CopyBothResponse",
    "Z": "ReadyForQuery", "c": "CopyDone", "d": "CopyData", "n": "NoData", "s": "PortalSuspended",
    "t": "ParameterDescription", "v": "NegotiateProtocolVersion",
}


class Column(NamedTuple):
    """One field of a RowDescription."""

    name: str
    table: int
    attribute: int
    type: int
    size: int
    modifier: int
    format: int


class Message(NamedTuple):
    """`kind` is the type byte as text. Two messages are equal when their bytes are."""

    kind: str
    body: bytes

    @property
    def name(self) -> str:
        return NAMES.get(self.kind, f"unknown {self.kind!r}")

    @property
    def value(self) -> Any:
        """The body in Python's terms:

        E, N: dict of field letter to text. D: list of bytes or None. T: list of Column. C: tag. Z: status letter.
        S: (name, value). K: (pid, secret). A: (pid, channel, payload). R: (code, rest). t: list of type OIDs.
        G, H, W: (format, list of formats). V: bytes or None. v: (version, list of options). d: bytes. Others: None.
        """
        decode = _DECODERS.get(self.kind)
        return decode(_Reader(self.body)) if decode else None

    @property
    def sqlstate(self) -> str:
        """Of an ErrorResponse or a NoticeResponse."""
        return self.value["C"]

    def __repr__(self) -> str:
        value = self.value
        return self.name if value is None else f"{self.name}({value!r})"


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from("!" + form, self._body, self._at)
        self._at += struct.calcsize("!" + form)
        return value

    def text(self) -> str:
        end = self._body.index(b"\0", self._at)
        value = self._body[self._at : end].decode(errors="surrogateescape")
        self._at = end + 1
        return value

    def letter(self) -> str:
        return chr(self.number("B"))

    def field(self) -> bytes | None:
        length = self.number("i")
        if length < 0:
            return None
        self._at += length
        return self._body[self._at - length : self._at]

    def rest(self) -> bytes:
        value, self._at = self._body[self._at :], len(self._body)
        return value

    def many(self, read) -> list:
        return [read() for _ in range(self.number("H"))]


def _fields(reader: _Reader) -> dict[str, str]:
    fields = {}
    while (letter := reader.letter()) != "\0":
        fields[letter] = reader.text()
    return fields


def _column(reader: _Reader) -> Column:
    return Column(reader.text(), *(reader.number(form) for form in ("I", "h", "I", "h", "i", "H")))


def _copy(reader: _Reader) -> tuple[int, list[int]]:
    return reader.number("B"), reader.many(lambda: reader.number("H"))


def _options(reader: _Reader) -> tuple[int, list[str]]:
    version = reader.number("I")
    return version, [reader.text() for _ in range(reader.number("I"))]


_DECODERS = {
    "A": lambda reader: (reader.number("I"), reader.text(), reader.text()),
    "C": _Reader.text,
    "D": lambda reader: reader.many(reader.field),
    "E": _fields,
    "G": _copy,
    "H": _copy,
    "K": lambda reader: (reader.number("I"), reader.number("I")),
    "N": _fields,
    "R": lambda reader: (reader.number("I"), reader.rest()),
    "S": lambda reader: (reader.text(), reader.text()),
    "T": lambda reader: reader.many(lambda: _column(reader)),
    "V": _Reader.field,
    "W": _copy,
    "Z": _Reader.letter,
    "d": _Reader.rest,
    "t": lambda reader: reader.many(lambda: reader.number("I")),
    "v": _options,
}
