"""``gateway templates``: what goes out, and how it looks."""

from pathlib import Path

import pytest

from gateway.cli.context import default_text
from tests.cli.conftest import Run

NAMES = ["answer", "confirmation", "held", "notice", "page", "problem", "undeliverable", "unfetched"]


def test_the_list_names_every_template_and_its_languages(run: Run) -> None:
    rows = run("templates", "list", "--json").json
    assert sorted(row["name"] for row in rows) == NAMES
    assert all(row["languages"] == ["de", "en"] for row in rows)
    assert "confirmation" in run("templates", "list").out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_template_can_be_seen(run: Run, tmp_path: Path, name: str, language: str) -> None:
    result = run("templates", "preview", name, "--language", language, "--html", tmp_path / "out.html")
    assert result.status == 0
    assert result.out.startswith("Subject")
    assert "<html" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_an_own_template_wins_and_its_mistake_is_told(configured: Run, tmp_path: Path) -> None:
    own = tmp_path / "mails" / "en" / "page.txt.j2"
    own.parent.mkdir(parents=True)
    path = tmp_path / "gateway.toml"
    text = path.read_text(encoding="utf-8").replace("[gateway]", '[gateway]\ntemplates = "mails"')
    path.write_text(text, encoding="utf-8")
    own.write_text("Wake up: {{ subject }}", encoding="utf-8")
    assert configured("templates", "preview", "page", "--json").json["text"].startswith("Wake up: ")
    own.write_text("{{ nonsense }}", encoding="utf-8")
    result = configured("templates", "preview", "page")
    assert result.status == 1
    assert "nonsense" in result.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["page", "--language", "xx"]])
def test_what_is_not_there_is_told(run: Run, arguments: list[str]) -> None:
    result = run("templates", "preview", *arguments)
    assert result.status == 1
    assert "templates list" in result.err or "known are" in result.err


def test_the_words_of_the_own_policy_are_shown(configured: Run, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    text = path.read_text(encoding="utf-8").replace("[gateway]", '[gateway]\npolicy = "policy.toml"')
    path.write_text(text, encoding="utf-8")
    own = default_text("policy.toml").replace('portal = ""', 'portal = "https://help.desk.example"')
    (tmp_path / "policy.toml").write_text(own, encoding="utf-8")
    assert "More help: https://help.desk.example" in configured("templates", "preview", "confirmation").out


@pytest.mark.parametrize("own", [b"\xff{{ subject }}", b"{{ 1 // 0 }}"], ids=["no text", "a division by zero"])
def test_whatever_an_own_template_does_is_told_in_a_line(configured: Run, tmp_path: Path, own: bytes) -> None:
    (tmp_path / "mails" / "en").mkdir(parents=True)
    (tmp_path / "mails" / "en" / "page.txt.j2").write_bytes(own)
    path = tmp_path / "gateway.toml"
    text = path.read_text(encoding="utf-8").replace("[gateway]", '[gateway]\ntemplates = "mails"')
    path.write_text(text, encoding="utf-8")
    result = configured("templates", "preview", "page")
    assert result.status == 1
    assert "mend the template" in result.err
