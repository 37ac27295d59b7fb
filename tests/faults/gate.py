"""A fault gate: a TCP proxy between two real processes that does to them what networks and crashes do.

    with Gate(server.host, server.port) as gate:
        cut = gate.add(Cut(DOWN, at="D", plus=3, how="rst"))   # inside the next row
        …
        assert cut.hit.wait(10)

README.md says what each fault stands for in production. A fault applies to every connection that it fits, present and
future, until it is removed; Cut and Corrupt strike once. The gate reads what passes, so the connection must not be
encrypted.
"""

import asyncio
import contextlib
import dataclasses
import socket
import struct
import threading

from framing import BackendFramer, FrontendFramer

UP = "up"  #: from whoever connected to the gate
DOWN = "down"  #: towards whoever connected to the gate

_CHUNK = 65536
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@dataclasses.dataclass(eq=False, kw_only=True)
class Fault:
    way: str = dataclasses.field(kw_only=False)
    user: str | None = None  #: only connections that log in as this role
    kind: str | None = None  #: only "session" or only "cancel" connections
    hit: threading.Event = dataclasses.field(default_factory=threading.Event)  #: set when it first had an effect

    def fits(self, link: "Link", way: str) -> bool:
        frontend = link.frontend
        return (self.way == way and (self.user is None or frontend.parameters.get("user") == self.user)
                and (self.kind is None or frontend.kind == self.kind))


@dataclasses.dataclass(eq=False, kw_only=True)
class Delay(Fault):
    """Every piece arrives this much later."""

    seconds: float


@dataclasses.dataclass(eq=False, kw_only=True)
class Throttle(Fault):
    """Not more than this; `piece` bytes at a time."""

    bytes_per_second: float
    piece: int = 1024


@dataclasses.dataclass(eq=False, kw_only=True)
class Stall(Fault):
    """Nothing passes any more, the end of the connection included, and neither side is told."""


@dataclasses.dataclass(eq=False, kw_only=True)
class Strike(Fault):
    """Something that happens once: `plus` bytes into the next message of type `at`, or into the connection."""

    at: str | None = None
    plus: int = 0
    answering: bytes | None = None  #: only while what went up last has this in it

    def fits(self, link: "Link", way: str) -> bool:
        return super().fits(link, way) and (self.answering is None or self.answering in link.last_up)


@dataclasses.dataclass(eq=False, kw_only=True)
class Cut(Strike):
    """Both sides lose the connection: how is "fin" (in order) or "rst" (reset)."""

    how: str = "fin"


@dataclasses.dataclass(eq=False, kw_only=True)
class Corrupt(Strike):
    """One byte changes: exclusive or with `mask`."""

    mask: int = 0xFF


class Link:
    """One connection through the gate. Used by the gate's thread."""

    def __init__(self) -> None:
        self.frontend = FrontendFramer()
        self.framers = {UP: self.frontend, DOWN: BackendFramer(self.frontend)}
        self.passed = {UP: 0, DOWN: 0}
        self.last_up = b""
        self.writers: dict[str, asyncio.StreamWriter] = {}

    def close(self, how: str) -> None:
        for writer in self.writers.values():
            if how == "rst":
                connection = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                writer.transport.abort()
            else:
                writer.close()


