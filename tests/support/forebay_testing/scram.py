"""The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding."""

import base64
import hashlib
import hmac
import os


class ScramError(Exception):
    """The server did not prove that it knows the password, or said something that makes no sense."""


class ScramClient:
    """first_message() -> server's first -> final_message(…) -> server's final -> verify(…)."""

    def __init__(self, password: str, nonce: str | None = None) -> None:
        self._password = password.encode()
        self._nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self._bare = f"n=,r={self._nonce}"
        self._server_signature = b""

    def first_message(self) -> bytes:
        return b"n,," + self._bare.encode()

    def final_message(self, server_first: bytes) -> bytes:
        attributes = _attributes(server_first)
        if not attributes["r"].startswith(self._nonce):
            raise ScramError("the server's nonce does not start with ours")
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password, base64.b64decode(attributes["s"]), int(attributes["i"])
        )
        without_proof = f"c=biws,r={attributes['r']}"
        signed = ",".join((self._bare, server_first.decode(), without_proof)).encode()
        client_key = _hmac(salted, b"Client Key")
        client_signature = _hmac(hashlib.sha256(client_key).digest(), signed)
        self._server_signature = _hmac(_hmac(salted, b"Server Key"), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, client_signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        if base64.b64decode(_attributes(server_final)["v"]) != self._server_signature:
            raise ScramError("the server's signature is wrong")


def _attributes(text: bytes) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.decode().split(","))


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
