"""Who has answered reads: replicas, memory, or the primary."""

import threading

from forebay_testing import ForebayDaemon

_BETWEEN_LOOKS = 0.2  # seconds


class Shares(threading.Thread):
    """Adds up, while the block runs, what the console says: a server that changes its role, and a cache that begins
    anew at another primary, would otherwise be counted wrongly.
    """

    def __init__(self, daemon: ForebayDaemon, database: str) -> None:
        super().__init__(daemon=True)
        self._daemon = daemon
        self._database = database
        self._ended = threading.Event()
        self._servers: dict[str, tuple[str, int]] = {}  # role and reads, when they were last looked at
        self._hits = 0
        self.by_replicas = 0  #: batches: with a statement, with many, or one that only prepares
        self.from_memory = 0

    def __enter__(self) -> "Shares":
        self._look()
        self.by_replicas = self.from_memory = 0
        self.start()
        return self

    def __exit__(self, *exc) -> None:
        self.finish()

    def finish(self) -> None:
        """Looks for the last time."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        while not self._ended.wait(_BETWEEN_LOOKS):
            self._look()
        self._look()

    def _look(self) -> None:
        for row in self._daemon.show("topology"):
            now = row["role"], int(row["assignments"])
            before = self._servers.get(row["server"], now)
            self._servers[row["server"]] = now
            if before[0] == now[0] == "replica":
                self.by_replicas += now[1] - before[1]
        hits = sum(int(row["hits"]) for row in self._daemon.show("cache") if row["database"] == self._database)
        self.from_memory += hits - self._hits if hits >= self._hits else hits
        self._hits = hits
