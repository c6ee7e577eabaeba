"""``gateway classify``: severity and category with the words that decided."""

import json
from pathlib import Path

from gateway.cli.demo_mails import mails
from tests.cli.conftest import Run

OUTAGE = next(mails("support@example.com")).as_bytes()


def test_a_person_sees_severity_action_and_the_words_that_decided(run: Run) -> None:
    out = run("classify", stdin=OUTAGE).out
    assert "S0" in out
    assert "wake the on-call now" in out
    assert "sign in" in out.partition("Why")[2]


def test_a_program_gets_the_verdict_as_json(run: Run) -> None:
    verdict = run("classify", "--json", stdin=OUTAGE).json
    assert (verdict["severity"], verdict["action"]) == ("S0", "page")
    assert verdict["evidence"]


def test_jsonl_answers_each_line_and_goes_on_after_a_bad_one(run: Run) -> None:
    mail = {"id": "a", "subject": "Question", "body": "How do I rename a folder?"}
    result = run("classify", "--jsonl", stdin=f"{json.dumps(mail)}\nnonsense\n[]\n\n{json.dumps(mail)}\n".encode())
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 0
    assert [row.get("severity", "error") for row in rows] == ["S3", "error", "error", "S3"]
    assert rows[0]["id"] == "a"


def test_the_policy_of_the_configuration_counts(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("nonsense = 1", encoding="utf-8")
    path = tmp_path / "gateway.toml"
    text = path.read_text(encoding="utf-8").replace("[gateway]", '[gateway]\npolicy = "policy.toml"')
    path.write_text(text, encoding="utf-8")
    result = configured("classify", stdin=OUTAGE)
    assert result.status == 1
    assert "policy.toml" in result.err
