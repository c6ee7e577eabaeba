"""A mail as an HTML page that loads nothing and runs nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment

from gateway import reading
from gateway.errors import Permanent
from gateway.model import ReadMail
from gateway.printable import printable
from gateway.reading.html import sanitise

IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933; }
h1 { font-size: 1.25rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; color: #52606d; }
dd { margin: 0; }
pre { white-space: pre-wrap; font: inherit; }
img { max-width: 100%; height: auto; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<dl>
{% for name, value in facts if value %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
<hr>
{% if body %}{{ body | safe }}{% else %}<pre>{{ text }}</pre>{% endif %}

</body>
</html>
""")


def write_page(path: Path, raw: bytes, mail: ReadMail) -> None:
    """Write the mail's HTML body, sanitised and with its own images in place, or its text. Raises Permanent."""
    page = PAGE.render(
        title=printable(mail.subject) or "(no subject)",
        facts=[(name, printable(value)) for name, value in _facts(mail)],
        body=sanitise(mail.html, _images(raw, mail)) if mail.html else "",
        text=printable(mail.text, keep="\n\t"),
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as problem:
        raise Permanent("", f"{path}: cannot be written ({problem.strerror})") from None


def _facts(mail: ReadMail) -> list[tuple[str, str]]:
    author = f"{mail.author.name} <{mail.author.address}>" if mail.author else ""
    return [
        ("From", author),
        ("To", ", ".join(one.address for one in mail.to)),
        ("Cc", ", ".join(one.address for one in mail.cc)),
        ("Date", mail.date.isoformat(" ") if mail.date else ""),
        ("Attachments", ", ".join(one.name for one in mail.attachments if one.name)),
    ]


def _images(raw: bytes, mail: ReadMail) -> Mapping[str, str]:
    """The mail's inline images by Content-ID, as data: addresses."""
    inline = (one for one in mail.attachments if one.content_id and one.content_type in IMAGES)
    return {
        one.content_id: f"data:{one.content_type};base64,{base64.b64encode(reading.content(raw, one)).decode()}"
        for one in inline
    }
