"""Kinds of mail, each with what comes before it and how its ticket must look after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from email import message_from_string
from email.message import EmailMessage
from random import Random

from tests.faults.letters import AGENT, Letter, Letters
from tests.faults.sink import Arrival
from tests.faults.tickets import Ticket

_ANN = f"Ann Agent <{AGENT}>"
_DAEMON = "Mail Delivery System <mailer-daemon@mx.example.net>"
_FILES = {"screenshot.png": Random(1).randbytes(30_000), "empty.txt": b"", "log.txt": b"error 17\r\n" * 400}
_REPORT = """\
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {0.recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such mailbox
"""


class Thread:
    """The mails of one ticket, as its people send them and get them from the relay."""

    def __init__(self, post: Letters, arrivals: list[Arrival]) -> None:
        self.post = post
        self.letters: list[Letter] = []
        self._arrivals = arrivals
        self._before = len(arrivals)

    @property
    def customer(self) -> str:
        return f"Kim Miller <{self.letters[0].sender}>"

    def got(self, recipient: str) -> Arrival:
        """The last mail that reached him."""
        return next(a for a in reversed(self._arrivals[self._before :]) if f"<{a.recipient}>" in recipient)

    def opens(self, text: str, finish: Callable[[EmailMessage], object] | None = None) -> Letter:
        return self.post.write("Question about labels", text, finish=finish)

    def replies(self, author: str, text: str) -> Letter:
        """To the last mail that the author got."""
        got = self.got(author)

        def refer(mail: EmailMessage) -> None:
            mail["In-Reply-To"] = mail["References"] = f"<{got.message_id}>"

        return self.post.write(f"Re: {got.subject}", text, author=author, to=got.reply_to, finish=refer)


Write = Callable[[Thread], Letter]


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    before: tuple[Write, ...]
    """What has come, and been answered, by then."""
    write: Write
    becomes: Ticket
    """With ``before``."""


def _plain(thread: Thread) -> Letter:
    return thread.opens(thread.post.words())


def _large(thread: Thread) -> Letter:
    return thread.opens(thread.post.pages())


def _with_files(thread: Thread) -> Letter:
    def add(mail: EmailMessage) -> None:
        mail.add_alternative("<p>See <b>what</b> is attached.</p>", subtype="html")
        for name, data in _FILES.items():
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)

    return thread.opens("See what is attached.", add)


def _with_copy(thread: Thread) -> Letter:
    return thread.opens(thread.post.words(), lambda mail: mail.add_header("Cc", "Lee <lee@example.net>"))


def _urgent(thread: Thread) -> Letter:
    return thread.post.urgent()


def _reply(thread: Thread) -> Letter:
    return thread.replies(thread.customer, "It works now, thank you.")


def _answer(thread: Thread) -> Letter:
    return thread.replies(_ANN, "Please try again now.")


def _command(thread: Thread) -> Letter:
    return thread.replies(_ANN, "#solved")


def _bounce(thread: Thread) -> Letter:
    got = thread.got(thread.customer)

    def report(mail: EmailMessage) -> None:
        mail.make_mixed()
        mail.attach(message_from_string(_REPORT.format(got)))
        mail.set_type("multipart/report")
        mail.set_param("report-type", "delivery-status")

    return thread.post.write(
        "Undelivered Mail Returned to Sender", "Your mail could not be delivered.", author=_DAEMON, return_path="",
        to=got.return_path, finish=report,
    )  # fmt: skip


def _out_of_office(thread: Thread) -> Letter:
    """To the return path (RFC 3834 §4)."""
    return thread.post.write(
        "Out of office", "I am away until Monday.", author=thread.customer, return_path="",
        to=thread.got(thread.customer).return_path,
        finish=lambda mail: mail.add_header("Auto-Submitted", "auto-replied"),
    )  # fmt: skip


_NOTICE = f"notice to {AGENT}"
_OPENED = Ticket(("ticket",), ("inbound",), ("confirmation to requester", _NOTICE), ("opened: a first mail",))
_WITH_FILES = replace(_OPENED, attachments=tuple(f"{name}, {len(data)} bytes" for name, data in _FILES.items()))
_COPIED = replace(
    _OPENED, sent=("confirmation to requester", "confirmation to cc", _NOTICE), people=("requester", "cc")
)
_ANSWERED = _COPIED.then(
    "appended", "reply", sent=("answer to requester", "answer to cc"),
    history=("answered requester, cc", "open -> pending"), status="pending",
)  # fmt: skip
_SOLVED = _OPENED.then("appended", "system", history=("open -> solved",), status="solved")
_RETURNED = tuple(f"{one} (failed)" if one == "answer to requester" else one for one in _ANSWERED.sent)
_BOUNCED = replace(_ANSWERED, sent=_RETURNED).then(
    "refused", sent=(f"undeliverable to {AGENT}",), history=("the mail to requester (5.1.1) came back",),
    undeliverable=("requester",),
)  # fmt: skip
_NOTED = _ANSWERED.then("appended", "note", history=("automatic answer of requester kept",))

PLAIN = Kind("plain", (), _plain, _OPENED)
KINDS = (
    PLAIN,
    Kind("large", (), _large, _OPENED),
    Kind("with files", (), _with_files, _WITH_FILES),
    Kind("with a copy", (), _with_copy, _COPIED),
    Kind("urgent", (), _urgent, replace(_OPENED, pages=("sent",))),
    Kind("reply", (_plain,), _reply, _OPENED.then("appended", "inbound", sent=(_NOTICE,))),
    Kind("answer", (_with_copy,), _answer, _ANSWERED),
    Kind("command", (_plain,), _command, _SOLVED),
    Kind("bounce", (_with_copy, _answer), _bounce, _BOUNCED),
    Kind("out of office", (_with_copy, _answer), _out_of_office, _NOTED),
)
