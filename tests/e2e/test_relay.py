"""Answers that leave through a relay."""

from __future__ import annotations

import signal
import socket
import time
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.e2e.running import Gateway, free_port, mail, wait_for


class Sink:
    """Keeps what it is sent; says 451 to each recipient's first try where told to."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails += [(envelope.mail_from or "", to, envelope.content) for to in envelope.rcpt_tos]
        return "250 2.0.0 Ok"


def test_confirmations_and_notices_leave_through_a_relay(tmp_path: Path) -> None:
    sink = Sink()
    relay = Controller(sink, hostname="127.0.0.1", port=free_port())
    relay.start()
    gateway = Gateway(tmp_path, relay=f"smtp://127.0.0.1:{relay.port}")
    try:
        gateway.start()
        for n in range(5):
            gateway.send(mail(f"Question {n}", "How?", f"kim{n}@example.net"), f"kim{n}@example.net")
        wait_for(lambda: len(sink.mails) == 10, "five confirmations and five notices")
        assert gateway.stop() == 0
    finally:
        gateway.kill()
        relay.stop()
    to_customers = [m for m in sink.mails if m[1].startswith("kim")]
    assert {sender.strip("<>") for sender, _, _ in to_customers} == {""}
    to_staff = [m for m in sink.mails if m[1] == "ann@example.com"]
    assert all(sender.startswith("support+") for sender, _, _ in to_staff)
    ids = [message_from_bytes(content)["Message-ID"] for _, _, content in sink.mails]
    assert len(set(ids)) == 10


def test_told_twice_to_end_it_waits_for_no_relay(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = Gateway(tmp_path, relay=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        try:
            gateway.start()
            gateway.send(mail("Question", "How?"))
            _waits = silent.accept()
            assert gateway.process is not None
            gateway.process.terminate()
            wait_for(lambda: not accepts(gateway.port), "the listener is closed")
            began = time.monotonic()
            gateway.process.terminate()
            assert gateway.process.wait(20) == -signal.SIGTERM
            assert time.monotonic() - began < 10
            assert {row["state"] for row in gateway.json("outbox", "list")} == {"waiting"}
        finally:
            gateway.kill()


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
