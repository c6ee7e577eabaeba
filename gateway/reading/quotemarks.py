"""Where an HTML body says its quotation begins: the classes and ids that clients give it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from resiliparse.parse.html import DOMNode, HTMLTree

from gateway.reading.headings import Heading, Kind

# Containers: the whole quotation, its heading included.
_CONTAINERS = (
    ".gmail_quote",  # Gmail
    ".gmail_quote_container",
    ".yahoo_quoted",  # Yahoo
    "#yahoo_quoted",
    ".protonmail_quote",  # Proton Mail
    ".tutanota_quote",
    "[data-marker=__QUOTED_TEXT__]",  # Zimbra
    "#isReplyContent",  # NetEase, 163.com
    ".zmail_extra",  # Zoho
    ".front-blockquote",
    "[name=messageReplySection]",  # Spark
    "[name=quote]",  # GMX, web.de
    "#reply-intro",  # Roundcube
    ".ms-outlook-mobile-reference-message",
    "#mail-editor-reference-message-container",  # new Outlook
    ".qqmail_quote",
    ".elided-text",
    ".hmmessage_quote",
)
# Openers: the quotation is all that follows.
_OPENERS = (
    "#appendonsend",  # Outlook on the web
    "#divRplyFwdMsg",
    "#OLK_SRC_BODY_SECTION",  # Outlook for Mac
    ".OutlookMessageHeader",
    "#stopSpelling",  # Hotmail
    "#x_divRplyFwdMsg",
    "[data-marker=__DIVIDER__]",  # Zimbra
    'div[style*="border-top:solid #E1E1E1"]',  # Outlook for Windows
    'div[style*="border-top:solid #B5C4DF"]',
    'div[style*="border-top: 1pt solid rgb(225, 225, 225)"]',
)
_MARKED = re.compile(
    r"""gmail_quote|yahoo_quoted|protonmail_quote|tutanota_quote|__QUOTED_TEXT__|__DIVIDER__|isReplyContent|zmail_extra
      | front-blockquote|messageReplySection|name="?quote|reply-intro|reference-message|qqmail_quote|appendonsend
      | divRplyFwdMsg|OLK_SRC_BODY|OutlookMessageHeader|stopSpelling|border-top:[ ]?(?:1pt[ ])?solid[ ](?:\#E1E1E1|\#B5C4DF|rgb\(225)""",
    re.VERBOSE,
)
_WORD = re.compile(r"\w+")
_WORDS = 8
"""So many words in a row tell the place in the text."""


def find(lines: Sequence[str], html: str) -> Heading | None:
    """The line of the body at which the HTML says that the quotation begins; None where it does not say.

    A container with text behind it says nothing: then the new text stands below or in between.
    """
    if not _MARKED.search(html):
        return None
    tree = HTMLTree.parse(html[:2_000_000])
    body = tree.body
    if body is None:
        return None
    opener = body.query_selector(", ".join(_OPENERS))
    container = body.query_selector(", ".join(_CONTAINERS))
    node = container or opener
    if node is None or (container is not None and _text_behind(container)):
        return None
    words = _WORD.findall(node.text[:2000])[:_WORDS] or _words_behind(node)
    line = _line_of(lines, words)
    return None if line is None else Heading(Kind.ATTRIBUTION, line, line)
