"""A PostgreSQL server that follows another one by streaming replication."""

import pathlib
import subprocess

from .daemon import DaemonError
from .postgres import PostgresServer, postgres_binary
from .waiting import wait_until


class ReplicaServer(PostgresServer):
    """A copy of `primary`, which has to run when this is made, and follows it from then on.

    name: what synchronous_standby_names calls it. config: as PostgresServer's. data_directory: where its files go, an
    empty folder of the server user; None: into its own folder.
    """

    def __init__(self, primary: PostgresServer, name: str = "replica", config: dict | None = None,
                 hba: str | None = None, data_directory: str | None = None) -> None:
        self._origin = primary
        self._name = name
        super().__init__(self._followed(primary) | (config or {}), hba, data_directory)
        self.passwords = primary.passwords

    def follow(self, primary: PostgresServer) -> None:
        """From now on it receives from another one; it has to run."""
        self.reload(self._followed(primary))

    def promote(self) -> None:
        """Makes it a primary; returns when it takes writes."""
        self.execute("SELECT pg_promote(true, 30)")

    def demote(self, primary: PostgresServer) -> None:
        """Makes it a replica of `primary` at its next start. It must be stopped."""
        primary.execute("CHECKPOINT")  # until then its control file names the former timeline
        rewound = subprocess.run(
            [postgres_binary("pg_rewind"), "-D", self.data_directory, "--source-server", primary.socket_dsn(), "-N"],
            capture_output=True, text=True, timeout=60, cwd=self.directory, **self._credentials(),
        )
        if rewound.returncode != 0:
            raise DaemonError(f"pg_rewind failed: {rewound.stderr}")
        self._config |= self._followed(primary)
        self.make_standby()

    def make_standby(self) -> None:
        pathlib.Path(self.data_directory, "standby.signal").touch()

    def replayed(self) -> int:
        return self.query("SELECT pg_last_wal_replay_lsn() - '0/0'")[0][0]

    def catch_up(self, timeout: float = 20) -> None:
        """Returns when it shows all that its primary has written until now."""
        end = self._origin.query("SELECT pg_current_wal_flush_lsn() - '0/0'")[0][0]
        wait_until(lambda: self.replayed() >= end, timeout, "the replica has replayed")

    def _followed(self, primary: PostgresServer) -> dict:
        self._origin = primary
        return {"primary_conninfo": f"{primary.socket_dsn()} application_name={self._name}"}

    def _make_data(self) -> None:
        subprocess.run(
            [postgres_binary("pg_basebackup"), "-D", self.data_directory, "-d", self._origin.socket_dsn(),
             "--checkpoint=fast", "--no-sync"],
            check=True, capture_output=True, timeout=60, cwd=self.directory, **self._credentials(),
        )
        self.make_standby()
