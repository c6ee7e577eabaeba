"""Puts together what the readers of this package find in one mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from gateway.model import Address, Identity, ReadMail
from gateway.reading import (
    addresses,
    attachments,
    bodies,
    bounce,
    dates,
    enriched,
    fingerprint,
    forward,
    headings,
    html,
    identity,
    ids,
    language,
    reply,
    robots,
    structure,
    subjects,
    tnef,
)
from gateway.reading.bodies import Bodies
from gateway.reading.charset import storable
from gateway.reading.limits import DEFAULT, Limits
from gateway.reading.mime import Headers, Part
from gateway.reading.structure import Structure

_SHORT = 400
"""Characters of a text that may be no more than a hint to the HTML beside it."""
_GLUED = re.compile(
    r"""
    -{4,5}[ ] [^-\n]{4,60} [ ]-{4,5}[ ]                     # ----- Forwarded Message -----
    [^-\n<>@]{2,20}:[ ] [^-\n<>@]{0,80} <[^\n<>@]{1,64}@[^\n<>@]{1,64}> [^\s,;>]
    """,
    re.VERBOSE,
)
"""Yahoo writes a forwarded mail's header fields on one line of its text part; the HTML has them in order."""

_NO_LETTERS = re.compile(r"[\W_]+")


def read(raw: bytes, limits: Limits = DEFAULT) -> ReadMail:
    """Read a mail. Never raises: at worst only sender and subject are there, and ``defects`` says so."""
    raw = structure.normalised(raw)
    try:
        return _read(raw, limits)
    except Exception as problem:  # whatever a sender contrived, what is safe makes a ticket
        return salvage(raw, limits, f"unreadable-{type(problem).__name__}")


def salvage(raw: bytes, limits: Limits, defect: str) -> ReadMail:
    """Subject, strict sender and Message-ID alone, from the header fields; the mail itself as its one attachment.

    Can be stored whatever the mail holds: what could not be written once more would be lost.
    """
    raw = structure.normalised(raw)
    found = structure.parse(raw, limits, shallow=True)
    headers = found.headers
    return ReadMail(
        subject=storable(headers.get("subject")),
        identity=_identity(found),
        message_id=storable(ids.first(headers.get("message-id"))),
        attachments=(attachments.whole(raw),),
        defects=(*found.defects, defect),
    )


def _read(raw: bytes, limits: Limits) -> ReadMail:
    found = structure.parse(raw, limits)
    leaves = bodies.sort(found.parts)
    facts = _facts(found, leaves, limits)
    told = bounce.find(found.headers, found.parts, facts)
    body = headings.scan(facts.text)
    new = reply.split(body, facts.html)
    attached = tuple(attachments.of(leaves.attached, limits))
    forwarded = forward.find(body, facts.subject, () if told else _enclosed(leaves.attached, limits))
    return replace(
        facts,
        safe_html=html.sanitise(facts.html) if facts.html and not new.quoted.strip() else "",
        attachments=attached,
        reply=new,
        forward=forwarded,
        machine=robots.judge(
            found.headers,
            found.parts,
            replace(facts, bounce=told) if told else facts,
            forwarded.comment if forwarded else new.text,
        ),
        bounce=told,
        language=language.of(new.text) or (forwarded.language if forwarded else ""),
        content_hash=fingerprint.of(raw, found.headers, facts, attached),
    )


def _enclosed(attached: Sequence[Part], limits: Limits) -> Iterator[tuple[ReadMail, str]]:
    """The attached mails, each with its header facts and text only, and its Date as sent; read when asked for."""
    for part in attached:
        if part.content_type == "message/rfc822":
            found = structure.parse(structure.normalised(part.content()), limits)
            yield _facts(found, bodies.sort(found.parts), limits), found.headers.get("date")


def _facts(found: Structure, leaves: Bodies, limits: Limits) -> ReadMail:
    """What stands in the header fields and the bodies, nothing judged."""
    headers = found.headers
    author = addresses.first(headers.raw("from"))
    sender = addresses.first(headers.raw("sender"))
    reply_to = _addresses(headers, "reply-to", limits)
    subject = headers.get("subject")
    text, html_body = _bodies(leaves, limits)
    defects = list(found.defects)
    if _cut(leaves.texts, limits) or _cut(leaves.htmls, limits):
        defects.append("body-too-long")
    if not all(part.is_as_encoded for part in (*leaves.texts, *leaves.htmls)):
        defects.append("body-not-as-encoded")
    return ReadMail(
        subject=subject,
        subject_base=subjects.base(subject),
        author=author,
        identity=_identity(found),
        sender=sender,
        answer_to=_answer_to(reply_to, author, sender) or _return_path(headers),
        to=_addresses(headers, "to", limits),
        cc=_addresses(headers, "cc", limits),
        reply_to=reply_to,
        date=next(filter(None, map(dates.parse, headers.all("date"))), None),
        message_id=ids.first(headers.get("message-id")),
        in_reply_to=ids.all_of(headers.get("in-reply-to")),
        references=ids.all_of(headers.get("references")),
        text=text,
        has_text=bool(leaves.texts),
        html=html_body,
        loop=headers.get("x-gateway-loop"),
        defects=tuple(defects),
    )


