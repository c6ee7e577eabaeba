import json

from gateway.model import ReadMail
from gateway.reading import as_json, read


def test_an_empty_mail_has_nulls_and_empty_lists() -> None:
    found = as_json(ReadMail())
    assert (found["subject"], found["from"], found["date"], found["forward"], found["bounce"]) == (None,) * 5
    assert (found["to"], found["attachments"], found["references"]) == ([], [], [])


def test_a_mail_becomes_values_that_json_knows() -> None:
    raw = (
        b"From: Anna <a@a.example>\r\nTo: b@b.example\r\nSubject: s\r\nDate: Tue, 13 Jan 2026 11:00:00 +0100\r\n"
        b"Content-Type: text/plain; name=x.txt\r\nContent-Disposition: attachment\r\n\r\nhello"
    )
    found = json.loads(json.dumps(as_json(read(raw))))
    assert found["from"] == {"name": "Anna", "address": "a@a.example"}
    assert found["to"] == [{"name": None, "address": "b@b.example"}]
    assert found["date"] == "2026-01-13T10:00:00+00:00"
    assert found["attachments"][0]["name"] == "x.txt"
    assert found["machine"] == {"kinds": [], "may_answer": True}
