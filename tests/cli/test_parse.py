"""``gateway parse``: the page for people, the JSON for programs, the HTML page."""

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.cli.demo_mails import PIXEL
from tests.cli.conftest import Run


def written(folder: Path, mail: EmailMessage | bytes, name: str = "mail.eml") -> Path:
    path = folder / name
    path.write_bytes(mail if isinstance(mail, bytes) else mail.as_bytes())
    return path


def reply() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Maria Keller <maria@customer.example>"
    mail["To"] = "support@desk.example"
    mail["Cc"] = "Lee <lee@customer.example>"
    mail["Subject"] = "Re: [SUP-1] Sign-in"
    mail.set_content("It works again.\n\n> Does it work?\n> Ann\n")
    mail.add_attachment(PIXEL, maintype="image", subtype="png", filename="proof.png")
    return mail


def test_a_person_sees_new_text_what_was_folded_attachments_and_who_wrote(run: Run, tmp_path: Path) -> None:
    out = run("parse", written(tmp_path, reply())).out
    assert "Maria Keller <maria@customer.example>" in out
    assert "It works again." in out
    assert "Folded" in out
    assert "proof.png" in out
    assert "a person's mail" in out
    assert "> Does it work?\n" not in out


def test_a_robot_is_told_with_the_reason(run: Run, tmp_path: Path) -> None:
    mail = reply()
    mail["Auto-Submitted"] = "auto-replied"
    out = run("parse", written(tmp_path, mail)).out
    assert "auto_reply" in out
    assert "auto-submitted: auto-replied" in out
    assert "is never answered" in out


def test_a_delivery_report_is_told_recipient_by_recipient(run: Run) -> None:
    out = run("parse", Path(__file__).parents[1] / "mails" / "bounce-dsn.eml").out
    assert "Delivery report" in out
    assert "5." in out.partition("Delivery report")[2]


def test_standard_input_is_read_where_no_file_is_named(run: Run) -> None:
    assert run("parse", "--json", stdin=b"Subject: hello\n\ntext\n").json["subject"] == "hello"


@pytest.mark.incident("Log injection")
def test_control_sequences_of_a_sender_are_shown_and_not_obeyed(run: Run, tmp_path: Path) -> None:
    raw = b"From: a@b.example\nSubject: =?utf-8?q?=1B[2Jgone?=\n\nbell\x07 \x1b]0;title\x07 \xc2\x9b2J\n"
    result = run("parse", written(tmp_path, raw))
    assert not set(result.out) & {"\x1b", "\x07", "\x9b"}
    assert "\\x1b" in result.out


def test_markup_of_the_terminal_library_is_only_text(run: Run, tmp_path: Path) -> None:
    assert "[bold]x[/nonsense]" in run("parse", written(tmp_path, b"Subject: [bold]x[/nonsense]\n\n[red]\n")).out


def test_jsonl_answers_each_path_and_never_stops_at_a_bad_one(run: Run, tmp_path: Path) -> None:
    good, garbage = written(tmp_path, reply()), written(tmp_path, b"\xff\x00" * 500, "garbage.eml")
    paths = f"{good}\n{tmp_path}/none.eml\n{tmp_path}\n{garbage}\n{good}\n"
    result = run("parse", "--jsonl", stdin=paths.encode())
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 0
    assert [row["file"] for row in rows] == paths.splitlines()
    assert ["error" in row for row in rows] == [False, True, True, False, False]
    assert rows[0]["reply"]["text"].strip() == "It works again."
    assert rows[0]["attachments"][0]["size"] == len(PIXEL)


def test_json_is_ascii_so_that_it_is_safe_on_a_terminal(run: Run, tmp_path: Path) -> None:
    out = run("parse", "--json", written(tmp_path, "Subject: \u2028\u202e x\n\n\u009b\n".encode())).out
    assert out.isascii()


def html_mail(body: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@b.example", "<script>alert(1)</script>"
    mail.set_content("see HTML")
    mail.add_alternative(body, subtype="html")
    part = mail.get_payload()[1]  # type: ignore[index]
    part.add_related(PIXEL, "image", "png", cid="<pic@x>")  # type: ignore[union-attr]
    return mail


@pytest.mark.incident("CVE-2026-22200")
def test_the_html_page_runs_nothing_loads_nothing_and_shows_inline_images(run: Run, tmp_path: Path) -> None:
    body = '<p onclick="x()">Hi</p><script>evil()</script><img src="http://track.example/p"><img src="cid:pic@x">'
    out = tmp_path / "page.html"
    assert run("parse", written(tmp_path, html_mail(body)), "--html", out).status == 0
    page = out.read_text(encoding="utf-8")
    assert "<p>Hi</p>" in page
    assert 'src="data:image/png;base64,' in page
    assert "default-src 'none'" in page
    assert not [bad for bad in ("<script", "evil()", "onclick", "track.example") if bad in page]


def test_the_html_page_of_a_text_mail_shows_its_text(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    run("parse", written(tmp_path, b"Subject: s\n\n1 < 2 & 3\n"), "--html", out)
    assert "1 &lt; 2 &amp; 3" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [["none.eml"], ["."], ["mail.eml", "--html", "no/such/folder.html"]])
def test_what_cannot_be_read_or_written_is_an_error(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    written(tmp_path, reply())
    result = run("parse", *arguments)
    assert result.status == 1
    assert result.err.startswith("error: ")
