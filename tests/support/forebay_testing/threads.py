"""Which thread of the daemon serves a client."""

from .rawpg import RawConnection


def threads_of(console: RawConnection, clients: list[RawConnection]) -> list[int]:
    """As SHOW CLIENTS has it, asked of a connection to the console."""
    messages = console.query("SHOW CLIENTS")
    names = [column.name for column in messages[0].value]
    shown = [dict(zip(names, message.value)) for message in messages if message.kind == "D"]
    by_port = {int(row["port"]): int(row["thread"]) for row in shown}
    return [by_port[client.socket.getsockname()[1]] for client in clients]
