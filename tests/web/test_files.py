"""What the program serves of the dashboard: types, compression, caching, what browsers are told (B10, C14, L12)."""

import gzip
import http.client
import re
import subprocess
import urllib.parse

import pytest

from conftest import FOLDER, install, place

WEB = FOLDER.parents[1] / "web"


@pytest.fixture
def get(start):
    """get(path, **fields) → (status, fields by lower-case names, body)."""
    host = urllib.parse.urlsplit(place(start(config="http:\n  anonymous: none\n"))).netloc

    def ask(path: str, method: str = "GET", **fields: str):
        connection = http.client.HTTPConnection(host, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    return ask


def test_the_page_is_for_everybody_and_asks_nobody_else(get):
    status, fields, body = get("/")
    assert (status, fields["content-type"]) == (200, "text/html; charset=utf-8")
    assert fields["cache-control"] == "no-cache"
    policy = fields["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(rb"https?://", body)
    assert get("/api/v1/overview")[0] == 401


def test_files_with_a_hash_in_their_name_are_kept_for_a_year_and_are_what_the_page_names(get):
    named = re.findall(r'(?:src|href)="(/[^"]+)"', get("/")[2].decode())
    assert len(named) == 3
    for path in named:
        status, fields, plain = get(path)
        assert status == 200 and plain
        assert fields["cache-control"] == "public, max-age=31536000, immutable"
        _, packed, compressed = get(path, Accept_Encoding="br, gzip;q=0.5")
        assert packed["content-encoding"] == "gzip" and gzip.decompress(compressed) == plain
        assert packed["vary"] == "Accept-Encoding"
        assert "content-encoding" not in get(path, Accept_Encoding="gzip;q=0, br")[1]
        assert get(path, method="HEAD")[1]["content-length"] == str(len(plain))


def test_what_a_browser_has_already_is_not_sent_again(get):
    _, fields, _ = get("/")
    status, again, body = get("/", If_None_Match=f'"other", W/{fields["etag"]}')
    assert (status, body, again["etag"]) == (304, b"", fields["etag"])
    assert get("/", If_None_Match='"other"')[0] == 200


def test_the_licences_name_what_is_inside(get):
    _, _, body = get("/licences.txt")
    for package in ("preact", "uplot"):
        assert re.search(rf"^{package} [\d.]+ \(MIT\)$", body.decode(), re.MULTILINE)
    assert body.count(b"Permission is hereby granted") == 2


def test_there_is_nothing_else_and_nothing_is_taken(get):
    assert get("/index.htm")[0] == 404
    assert get("/../etc/passwd")[0] == 404
    assert get("/", method="POST")[0] in (403, 404)


@pytest.mark.time_limit(360)  # it may have to install the packages
def test_the_logic_of_the_page(node):
    install(WEB)
    vitest = [node, WEB / "node_modules/vitest/vitest.mjs", "run"]
    done = subprocess.run(vitest, cwd=WEB, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tests\s+\d+ passed", re.sub(r"\x1b\[[\d;]*m", "", done.stdout))
