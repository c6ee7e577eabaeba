"""A hash over what two copies of one mail share, whatever road they took.

Relays add trace headers, change line ends and transfer encodings; none of that counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from gateway.model import Attachment, ReadMail
from gateway.reading import attachments
from gateway.reading.mime import Headers


def of(raw: bytes, headers: Headers, mail: ReadMail, attached: Sequence[Attachment]) -> str:
    """SHA-256, hexadecimal, over ids, subject and bodies of ``mail`` and what is attached to it."""
    pieces = [
        mail.message_id,
        headers.get("date"),
        mail.author.address.lower() if mail.author else "",
        mail.subject,
        mail.text.rstrip() if mail.has_text else "",
        mail.html.rstrip(),
        *(_of_attachment(raw, one) for one in attached),
    ]
    # A length before each piece: no text can be moved from one piece to the next.
    return sha256("".join([f"{len(one)}:{one}" for one in pieces]).encode("utf-8", "surrogatepass")).hexdigest()


def _of_attachment(raw: bytes, one: Attachment) -> str:
    """Text that was sent as it stands has other line ends on another road."""
    if one.member >= 0 or (one.encoding == "base64" and not one.content_type.startswith("text/")):
        return one.sha256
    return sha256(attachments.content(raw, one).replace(b"\r\n", b"\n").rstrip()).hexdigest()
