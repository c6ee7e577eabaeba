"""Where an HTML body says its quotation or its signature stands: the classes and ids that clients give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from resiliparse.parse.html import DOMNode, HTMLTree

from gateway.reading import labels
from gateway.reading.headings import Heading, Kind
from gateway.reading.html import capped

if TYPE_CHECKING:
    from resiliparse.parse.html.node import ElementNode  # a type of the stubs alone

# The whole quotation with its heading stands inside: Gmail, Yahoo, Proton Mail, Tuta, Zimbra, NetEase, Zoho, Front,
# Spark, GMX, Outlook for mobile, new Outlook, QQ.
_CONTAINERS = ", ".join(
    (
        ".gmail_quote",
        ".yahoo_quoted",
        ".protonmail_quote",
        ".tutanota_quote",
        "[data-marker=__QUOTED_TEXT__]",
        "#isReplyContent",
        ".zmail_extra",
        ".front-blockquote",
        "[name=messageReplySection]",
        "[name=quote]",
        ".ms-outlook-mobile-reference-message",
        "#mail-editor-reference-message-container",
        ".qqmail_quote",
    )
)
# The quotation is all that follows: Outlook on the web, for Mac and for Windows, Hotmail, Zimbra.
_OPENERS = ", ".join(
    (
        "#appendonsend",
        "#divRplyFwdMsg",
        "#x_divRplyFwdMsg",
        "#OLK_SRC_BODY_SECTION",
        ".OutlookMessageHeader",
        "#stopSpelling",
        "[data-marker=__DIVIDER__]",
    )
)
# A rule of Outlook for Windows; people draw such rules, too, so header fields must stand below.
_RULED = 'div[style*="border-top:solid #E1E1E1"], div[style*="border-top:solid #B5C4DF"]'
# What is in the HTML where any of these is.
_TRACES = (
    "_quote", "data-marker", "isReplyContent", "zmail_extra", "front-blockquote", "messageReplySection", '"quote"',
    "reference-message", "appendonsend", "divRplyFwdMsg", "OLK_SRC_BODY", "OutlookMessageHeader", "stopSpelling",
    "border-top:solid #", "ignature",
)  # fmt: skip
_SIGNATURES = ", ".join(
    (
        ".gmail_signature",
        ".moz-signature",
        "#Signature",
        "#signature",
        "#AppleMailSignature",
        "#ms-outlook-mobile-signature",
        ".protonmail_signature_block",
    )
)
"""Gmail, Thunderbird, Outlook on the web and on phones, Roundcube, Apple Mail, Proton Mail."""
_NO_LETTERS = re.compile(r"[\W_]+")
_PROBE = 48
"""So many letters and digits in a row tell the place in the text, whatever stands between them."""
_LONGEST_CLIMB = 60
"""Steps from a quotation up to the body that are taken to look for text behind it."""


class Found(NamedTuple):
    quotation: Heading | None = None
    """A heading without lines, at the place where the quotation begins."""
    signature: range = range(0)
    """The lines of the first signature; it may be the quoted mail's."""


def find(lines: Sequence[str], html: str) -> Found:
    """What the HTML says of the lines that were made of it, or that stand beside it."""
    if not any(trace in html for trace in _TRACES):
        return Found()
    body = HTMLTree.parse(capped(html)).body
    return Found() if body is None else Found(_quotation(lines, body), _signature(lines, body))


def _quotation(lines: Sequence[str], body: ElementNode) -> Heading | None:
    """A container with text behind it says nothing: then the new text stands below or in between."""
    container = body.query_selector(_CONTAINERS)
    if container is not None:
        return None if _has_text_behind(container) else _heading(lines, container.text or "")
    if (opener := body.query_selector(_OPENERS)) is not None:
        return _heading(lines, "".join(_texts_from(opener)))
    return _under_rule(lines, ruled) if (ruled := body.query_selector(_RULED)) is not None else None


def _signature(lines: Sequence[str], body: ElementNode) -> range:
    node = body.query_selector(_SIGNATURES)
    text = node.text or "" if node is not None else ""
    probe = _letters(text)
    begin = _line_of(lines, probe) if probe else None
    if begin is None:
        return range(0)
    end, left = begin, len(_NO_LETTERS.sub("", text))
    while end < len(lines) and left > 0:
        left -= len(_NO_LETTERS.sub("", lines[end]))
        end += 1
    return range(begin, end)


def _under_rule(lines: Sequence[str], ruled: DOMNode) -> Heading | None:
    found = _heading(lines, "".join(_texts_from(ruled)))
    fields = labels.read(lines, found.start)[0] if found else {}  # none in a language that is not known
    return None if fields and not labels.convincing(fields) else found


def _heading(lines: Sequence[str], text: str) -> Heading | None:
    probe = _letters(text)
    line = _line_of(lines, probe) if probe else None
    return None if line is None else Heading(Kind.ATTRIBUTION, line, line)


def _letters(text: str) -> str:
    near = _NO_LETTERS.sub("", text[: 4 * _PROBE])
    return (near if len(near) >= _PROBE else _NO_LETTERS.sub("", text[: 20 * _PROBE]))[:_PROBE]


def _texts_from(node: DOMNode) -> list[str]:
    """The texts of a node and of what follows it, enough to find the place."""
    texts: list[str] = []
    at: DOMNode | None = node
    for _ in range(_LONGEST_CLIMB):
        if at is None or sum(map(len, texts)) > 200:
            break
        texts.append(at.text or "")
        while at is not None and at.next is None:
            at = at.parent
        at = at.next if at is not None else None
    return texts


def _has_text_behind(node: DOMNode) -> bool:
    at: DOMNode | None = node
    for _ in range(_LONGEST_CLIMB):
        while at is not None and at.next is None:
            at = at.parent
        if at is None or at.next is None:
            return False
        at = at.next
        if (at.text or "").strip():
            return True
    return True


def _line_of(lines: Sequence[str], probe: str) -> int | None:
    """The line on which these letters begin; they may go on over the lines below."""
    for index, line in enumerate(lines):
        if probe[0] not in line[:20] or not probe.startswith(_letters(line[:20])):
            continue
        whole = probe.startswith(_letters(line))
        if whole and _letters("".join(lines[index : index + _PROBE])).startswith(probe):
            return index
    return None
