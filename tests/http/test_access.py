"""Who may do what, and what is refused (C14, L14, P6)."""

import base64
import contextlib
import hashlib
import hmac
import re
import select
import socket

import pytest

from conftest import Http
from forebay_testing import DaemonError, ForebayDaemon

VIEWER, ADMIN = "viewer-token-0123456789", "admin-token-9876543210"
TOKENS = f"viewer_tokens: [{VIEWER}], admin_tokens: [other-admin-token-1, {ADMIN}]"


def bearer(token: str) -> str:
    return f"Bearer {token}"


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_somebody_local_may_look_and_no_more(start):
    http = Http(start())
    assert http.get("/api/v1/overview").status == 200
    reply = http.post("/api/v1/pause")
    assert (reply.status, reply.json["error"]["code"]) == (401, "unauthorized")
    assert "WWW-Authenticate".lower() in reply.fields
    assert http.get("/api/v1/overview").data["paused"] is False


def test_tokens_open_what_they_are_for(start):
    http = Http(start(config=f"http: {{anonymous: none, {TOKENS}}}\n"))
    for path in ("/metrics", "/api/v1/overview", "/health/detailed", "/api/v1/openapi.json"):
        assert http.get(path).status == 401, path
        for token in (VIEWER, ADMIN):
            reply = http.get(path, Authorization=bearer(token))
            # Until the server has answered for the first time nothing is known of it.
            assert reply.status == 200 or path == "/health/detailed" and "reasons" in reply.json
    assert http.get("/health/ready").status in (200, 503)
    assert http.get("/health/live").status == 200
    assert http.post("/api/v1/pause", Authorization=bearer(VIEWER)).status == 403
    assert http.post("/api/v1/pause", Authorization=bearer(ADMIN)).status == 200
    assert http.post("/api/v1/resume", Authorization=bearer(ADMIN)).status == 200


@pytest.mark.parametrize("said", [
    bearer("wrong-token-0123456789"), bearer(VIEWER[:-1]), bearer(VIEWER + "x"), bearer(""), "Bearer", VIEWER,
    basic("nobody", "x"), "Basic !!!", "Basic ", "Digest x", basic(VIEWER, VIEWER),
])
def test_what_is_wrong_is_refused_even_where_nothing_was_needed(start, said):
    http = Http(start(config=f"http: {{{TOKENS}}}\n"))
    reply = http.get("/api/v1/overview", Authorization=said)
    assert (reply.status, reply.json["error"]["code"]) == (401, "unauthorized")


def test_users_of_the_console_come_in_by_their_passwords(start, server):
    config = """
    admin: {users: [boss], stats_users: [looker]}
    users:
      boss: {password: boss-password}
      looker: {password: looker-password}
      other: {password: other-password}
    http: {anonymous: none}
    """
    http = Http(start(config=config))
    boss, looker = basic("boss", "boss-password"), basic("looker", "looker-password")
    assert http.get("/api/v1/overview", Authorization=looker).status == 200
    assert http.post("/api/v1/cache/clear", Authorization=looker).status == 403
    assert http.post("/api/v1/cache/clear", Authorization=boss).status == 200
    for said in (basic("boss", "looker-password"), basic("other", "other-password"), basic("boss", "")):
        assert http.get("/api/v1/overview", Authorization=said).status == 401


