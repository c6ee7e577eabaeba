import json

import pytest

from gateway.cli.classify_jsonl import classify_json
from gateway.errors import Permanent
from gateway.triage.policy import DEFAULT


def test_a_mail_on_a_line_gets_its_verdict_on_a_line():
    line = json.dumps({"id": "7", "subject": "down", "body": "Nobody in our company can log in, all 90 users."})
    verdict = json.loads(classify_json(line, DEFAULT))
    assert verdict == {
        "id": "7",
        "severity": "S0",
        "category": "core",
        "subcategory": "core.login",
        "action": "page",
    }


def test_quoted_text_does_not_count():
    body = "Thank you, all is well.\n\n> Nobody of our 90 users can log in."
    verdict = json.loads(classify_json(json.dumps({"id": "8", "subject": "Re: x", "body": body}), DEFAULT))
    assert verdict["severity"] == "S3"


def test_absent_and_odd_fields_count_as_empty():
    verdict = json.loads(classify_json('{"id": "9", "subject": null, "body": 5, "attachments": "x"}', DEFAULT))
    assert verdict["severity"] == "S3"


@pytest.mark.parametrize("line", ["{", "[]", "5", "", "[" * 100_000])
def test_a_line_that_is_no_object_is_told(line: str):
    with pytest.raises(Permanent, match="this line is no JSON"):
        classify_json(line, DEFAULT)
