"""HTML bodies: as readable text, and sanitised for showing. Size and depth are capped before a parser sees anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from html import escape
from itertools import pairwise

import nh3
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import DOMNode, ElementNode, HTMLTree

MAX_HTML = 2_000_000
"""Characters read of one body; the rest is dropped (the raw mail still holds it)."""
MAX_DEPTH = 400
"""Elements open at once; tags beyond are left out, and their text stays. nh3 needs 1.2 s for 20,000 nested divs; no
real mail comes near this."""
MOST_REFERENCES = 50_000
"""``&`` in HTML that is sanitised: nh3 takes 0.1 s for so many, and 9 s for a million."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]*)(?:[^<>]*+>)?")
_COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>)", re.DOTALL)
# Never nested, and most without an end tag in much real HTML: void elements, those that the next one closes, and those
# that hold no tags.
_FLAT = frozenset(
    (
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
        "wbr", "p", "li", "td", "th", "tr", "dd", "dt", "option", "script", "style", "textarea", "title",
    )
)  # fmt: skip

# --- text -------------------------------------------------------------------------------------------

# Private-use characters stand for the ends of a blockquote while the text is extracted.
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_BLOCKQUOTE = re.compile(
    r"<(/?)[bB][lL][oO][cC][kK][qQ][uU][oO][tT][eE]\b[^<>]*>"
)  # IGNORECASE costs ten times as much
_HIDING_WORDS = (
    "hidden",
    "display:none",
    "display: none",
    "height:0",
    "height: 0",
    "opacity:0",
    "opacity: 0",
)
_HIDING = r"""[\s"';] (?:
      display \s*+ : \s*+ none
    | visibility \s*+ : \s*+ hidden
    | (?:max-height|opacity) \s*+ : \s*+ 0 (?:\.0*+)? (?:px|pt|em|%)? \s*+ (?=[;"'!])
    | hidden (?=[\s=>])
    )"""
_HIDDEN_TAG = re.compile(
    rf"""
    <[a-z] [^<>\s"';]*+                             # a start tag in lower case
    (?: (?!{_HIDING}) [\s"';] [^<>\s"';]*+ )*+      # its words up to one that hides it
    {_HIDING} [^<>]*+ (?=>)
    """,
    re.VERBOSE,
)
_UNSEEN = ["title", "[data-unseen]"]
_TINY_WORDS = ("size:0", "size: 0")
_FONT_SIZE = re.compile(r"(?<![\w-])font-size\s*:\s*([\w.%]*)", re.IGNORECASE)
_NO_SIZE = re.compile(r"(?:0+\.?0*|\.0+)(?:[a-z]*|%)", re.IGNORECASE)
_OF_PARENT = re.compile(r"[\d.]*(?:em|ex|%)|inherit|unset|larger|smaller", re.IGNORECASE)
"""Of what is written in no size, this is as small."""
_MAILTO = re.compile(r"[ ]?\(mailto:[^()\s]{1,300}\)")
_LINK = re.compile(r"[ ]\(((?:https?://|tel:)?[^()\s]{1,2000})\)")
_TABS = re.compile(r"\t[ \t]*")
_EMPTY_LINES = re.compile(r"\n[ \t\xa0]*\n(?:[ \t\xa0]*\n)+")


def to_text(html: str) -> str:
    """Renders HTML as text: bullets for lists, a tab between table cells, a link's target behind its words.

    A blockquote's lines begin with ``> ``, so that the quotation survives. What a reader would not see is left out,
    unless that is all there is: style sheets may show it, and are not read.
    """
    html = capped(_without_marks(html))
    lower = html.replace("İ", "_").lower()  # the one letter that lower() makes longer
    quotes = "<blockquote" in lower
    hides = any(word in lower for word in _HIDING_WORDS)
    tiny = any(word in lower for word in _TINY_WORDS)
    text = _extracted(_with_hidden_marked(html, lower) if hides else html, quotes, tiny)
    if (hides or tiny) and not text.strip("> \n"):
        text = _extracted(html, quotes, tiny=False)
    return text


def _extracted(html: str, quotes: bool, tiny: bool) -> str:
    """``quotes`` where there are blockquotes, ``tiny`` where letters may have no size."""
    if quotes:
        html = _BLOCKQUOTE.sub(lambda tag: f"{tag[0]}<p>{_CLOSE}</p>" if tag[1] else f"{tag[0]}<p>{_OPEN}</p>", html)
    text = extract_plain_text(
        _without_tiny_text(html) if tiny else html,
        preserve_formatting=True,
        links=True,
        alt_texts=False,
        skip_elements=_UNSEEN,
    )
    text = _tidy_links(_TABS.sub("\t", text) if "\t" in text else text)
    if quotes:
        text = _with_quote_marks(text)
    return _EMPTY_LINES.sub("\n\n", text).strip("\n")


def _without_tiny_text(html: str) -> HTMLTree:
    """Layouts give a cell no letter size against gaps, and what stands in it a size of its own: that is seen."""
    tree = HTMLTree.parse(html)
    waiting: list[tuple[DOMNode, bool]] = [(tree.body, False)] if tree.body else []
    while waiting:
        node, tiny = waiting.pop()
        if isinstance(node, ElementNode):
            tiny = _is_tiny(node, tiny)
            waiting += [(child, tiny) for child in node.child_nodes.values()]  # the list itself finds each anew
        elif tiny and node.text not in (_OPEN, _CLOSE):
            node.decompose()
    return tree


