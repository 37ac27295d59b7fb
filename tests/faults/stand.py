"""PostgreSQL, Forebay and the gates between, and what must be true of them after every fault."""

import contextlib

import psycopg
from psycopg.rows import dict_row

from forebay_testing import ForebayDaemon, PostgresServer, wait_until
from forebay_testing import frontend_messages as fe
from forebay_testing.rawpg import RawConnection

from gate import Gate

USER = "app"
_SESSIONS = ("SELECT pid, state, application_name, query FROM pg_stat_activity"
             " WHERE usename = %s AND datname = 'postgres' ORDER BY pid")


class Stand:
    """A daemon with `size` backends for each pool, in front of `server`, with a gate on either side of it.

    `gate` stands between Forebay and the server, `client_gate` between clients and Forebay. Clients connect past the
    latter unless they ask for it.
    """

    def __init__(self, server: PostgresServer, size: int = 2, mode: str = "transaction", overflow: int = 0, flags=()) -> None:
        self.server = server
        self.size = size
        self.gate = Gate(server.host, server.port)
        self._mode = mode
        self._overflow = overflow
        self._flags = list(flags)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Stand":
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.gate)
            url = f"postgres://postgres:{self.server.passwords['postgres']}@{self.gate.host}:{self.gate.port}"
            limits = ["--pool-mode", self._mode, "--pool-size", self.size, "--pool-overflow", self._overflow]
            upstream = url + "?sslmode=disable"
            self.forebay = stack.enter_context(ForebayDaemon(upstream, limits + self._flags))
            self.client_gate = stack.enter_context(Gate(self.forebay.host, self.forebay.port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc) -> None:
        self._stack.__exit__(*exc)

    def raw(self, user: str = USER, gated: bool = False, timeout: float = 20, **parameters: str) -> RawConnection:
        """A client that is logged in."""
        raw = self.stranger(gated, timeout)
        try:
            raw.login(user, self.server.passwords[user], **parameters)
        except BaseException:
            raw.close()
            raise
        return raw

    def stranger(self, gated: bool = False, timeout: float = 20) -> RawConnection:
        """A client that is connected and has said nothing yet."""
        place = self.client_gate if gated else self.forebay
        return RawConnection(place.host, place.port, timeout)

    def sessions(self, user: str = USER) -> list[tuple]:
        """(pid, state, application_name, query) of the server's sessions of this role in database postgres."""
        return self.server.query(_SESSIONS, (user,))

    def running(self, text: str, user: str = USER) -> int:
        """Waits until a session runs a statement that contains `text`; its process id."""
        def find():
            return next((pid for pid, state, _, query in self.sessions(user) if state == "active" and text in query), 0)
        return wait_until(find, 15, f"{text!r} runs on the server")

    def backends(self, user: str = USER) -> list[dict]:
        """What SHOW SERVERS says of those of this role."""
        dsn = self.forebay.dsn(dbname="forebay", password=self.server.passwords["postgres"])
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as console:
            return [row for row in console.execute("SHOW SERVERS") if row["user"] == user]

    def known(self, user: str = USER) -> set[int]:
        """Process ids of Forebay's backends of this role. What the gate has not passed on yet of the end of one would
        be the answer of whoever is lent it."""
        return {row["remote_pid"] for row in self.backends(user)}

    def settled(self, user: str = USER) -> None:
        """Waits until every session on the server is idle and outside a transaction, and no more than the pool's."""
        def quiet():
            sessions = self.sessions(user)
            return len(sessions) <= self.size and all(state == "idle" for _, state, *_ in sessions)
        wait_until(quiet, 15, "all backends idle")

    def check(self, size: int | None = None) -> None:
        """Nothing was lost and nothing is dirty: as many clients as the pool has backends are served at once, each by
        a backend of its own in a clean session; one more has to wait, and is served as soon as one is free.
        """
        size = size or self.size
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.raw()) for _ in range(size + 1)]
            pids = {self._begin(client) for client in clients[:size]}
            assert len(pids) == size, f"{size} transactions at once share {len(pids)} backends"
            assert self._server_side_count(pids) == size
            waiting = clients[size]
            waiting.send(fe.query("SELECT 'served'"))
            assert waiting.nothing_comes(0.2), "a client was served although every backend was taken"
            if self._mode == "session":
                clients[0].close()
            else:
                clients[0].query("COMMIT")
            assert [message.kind for message in waiting.until_ready()] == ["T", "D", "C", "Z"]
            for client in clients[1:size]:
                client.query("COMMIT")

    def _server_side_count(self, pids: set[int]) -> int:
        """Sessions that the server has; those that Forebay has closed may take a moment to go."""
        wait_until(lambda: len(self.sessions()) <= len(pids), 15, "superfluous sessions gone from the server")
        return len(pids & {pid for pid, *_ in self.sessions()})

    @staticmethod
    def _begin(client: RawConnection) -> int:
        client.query("BEGIN")
        assert client.status == "T"
        [[pid, zone, temporary, locks, statements]] = client.rows(
            "SELECT pg_backend_pid(), current_setting('TimeZone'), pg_my_temp_schema() = 0 OR NOT EXISTS (SELECT 1 FROM"
            " pg_class WHERE relnamespace = pg_my_temp_schema()), (SELECT count(*) FROM pg_locks WHERE locktype ="
            " 'advisory' AND pid = pg_backend_pid()), (SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE"
            " '\\_fb%')")
        assert (zone, temporary, locks, statements) == ("UTC", "t", "0", "0"), "the session is not clean"
        return int(pid)
