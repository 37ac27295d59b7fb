"""How a client's connection ended."""

import struct

from forebay_testing.backend_messages import Message
from forebay_testing.rawpg import RawConnection


def error_of(messages: list[Message]) -> Message:
    """The last ErrorResponse of a connection, or the warning with which an immediate shutdown ends it."""
    told = [message for message in messages if message.kind == "E"]
    told = told or [message for message in messages if message.kind == "N"]
    assert told, f"the connection was closed without a word, after {[message.kind for message in messages][-10:]}"
    return told[-1]


def end_of(raw: RawConnection) -> str:
    """Reads to the end of the connection; the SQLSTATE with which it ended."""
    return error_of(raw.receive_all()).sqlstate


def bytes_to_the_end(raw: RawConnection) -> bytes:
    """Everything that comes until the other side closes."""
    received, raw._buffer = raw._buffer, b""
    try:
        while more := raw.socket.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    return received


def split(stream: bytes) -> tuple[list[Message], bytes]:
    """Whole messages, and what is left of one that is not."""
    messages, at = [], 0
    while len(stream) - at >= 5:
        kind, length = struct.unpack_from("!cI", stream, at)
        if len(stream) - at < 1 + length:
            break
        messages.append(Message(kind.decode("latin-1"), stream[at + 5 : at + 1 + length]))
        at += 1 + length
    return messages, stream[at:]


def check_broken_answer(received: bytes, whole: bytes) -> str:
    """An answer that breaks off is a true beginning of the whole one; when it ends between two messages, exactly one
    ErrorResponse follows, and nothing follows a message that was cut. Returns the SQLSTATE, or "" in the latter case.
    """
    same = 0
    while same < min(len(received), len(whole)) and received[same] == whole[same]:
        same += 1
    added = received[same:]
    _, cut = split(whole[:same])
    # The beginning of our ErrorResponse may look like what the server would have sent next.
    for shift in range(6):
        messages, rest = split(received[same - shift :])
        if not rest and [message.kind for message in messages] == ["E"] and not split(whole[: same - shift])[1]:
            return messages[0].sqlstate
    assert cut and not added, f"after {same} bytes of {len(whole)} came {added[:80]!r}"
    return ""
