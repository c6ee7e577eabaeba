"""Whatever goes wrong, no secret and no text of a mail stands in the log or in what strangers are told."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from tests.canaries import BODY, WORD, canary, leaks, leaks_below
from tests.e2e.running import PASSWORD, Gateway, mail, reply, send_reply, settle, wait_for

EVENTS = {
    "delivery_sent", "login_failed", "mail_accepted", "mail_done", "mail_refused", "page_later", "reader_stopped",
    "relay_down",
}  # fmt: skip
"""What goes wrong here, each in its own place of the code."""


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def gateway(tmp_path: Path, authority: trustme.CA) -> Iterator[Gateway]:
    """Full of secrets, with a relay and an on-call that are not there."""
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    gateway = Gateway(tmp_path)
    gateway.environment |= {
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_SMTP_TLS_CERTIFICATE": str(tmp_path / "cert.pem"),
        "GATEWAY_SMTP_TLS_KEY": str(tmp_path / "key.pem"),
        "GATEWAY_OUTBOUND_RELAY": f'["smtp://127.0.0.1:1", "maildir:{gateway.outbox}"]',
        "GATEWAY_OUTBOUND_USERNAME": "desk",
        "GATEWAY_OUTBOUND_PASSWORD": PASSWORD,
        "GATEWAY_ONCALL_NOTIFY": f"https://desk:{canary('user')}@127.0.0.1:1/{canary('path')}?key={canary('key')}",
        "GATEWAY_READING_MEMORY_BYTES": str(24 * 1024 * 1024),
    }
    gateway.start()
    yield gateway
    gateway.kill()


def _encrypted() -> EmailMessage:
    """As a program sends it that puts the readable text beside the encrypted one."""
    message = mail("Encrypted", BODY)
    message.make_mixed()
    message.add_attachment(b"Version: 1", maintype="application", subtype="pgp-encrypted")
    message.add_attachment(
        f"-----BEGIN PGP MESSAGE-----\n{WORD}\n".encode(), maintype="application", subtype="pkcs7-mime"
    )
    return message


def _log_in(gateway: Gateway, authority: trustme.CA, password: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    client = smtplib.SMTP("localhost", gateway.port, timeout=60)
    client.starttls(context=context)
    client.login("ann@example.com", password)
    return client


@pytest.mark.incident("CVE-2025-26842", "CVE-2018-1000089")
def test_no_secret_and_no_text_of_a_mail_is_logged(gateway: Gateway, authority: trustme.CA, tmp_path: Path) -> None:
    said: list[object] = []
    with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
        _log_in(gateway, authority, canary("guess"))
    said.append(refusal.value)
    with _log_in(gateway, authority, PASSWORD) as client:
        client.sendmail("ann@example.com", "support@example.com", mail("From Ann", BODY, "ann@example.com").as_bytes())
        said += [client.docmd(f"{canary('command')} {BODY}"), client.docmd("AUTH", f"PLAIN {canary('again')}")]
    gateway.send(mail("Nobody can log in", f"The portal is down for all 300 users since 9:00. {BODY}"))
    gateway.send(_encrypted())
    (confirmation,) = gateway.wait_for_mail("kim@example.net", "Nobody can log in")
    send_reply(gateway, reply(confirmation, BODY, "kim@example.net"), "kim@example.net")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as unknown:
        gateway.send(
            mail("x", BODY), "kim@example.net", str(confirmation["Reply-To"]).replace("support+a", "support+b")
        )
    said += unknown.value.recipients.values()
    settle(gateway)
    gateway.send(f"From: kim@example.net\r\nSubject: Large\r\n\r\n{BODY}\r\n".encode() + b"y" * 33_000_000)
    settle(gateway)
    wait_for(lambda: _events(gateway) >= EVENTS, f"all of these happen: {EVENTS - _events(gateway)}")
    assert leaks(repr(said)) == []
    assert leaks_below(tmp_path) == []


def _events(gateway: Gateway) -> set[str]:
    return set(re.findall(r'"event": "(\w+)"', gateway.log.read_text(encoding="utf-8")))


def test_a_database_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.environment["GATEWAY_DATABASE"] = f"postgresql://desk:{PASSWORD}@127.0.0.1:1/desk"
    for command in ("serve", "status", "check"):
        done = gateway.run(command)
        assert done.returncode != 0
        assert leaks((done.stdout + done.stderr).decode()) == []
