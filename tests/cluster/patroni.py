"""A Patroni cluster: etcd, and PostgreSQL servers that Patroni starts, watches and promotes."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

from forebay_testing import Daemon, PostgresServer, free_port, postgres_binary, wait_until

SCOPE = "forebay"
PASSWORD = "secret-of-patroni"
#: Short, so that a failover takes seconds: a leader that is lost is noticed after `ttl`.
TIMES = {"ttl": 6, "loop_wait": 1, "retry_timeout": 2}


class Etcd(Daemon):
    name = "etcd"

    def __init__(self) -> None:
        super().__init__()
        self.port, self._peer = free_port("127.0.0.1"), free_port("127.0.0.1")

    def command(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self._peer}"
        return ["/usr/bin/etcd", "--name", "one", "--data-dir", str(self.directory / "data"),
                "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"one={peer}", "--log-level", "error"]

    def __exit__(self, kind, error, traceback) -> None:
        self.close()  # its own end is that of the signal it got

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1) as answer:
                return json.load(answer)["health"] == "true"
        except (OSError, ValueError):
            return False


class Member(Daemon):
    """One Patroni and its PostgreSQL."""

    refuses_root = True
    orderly_signal = signal.SIGTERM
    start_timeout = 60.0

    def __init__(self, etcd: Etcd, number: int) -> None:
        self.name = f"patroni{number}"
        super().__init__()
        self.host = "127.0.0.1"
        self.port, self.rest = free_port(self.host), free_port(self.host)
        self._file = self.directory / "patroni.json"  # YAML has JSON in it
        self._file.write_text(json.dumps(self._configuration(etcd)))
        os.chmod(self._file, 0o644)

    def command(self) -> list[str]:
        return ["/usr/bin/patroni", str(self._file)]

    def ready(self) -> bool:
        return self.status().get("state") == "running"

    def status(self) -> dict:
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.rest}/patroni", timeout=2) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def is_primary(self) -> bool:
        return self.status().get("role") in ("master", "primary")

    def ask(self, path: str, body: dict) -> None:
        request = urllib.request.Request(f"http://{self.host}:{self.rest}/{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def kill_all(self) -> None:
        """Patroni and its PostgreSQL at once, as when a machine is lost."""
        postmaster = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in (self.pid, postmaster, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kill()

    def _configuration(self, etcd: Etcd) -> dict:
        where = str(self.directory)
        users = {name: {"username": name, "password": PASSWORD} for name in ("replication", "rewind")}
        users["replication"]["username"] = "replicator"
        users["rewind"]["username"] = "rewinder"
        users["superuser"] = {"username": "postgres", "password": PASSWORD}
        return {
            "scope": SCOPE, "name": self.name,
            "restapi": {"listen": f"{self.host}:{self.rest}", "connect_address": f"{self.host}:{self.rest}"},
            "etcd3": {"hosts": f"127.0.0.1:{etcd.port}"},
            "bootstrap": {
                "dcs": TIMES | {"postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": {
                    "wal_level": "logical", "max_connections": 100, "wal_log_hints": "on", "fsync": "off"}}},
                "initdb": [{"encoding": "UTF8"}, "data-checksums", {"locale": "C.UTF-8"}],
                "pg_hba": ["local all all trust", "local replication all trust", "host all all 127.0.0.1/32 trust",
                           "host replication all 127.0.0.1/32 trust"],
            },
            "postgresql": {
                "listen": f"{self.host}:{self.port}", "connect_address": f"{self.host}:{self.port}",
                "data_dir": f"{where}/data", "bin_dir": str(pathlib.Path(postgres_binary("postgres")).parent),
                "pgpass": f"{where}/pgpass", "authentication": users,
                "parameters": {"unix_socket_directories": where, "shared_buffers": "32MB"},
            },
        }


class PatroniCluster:
    def __init__(self, stack: contextlib.ExitStack, members: int = 3) -> None:
        etcd = stack.enter_context(Etcd())
        self.members: list[Member] = []
        for number in range(members):
            self.members.append(stack.enter_context(_Stopped(etcd, number)))
            wait_until(lambda: any(member.is_primary() for member in self.members), 60, "a primary")
        wait_until(self.is_whole, 60, "all members run")

    @property
    def primary(self) -> Member:
        return wait_until(lambda: next((member for member in self.members
                                        if member.running() and member.is_primary()), None), 60, "a primary")

    def is_whole(self) -> bool:
        roles = [member.status() for member in self.members]
        return all(role.get("state") in ("running", "streaming") for role in roles)

    def execute(self, sql: str, dbname: str = "postgres") -> None:
        import psycopg

        member = self.primary
        dsn = f"host={member.host} port={member.port} user={PostgresServer.superuser} dbname={dbname}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql)

    def switch_over(self) -> None:
        leader = self.primary
        candidate = next(member for member in self.members if member is not leader and member.running())
        leader.ask("switchover", {"leader": leader.name, "candidate": candidate.name})


class _Stopped(Member):
    """Its PostgreSQL may have to be killed with it: a test may have left Patroni in any state."""

    def __exit__(self, kind, error, traceback) -> None:
        try:
            if self.running():
                self.kill_all()
        except OSError:
            pass
        self.close()
