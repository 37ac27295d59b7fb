"""What the tests of HTTP share: a daemon that serves it, and a client that shows what came back."""

import dataclasses
import json
import re
import socket

import psycopg
import pytest

from forebay_testing import ForebayDaemon, wait_until
from forebay_testing.fixtures import stop_all

USER = "app"
_PLACE = re.compile(r"HTTP is served on (\S+):(\d+)")


@dataclasses.dataclass
class Reply:
    status: int
    fields: dict[str, str]  #: names in lower case
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        assert self.status == 200, self.text
        return self.json["data"]


class Http:
    """Asks a ForebayDaemon by HTTP; each request on a connection of its own, which the server closes."""

    def __init__(self, daemon: ForebayDaemon) -> None:
        found = wait_until(lambda: _PLACE.search(daemon.log()), 10, "HTTP is served")
        self.host, self.port = found.group(1).strip("[]"), int(found.group(2))

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), 20)

    def raw(self, request: bytes) -> bytes:
        """All that comes back until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return _read_all(connection)

    def ask(self, method: str, path: str, body: bytes = b"", **fields: str) -> Reply:
        """Fields by their names with `_` for `-`; None leaves one out."""
        all_fields = {"Host": f"localhost:{self.port}", "Connection": "close"}
        if method == "POST":
            all_fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        all_fields |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = [f"{name}: {value}" for name, value in all_fields.items() if value is not None]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines]) + "\r\n\r\n"
        return parse(self.raw(head.encode() + body))

    def get(self, path: str, **fields: str) -> Reply:
        return self.ask("GET", path, **fields)

    def post(self, path: str, value: dict | None = None, **fields: str) -> Reply:
        return self.ask("POST", path, b"" if value is None else json.dumps(value).encode(), **fields)

    def metrics(self) -> dict[str, float]:
        """By name and labels, as they are written."""
        reply = self.get("/metrics")
        assert reply.status == 200, reply.text
        return dict(samples_of(reply.text))


def samples_of(page: str) -> list[tuple[str, float]]:
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return [(name, float(value)) for name, value in (line.rsplit(" ", 1) for line in lines)]


def parse(answer: bytes) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return Reply(int(line.split(" ", 2)[1]), named, body)


def _read_all(connection: socket.socket) -> bytes:
    parts = []
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


@pytest.fixture
def start(server):
    """start(*flags, config=None, upstream=None): a daemon of the test's own that serves HTTP, on two threads."""
    running = []

    def run(*flags, config: str | None = None, upstream=None, place: str = "127.0.0.1:0") -> ForebayDaemon:
        daemon = ForebayDaemon(upstream or server, ["--threads", "2", "--admin", place, *flags], config)
        running.append(daemon)
        daemon.start()
        return daemon

    yield run
    stop_all(running, may_have_ended=True)


@pytest.fixture
def connect(server, database):
    """connect(daemon): a new client of the test's database; all are closed at the end."""
    opened = []

    def one(daemon, **options):
        dsn = daemon.dsn(user=USER, dbname=database, password=server.passwords[USER])
        client = psycopg.connect(dsn, **({"autocommit": True, "connect_timeout": 20} | options))
        opened.append(client)
        return client

    yield one
    for client in opened:
        client.close()
