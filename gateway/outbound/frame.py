"""The MIME frame of a mail: headers, text and HTML as bytes with CRLF, 7-bit throughout.

Written by hand because ``email.message`` takes a millisecond for a mail, and one goes out for each that comes in.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LONGEST_LINE = 998
"""RFC 5322 §2.1.1."""
_COLUMNS = 76


def build(head: str, text: str, html: str, boundary: str, mixed: bool) -> bytes:
    """Header fields, then text and HTML as alternatives.

    With ``mixed`` the mail is left open inside a multipart/mixed of that boundary, for attachments to follow; that
    one's own boundary is ``boundary``, the alternatives' is derived from it.
    """
    inner = f"{boundary}-a"
    alternatives = (
        f'Content-Type: multipart/alternative; boundary="{inner}"\r\n\r\n'
        f"--{inner}\r\n{_part('plain', text)}--{inner}\r\n{_part('html', _ascii(html))}--{inner}--\r\n"
    )
    if mixed:
        alternatives = f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n--{boundary}\r\n{alternatives}\r\n'
    return f"{head}MIME-Version: 1.0\r\n{alternatives}".encode()


def _part(subtype: str, body: str) -> str:
    encoding, encoded = _encoded(_without_controls(body))
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{encoded}\r\n"


def _without_controls(body: str) -> str:
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", body)


def _ascii(html: str) -> str:
    """HTML says any character in ASCII, so it needs no transfer encoding."""
    return html if html.isascii() else html.encode("ascii", "xmlcharrefreplace").decode()


def _encoded(body: str) -> tuple[str, str]:
    """The shortest transfer encoding: none, quoted-printable, or base64 where most of it is not ASCII."""
    if body.isascii() and max(map(len, body.split("\n"))) <= _LONGEST_LINE:
        return "7bit", body.replace("\n", "\r\n")
    raw = body.replace("\n", "\r\n").encode()
    quoted = b2a_qp(raw, istext=True)
    if len(quoted) <= len(raw) * 4 // 3:
        return "quoted-printable", quoted.decode()
    based = b2a_base64(raw, newline=False).decode()
    return "base64", "\r\n".join([based[at : at + _COLUMNS] for at in range(0, len(based), _COLUMNS)])