class Gate:
    """Listens on a free port of 127.0.0.1 and passes on to (host, port). Its methods may be called from any thread."""

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._target = (host, port)
        self._faults: list[Fault] = []
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._changed: asyncio.Event
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)

    def __enter__(self) -> "Gate":
        self._thread.start()
        self._run(self._begin())
        return self

    def __exit__(self, *exc) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def add(self, fault: Fault) -> Fault:
        self._run(self._add(fault))
        return fault

    def remove(self, fault: Fault) -> None:
        self._run(self._remove(fault))

    @contextlib.contextmanager
    def fault(self, fault: Fault):
        """`with gate.fault(Stall(DOWN)):` lasts as long as the block."""
        self.add(fault)
        try:
            yield fault
        finally:
            self.remove(fault)

    def cut_all(self, how: str = "rst") -> None:
        """Ends every connection there is; new ones are welcome."""
        self._run(self._cut_all(how))

    def refuse(self) -> None:
        """Nobody listens any more: connecting fails at once. Connections that exist go on."""
        self._run(self._stop_listening())

    def accept(self) -> None:
        """Listens again, on the same port."""
        self._run(self._listen())

    def links(self, user: str | None = None) -> int:
        """Connections that pass through at present."""
        return self._run(self._count(user))

    # The gate's own thread.

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _begin(self) -> None:
        self._changed = asyncio.Event()
        await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._on_connection, self.host, self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    async def _end(self) -> None:
        for fault in list(self._faults):
            await self._remove(fault)
        await self._stop_listening()
        await self._cut_all("rst")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _add(self, fault: Fault) -> None:
        self._faults.append(fault)

    async def _remove(self, fault: Fault) -> None:
        if fault in self._faults:
            self._faults.remove(fault)
        self._changed.set()
        self._changed = asyncio.Event()

    async def _cut_all(self, how: str) -> None:
        for link in list(self._links):
            link.close(how)

    async def _count(self, user: str | None) -> int:
        return sum(user is None or link.frontend.parameters.get("user") == user for link in self._links)

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        link = Link()
        link.writers[DOWN] = writer
        try:
            target_reader, link.writers[UP] = await asyncio.open_connection(*self._target)
        except OSError:
            link.close("rst")
            self._tasks.discard(task)
            return
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, UP, reader), self._pump(link, DOWN, target_reader))
            link.close("fin")
        except (OSError, asyncio.CancelledError):
            await self._unstalled(link, DOWN)
            link.close("rst")
        finally:
            self._links.discard(link)
            self._tasks.discard(task)

    async def _pump(self, link: Link, way: str, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_CHUNK):
            strike, where = self._find_strike(link, way, data)
            for piece in self._pieces(link, way, data, strike, where):
                await self._pass(link, way, piece)
            if isinstance(strike, Cut):
                link.close(strike.how)
                return
        await self._unstalled(link, way)
        with contextlib.suppress(OSError):
            link.writers[way].write_eof()

    def _find_strike(self, link: Link, way: str, data: bytes) -> tuple[Strike | None, int]:
        begins = link.framers[way].feed(data)
        start = link.passed[way]
        link.passed[way] += len(data)
        if way == UP:
            link.last_up = data
        for fault in self._faults:
            if not isinstance(fault, Strike) or not fault.fits(link, way):
                continue
            where = self._place(fault, begins, start, len(data))
            if where is None:
                continue
            self._faults.remove(fault)
            fault.hit.set()
            return fault, where
        return None, 0

    @staticmethod
    def _place(fault: Strike, begins: list[tuple[int, str]], start: int, size: int) -> int | None:
        """Where in a piece of `size` bytes, which is the connection's from `start` on, the fault strikes."""
        if fault.at is None:
            return fault.plus - start if start <= fault.plus < start + size else None
        return next((min(offset + fault.plus, size) for offset, kind in begins if kind == fault.at and offset >= 0), None)

    def _pieces(self, link: Link, way: str, data: bytes, strike: Strike | None, where: int) -> list[bytes]:
        if isinstance(strike, Cut):
            data = data[:where]
        elif isinstance(strike, Corrupt) and where < len(data):
            changed = bytearray(data)
            changed[where] ^= strike.mask
            data = bytes(changed)
        throttles = [fault for fault in self._faults if isinstance(fault, Throttle) and fault.fits(link, way)]
        size = min((fault.piece for fault in throttles), default=_CHUNK)
        return [data[at : at + size] for at in range(0, len(data), size)]

    async def _pass(self, link: Link, way: str, piece: bytes) -> None:
        for fault in list(self._faults):
            if not fault.fits(link, way):
                continue
            if isinstance(fault, Delay):
                fault.hit.set()
                await asyncio.sleep(fault.seconds)
            elif isinstance(fault, Throttle):
                fault.hit.set()
                await asyncio.sleep(len(piece) / fault.bytes_per_second)
        await self._unstalled(link, way)
        link.writers[way].write(piece)
        await link.writers[way].drain()

    async def _unstalled(self, link: Link, way: str) -> None:
        while True:
            stalls = [fault for fault in self._faults if isinstance(fault, Stall) and fault.fits(link, way)]
            if not stalls:
                return
            for fault in stalls:
                fault.hit.set()
            await self._changed.wait()
