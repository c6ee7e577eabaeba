"""The glue of ``gateway classify --jsonl``: a mail as a JSON object on one line, its verdict on another."""

from __future__ import annotations

import json

from gateway.errors import Permanent
from gateway.reading.headings import scan
from gateway.reading.reply import split
from gateway.triage.jsonl import classify_line
from gateway.triage.policy import Policy


def classify_json(line: str, policy: Policy) -> str:
    """The verdict on the new text of the mail on ``line``, as JSON. Raises Permanent where it is no JSON object."""
    try:
        mail = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise Permanent(f"this line is no JSON ({problem}); write one object a line") from None
    if not isinstance(mail, dict):
        raise Permanent("this line is no JSON object; write one object a line, with id, subject and body")
    body = mail.get("body")
    new = split(scan(body)).text if isinstance(body, str) else ""
    return json.dumps(classify_line({**mail, "body": new}, policy), ensure_ascii=False)
