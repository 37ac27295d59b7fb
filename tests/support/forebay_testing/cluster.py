"""A primary and its replicas, which change places."""

import contextlib

from .forebay import ForebayDaemon
from .ports import free_port
from .postgres import PostgresServer
from .replica import ReplicaServer
from .waiting import wait_until

#: wal_log_hints, full_page_writes: for pg_rewind. Its log stays long enough for a replica that was cut off for a while.
_CONFIG = {"wal_log_hints": "on", "full_page_writes": "on", "wal_keep_size": "256MB", "max_wal_senders": 10}
#: No commit is acknowledged that not one of the standbys has.
SYNCHRONOUS = {"synchronous_standby_names": "ANY 1 (*)"}
_INTERVAL = 0.05  # seconds between questions to the console


class PostgresCluster:
    """Servers by their place in the configuration: 0 is the upstream, the first primary.

    config: settings of all of them; hba: as PostgresServer's; addresses: of each server, several with commas, where
    all have one port; otherwise they differ in that.
    """

    def __init__(self, stack: contextlib.ExitStack, replicas: int = 2, config: dict | None = None,
                 hba: str | None = None, addresses: list[str] | None = None) -> None:
        self._stack = stack
        self._config = _CONFIG | (config or {})
        self._hba = hba
        self._addresses = addresses
        self.servers: list[PostgresServer] = []
        self.primary: PostgresServer = self._add(lambda settings: _FirstPrimary(settings, hba))
        for _ in range(replicas):
            self.add_replica()

    def _add(self, make):
        place = len(self.servers)
        if self._addresses:
            server = make(self._config | {"listen_addresses": self._addresses[place]})
            server.host = self._addresses[place].split(",")[0]
            server.port = self.servers[0].port if place else free_port(server.host)
        else:
            server = make(self._config)
        self.servers.append(self._stack.enter_context(server))
        return server

    def add_replica(self, data_directory: str | None = None) -> ReplicaServer:
        """data_directory: as ReplicaServer's."""
        name = f"replica{len(self.servers)}"
        return self._add(lambda settings: ReplicaServer(self.primary, name, settings, self._hba, data_directory))

    @property
    def replicas(self) -> list[PostgresServer]:
        return [server for server in self.servers if server is not self.primary]

    def make_synchronous(self) -> None:
        """From now on whichever is the primary acknowledges only what a standby has as well."""
        for server in self.servers:
            server.reload(SYNCHRONOUS)

    def replica_flags(self) -> list[str]:
        """For a Forebay whose upstream is the first server."""
        return [word for server in self.servers[1:] for word in ("--replica", f"{server.host}:{server.port}")]

    # What Forebay says of them.

    def states(self, daemon: ForebayDaemon) -> dict[int, str]:
        return {place: row["state"] for place, row in enumerate(daemon.show("topology"))}

    def wait_until_up(self, daemon: ForebayDaemon, timeout: float = 60) -> None:
        up = {place: "up" for place in range(len(self.servers))}
        wait_until(lambda: self.states(daemon) == up, timeout, "all servers are up", _INTERVAL)

    # Places change.

    def newest_replica(self) -> PostgresServer:
        """The one that has most: what a synchronous standby has confirmed must not be thrown away."""
        return max(self.replicas, key=lambda server: server.query(
            "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'")[0][0])

    def promote(self, new: PostgresServer) -> PostgresServer:
        """Makes a replica the primary, which the others follow; returns the former one, which must be stopped."""
        new.promote()
        return self.follow(new)

    def follow(self, new: PostgresServer) -> PostgresServer:
        """The replicas that run follow one of them that has been promoted; returns the former primary."""
        former, self.primary = self.primary, new
        for other in self.replicas:
            if other is not former:
                other.follow(new)
        return former

    def take_back(self, former: PostgresServer) -> None:
        """A former primary, which must be stopped, is rewound and starts as a replica."""
        former.demote(self.primary)
        former.start()

    def switch_over(self, daemon: ForebayDaemon, new: PostgresServer) -> PostgresServer:
        """As docs/replicas.md says, by hand; returns the former primary, which is stopped."""
        daemon.console("PAUSE")
        try:
            self.primary.stop()
            former = self.promote(new)
            place = self.servers.index(new)
            wait_until(lambda: self._is_primary(daemon, place), 20, "the new primary is found", _INTERVAL)
        finally:
            daemon.console("RESUME")
        return former

    def _is_primary(self, daemon: ForebayDaemon, place: int) -> bool:
        row = daemon.show("topology")[place]
        return (row["role"], row["state"]) == ("primary", "up")


class _FirstPrimary(ReplicaServer):
    """It may have to become a replica."""

    def __init__(self, config: dict, hba: str | None) -> None:
        self._name = "replica0"
        PostgresServer.__init__(self, config, hba)

    def _make_data(self) -> None:
        PostgresServer._make_data(self)
