"""A client that sends exactly the bytes it is told to and shows every message that comes back.

    with RawConnection(server.host, server.port) as raw:
        raw.login("postgres", "secret")
        raw.send(fe.parse("SELECT $1::int"), fe.bind([7]), fe.execute(), fe.sync())
        assert [message.kind for message in raw.until_ready()] == ["1", "2", "D", "C", "Z"]
"""

import hashlib
import socket
import ssl
import struct

from . import frontend_messages as fe
from .backend_messages import Message
from .scram import ScramClient


class ConnectionClosed(Exception):
    """The other side closed the connection; `received` holds the bytes of an unfinished message."""

    def __init__(self, received: bytes) -> None:
        super().__init__(f"closed by the other side with {len(received)} bytes of an unfinished message")
        self.received = received


class RawError(Exception):
    """login() or query() got an ErrorResponse."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"{message.value.get('S')} {message.value.get('C')}: {message.value.get('M')}")
        self.message = message
        self.sqlstate = message.sqlstate


class RawConnection:
    """Blocking, each operation bounded by `timeout` seconds. Not thread-safe."""

    def __init__(self, host: str, port: int, timeout: float = 40.0) -> None:
        """host: a name or address, or the folder of a Unix socket when it starts with "/"."""
        if host.startswith("/"):
            self.socket: socket.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(f"{host}/.s.PGSQL.{port}")
        else:
            self.socket = socket.create_connection((host, port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._address = (host, port, timeout)
        self._buffer = b""
        self.key: tuple[int, int] = (0, 0)  #: process id and secret of BackendKeyData
        self.parameters: dict[str, str] = {}  #: latest ParameterStatus by name
        self.status = ""  #: of the latest ReadyForQuery: I, T or E

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *exc) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket without a word; leave() is the orderly end."""
        self.socket.close()

    def leave(self) -> None:
        """Says goodbye, and returns when the other side has closed: the client's place there is free."""
        self.send(fe.terminate())
        self.receive_all()

    def send(self, *messages: bytes) -> None:
        """All in one write."""
        self.socket.sendall(b"".join(messages))

    def receive(self) -> Message:
        """The next message; raises ConnectionClosed, or TimeoutError."""
        head = self._take(5)
        kind, length = struct.unpack("!cI", head)
        message = Message(kind.decode("latin-1"), self._take(length - 4, head))
        self._note(message)
        return message

    def receive_until(self, *kinds: str) -> list[Message]:
        """Messages up to and including the first of one of these kinds."""
        messages = []
        while not messages or messages[-1].kind not in kinds:
            messages.append(self.receive())
        return messages

    def until_ready(self) -> list[Message]:
        return self.receive_until("Z")

    def receive_all(self) -> list[Message]:
        """Everything until the other side closes."""
        messages = []
        try:
            while True:
                messages.append(self.receive())
        except (ConnectionClosed, ConnectionResetError):
            return messages

    def nothing_comes(self, seconds: float = 0.2) -> bool:
        """True when no byte arrives for so long; for what must not happen only."""
        if self._buffer:
            return False
        previous = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self._buffer = self.socket.recv(65536)
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(previous)

    def start_tls(self, context: ssl.SSLContext, server_hostname: str | None = None) -> None:
        self.send(fe.ssl_request())
        if (answer := self._take(1)) != b"S":
            raise RuntimeError(f"the server answered {answer!r} to SSLRequest")
        self.socket = context.wrap_socket(self.socket, server_hostname=server_hostname)

    def login(self, user: str, password: str = "", database: str = "postgres", **parameters: str) -> list[Message]:
        """Startup and authentication; returns what came from AuthenticationOk to ReadyForQuery."""
        self.send(fe.startup({"user": user, "database": database} | parameters))
        scram = ScramClient(password)
        while True:
            message = self.receive()
            if message.kind == "E":
                raise RawError(message)
            if message.kind != "R":
                continue
            code, data = message.value
            if code == 0:
                return _checked([message, *self.receive_until("Z", "E")])
            self._answer(code, data, user, password, scram)

    def query(self, sql: str | bytes) -> list[Message]:
        """Simple query; returns everything up to ReadyForQuery, an ErrorResponse included."""
        self.send(fe.query(sql))
        return self.until_ready()

    def rows(self, sql: str) -> list[list[str | None]]:
        """Simple query; the rows as text. Raises RawError."""
        messages = _checked(self.query(sql))
        return [
            [None if value is None else value.decode() for value in message.value]
            for message in messages if message.kind == "D"
        ]

    def cancel(self) -> None:
        """Asks to cancel, over a connection of its own, and waits until the server closed that."""
        host, port, timeout = self._address
        with RawConnection(host, port, timeout) as other:
            other.send(fe.cancel_request(*self.key))
            other.receive_all()

    def _answer(self, code: int, data: bytes, user: str, password: str, scram: ScramClient) -> None:
        if code == 3:
            self.send(fe.password(password))
        elif code == 5:
            inner = hashlib.md5((password + user).encode()).hexdigest()
            self.send(fe.password("md5" + hashlib.md5(inner.encode() + data).hexdigest()))
        elif code == 10:
            self.send(fe.sasl_initial_response("SCRAM-SHA-256", scram.first_message()))
        elif code == 11:
            self.send(fe.sasl_response(scram.final_message(data)))
        elif code == 12:
            scram.verify(data)
        else:
            raise RuntimeError(f"authentication method {code} is not known here")

    def _note(self, message: Message) -> None:
        if message.kind == "S":
            name, value = message.value
            self.parameters[name] = value
        elif message.kind == "K":
            self.key = message.value
        elif message.kind == "Z":
            self.status = message.value

    def _take(self, count: int, before: bytes = b"") -> bytes:
        while len(self._buffer) < count:
            more = self.socket.recv(max(65536, count - len(self._buffer)))
            if not more:
                raise ConnectionClosed(before + self._buffer)
            self._buffer += more
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data


def _checked(messages: list[Message]) -> list[Message]:
    for message in messages:
        if message.kind == "E":
            raise RawError(message)
    return messages