def _identity(found: Structure) -> Identity:
    return identity.of(found.headers.raws("from"), found.defects)


def _addresses(headers: Headers, name: str, limits: Limits) -> tuple[Address, ...]:
    values = headers.raws(name)
    if len(values) <= 1:
        return addresses.parse(values[0], limits.addresses) if values else ()
    everyone = (one for value in values for one in addresses.parse(value, limits.addresses))
    return tuple(islice(everyone, limits.addresses))


def _answer_to(reply_to: Sequence[Address], author: Address | None, sender: Address | None) -> str:
    """Where an answer goes: the first of Reply-To, From and Sender that names an address."""
    return next((one.address for one in (*reply_to, author, sender) if one and one.address), "")


def _return_path(headers: Headers) -> str:
    path = addresses.first(headers.raw("return-path"))
    return path.address if path else ""


def _bodies(leaves: Bodies, limits: Limits) -> tuple[str, str]:
    """The text and the HTML of the mail; no HTML where no part has any."""
    if leaves.shown:
        forms = _forms(leaves, limits)
    else:
        packed = next((part for part in leaves.attached if attachments.is_tnef(part)), None)
        body = tnef.read(packed.content()) if packed else tnef.Container()
        forms = [(body.text[: limits.body_bytes], body.html[: limits.body_bytes])]
    text = "\n".join([_text(*form) for form in forms])
    has_html = any(shown for _, shown in forms)
    html_body = "\n".join([shown or html.from_text(plain) for plain, shown in forms]) if has_html else ""
    # QQ Mail writes its separator and labels so in plain text, too.
    return text.replace("&nbsp;", " ") if "--&nbsp;" in text else text, html_body


def _forms(leaves: Bodies, limits: Limits) -> list[tuple[str, str]]:
    """Text and HTML of each body, in order; all texts together no longer than the limit, and so all HTML."""
    texts, htmls = _Portion(limits.body_bytes), _Portion(limits.body_bytes)
    forms: list[tuple[str, str]] = []
    for body in leaves.shown:
        text, shown = texts.of(body.texts), htmls.of(body.htmls)
        if forms and not text and not forms[-1][1] and _says_the_same(forms[-1][0], shown):
            forms[-1] = (forms[-1][0], shown)
        else:
            forms.append((text, shown))
    return forms


def _says_the_same(text: str, html_body: str) -> bool:
    """Whether HTML only repeats the text before it: some programs call two forms of one thing mixed."""
    said = _NO_LETTERS.sub("", html.to_text(html_body))
    return said != "" and said in _NO_LETTERS.sub("", text)


def _text(text: str, html_body: str) -> str:
    """The text of a body, made from its HTML where the text says nothing, or something else."""
    if html_body and (not text.strip() or ("----- " in text and _GLUED.search(text))):
        return html.to_text(html_body)
    if html_body and len(text) <= _SHORT and _says_else(text, shown := html.to_text(html_body)):
        return shown
    return text


def _says_else(text: str, shown: str) -> bool:
    """Whether a text is not what the HTML beside it shows: "This mail needs an HTML viewer". Then the HTML counts, for
    that is what its sender saw."""
    words = set(text.lower().split())
    return len(shown) > len(text) and 2 * len(words.intersection(shown.lower().split())) < len(words)


class _Portion:
    """Takes the texts of parts, until so many encoded bytes of them were read."""

    def __init__(self, left: int) -> None:
        self._left = left

    def of(self, parts: Sequence[Part]) -> str:
        """One below the other."""
        texts = []
        for part in parts:
            if self._left <= 0:
                break
            text = part.text(self._left)
            texts.append(enriched.to_text(text) if part.content_type == enriched.TYPE else text)
            self._left -= part.end - part.start
        return "\n".join(texts)


def _cut(parts: Sequence[Part], limits: Limits) -> bool:
    return sum([part.end - part.start for part in parts]) > limits.body_bytes
