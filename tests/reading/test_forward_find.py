"""The mail that was forwarded: inline in the forms of many clients, or attached."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model import Address, ReadMail
from gateway.reading import forward, read
from gateway.reading.headings import scan

JANE = Address("Jane Roe", "jane@example.org")
BOB = Address("Bob", "bob@example.com")
EN = "From: Jane Roe <jane@example.org>\nDate: {date}\nSubject: Portal\nTo: Bob <bob@example.com>"
DATE = "Fri, May 3, 2024 at 10:00 AM"

INLINE = {
    "Gmail": "---------- Forwarded message ---------\n" + EN + "\n\n\nIt is down.",
    "eM Client": "------ Forwarded Message ------\n" + EN.replace(":", "", 1).replace("Date:", "Date").replace(
        "Subject:", "Subject"
    ).replace("To:", "To")
    + "\n\nIt is down.",
    "The Bat!": "This is a forwarded message\n" + EN + "\n\n===8<======Original message text=======\nIt is down.\n\n"
    "===8<======End of original message text======\n",
    "Gmail, older": "---------- Forwarded message ----------\n" + EN + "\n\nIt is down.",
    "Gmail, bold": "---------- Forwarded message ---------\n"
    + EN.replace("Jane Roe", "*Jane Roe*")
    + "\n\nIt is down.",
    "Apple Mail": "Begin forwarded message:\n\n> "
    + EN.replace("\n", "\n> ")
    + "\n> Reply-To: Desk <desk@example.org>\n> \n> It is down.",
    "Apple Mail, all quoted": "> Begin forwarded message:\n>\n> " + EN.replace("\n", "\n> ") + "\n>\n> It is down.",
    "Yahoo": "----- Forwarded Message -----\nFrom: Jane Roe <jane@example.org>\nTo: Bob <bob@example.com>\nCc: \n"
    "Sent: {date}\nSubject: Portal\n\nIt is down.",
    "Thunderbird": "-------- Forwarded Message --------\nSubject: \tPortal\nDate: \t{date}\nFrom: \tJane Roe "
    "<jane@example.org>\nOrganization: \tExample\nTo: \tBob <bob@example.com>\n\n\nIt is down.",
    "Outlook": "From: Jane Roe <jane@example.org>\nSent: {date}\nTo: Bob <bob@example.com>\nSubject: Portal\n"
    "Importance: High\n\nIt is down.",
    "Outlook, mailto": "From: Jane Roe [mailto:jane@example.org]\nSent: {date}\nTo: Bob <bob@example.com>\n"
    "Subject: Portal\n\nIt is down.",
    "Outlook, rule": "________________________________\nFrom: Jane Roe <jane@example.org>\nSent: {date}\n"
    "To: Bob <bob@example.com>\nSubject: Portal\n\nIt is down.",
    "labels above values": "From:\nJane Roe <jane@example.org>\nSent:\n{date}\nTo:\nBob <bob@example.com>\nSubject:\n"
    "Portal\n\nIt is down.",
    "Android": "-------- Original message --------\n" + EN + "\n\nIt is down.",
    "IONOS": "---------- Original Message ----------\n" + EN + "\n\nIt is down.",
    "QQ": '------------------ Original ------------------\nFrom:  "Jane Roe";<jane@example.org>;\nDate:  {date}\n'
    'To:  "Bob"<bob@example.com>;\nSubject:  Portal\n\nIt is down.',
    "Zoho": "============ Forwarded message ============\n" + EN.replace(":", " :", 1) + "\n"
    "============ Forwarded message ============\n\nIt is down.",
    "SquirrelMail": "---------------- Original Message ----------------\n" + EN + "\n"
    "--------------------------------------------------\n\nIt is down.",
    "mutt": "----- Forwarded message from Jane Roe <jane@example.org> -----\n\n" + EN + "\nUser-Agent: Mutt/2.2\n\n"
    "It is down.\n\n----- End forwarded message -----",
    "Notes": "----- Forwarded by Bob/Sales/Example on 05/03/2024 11:00 AM -----\n\n" + EN + "\n\nIt is down.",
    "no rule": "This is a forwarded message\n" + EN + "\n\nIt is down.",
    "German": "-------- Weitergeleitete Nachricht --------\nBetreff: Portal\nDatum: {date}\nVon: Jane Roe "
    "<jane@example.org>\nAn: Bob <bob@example.com>\n\nIt is down.",
    "French": "Début du message transféré :\n\nDe: Jane Roe <jane@example.org>\nObjet: Portal\nDate: {date}\n"
    "À: Bob <bob@example.com>\n\nIt is down.",
    "Spanish": "---------- Forwarded message ---------\nDe: Jane Roe <jane@example.org>\nDate: {date}\nSubject: "
    "Portal\nTo: Bob <bob@example.com>\n\nIt is down.",
    "Italian": "Inizio messaggio inoltrato:\n\nDa: Jane Roe <jane@example.org>\nOggetto: Portal\nData: {date}\n"
    "A: Bob <bob@example.com>\n\nIt is down.",
    "Dutch": "Begin doorgestuurd bericht:\n\nVan: Jane Roe <jane@example.org>\nOnderwerp: Portal\nDatum: {date}\n"
    "Aan: Bob <bob@example.com>\n\nIt is down.",
    "Polish": "---------- Wiadomość przekazana dalej ----------\nOd: Jane Roe <jane@example.org>\nData: {date}\n"
    "Temat: Portal\nDo: Bob <bob@example.com>\n\nIt is down.",
    "Turkish": "Başlangıç Yönlendirilen İleti:\n\nKimden: Jane Roe <jane@example.org>\nKonu: Portal\nTarih: {date}\n"
    "Kime: Bob <bob@example.com>\n\nIt is down.",
    "Russian": "-------- Пересылаемое сообщение --------\nОт кого: Jane Roe <jane@example.org>\nКому: Bob "
    "<bob@example.com>\nДата: {date}\nТема: Portal\n\nIt is down.",
    "Chinese": "-------- 转发邮件信息 --------\n发件人：Jane Roe <jane@example.org>\n发送日期：{date}\n"
    "收件人：Bob <bob@example.com>\n主题：Portal\n\nIt is down.",
    "Korean": "---------- 전달된 메시지 ---------\n보낸사람: Jane Roe <jane@example.org>\n날짜: {date}\n제목: Portal\n"
    "받는사람: Bob <bob@example.com>\n\nIt is down.",
}


@pytest.mark.parametrize("body", INLINE.values(), ids=INLINE)
@pytest.mark.parametrize("comment", ["", "Please have a look.\n\n"])
def test_an_inline_forward_is_taken_apart(body: str, comment: str) -> None:
    found = forward.find(scan(comment + body.format(date=DATE)), "Fwd: Portal", [])
    assert found is not None
    assert (found.sender, found.to) == (JANE, (BOB,))
    assert (found.subject, found.date_raw) == ("Portal", DATE)
    assert (found.text, found.comment) == ("It is down.", comment.strip())


def test_copies_and_the_reply_address_of_a_forward_are_read() -> None:
    body = (
        "Begin forwarded message:\n\nFrom: Jane Roe <jane@example.org>\nTo: Bob <bob@example.com>, Al "
        "<al@example.com>\nCc: 'Eve' <eve@example.com>; carl@example.com <carl@example.com>\n"
        "Reply-To: desk@example.org\nSubject: x\n\ny"
    )
    found = forward.find(scan(body), "", [])
    assert found is not None
    assert [one.address for one in found.to] == ["bob@example.com", "al@example.com"]
    assert found.cc == (Address("Eve", "eve@example.com"), Address("", "carl@example.com"))
    assert [one.address for one in found.reply_to] == ["desk@example.org"]


def test_text_below_a_quoted_forward_is_not_part_of_it() -> None:
    body = (
        f"Look\n\n> Begin forwarded message:\n>\n> {EN.replace(chr(10), chr(10) + '> ')}\n>\n> It is down.\n\nWhat now?"
    )
    found = forward.find(scan(body), "", [])
    assert found is not None
    assert found.text == "It is down."


def test_a_forward_that_names_its_author_in_an_attribution_is_read() -> None:
    body = '-------- Пересылаемое сообщение --------\n03.05.2024, 10:00, "Jane Roe" <jane@example.org>:\n\nIt is down.'
    found = forward.find(scan(body), "", [])
    assert found is not None
    assert (found.sender, found.text) == (JANE, "It is down.")


@pytest.mark.parametrize("subject", ["Re: Portal", "AW: Portal", "[desk] RE: Portal", "回复：Portal", "SV: Portal"])
def test_the_headers_below_an_answer_are_no_forward(subject: str) -> None:
    assert forward.find(scan(f"Thanks!\n\n{EN.format(date=DATE)}\n\nIt is down."), subject, []) is None


def test_a_forward_inside_a_quotation_is_not_this_mails_forward() -> None:
    body = f"Thanks!\n\nOn 3 May 2024, at 10:00, Jo <jo@example.org> wrote:\n> FYI\n>\n> {EN.format(date=DATE)}"
    assert forward.find(scan(body), "Re: Portal", []) is None


def test_an_attribution_below_a_forwards_subject_is_a_forward() -> None:
    body = "FYI\n\nOn 3 May 2024, at 10:00, Jane Roe <jane@example.org> wrote:\n\n> It is down."
    found = forward.find(scan(body), "Fwd: Portal", [])
    assert found is not None
    assert (found.sender, found.comment) == (JANE, "FYI")


def test_an_attached_mail_is_a_forward() -> None:
    inner = ReadMail(
        subject="Portal", author=JANE, to=(BOB,), text="It is down.", date=datetime(2024, 5, 3, tzinfo=UTC)
    )
    found = forward.find(scan("See attached."), "Fwd: Portal", [(inner, "Fri, 3 May 2024 02:00:00 +0200")])
    assert found is not None
    assert found.date_raw == "Fri, 3 May 2024 02:00:00 +0200"
    assert (found.sender, found.subject, found.text, found.comment) == (JANE, "Portal", "It is down.", "See attached.")


def test_a_mail_attached_to_an_answer_is_no_forward() -> None:
    assert forward.find(scan("See attached."), "Re: Portal", [(ReadMail(subject="Portal", author=JANE), "")]) is None


def test_a_forward_in_the_html_is_found_where_the_text_part_is_empty() -> None:
    html = "<p>---------- Forwarded message ---------</p>" + EN.format(date=DATE).replace("<", "&lt;").replace(
        "\n", "<br>"
    )
    raw = (
        "From: a@a.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\n \n"
        f"--b\nContent-Type: text/html\n\n{html}<p>It is down.</p>\n--b--\n"
    )
    found = read(raw.encode()).forward
    assert found is not None
    assert (found.sender, found.text) == (JANE, "It is down.")


def test_ordinary_mails_hold_no_forward() -> None:
    assert forward.find(scan("Hello,\n\nFrom: Berlin\nTo: Paris\n\nmy trip."), "Trip", []) is None


def test_a_forward_is_in_the_language_of_what_it_forwards() -> None:
    inner = "Guten Tag, die Anmeldung ist seit heute nicht mehr möglich."
    body = INLINE["Gmail"].format(date=DATE).replace("It is down.", inner)
    found = read(f"Subject: Fwd: Portal\n\nfyi\n\n{body}\n".encode())
    assert found.forward is not None
    assert (found.forward.language, found.language) == ("de", "de")


@pytest.mark.parametrize(
    ("labels", "forwarded"),
    [(("Fra", "Sendt", "Til", "Emne"), True), (("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"), False)],
)
def test_one_prefix_forwards_in_danish_and_answers_in_finnish(labels: tuple[str, ...], forwarded: bool) -> None:
    sender, sent, to, subject = labels
    block = f"{sender}: Jane Roe <jane@example.org>\n{sent}: 3.5.2024 10:00\n{to}: Bob\n{subject}: Portal"
    assert (forward.find(scan(f"FYI\n\n{block}\n\nIt is down."), "VS: Portal", []) is not None) is forwarded


def test_the_mail_in_a_delivery_report_is_no_forward() -> None:
    mail = (Path(__file__).parent.parent / "mails" / "bounce-dsn.eml").read_bytes()
    assert read(mail).bounce is not None
    assert read(mail).forward is None
