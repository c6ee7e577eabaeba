"""Beside Postfix, set up by the very lines that the README shows."""

import re
import smtplib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.e2e.postfix import USABLE, Postfix, private_folder
from tests.e2e.running import Gateway, free_port, mail, wait_for

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not USABLE, reason="no postfix, or not root")]
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def shown(after: str) -> str:
    """The indented block that follows these words in the README."""
    block = re.search(rf"{re.escape(after)}[^\n]*(?:\n[^\n]+)*\n\n((?: {{4}}[^\n]*\n)+)", README)
    assert block
    return re.sub(r"(?m)^    ", "", block[1])


@pytest.fixture(scope="module")
def beside() -> Iterator[tuple[Postfix, Gateway]]:
    lmtp = free_port()
    with private_folder() as folder:
        table = folder / "gateway"
        table.write_text(shown("Put the support address into").replace("8024", str(lmtp)), encoding="utf-8")
        postfix = Postfix(folder, shown("and let Postfix know it in").replace("/etc/postfix/gateway", str(table)))
        postfix.postmap(table)
        (folder / "desk").mkdir()
        listen = f'[lmtp]\nlisten = "127.0.0.1:{lmtp}"\n'
        gateway = Gateway(folder / "desk", relay=f"smtp://127.0.0.1:{postfix.port}", extra=listen)
        postfix.start()
        gateway.start()
        yield postfix, gateway
        gateway.kill()
        postfix.stop()


def send(postfix: Postfix, message: EmailMessage, *to: str) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as client:
        client.sendmail("kim@customer.example", to, message.as_bytes(policy=policy.SMTP))


def received(postfix: Postfix, words: str) -> EmailMessage:
    """The mail in the customer's mailbox whose subject has these words."""

    def find() -> EmailMessage | None:
        paths = postfix.mailbox.iterdir() if postfix.mailbox.is_dir() else []
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
        return next((one for one in mails if words in str(one["Subject"])), None)

    return wait_for(find, f"a mail about {words!r} arrives; Postfix says: {postfix.log[-2000:]}")


def test_a_mail_through_postfix_is_confirmed_and_the_answer_to_that_joins_the_ticket(
    beside: tuple[Postfix, Gateway],
) -> None:
    postfix, gateway = beside
    send(
        postfix, mail("Charts are empty", "All charts are empty.", "Kim <kim@customer.example>"), "support@example.com"
    )
    confirmation = received(postfix, "Charts are empty")
    reply_to = confirmation["Reply-To"].addresses[0].addr_spec
    assert reply_to.startswith("support+")
    send(postfix, mail("Re: Charts", "They are back.", "Kim <kim@customer.example>", to=reply_to), reply_to)
    (number,) = re.findall(r"\[(SUP-\d+)\]", str(confirmation["Subject"]))
    messages = wait_for(
        lambda: [m for m in gateway.ticket(number)["messages"] if "They are back" in m["text"]], "the answer joins"
    )
    assert messages[0]["author"] == "kim@customer.example"


def test_postfix_refuses_an_address_that_is_nobodys(beside: tuple[Postfix, Gateway]) -> None:
    postfix, _ = beside
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(postfix, mail("x", "y"), "nobody-at-all@example.com")


def test_postfix_keeps_the_mail_while_the_gateway_is_down_and_brings_it_then(beside: tuple[Postfix, Gateway]) -> None:
    postfix, gateway = beside
    gateway.stop()
    send(postfix, mail("While it was down", "Hello?", "Kim <kim@customer.example>"), "support@example.com")
    wait_for(lambda: "status=deferred" in postfix.log, "Postfix defers it")
    gateway.start()
    postfix.flush()
    assert received(postfix, "While it was down")
