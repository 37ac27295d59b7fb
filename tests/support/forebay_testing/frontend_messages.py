"""Messages from a client to a server, as bytes: https://www.postgresql.org/docs/15/protocol-message-formats.html"""

import struct

PROTOCOL_3_0 = 3 << 16
SSL_REQUEST_CODE = 1234 << 16 | 5679
GSS_REQUEST_CODE = 1234 << 16 | 5680
CANCEL_REQUEST_CODE = 1234 << 16 | 5678


def message(kind: str, body: bytes = b"") -> bytes:
    """Any message with a type byte; the length is right."""
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def startup(parameters: dict[str, str], version: int = PROTOCOL_3_0) -> bytes:
    pairs = b"".join(_text(key) + _text(value) for key, value in parameters.items())
    return _untyped(struct.pack("!I", version) + pairs + b"\0")


def ssl_request() -> bytes:
    return _untyped(struct.pack("!I", SSL_REQUEST_CODE))


def gss_request() -> bytes:
    return _untyped(struct.pack("!I", GSS_REQUEST_CODE))


def cancel_request(pid: int, secret: int) -> bytes:
    return _untyped(struct.pack("!III", CANCEL_REQUEST_CODE, pid, secret))


def query(sql: str | bytes) -> bytes:
    return message("Q", _text(sql))


def parse(sql: str | bytes, name: str = "", types: tuple[int, ...] = ()) -> bytes:
    return message("P", _text(name) + _text(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(values=(), statement: str = "", portal: str = "", formats=(), result_formats=()) -> bytes:
    """values: None for NULL, bytes as they are, anything else as its text."""
    body = _text(portal) + _text(statement)
    body += struct.pack(f"!H{len(formats)}H", len(formats), *formats)
    body += struct.pack("!H", len(values)) + b"".join(_value(value) for value in values)
    return message("B", body + struct.pack(f"!H{len(result_formats)}H", len(result_formats), *result_formats))


def describe(kind: str, name: str = "") -> bytes:
    """kind: "S" for a statement, "P" for a portal; likewise in close()."""
    return message("D", kind.encode() + _text(name))


def execute(portal: str = "", limit: int = 0) -> bytes:
    return message("E", _text(portal) + struct.pack("!I", limit))


def close(kind: str, name: str = "") -> bytes:
    return message("C", kind.encode() + _text(name))


def flush() -> bytes:
    return message("H")


def sync() -> bytes:
    return message("S")


def terminate() -> bytes:
    return message("X")


def copy_data(data: bytes) -> bytes:
    return message("d", data)


def copy_done() -> bytes:
    return message("c")


def copy_fail(reason: str) -> bytes:
    return message("f", _text(reason))


def function_call(oid: int, arguments=(), formats=(), result_format: int = 0) -> bytes:
    body = struct.pack(f"!IH{len(formats)}H", oid, len(formats), *formats)
    body += struct.pack("!H", len(arguments)) + b"".join(_value(argument) for argument in arguments)
    return message("F", body + struct.pack("!H", result_format))


def password(text: str) -> bytes:
    return message("p", _text(text))


def sasl_initial_response(mechanism: str, data: bytes) -> bytes:
    return message("p", _text(mechanism) + struct.pack("!I", len(data)) + data)


def sasl_response(data: bytes) -> bytes:
    return message("p", data)


def _untyped(body: bytes) -> bytes:
    return struct.pack("!I", len(body) + 4) + body


def _text(value: str | bytes) -> bytes:
    return (value.encode() if isinstance(value, str) else value) + b"\0"


def _value(value) -> bytes:
    if value is None:
        return struct.pack("!i", -1)
    data = value if isinstance(value, bytes) else str(value).encode()
    return struct.pack("!i", len(data)) + data
