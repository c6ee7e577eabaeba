"""What of an agent's mail goes to customers."""

from __future__ import annotations

from gateway.model import Attachment, ReadMail

_PROOFS = frozenset(
    {
        "application/pgp-keys",
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
    }
)
"""Of who wrote a mail (RFC 3156, RFC 8551)."""


def files(mail: ReadMail) -> tuple[Attachment, ...]:
    """What was attached to be sent, without what clients add to whatever one writes."""
    return tuple(a for a in mail.attachments if not (_is_in_place(a) or a.content_type in _PROOFS))


def _is_in_place(attachment: Attachment) -> bool:
    """Whether it is a picture inside the HTML, such as the logo of a signature (RFC 2392)."""
    named = bool(attachment.content_id) and attachment.disposition != "attachment"
    return named and attachment.content_type.startswith("image/")
