"""Conversations with a server, byte by byte, and what may be compared of the answers."""

import contextlib
import time

from forebay_testing import frontend_messages as fe
from forebay_testing.backend_messages import Message
from forebay_testing.rawpg import ConnectionClosed, RawConnection
from forebay_testing.scram import ScramClient

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


def log_in(raw: RawConnection, packet: bytes, password: str) -> list[Message]:
    """Sends any start-up packet and proves the password; everything after that, up to ReadyForQuery or the end."""
    scram = ScramClient(password)
    raw.send(packet)
    raw.receive_until("R")
    raw.send(fe.sasl_initial_response("SCRAM-SHA-256", scram.first_message()))
    raw.send(fe.sasl_response(scram.final_message(raw.receive().value[1])))
    messages = [raw.receive()]
    with contextlib.suppress(ConnectionClosed):
        while messages[-1].kind != "Z":
            messages.append(raw.receive())
    return messages


def in_pieces(raw: RawConnection, stream: bytes, cuts) -> None:
    """Sends a stream in pieces that end at `cuts`. The pause lets each piece arrive by itself."""
    start = 0
    for cut in [*cuts, len(stream)]:
        raw.socket.sendall(stream[start:cut])
        start = cut
        if cut != len(stream):
            time.sleep(0.001)


def to_the_end(raw: RawConnection, answer: Answer | None = None) -> Answer:
    """The answer to a burst that ended() closed, without what shows its end; also put into `answer` as it comes."""
    answer = [] if answer is None else answer
    while [kind for kind, _ in answer[-len(_END) :]] != list(_END):
        answer.append(normal(raw.receive()))
    return answer[: -len(_END)]


def ended(burst: list[bytes]) -> bytes:
    """The burst, a Sync, and then what changes nothing and is answered in any state: its answers show the end."""
    return b"".join(burst) + fe.sync() + (fe.close("P", "no such portal") + fe.sync()) * (len(_END) // 2)


def fate(raw: RawConnection, *messages: bytes) -> tuple[str, bool]:
    """Sends messages; the SQLSTATE of the first error ("" without one), and whether the session goes on."""
    answer: Answer = []
    alive = True
    try:
        raw.send(ended(list(messages)))
        to_the_end(raw, answer)
    except (ConnectionClosed, ConnectionError):
        alive = False
    errors = [Message(kind, body).sqlstate for kind, body in answer if kind == "E"]
    return (errors[0] if errors else ""), alive