def test_the_upstreams_user_is_the_administrator_where_none_is_named(start, server):
    name, password = server.superuser, server.passwords.get(server.superuser)
    if password is None:
        pytest.skip("the superuser has no password here")
    http = Http(start())
    assert http.post("/api/v1/cache/clear", Authorization=basic(name, password)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9187", "127.0.0.1.evil.example", "localhost.evil", ""])
def test_a_name_that_was_pointed_here_is_refused(start, host):
    """DNS rebinding: the page of another site reaches the loopback address under that site's name."""
    http = Http(start())
    reply = http.get("/api/v1/overview", Host=host)
    assert (reply.status, reply.json["error"]["code"]) == (403, "foreign")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:9187", "127.0.0.1"])
def test_names_of_this_machine_are_taken(start, host):
    assert Http(start()).get("/api/v1/overview", Host=host).status == 200


def test_pages_of_others_cannot_act(start):
    """CSRF: a browser sends forms by itself, and JSON only after it has asked, which is never granted."""
    http = Http(start("--set", "http.anonymous=admin"))
    own = f"http://localhost:{http.port}"
    refused = [
        {"Content_Type": "application/x-www-form-urlencoded"}, {"Content_Type": "text/plain"}, {"Content_Type": None},
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"https://localhost:{http.port}"},
        {"Origin": "http://localhost:1"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
        {"Origin": own + ".evil.example"},
    ]
    for fields in refused:
        reply = http.post("/api/v1/pause", **fields)
        assert (reply.status, reply.json["error"]["code"]) == (403, "foreign"), fields
    assert http.get("/api/v1/overview").data["paused"] is False
    assert http.ask("OPTIONS", "/api/v1/pause", Origin="http://evil.example").status == 405
    for fields in ({"Origin": own}, {"Origin": own, "Sec_Fetch_Site": "same-origin"},
                   {"Content_Type": "Application/JSON; charset=utf-8"}):
        assert http.post("/api/v1/pause", **fields).status == 200, fields
    assert http.get("/api/v1/pause").status == 405


def test_browsers_are_told_to_be_careful(start):
    reply = Http(start()).get("/api/v1/overview")
    assert reply.fields["x-content-type-options"] == "nosniff"
    assert reply.fields["x-frame-options"] == "DENY"
    assert "default-src 'none'" in reply.fields["content-security-policy"]
    assert reply.fields["cache-control"] == "no-store"
    assert not any(name.startswith("access-control") for name in reply.fields)


@pytest.mark.parametrize("config, said", [
    ("http: {listen: '0.0.0.0:0'}\n", "http.admin_tokens"),
    ("http: {listen: '[::]:0'}\n", "http.admin_tokens"),
    (f"http: {{listen: '0.0.0.0:0', anonymous: viewer, {TOKENS}}}\n", "http.anonymous"),
    ("http: {listen: 'unix:/tmp'}\n", "TCP only"),
    ("http: {admin_tokens: [short]}\n", "at least 16"),
])
def test_an_open_door_is_refused_at_the_start(server, config, said):
    with pytest.raises(DaemonError) as failed:
        with ForebayDaemon(server, config=config):
            pass
    assert said in str(failed.value)


def test_other_machines_need_a_token(start):
    """Asked by an address that is not the loopback's, somebody of this machine counts as one of another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
            own = probe.getsockname()[0]
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
    if own.startswith("127."):
        pytest.skip("this machine has no address but the loopback's")
    http = Http(start(place="0.0.0.0:0", config=f"http: {{{TOKENS}}}\n"))
    http.host = own
    assert http.get("/api/v1/overview").status == 401
    assert http.get("/health/live").status == 200
    assert http.get("/api/v1/overview", Host="metrics.example", Authorization=bearer(VIEWER)).status == 200
    assert http.get("/api/v1/overview", Authorization=basic("boss", "x")).status == 401


def test_pages_of_others_do_not_even_look(start):
    """They could not read it, but it costs, and streams of events are few."""
    http = Http(start("--set", "http.viewer_tokens=a-secret-of-sixteen-letters"))
    for path in ("/api/v1/cache", "/metrics", "/api/v1/events"):
        assert http.get(path, Sec_Fetch_Site="cross-site").status == 403, path
    assert http.get("/api/v1/cache", Sec_Fetch_Site="same-origin").status == 200
    assert http.get("/health/live", Sec_Fetch_Site="cross-site").status == 200
    token = bearer("a-secret-of-sixteen-letters")
    assert http.get("/api/v1/cache", Sec_Fetch_Site="cross-site", Authorization=token).status == 200


@pytest.mark.parametrize("field", ["Forwarded", "X_Forwarded_For", "X_Real_IP", "Via"])
def test_who_is_behind_a_proxy_is_not_of_this_machine(start, field):
    http = Http(start())
    assert http.get("/api/v1/overview").status == 200
    assert http.get("/api/v1/overview", **{field: "203.0.113.9"}).status == 401


def test_what_a_proxy_may_take_for_another_request_is_refused(start):
    http = Http(start())
    for fields in (b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n", b"Transfer-Encoding: gzip\r\n",
                   b"Host: other\r\n"):
        sent = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n"
        assert http.raw(sent).startswith(b"HTTP/1.1 400 "), fields


@pytest.mark.parametrize("target", ["http://LOCALHOST:9187/api/v1/overview", "https://localhost:9187/api/v1/overview"])
def test_a_target_in_absolute_form_was_not_found(start, target):
    """As a proxy sends it, and any server has to take it (RFC 9112, 3.2.2); its host goes before the field."""
    http = Http(start())

    def answered(target: str, host: str) -> int:
        sent = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        return int(http.raw(sent).split()[1])

    assert answered(target, "localhost:9187") == answered(target, "evil.example") == 200
    assert answered("http://evil.example/api/v1/overview", "localhost:9187") == 403


def test_refused_logins_were_not_in_the_log(start):
    """Who tried, and as whom; of a token or a password nothing. A storm of them is summed up."""
    users = "admin: {users: [boss]}\nusers: {boss: {password: boss-password}}\n"
    daemon = start(config=f"http: {{{TOKENS}}}\n{users}")
    http = Http(daemon)
    assert http.get("/api/v1/overview", Authorization=basic("boss", "a-guess")).status == 401
    line = next(line for line in daemon.log().splitlines() if "HTTP login refused" in line)
    assert re.search(r" warning HTTP login refused client=127\.0\.0\.1:\d+ user=boss path=/api/v1/overview ", line)
    assert http.get("/metrics", Authorization=bearer("another-guess-0123")).status == 401
    assert http.get("/metrics", Authorization=bearer(VIEWER)).status == 200
    assert http.post("/api/v1/pause").status == 401
    lines = [line for line in daemon.log().splitlines() if "HTTP login refused" in line]
    assert len(lines) == 2 and "user=" not in lines[1]
    assert "guess" not in daemon.log()
    flood(http, 60)
    assert 2 < daemon.log().count("HTTP login refused") < 40


def test_nobody_got_in_while_others_guessed(start):
    """Who has to wait because he was wrong makes room for others: all 64 places are taken by such."""
    http = Http(start(config=f"http: {{{TOKENS}}}\n"))
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            guesser = stack.enter_context(http.connect())
            guesser.sendall(request_as(bearer("a-guess-0123456789")))
        for _ in range(20):
            assert http.get("/metrics").status == 200


def test_metrics_waited_for_passwords_that_take_long_to_check(start):
    """Half a second each, by the verifier: they are checked one after another, and apart from all that is asked."""
    salt, rounds = b"0123456789abcdef", 1_000_000
    salted = hashlib.pbkdf2_hmac("sha256", b"boss-password", salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    text = (base64.b64encode(value).decode() for value in (salt, stored, server_key))
    verifier = "SCRAM-SHA-256${}:{}${}:{}".format(rounds, *text)
    config = f"admin: {{users: [boss]}}\nusers: {{boss: {{password: '{verifier}'}}}}\n"
    http = Http(start(config=config))
    with contextlib.ExitStack() as stack:
        tries = []
        for password in ["boss-password", *["wrong"] * 5]:
            connection = stack.enter_context(http.connect())
            connection.sendall(request_as(basic("boss", password)))
            tries.append(connection)
        for _ in range(3):
            assert http.get("/metrics").status == 200
        assert select.select(tries[1:], [], [], 0)[0] == []
        answers = [connection.recv(65536)[:12] for connection in tries]
        assert answers == [b"HTTP/1.1 200", *[b"HTTP/1.1 401"] * 5]


def request_as(said: str) -> bytes:
    return f"GET /api/v1/overview HTTP/1.1\r\nHost: localhost\r\nAuthorization: {said}\r\n\r\n".encode()


def flood(http: Http, count: int) -> None:
    """So many guesses at once, and all their answers."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(http.connect()) for _ in range(count)]
        for connection in connections:
            connection.sendall(request_as(bearer("a-guess-0123456789")))
        for connection in connections:
            assert connection.recv(65536).startswith(b"HTTP/1.1 401")
