"""Conversations with a server, byte by byte, and what may be compared of the answers."""

import time

from forebay_testing import frontend_messages as fe
from forebay_testing.backend_messages import Message
from forebay_testing.rawpg import ConnectionClosed, RawConnection

Answer = list[tuple[str, bytes]]
_END = "3Z3Z3Z3Z"


def normal(message: Message) -> tuple[str, bytes]:
    """The message without what differs from backend to backend: the process id of a notification's sender."""
    return message.kind, message.body[4:] if message.kind == "A" else message.body


def brief(answer: Answer) -> str:
    """Readable in a failure's text: kinds, and the SQLSTATE of errors."""
    words = []
    for kind, body in answer:
        words.append(f"E:{Message(kind, body).sqlstate}" if kind == "E" else kind)
    return " ".join(words)


def in_pieces(raw: RawConnection, stream: bytes, cuts) -> None:
    """Sends a stream in pieces that end at `cuts`. The pause lets each piece arrive by itself."""
    start = 0
    for cut in [*cuts, len(stream)]:
        raw.socket.sendall(stream[start:cut])
        start = cut
        if cut != len(stream):
            time.sleep(0.001)


def to_the_end(raw: RawConnection) -> Answer:
    """The answer to a burst that ended() closed, without what shows its end."""
    answer: Answer = []
    while [kind for kind, _ in answer[-len(_END) :]] != list(_END):
        answer.append(normal(raw.receive()))
    return answer[: -len(_END)]


def ended(burst: list[bytes]) -> bytes:
    """The burst, a Sync, and then what changes nothing and is answered in any state: its answers show the end."""
    return b"".join(burst) + fe.sync() + (fe.close("P", "no such portal") + fe.sync()) * (len(_END) // 2)


def fate(raw: RawConnection, *messages: bytes) -> tuple[str, bool]:
    """Sends messages and a Sync; the SQLSTATE of the first error ("" without one), and whether the session goes on."""
    state = ""
    try:
        raw.send(*messages, fe.sync(), fe.query("SELECT 'still here'"))
        while True:
            message = raw.receive()
            if message.kind == "E":
                state = state or message.sqlstate
            if message.kind == "D" and message.value == [b"still here"]:
                raw.until_ready()
                return state, True
    except (ConnectionClosed, ConnectionError):
        return state, False
