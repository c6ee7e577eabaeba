"""What of an agent's mail goes to customers, and what stops it."""

from __future__ import annotations

from gateway.desk import commands
from gateway.desk.case import Case
from gateway.desk.threading import Match
from gateway.desk.tokens import Purpose
from gateway.model import Attachment, ReadMail, Said, SpanKind

QUOTES = Said("the answer stands between lines of a mail that no customer may see; write above them, or leave them out")
_PROOFS = frozenset(
    {
        "application/pgp-keys",
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
    }
)
"""Of who wrote a mail (RFC 3156, RFC 8551)."""


LONG = Said("the text is too long to be read whole; attach it as a file")


def problems(case: Case) -> tuple[str, ...]:
    """Why the answer must not go out: a sentence for each reason."""
    # Where a client quotes without a mark or a heading that is known, the end of our notice looks like a signature.
    found = list(commands.misplaced(case.mail.reply.signature.splitlines()))
    if case.mail.reply.interleaved and not _answers_what_customers_saw(case):
        found.append(QUOTES)
    if _is_cut_off(case.mail):
        found.append(LONG)
    if names := ", ".join(case.lookups.own_attached):
        found.append(
            Said("a mail of ours is attached: {}; leave it out, for it may hold what no customer may see", names[:200])
        )
    return tuple(found)


def _answers_what_customers_saw(case: Case) -> bool:
    """Whether the agent answers the notice of an outsider's mail, or of an answer: its reply address says so."""
    internal = any(token.purpose is Purpose.INTERNAL for token in case.lookups.tokens)
    return case.found.match is Match.OWN_AGENT_TOKEN and not internal


def _is_cut_off(mail: ReadMail) -> bool:
    """Whether new text may be missing: what is behind the limit of reading is mostly the end of a quotation."""
    last = mail.reply.spans[-1:]
    return "body-too-long" in mail.defects and any(span.kind is SpanKind.NEW for span in last)


def files(mail: ReadMail) -> tuple[Attachment, ...]:
    """What was attached to be sent, without what clients add to whatever one writes."""
    return tuple(a for a in mail.attachments if not (_is_in_place(a) or a.content_type in _PROOFS))


def _is_in_place(attachment: Attachment) -> bool:
    """Whether it is a picture inside the HTML, such as the logo of a signature (RFC 2392)."""
    named = bool(attachment.content_id) and attachment.disposition != "attachment"
    return named and attachment.content_type.startswith("image/")
