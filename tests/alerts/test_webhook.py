"""Alerts are sent by HTTP: to a real receiver, later when he is away, and to nobody who is not who he should be."""

import datetime
import socket
import subprocess

import pytest

from conftest import rules
from forebay_testing import free_port, wait_until
from forebay_testing.receiver import Receiver

PAUSED = "paused: {signal: paused, warning: true, for: 0, resolve_after: 0}"


def hook(url: str, more: str = "") -> str:
    return f"  webhook:\n    url: {url}\n{more}"


def test_our_own_form_tells_all_that_happens(start):
    with Receiver() as receiver:
        watching = start(config=rules(PAUSED, more=hook(f"http://127.0.0.1:{receiver.port}/hook?team=db")))
        watching.post("/api/v1/pause")
        alert = watching.await_active("paused")
        watching.post("/api/v1/alerts/acknowledge", id=alert["id"])
        watching.post("/api/v1/resume")
        watching.await_resolved("paused")

        def changes_told() -> list[dict]:
            return [change for body in receiver.bodies() for change in body["changes"]]

        wait_until(lambda: len(changes_told()) == 3, 20, "three changes, in as many deliveries as it took")
        changes = changes_told()
        assert [change["event"] for change in changes] == ["raised", "acknowledged", "resolved"]
        assert {change["alert"]["id"] for change in changes} == {alert["id"]}
        path, fields, body = receiver.requests[0]
        assert (path, fields["content-type"]) == ("/hook?team=db", "application/json")
        assert body["instance"].endswith(watching.place.partition(":")[2])
        sent = 'forebay_webhook_deliveries_total{result="sent"}'
        wait_until(lambda: watching.metrics()[sent] == len(receiver.requests), 10, "counted")


def test_alertmanager_gets_its_own_form(start):
    token = "a-token-of-this-test"
    more = f"    format: alertmanager\n    token: {token}\n"
    with Receiver() as receiver:
        watching = start(config=rules(PAUSED, more=hook(f"http://127.0.0.1:{receiver.port}/am/", more)))
        watching.post("/api/v1/pause")
        watching.await_active("paused")
        wait_until(lambda: receiver.requests, 20, "a delivery")
        watching.post("/api/v1/resume")
        watching.await_resolved("paused")
        wait_until(lambda: len(receiver.requests) >= 2, 20, "the end")
        path, fields, body = receiver.requests[0]
        assert (path, fields["authorization"]) == ("/am/api/v2/alerts", f"Bearer {token}")
        (first,) = body
        assert first["labels"]["alertname"] == "paused" and first["labels"]["severity"] == "warning"
        assert set(first["annotations"]) == {"summary", "description", "action"}
        assert time_of(first["startsAt"]) < time_of(first["endsAt"])
        (last,) = receiver.requests[-1][2]
        assert last["labels"] == first["labels"] and last["startsAt"] == first["startsAt"]
        assert time_of(last["endsAt"]) <= datetime.datetime.now(datetime.timezone.utc)


def time_of(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_who_is_away_is_told_when_he_is_back_and_it_is_logged_once(start):
    port = free_port("127.0.0.1")
    watching = start(config=rules(PAUSED, more=hook(f"http://127.0.0.1:{port}/")))
    watching.post("/api/v1/pause")
    watching.await_active("paused")
    watching.daemon.wait_for_log("alerts cannot be delivered")
    failed = 'forebay_webhook_deliveries_total{result="failed"}'
    wait_until(lambda: watching.metrics()[failed] >= 2, 20, "another attempt")
    with Receiver(port) as receiver:
        wait_until(lambda: receiver.requests, 30, "the delivery")
        assert receiver.bodies()[0]["changes"][0]["event"] == "raised"
        watching.daemon.wait_for_log("alerts are delivered again")
    assert watching.daemon.log().count("alerts cannot be delivered") == 1


def test_what_waits_is_written_for_the_receiver_that_comes_in_its_place(start):
    """It was sent to the new one in the old one's form, which refused it; so an alert was lost."""
    watching = start(config=rules(PAUSED, more=hook(f"http://127.0.0.1:{free_port('127.0.0.1')}/")))
    watching.post("/api/v1/pause")
    watching.await_active("paused")
    watching.daemon.wait_for_log("alerts cannot be delivered")
    with Receiver() as receiver:
        there = hook(f"http://127.0.0.1:{receiver.port}/", "    format: alertmanager\n")
        watching.daemon.config_path.write_text(rules(PAUSED, more=there))
        watching.daemon.reload()
        wait_until(lambda: receiver.requests, 20, "the delivery")
        path, _, (alert,) = receiver.requests[0]
        assert (path, alert["labels"]["alertname"]) == ("/api/v2/alerts", "paused")


def test_what_a_receiver_refuses_is_not_sent_again(start):
    with Receiver() as receiver:
        receiver.status = 400
        watching = start(config=rules(PAUSED, more=hook(f"http://127.0.0.1:{receiver.port}/")))
        watching.post("/api/v1/pause")
        dropped = 'forebay_webhook_deliveries_total{result="dropped"}'
        wait_until(lambda: watching.metrics()[dropped] == 1, 20, "it is given up")
        receiver.status = 200
        watching.post("/api/v1/resume")
        wait_until(lambda: len(receiver.requests) == 2, 20, "the next one")
        assert receiver.bodies()[1]["changes"][0]["event"] == "resolved"


def test_a_receiver_by_tls_has_to_be_who_he_should_be(start, tmp_path):
    certificate = tmp_path / "receiver.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=receiver",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate, "-out", tmp_path / "ca.pem"],
        check=True, capture_output=True, timeout=60)
    certificate.write_text(certificate.read_text() + (tmp_path / "ca.pem").read_text())
    with Receiver(certificate=str(certificate)) as receiver:
        url = f"https://127.0.0.1:{receiver.port}/"
        unknown = start(config=rules(PAUSED, more=hook(url)))
        unknown.post("/api/v1/pause")
        unknown.daemon.wait_for_log("alerts cannot be delivered")
        assert receiver.requests == []
        known = start(config=rules(PAUSED, more=hook(url, f"    ca: {tmp_path / 'ca.pem'}\n")))
        known.post("/api/v1/pause")
        wait_until(lambda: receiver.requests, 20, "a delivery by TLS")


def has_ipv6_loopback() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6_loopback(), reason="there is no loopback of IPv6 here")
def test_a_receiver_by_its_ipv6_address_was_named_without_brackets(start):
    """`Host: ::1:PORT` is no host, which strict receivers refuse."""
    with Receiver(host="::1") as receiver:
        watching = start(config=rules(PAUSED, more=hook(f"http://[::1]:{receiver.port}/")))
        watching.post("/api/v1/pause")
        wait_until(lambda: receiver.requests, 20, "a delivery")
        _, fields, _ = receiver.requests[0]
        assert fields["host"] == f"[::1]:{receiver.port}"
