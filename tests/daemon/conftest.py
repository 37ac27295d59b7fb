"""A server for the whole run, and daemons with a takeover socket of their own."""

import pytest

from forebay_testing import ForebayDaemon, PostgresServer


@pytest.fixture(scope="session")
def server():
    with PostgresServer() as postgres:
        postgres.create_role("app")
        yield postgres


class Takeover(ForebayDaemon):
    """Takes over from `former`: the same command line, and --takeover."""

    def __init__(self, former: ForebayDaemon, *flags: str) -> None:
        super().__init__(former._server, [*former._flags, "--takeover", *flags])
        self.port = former.port


@pytest.fixture
def daemons(server, tmp_path_factory):
    """daemons(flag, …) starts one that can be taken over from; all end with the test."""
    started = []

    def start(*flags: str) -> ForebayDaemon:
        folder = tmp_path_factory.mktemp("takeover")
        daemon = ForebayDaemon(server, ["--set", f"takeover_socket={folder}/t.sock", *flags])
        return begin(daemon)

    def begin(daemon: ForebayDaemon) -> ForebayDaemon:
        started.append(daemon)
        daemon.start()
        return daemon

    start.begin = begin
    start.successor = lambda former, *flags: begin(Takeover(former, *flags))
    yield start
    for daemon in reversed(started):
        try:
            if daemon.running():
                daemon.stop()
        finally:
            daemon.close()
