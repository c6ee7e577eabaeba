"""The MIME frame of a mail: headers, text and HTML as bytes with CRLF, 7-bit throughout.

Written by hand because ``email.message`` takes a millisecond for a mail, and one goes out for each that comes in.
"""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp

_CONTROLS = bytes({*range(32), 127} - set(b"\t\n"))
_LONGEST_LINE = 998
"""RFC 5322 §2.1.1."""
_COLUMNS = 76


def build(head: str, text: str, html: str, boundary: str, mixed: bool) -> bytes:
    """Header fields, then text and HTML as alternatives.

    With ``mixed`` the mail is left open inside a multipart/mixed of that boundary, for attachments to follow; that
    one's own boundary is ``boundary``, the alternatives' is derived from it.
    """
    outer, inner = boundary.encode(), f"{boundary}-a".encode()
    parts = [head.encode(), b"MIME-Version: 1.0\r\n"]
    if mixed:
        parts += (b'Content-Type: multipart/mixed; boundary="', outer, b'"\r\n\r\n--', outer, b"\r\n")
    parts += (b'Content-Type: multipart/alternative; boundary="', inner, b'"\r\n\r\n')
    parts += (b"--", inner, b"\r\n", part(b"plain", text.encode("utf-8", "replace")))
    parts += (b"--", inner, b"\r\n", part(b"html", html.encode("ascii", "xmlcharrefreplace")))
    parts += (b"--", inner, b"--\r\n", b"\r\n" if mixed else b"")
    return b"".join(parts)


def part(subtype: bytes, body: bytes) -> bytes:
    """One text. HTML comes as ASCII, in which it can say any character, and so needs no transfer encoding."""
    encoding, encoded = _encoded(_unix(body))
    return b"".join(
        (
            b"Content-Type: text/", subtype, b"; charset=utf-8\r\nContent-Transfer-Encoding: ", encoding,
            b"\r\n\r\n", encoded, b"\r\n",
        )
    )  # fmt: skip


def _unix(body: bytes) -> bytes:
    """Single line ends and no other control character."""
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return body.translate(None, _CONTROLS)


def _encoded(body: bytes) -> tuple[bytes, bytes]:
    """The shortest transfer encoding: none, quoted-printable, or base64 where most of it is not ASCII."""
    with_crlf = body.replace(b"\n", b"\r\n")
    if body.isascii() and _lines_fit(body):
        return b"7bit", with_crlf
    quoted = b2a_qp(with_crlf, istext=True)
    if len(quoted) <= len(with_crlf) * 4 // 3:
        return b"quoted-printable", quoted
    based = b2a_base64(with_crlf, newline=False)
    return b"base64", b"\r\n".join([based[at : at + _COLUMNS] for at in range(0, len(based), _COLUMNS)])


def _lines_fit(body: bytes) -> bool:
    """Whether no line is too long: from one line's start to the last that begins within its reach, and so on."""
    start = 0
    while len(body) - start > _LONGEST_LINE:
        end = body.rfind(b"\n", start, start + _LONGEST_LINE + 1)
        if end < 0:
            return False
        start = end + 1
    return True
