"""Mails as programs and people really write them, invented by others who knew nothing of our rules, with what stands in
them. They showed what was misread, so they are no measure of what is new; they keep what was learned from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Address, MachineKind, ReadMail
from gateway.reading import read

FILES = sorted(Path(__file__).with_name("wild").glob("*.jsonl"))
LEAST = 0.965
"""Share of the facts of each file; what is missing can be argued, such as whether a question between answers is new."""


def _lines(text: str) -> str:
    text = "\n".join(line.rstrip(" \t\xa0") for line in text.replace("\r\n", "\n").split("\n")).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", text)


def _all_in(wanted: str | Iterable[str], text: str) -> bool:
    whole = " ".join(text.split())
    return all(" ".join(one.split()) in whole for one in ([wanted] if isinstance(wanted, str) else wanted))


def _none_in(wanted: str | Iterable[str], text: str) -> bool:
    return not any(_all_in(one, text) for one in ([wanted] if isinstance(wanted, str) else wanted))


def _same(text: str, wanted: str) -> bool:
    return text.split() == wanted.split()


def _lower(people: Iterable[Address]) -> list[str]:
    return [one.address.lower() for one in people]


def _is(mail: ReadMail, kind: MachineKind) -> bool:
    return kind in mail.machine.kinds


HOLDS: dict[str, Callable[[ReadMail, Any], bool]] = {
    "subject": lambda mail, want: _same(mail.subject, want),
    "subject_base": lambda mail, want: _same(mail.subject_base, want),
    "from_addr": lambda mail, want: mail.author is not None and mail.author.address.lower() == want.lower(),
    "from_name": lambda mail, want: mail.author is not None and mail.author.name == want,
    "to_addrs": lambda mail, want: _lower(mail.to) == [one.lower() for one in want],
    "cc_addrs": lambda mail, want: _lower(mail.cc) == [one.lower() for one in want],
    "message_id": lambda mail, want: mail.message_id == want,
    "date": lambda mail, want: mail.date == datetime.fromisoformat(want.replace("Z", "+00:00")),
    "body_text": lambda mail, want: _lines(mail.text) == _lines(want),
    "body_contains": lambda mail, want: _all_in(want, mail.text),
    "attachment_count": lambda mail, want: len(mail.attachments) == want,
    "attachment_names": lambda mail, want: [one.name for one in mail.attachments] == want,
    "reply_text": lambda mail, want: _lines(mail.reply.text) == _lines(want),
    "reply_words": lambda mail, want: _same(mail.reply.text, want),
    "reply_contains": lambda mail, want: _all_in(want, mail.reply.text),
    "reply_excludes": lambda mail, want: _none_in(want, mail.reply.text),
    "quoted_contains": lambda mail, want: _all_in(want, mail.reply.quoted),
    "has_signature": lambda mail, want: bool(mail.reply.signature.strip()) == want,
    "signature_contains": lambda mail, want: _all_in(want, mail.reply.signature),
    "quoted_from": lambda mail, want: (
        mail.reply.quoted_from is not None and want in (mail.reply.quoted_from.name, mail.reply.quoted_from.address)
    ),
    "is_forward": lambda mail, want: (mail.forward is not None) == want,
    "forwarded_subject": lambda mail, want: mail.forward is not None and mail.forward.subject == want,
    "forwarded_date_raw": lambda mail, want: mail.forward is not None and mail.forward.date_raw == want,
    "forwarded_text": lambda mail, want: mail.forward is not None and _same(mail.forward.text, want),
    "forwarded_from_addr": lambda mail, want: (
        mail.forward is not None and mail.forward.sender is not None and mail.forward.sender.address == want
    ),
    "comment_text": lambda mail, want: mail.forward is not None and _same(mail.forward.comment, want),
    "is_bounce": lambda mail, want: (mail.bounce is not None and mail.bounce.failed) == want,
    "is_dsn": lambda mail, want: (mail.bounce is not None and mail.bounce.dsn) == want,
    "bounce_permanent": lambda mail, want: mail.bounce is not None and mail.bounce.permanent == want,
    "bounced_message_id": lambda mail, want: mail.bounce is not None and mail.bounce.original_message_id == want,
    "bounce_recipients": lambda mail, want: (
        mail.bounce is not None
        and {one.address.lower() for one in mail.bounce.recipients} == {one.lower() for one in want}
    ),
    "bounce_status": lambda mail, want: mail.bounce is not None and [r.status for r in mail.bounce.recipients] == want,
    "is_machine_generated": lambda mail, want: bool(mail.machine.kinds) == want,
    "is_auto_reply": lambda mail, want: _is(mail, MachineKind.AUTO_REPLY) == want,
    "is_read_receipt": lambda mail, want: _is(mail, MachineKind.READ_RECEIPT) == want,
    "is_feedback_report": lambda mail, want: _is(mail, MachineKind.FEEDBACK_REPORT) == want,
    "auto_reply_ok": lambda mail, want: mail.machine.may_answer == want,
}


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_mails_of_the_wild_are_read_as_people_read_them(file: Path) -> None:
    wrong, facts = [], 0
    for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n"):
        letter = json.loads(line)
        mail = read(letter["raw"].encode("latin-1"))
        facts += len(letter["facts"])
        wrong += [f"{letter['name']}: {fact}" for fact, want in letter["facts"].items() if not HOLDS[fact](mail, want)]
    assert 1 - len(wrong) / facts >= LEAST, "\n".join(wrong)