def _is_tiny(element: ElementNode, inherited: bool) -> bool:
    sizes = _FONT_SIZE.findall(element.getattr("style") or "")
    if not sizes:
        return inherited and element.tag != "font"
    return _NO_SIZE.fullmatch(sizes[-1]) is not None or (inherited and _OF_PARENT.fullmatch(sizes[-1]) is not None)


def _with_hidden_marked(html: str, lower: str) -> str:
    ends = [tag.end() for tag in _HIDDEN_TAG.finditer(lower)]
    return " data-unseen".join([html[start:end] for start, end in pairwise((0, *ends, len(html)))])


def _without_marks(text: str) -> str:
    return text.replace(_OPEN, "").replace(_CLOSE, "").replace("\x00", "")


def _tidy_links(text: str) -> str:
    """Drops link targets that the words before them already say."""
    if "(" not in text:
        return text
    if "(mailto:" in text:
        text = _MAILTO.sub("", text)
    return _LINK.sub(lambda link: "" if _says_target(text, link) else link[0], text)


def _says_target(text: str, link: re.Match[str]) -> bool:
    target = link[1].rstrip("/")
    plain = target.removeprefix("https://").removeprefix("http://").removeprefix("tel:")
    begin = max(0, link.start() - len(target) - 1)
    return text[begin : link.start()].rstrip("/").endswith((target, plain))


def _with_quote_marks(text: str) -> str:
    depth, rows = 0, list[str]()
    for row in text.split("\n"):
        if row.strip() == _OPEN:
            depth += 1
            rows.append("")
        elif row.strip() == _CLOSE:
            depth = max(0, depth - 1)
            rows.append("")
        else:
            rows.append(f"{'>' * min(depth, 9)} {_without_marks(row)}".rstrip() if depth else row)
    return "\n".join(_without_margins(rows))


def _without_margins(rows: list[str]) -> list[str]:
    """Drops empty quoted lines at the edge of a quotation."""
    kept: list[str] = []
    for index, row in enumerate(rows):
        edge = row.strip("> ") == "" and ">" in row
        if edge and (not kept or not kept[-1] or index + 1 == len(rows) or not rows[index + 1]):
            continue
        kept.append(row)
    return kept


# --- sanitised --------------------------------------------------------------------------------------

_ATTRIBUTES = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
_ATTRIBUTES["img"] = {"src", "alt", "title", "width", "height"}
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_ADDRESSES = frozenset(("href", "cite"))
_OUTWARD = re.compile(r"(?:https?:|mailto:|tel:)", re.IGNORECASE)  # a relative link would lead into our own pages
_IMAGE_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,", re.IGNORECASE)


def _cleaner(inline_ids: Mapping[str, str]) -> nh3.Cleaner:
    def attribute(tag: str, name: str, value: str) -> str | None:
        if name != "src":
            return value if name not in _ADDRESSES or _OUTWARD.match(value) else None
        if value[:4].lower() == "cid:":
            return inline_ids.get(value[4:], value)
        return value if _IMAGE_DATA.match(value) else None

    return nh3.Cleaner(attributes=_ATTRIBUTES, url_schemes=_SCHEMES, attribute_filter=attribute)


_CLEANER = _cleaner({})


def sanitise(html: str, inline_ids: Mapping[str, str] | None = None) -> str:
    """Makes HTML fit for showing: no script, no style, nothing loaded from elsewhere. Empty where that takes too long:
    the text must do then.

    Images stay where the mail holds them: ``cid:`` ones, under the address that ``inline_ids`` gives for their
    Content-ID (without ``<>``) if it has one, and ``data:`` ones. Other images lose their source and keep their words.
    """
    if html.count("&") > MOST_REFERENCES:
        return ""
    return (_cleaner(inline_ids) if inline_ids else _CLEANER).clean(capped(html))


def from_text(text: str) -> str:
    """Plain text as HTML, to stand between other pieces of it."""
    return "<p>" + escape(text.strip("\n"), quote=False).replace("\n", "<br>\n") + "</p>"


def capped(html: str) -> str:
    """The HTML up to the limits of size and depth, fit for a parser."""
    html = html[:MAX_HTML]
    return html if html.count("<") <= 2 * MAX_DEPTH else _flattened(_without_comments(html))


def _without_comments(html: str) -> str:
    """Word hides markup of its own in them. One without an end is left, or many such would be searched for it again
    and again."""
    end = html.rfind("-->") + 3
    return _COMMENT.sub("", html[:end]) + html[end:] if end >= 3 else html


def _flattened(html: str) -> str:
    """Without tags that hold nothing, end tags that end nothing, and start tags where too much is open."""
    opened: Counter[str] = Counter()
    kept, at = [], 0
    depth = 0
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        if name in _FLAT:
            continue
        step = -1 if tag[1] else 1
        if opened[name] > 0 if tag[1] else depth < MAX_DEPTH and not _holds_nothing(tag[0], tag[2]):
            opened[name] += step
            depth += step
        else:
            kept.append(html[at : tag.start()])
            at = tag.end()
    return " ".join([*kept, html[at:]]) if kept else html


def _holds_nothing(tag: str, name: str) -> bool:
    """``<o:p/>``, of which Word writes hundreds. Behind an unquoted value the slash is a part of that."""
    return tag.endswith(('"/>', "'/>", " />")) or tag == f"<{name}/>"
