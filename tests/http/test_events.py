"""Server-sent events: an overview each second, for a bounded number of readers (C7, B22)."""

import contextlib
import json
import time

from conftest import Http
from forebay_testing import wait_until

REQUEST = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Events:
    """A reader of events on a connection of its own."""

    def __init__(self, http: Http) -> None:
        self._connection = http.connect()
        self._connection.sendall(REQUEST)
        self._file = self._connection.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.fields = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            self.fields[name.lower()] = value

    def next(self) -> dict[str, str]:
        event = {}
        while line := self._file.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            event[name] = value
        return event

    def close(self) -> None:
        self._file.close()
        self._connection.close()


def test_an_overview_comes_each_second(start, connect):
    daemon = start()
    with contextlib.closing(Events(Http(daemon))) as events:
        assert (events.status, events.fields["content-type"]) == (200, "text/event-stream")
        first = events.next()
        assert first["event"] == "overview"
        connect(daemon).execute("SELECT 1")
        second = events.next()
        assert int(second["id"]) > int(first["id"])
        last = json.loads(second["data"])
        while last["clients"]["idle"] != 1:
            last = json.loads(events.next()["data"])
        assert last["traffic"]["queries"] >= 1


def test_readers_are_bounded_and_make_room_when_they_go(start):
    http = Http(start())
    readers = [Events(http) for _ in range(16)]
    try:
        assert {reader.status for reader in readers} == {200}
        with contextlib.closing(Events(http)) as late:
            assert late.status == 503
        readers.pop().close()

        def has_room():
            with contextlib.closing(Events(http)) as next_one:
                return next_one.status == 200

        wait_until(has_room, 15, "room for another reader", interval=0.2)
        assert readers[0].next()["event"] == "overview"
    finally:
        for reader in readers:
            reader.close()


def test_the_process_ends_though_somebody_reads(start):
    """Neither a reader, nor a request that is half there, nor an idle connection holds up the end."""
    daemon = start()
    http = Http(daemon)
    with contextlib.closing(Events(http)) as events, http.connect() as half, http.connect():
        began = time.monotonic()
        half.sendall(b"GET /health/live HTTP/1.1\r\nHost")
        events.next()
        daemon.stop()
        assert time.monotonic() - began < 10, "a request has ten seconds, a reader no end"


def test_a_reader_that_reads_nothing_does_not_hold_up_others(start):
    http = Http(start())
    with http.connect() as lazy:
        lazy.sendall(REQUEST)
        with contextlib.closing(Events(http)) as events:
            numbers = [int(events.next()["id"]) for _ in range(3)]
    assert numbers == sorted(set(numbers))
    assert http.get("/health/live").status == 200
