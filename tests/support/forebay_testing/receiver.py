"""Somebody by HTTP, who keeps the JSON that Forebay sends."""

import http.server
import json
import socket
import ssl
import threading


class Receiver:
    """Somebody by HTTP on the loopback, who keeps what he is sent. status: what he answers."""

    def __init__(self, port: int = 0, certificate: str | None = None, host: str = "127.0.0.1") -> None:
        self.status = 200
        self.requests: list[tuple[str, dict[str, str], object]] = []  #: path, fields in lower case, body
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fields = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append((self.path, fields, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self._server = Server((host, port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def bodies(self) -> list:
        return [body for _, _, body in self.requests]

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
