"""One labelled-mail object in, one answer out: the form that evaluation tools read, a JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.triage.classify import classify
from gateway.triage.policy import Policy


def classify_line(mail: Mapping[str, object], policy: Policy) -> dict[str, str]:
    """``id``, ``severity``, ``category``, ``subcategory`` and ``action`` of a mail.

    ``mail`` has ``id``, ``subject`` and ``body`` (new text only); ``from``, ``attachments`` and ``language`` may be
    there. What has another type than expected counts as absent.
    """
    attachments = mail.get("attachments")
    verdict = classify(
        _text(mail, "body"),
        _text(mail, "subject"),
        policy,
        sender=_text(mail, "from"),
        attachments=tuple(map(str, attachments)) if isinstance(attachments, list) else (),
        language=_text(mail, "language"),
    )
    return {
        "id": _text(mail, "id"),
        "severity": verdict.severity.value,
        "category": verdict.category.value,
        "subcategory": verdict.subcategory,
        "action": verdict.action.value,
    }


def _text(mail: Mapping[str, object], key: str) -> str:
    value = mail.get(key)
    return value if isinstance(value, str) else ""
