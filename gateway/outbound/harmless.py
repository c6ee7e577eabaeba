"""Texts of strangers, made fit to stand in a mail that carries our name.

A confirmation goes to whatever address a mail names, so what it repeats of that mail must not be worth sending: no
name becomes a link or a telephone number (CVE-2023-50456 was that), no subject is clickable.
"""

from __future__ import annotations

import mimetypes
import re
from functools import lru_cache

from markupsafe import Markup, escape

from gateway.outbound.headers import clean

_LONGEST_NAME = 60
_NO_NAME = re.compile(
    r"""  ://  |  www\.  |  [@<>{}]      # addresses, links, markup
      |  \w\.\w{2,}                    # what a mail client takes for a host name
      |  (?: \d [ ()+./-]{0,3} ){6}    # a telephone number
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LINK = re.compile(
    r"""  [A-Za-z][A-Za-z0-9+-]{0,20} :// [^\s]{1,500}     # with a scheme
      |  (?<![\w.]) [\w-]{1,63} (?: \. [\w-]{1,63} ){1,10}  # a host name, or a file's
    """,
    re.VERBOSE,
)
_INDENT = re.compile(r"^ +", re.MULTILINE)
_FILE_TYPES = mimetypes.MimeTypes(filenames=())


@lru_cache(4096)
def name(text: str) -> str:
    """A display name to greet with; empty where it holds anything but a name."""
    text = clean(text)
    return "" if len(text) > _LONGEST_NAME or _NO_NAME.search(text) else text


def unlinked(text: str, longest: int = 200) -> str:
    """One line in which no mail client finds a link: ``example[.]com``. File names stay as they are."""
    text = clean(text[: 4 * longest])
    if len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    return _LINK.sub(lambda match: _broken(match[0]), text) if "." in text or "://" in text else text


def file_name(text: str) -> str:
    """An attachment's name for showing."""
    return unlinked(text.replace("/", "_").replace("\\", "_"), 100)


def lines(text: str) -> Markup:
    """Plain text as HTML: escaped, with its line breaks and indentations."""
    html = str(escape(text))
    if "\n" in html:
        html = html.replace("\n", "<br>\n")
    return Markup(_INDENT.sub(lambda match: "&nbsp;" * len(match[0]), html) if "  " in html or "\n " in html else html)


def _broken(link: str) -> str:
    if "://" not in link:
        known = _FILE_TYPES.guess_type(f"file.{link.rpartition('.')[2]}")[0] is not None
        return link if known or link.replace(".", "").isdigit() else link.replace(".", "[.]")
    return link.replace("://", "[:]//").replace(".", "[.]")
