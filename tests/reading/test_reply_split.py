"""New text, quotation and signature of a plain body."""

import pytest

from gateway.model import SpanKind
from gateway.reading import reply
from gateway.reading.headings import scan

NEW_TEXT = "The export works again, thank you."

ATTRIBUTIONS = {
    "en": "On Mon, May 6, 2024 at 10:00 AM, Help Desk <help@example.com> wrote:",
    "en, wrapped": "On Mon, May 6, 2024 at 10:00 AM, Help Desk at Example Limited <\nhelp@example.com> wrote:",
    "en, verb wrapped": "On Mon, May 6, 2024 at 10:00 AM Help Desk <help@example.com>\nwrote:",
    "en, no address": "On 6 May 2024, at 10:00, Help Desk wrote:",
    "en, no colon": "---- On Mon, 06 May 2024 10:00:00 +0200 help@example.com wrote ----",
    "de": "Am 06.05.2024 um 10:00 schrieb Help Desk <help@example.com>:",
    "de, Gmail": "Am Mo., 6. Mai 2024 um 10:00 Uhr schrieb Help Desk <help@example.com>:",
    "de, name first": "Help Desk <help@example.com> schrieb am Mo., 6. Mai 2024,\n10:00:",
    "fr": "Le lun. 6 mai 2024 à 10:00, Help Desk <help@example.com> a écrit :",
    "es": "El lun, 6 may 2024 a las 10:00, Help Desk (<help@example.com>) escribió:",
    "it": "Il giorno lun 6 mag 2024 alle ore 10:00 Help Desk <help@example.com> ha scritto:",
    "nl": "Op ma 6 mei 2024 om 10:00 schreef Help Desk <help@example.com>:",
    "nl, iPhone": "Op 6 mei 2024 om 10:00 heeft Help Desk <help@example.com> het volgende geschreven:",
    "pt": "Em seg., 6 de mai. de 2024 às 10:00, Help Desk <help@example.com> escreveu:",
    "pl": "pon., 6 maj 2024 o 10:00 Help Desk <help@example.com> napisał(a):",
    "sv": "Den mån 6 maj 2024 kl 10:00 skrev Help Desk <help@example.com>:",
    "da": "Den man. 6. maj 2024 kl. 10.00 skrev Help Desk <help@example.com>:",
    "no": "man. 6. mai 2024 kl. 10:00 skrev Help Desk <help@example.com>:",
    "fi": "ma 6. toukok. 2024 klo 10.00 Help Desk (help@example.com) kirjoitti:",
    "cs": "po 6. 5. 2024 v 10:00 odesílatel Help Desk <help@example.com> napsal:",
    "hu": "Help Desk <help@example.com> ezt írta (időpont: 2024. máj. 6., H, 10:00):",
    "ro": "În lun., 6 mai 2024 la 10:00, Help Desk <help@example.com> a scris:",
    "tr": "Help Desk <help@example.com>, 6 May 2024 Pzt, 10:00 tarihinde şunu yazdı:",
    "el": "Στις Δευ 6 Μαΐ 2024 στις 10:00 π.μ., ο χρήστης Help Desk <help@example.com> έγραψε:",
    "ru": "пн, 6 мая 2024 г. в 10:00, Help Desk <help@example.com>:",
    "uk": "пн, 6 трав. 2024 р. о 10:00 Help Desk <help@example.com> пише:",
    "vi": "Vào Th 2, 6 thg 5, 2024 vào lúc 10:00 Help Desk <help@example.com> đã viết:",
    "ja": "2024年5月6日(月) 10:00 Help Desk <help@example.com>:",
    "zh": "Help Desk <help@example.com> 于2024年5月6日周一 10:00写道：",
    "ko": "2024년 5월 6일 (월) 오전 10:00, Help Desk <help@example.com>님이 작성:",
    "he": "‫בתאריך יום ב׳, 6 במאי 2024 ב-10:00 מאת ‪Help Desk‬‏ <help@example.com>:",
    "mutt, name first": "* Help Desk <help@example.com> [2024-05-06 10:00]:",
    "KMail": "On Monday, May 6, 2024 10:00:31 AM Eastern European Summer Time Help Desk wrote:",
    "GroupWise": ">>> Help Desk <help@example.com> 06.05.2024 10:00 >>>",
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_an_attribution_and_the_quotation_below_are_cut(attribution: str) -> None:
    body = f"{NEW_TEXT}\n\n{attribution}\n> Does the export work?\n>\n> Help Desk"
    found = reply.split(scan(body))
    assert found.text == NEW_TEXT
    assert found.quoted == body.removeprefix(f"{NEW_TEXT}\n\n")


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "nl", "pt", "da", "tr", "zh", "ko"])
def test_an_attribution_tells_who_is_quoted(language: str) -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\n{ATTRIBUTIONS[language]}\n> Hello"))
    assert found.quoted_from is not None
    assert found.quoted_from.address == "help@example.com"


def test_an_attribution_tells_name_and_date_as_they_stand() -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\n{ATTRIBUTIONS['en']}\n> Hello"))
    assert (found.quoted_from and found.quoted_from.name) == "Help Desk"
    assert found.quoted_date_raw == "Mon, May 6, 2024 at 10:00 AM"


HEADER_BLOCKS = {
    "en": "From: Help Desk <help@example.com>\nSent: Monday, 6 May 2024 10:00\nTo: Jo Doe\nSubject: Export",
    "de": "Von: Help Desk <help@example.com>\nGesendet: Montag, 6. Mai 2024 10:00\nAn: Jo Doe\nBetreff: Export",
    "fr": "De : Help Desk <help@example.com>\nEnvoyé : lundi 6 mai 2024 10:00\nÀ : Jo Doe\nObjet : Export",
    "es": "De: Help Desk <help@example.com>\nEnviado: lunes, 6 de mayo de 2024 10:00\nPara: Jo\nAsunto: Export",
    "it": "Da: Help Desk <help@example.com>\nInviato: lunedì 6 maggio 2024 10:00\nA: Jo Doe\nOggetto: Export",
    "nl": "Van: Help Desk <help@example.com>\nVerzonden: maandag 6 mei 2024 10:00\nAan: Jo\nOnderwerp: Export",
    "pl": "Od: Help Desk <help@example.com>\nWysłano: poniedziałek, 6 maja 2024 10:00\nDo: Jo\nTemat: Export",
    "cs": "Od: Help Desk <help@example.com>\nOdesláno: pondělí 6. května 2024 10:00\nKomu: Jo\nPředmět: Export",
    "fi": "Lähettäjä: Help Desk <help@example.com>\nLähetetty: 6. toukokuuta 2024\nVastaanottaja: Jo\nAihe: Export",
    "hu": "Feladó: Help Desk <help@example.com>\nElküldve: 2024. május 6.\nCímzett: Jo Doe\nTárgy: Export",
    "el": "Από: Help Desk <help@example.com>\nΣτάλθηκε: Δευτέρα, 6 Μαΐου 2024\nΠρος: Jo Doe\nΘέμα: Export",
    "tr": "Kimden: Help Desk <help@example.com>\nGönderildi: 6 Mayıs 2024 10:00\nKime: Jo Doe\nKonu: Export",
    "ru": "От: Help Desk <help@example.com>\nОтправлено: 6 мая 2024 г. 10:00\nКому: Jo Doe\nТема: Export",
    "ja": "差出人: Help Desk <help@example.com>\n送信日時: 2024年5月6日 10:00\n宛先: Jo Doe\n件名: Export",
    "zh": "发件人：Help Desk <help@example.com>\n发送时间：2024年5月6日 10:00\n收件人：Jo Doe\n主题：Export",
    "bold": "*From:* Help Desk <help@example.com>\n*Sent:* Monday, 6 May 2024\n*To:* Jo Doe\n*Subject:* Export",
    "wrapped": "From: Help Desk\n<help@example.com>\nSent: Monday\nTo: Jo Doe <jo@example.org>,\nAl\nSubject: Export",
}


@pytest.mark.parametrize("block", HEADER_BLOCKS.values(), ids=HEADER_BLOCKS)
@pytest.mark.parametrize("rule", ["", "________________________________\n", "-----Original Message-----\n"])
def test_a_block_of_headers_begins_the_quotation(block: str, rule: str) -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\n{rule}{block}\n\nDoes the export work?\n\nHelp Desk"))
    assert found.text == NEW_TEXT
    assert found.quoted.startswith(rule + block)
    assert (found.quoted_from and found.quoted_from.address) == "help@example.com"


def test_lines_that_look_like_attributions_are_new_text() -> None:
    body = (
        "On the surface this is fine:\nOn Monday it failed.\n\n2024-05-06 10:00:00 ERROR could not send to "
        "<a@example.com>:\ntimeout\n\nHere is what the log says:\n06.05.2024 10:00 started\n"
        "Priority: high\nTo: be decided\n\nFrom: is wrong.\nTo: is right.\nSubject: is empty."
    )
    assert reply.split(scan(body)).text == body


def test_code_between_backticks_is_new_text() -> None:
    body = "This breaks:\n\n```\nOn 6 May 2024, at 10:00, Jo wrote:\n--\n> x\n```\n\nWhy?"
    assert reply.split(scan(body)).text == body


def test_answers_between_quoted_lines_stay_with_what_they_answer() -> None:
    body = f"{ATTRIBUTIONS['en']}\n> Which browser?\n\nFirefox.\n\n> Since when?\n\nMonday.\n\n> Thanks\n"
    found = reply.split(scan(body))
    assert found.text == "> Which browser?\n\nFirefox.\n\n> Since when?\n\nMonday."


def test_an_answer_at_the_bottom_is_the_new_text() -> None:
    found = reply.split(scan(f"{ATTRIBUTIONS['en']}\n> Does it work?\n> Help Desk\n\n{NEW_TEXT}"))
    assert found.text == NEW_TEXT


def test_text_above_and_below_the_only_quotation_is_kept() -> None:
    found = reply.split(scan(f"Hello,\n\n{ATTRIBUTIONS['en']}\n> Does it work?\n\n{NEW_TEXT}"))
    assert "Hello," in found.text
    assert NEW_TEXT in found.text
    assert "Does it work?" not in found.text


def test_a_quotation_without_attribution_stays_above_its_answer() -> None:
    body = "> Does it work?\n\nIt does."
    assert reply.split(scan(body)).text == body


def test_the_wrapped_rest_of_a_long_quoted_line_is_quotation() -> None:
    long = "> We would like to know whether the export of the workbook works again for\nyou and your team.\n> Help Desk"
    assert reply.split(scan(f"Yes.\n\n{ATTRIBUTIONS['en']}\n{long}")).text == "Yes."


@pytest.mark.parametrize(
    "body",
    [
        f"{ATTRIBUTIONS['en']}\n> Which browser?\n\nFirefox.\n\n> Since when?\n\nMonday.",
        f"{ATTRIBUTIONS['en']}\nHD> Does it work?\n\nYes.\n\nHD> Since when?\n\nMonday.",
        "> Does it work?\n\nIt does.",
        f"{HEADER_BLOCKS['en']}\n\nThe export is broken.\nIt works again.",
        f"See my answers below.\n\n{HEADER_BLOCKS['en']}\n\nHow many users have you?\nThere are 212.",
    ],
)
def test_quoted_text_among_the_new_is_told(body: str) -> None:
    assert reply.split(scan(body)).interleaved


@pytest.mark.parametrize(
    "body",
    [
        NEW_TEXT,
        f"{NEW_TEXT}\n\n{ATTRIBUTIONS['en']}\n> Does it work?\n\n> Since when?",
        f"{NEW_TEXT}\n\n{HEADER_BLOCKS['en']}\n\nDoes it work?",
        f"{ATTRIBUTIONS['en']}\n> Does it work?\n\n{NEW_TEXT}",
        f"{NEW_TEXT}\n\n> Does it work?",
    ],
)
def test_a_quotation_that_was_cut_whole_is_none_among_the_new_text(body: str) -> None:
    found = reply.split(scan(body))
    assert (found.text, found.interleaved) == (NEW_TEXT, False)


def test_a_body_that_is_one_quoted_mail_keeps_its_text() -> None:
    found = reply.split(scan(f"{HEADER_BLOCKS['en']}\n\nThe export is broken."))
    assert found.text == "The export is broken."


SIGNATURES = {
    "RFC 3676": "-- \nJo Doe\nExample Ltd.",
    "dash": "—\nJo Doe",
    "list footer": "_______________________________________________\nusers mailing list\nusers@example.org",
    "closing": "Best regards,\nJo",
    "closing with contact": "Kind regards,\n\nJo Doe\nHead of Data\n+49 30 1234567",
    "German": "Viele Grüße\nJo Doe",
    "French": "Cordialement,\nJo Doe",
    "Danish": "Med venlig hilsen\nJo Doe",
    "Greek": "Με εκτίμηση,\nJo Doe",
    "dashed name": "-Jo",
    "iPhone": "Sent from my iPhone",
    "Android": "Sent from my Galaxy S24",
    "Outlook": "Get Outlook for Android<https://example.com/x>",
    "German phone": "Von meinem iPhone gesendet",
    "French phone": "Envoyé depuis mon téléphone",
    "Spanish phone": "Enviado desde mi iPhone",
    "Japanese phone": "iPhoneから送信",
    "Chinese phone": "从我的iPhone发送",
    "German, both genders": "Von meinem/meiner Galaxy gesendet",
    "Norwegian Outlook": "Skaff deg Outlook for iOS<https://aka.ms/o0ukef>",
    "Outlook, a language unknown here": "Abc def Outlook xyz iOS<https://aka.ms/o0ukef>",
    "Yahoo app": f"Yahoo Mail: busca, organiza, conquista (https://example.com/{'x' * 150})",
    "long name": "Met vriendelijke groet,\n\nJoost van der Meulen\nUitvoerder",
    "closing, contact, notice": (
        "Kind regards,\n\nJo Doe\nExample Ltd | Unit 6\nT: +44 113 496 0731\n\nThis email and any attachments are "
        "confidential and intended solely for the addressee. If you have received it in error please delete it."
    ),
    "title": "Mit freundlichen Grüßen\n\ni. A. Jürgen Brand\nEinkauf\nTel. 0201 5550 123",
    "Hungarian, with a colon": "Üdvözlettel:\n\nDr. Balogh Csilla\nTel.: +36 96 555 012",
    "notice alone": (
        "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, informieren Sie "
        "bitte sofort den Absender."
    ),
    "Japanese": "━━━━━━━━━━━━━━━━\n株式会社みなと印刷\n TEL 03-5555-0182\n━━━━━━━━━━━━━━━━",
}


@pytest.mark.parametrize("text", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_is_cut(text: str) -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\n{text}"))
    assert (found.text, found.signature) == (NEW_TEXT, text)
    assert [span.kind for span in found.spans] == [SpanKind.NEW, SpanKind.SIGNATURE]


@pytest.mark.parametrize("text", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_above_a_quotation_is_cut(text: str) -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\n{text}\n\n{ATTRIBUTIONS['en']}\n> Hello"))
    assert (found.text, found.signature.strip()) == (NEW_TEXT, text)


@pytest.mark.parametrize(
    "body",
    [
        "Please check\n\n-- the first point\n-- the second point\n\nThank you",
        "With best regards to the team, this is still open.",
        "Name    Expires\n---------------\nexample.com    June\n\nWhat do we do?",
        "Sent from my desk, this mail took a while. Could you answer soon?",
        "We need:\n\n- Login\n- Export",
        "The mail was sent from my iPhone app\nand never arrived.",
        "Please fix it.\n\nBest",
    ],
)
def test_what_only_resembles_a_signature_is_kept(body: str) -> None:
    assert reply.split(scan(body)).text == body


@pytest.mark.parametrize("mark", ["HD> ", "Help>", "    Help> ", "| "])
def test_quotation_marks_of_other_mailers_are_known_below_an_attribution(mark: str) -> None:
    found = reply.split(scan(f"{ATTRIBUTIONS['en']}\n\n{mark}Does it work?\n{mark}Help Desk\n\n{NEW_TEXT}"))
    assert found.text == NEW_TEXT


def test_answers_between_quotations_with_a_name_are_kept_with_them() -> None:
    body = f"{ATTRIBUTIONS['en']}\nHD> Does it work?\n\nYes.\n\nHD> Since when?\n\nMonday."
    assert reply.split(scan(body)).text == "HD> Does it work?\n\nYes.\n\nHD> Since when?\n\nMonday."


def test_lines_that_look_like_such_marks_are_text_elsewhere() -> None:
    body = "It says:\n\nC> not ready\nC> retry\n| a | b |"
    assert reply.split(scan(body)).text == body


def test_what_stands_below_a_signature_with_nothing_above_is_text() -> None:
    below = "-- \nKim Ost\nOst Press\n\nHello, since 8 nobody in our company can log in, and we cannot print papers."
    assert reply.split(scan(below)).text == below
    card = "-- \nKim Ost\nOst Press\n\nOpen from 8 to 5"
    assert reply.split(scan(card)).signature == card


def test_a_signature_may_hold_what_the_law_has_companies_write_and_stand_above_a_notice() -> None:
    court = "Sitz der Gesellschaft: Kiel, Amtsgericht Kiel HRA 99812"
    registered = f"{court} | Persönlich haftende Gesellschafterin: Nordwerk Verwaltungs GmbH"
    notice = "Diese E-Mail enthält vertrauliche Informationen. Sind Sie nicht der Adressat, so löschen Sie sie bitte."
    signed = f"Mit freundlichen Grüßen\n\nPetra Hollen\nIT\n\nNordwerk GmbH\n+49 431 55501\n\n{registered}\n\n{notice}"
    found = reply.split(scan(f"{NEW_TEXT}\n\n{signed}"))
    assert found.text == NEW_TEXT
    assert found.signature == signed


def test_thanks_with_a_name_are_text_and_with_contact_data_a_signature() -> None:
    quotation = f"\n\n{ATTRIBUTIONS['en']}\n> Hello"
    assert reply.split(scan(f"{NEW_TEXT}\n\nThanks,\nJo{quotation}")).text == f"{NEW_TEXT}\n\nThanks,\nJo"
    assert reply.split(scan(f"{NEW_TEXT}\n\nThanks,\nJo\nExample Ltd, +49 30 1234{quotation}")).text == NEW_TEXT


@pytest.mark.parametrize(
    "body",
    [
        "Every mail of ours ends with\nSent from my iPhone\nalthough it comes from your form.\nHow do I stop that?",
        "unter jeder Mail steht bei mir\n\nVon meinem iPhone gesendet\n\nund ich habe gar keines.",
        "your webmail puts\n\n-----Original Message-----\n\nabove the old text. Where can I change this?",
        f"The form:\n\nName: Jo\n{'_' * 32}\nNumber: 4471\n{'_' * 32}\nReason: new bank\n{'_' * 32}\n\nIs that all?",
        f"The form:\n\n{'_' * 32}\n\nName: Jo\nNumber: 4471\n\n{'_' * 32}\n\nThe invoice is of May.",
        "The headers that our program writes:\n\nFrom: a@a.example\nTo: b@b.example\nSubject: Yarns\n\nIs that wrong?",
        'Yes, on Tuesday.\n\nAt 10:15 the technician called and said:\n"Leave it running."\n\nHe came at 16:00.',
        "This message is confidential for now.\n\nWe found a hole in your login.",
        "Your template ends like this:\n\nBest regards,\nFirst Last\n\nHow do I change it?",
        "It works.\n\nBest regards,\nJo\n\nPS: please send the bill to Kim.",
        "On Monday, 2 November, your engineer came and on the form he wrote:\nnothing to repair.\n\nThat is not true.",
        "Bonjour,\n\nLe 17 octobre à 18h, le contrôleur a écrit :\n\n« sans billet »\n\nsur mon dossier.",
        'Hi,\n\nOn 4 May 2026 your colleague Tia wrote:\n"You get all of it back."\n\nI got a half.',
        "It comes from you:\n\nReceived: from a.example by b.example; Mon, 4 May 2026 10:00:00 +0200\n"
        "From: Bank <info@a.example>\nSubject: Your card\nDate: Mon, 4 May 2026 10:00:00 +0200\n\nPlease stop it.",
        "This takes 90 seconds now:\n\nSELECT * FROM a\n--\n-- end of report\n\nWhat may I change?",
        "An offer please:\n\nDa: Olbia\nA: Genova\nData: 22/06/2024\nOggetto: van\n\nMaybe on the 21st.",
        "They see\n\nFrom: a@a.example\nReply-To: b@a.example\nSubject: Order\nDate: 4 May 2026 10:00\n\nof us.",
        "There is no number 12 here. When I told him so, he wrote:\n\n> it is at 21\n\nThat is not true.",
        "The posts came too short.\n\nThanks,\nJo\n\nOne more thing: the lorry took a piece out of our gatepost today.",
        "We compared both:\n\n12c12\n< 7b;R 104\n---\n> 7b;R 204\n\nWho has changed that?",
        "Question one: does it print?\n\n________\n\nQuestion two: where is the button? It was here.",
        "My mails end like this:\n\nSent from my iPhone\n\nand I switched it off. Is it you or Apple?",
        "two crates of milk\n\n---\n\nBefore 7 on Monday, please.\n\n***\n\nIs the price the same?",
    ],
)
def test_what_only_looks_like_a_quotation_or_a_signature_is_new_text(body: str) -> None:
    assert reply.split(scan(body)).text == body


@pytest.mark.parametrize(
    "heading",
    [
        ">>> Help Desk <help@example.com> 08.11.2023 09:47 >>>\n",
        "11. März 2025, 15:08 von help@example.com:\n\n>",
        "في الثلاثاء، 3 نوفمبر 2026 في 10:14 ص تمت كتابة ما يلي بواسطة Service Desk <\nhelp@example.com>:\n>",
        "จาก: Service Desk <help@example.com>\nส่ง: 3 พฤศจิกายน 2026\nถึง: Jo\nเรื่อง: x\n\n",
        '-----"Help Desk" <help@example.com> wrote: -----\nTo: <jo@example.org>',
        "17.06.2024 13:20 (Europe/Berlin) - Help Desk <help@example.com> schrieb:\n>",
        '------ Original Message ------\nFrom "Help Desk" <help@example.com>\nDate 06/10/2025 09:20:44\nSubject x\n\n>',
        "----- Mail transféré ou quoi -----\nDe: Help Desk <help@example.com>\nEnvoyé: 5 Juin 2024\nObjet: x\n\n",
    ],
)
def test_rarer_headings_begin_a_quotation_too(heading: str) -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\n{heading} The line is repaired."))
    assert found.text == NEW_TEXT
    assert found.quoted_from is not None
    assert found.quoted_from.address == "help@example.com"


def test_answers_that_stand_inside_the_quotation_by_what_is_said_above_are_kept() -> None:
    block = f"{HEADER_BLOCKS['en']}\n\nHow many users have you?\nThere are 212."
    assert "There are 212." in reply.split(scan(f"Hi,\n\nplease see my answers in red below.\n\n{block}")).text
    assert "There are 212." not in reply.split(scan(f"Hi,\n\nplease answer soon.\n\n{block}")).text


@pytest.mark.parametrize(
    "words", ["Adding support, please see below.", "Siehe unten", "cf. la conversation, voir ci-dessous", "Mail below"]
)
def test_a_mail_that_somebody_points_to_is_kept_without_its_heading(words: str) -> None:
    block = f"-----Original Message-----\n{HEADER_BLOCKS['en']}\n\nNobody can log in."
    found = reply.split(scan(f"{words}\n\n{block}"))
    assert found.text.split("\n\n") == [words, "\nNobody can log in."]


@pytest.mark.parametrize("rule", ["---", "--", "-- ", "Sent from my iPhone\n"])
def test_text_below_a_rule_is_no_signature_where_only_a_greeting_stands_above(rule: str) -> None:
    body = f"Hello support,\n\n{rule}\nSince nine this morning nobody here can log in, and there is no workaround."
    assert reply.split(scan(body)).text == body
    card = f"Hello support,\n\n{rule}\nJane Doe\nNorthwind Ltd\nwe make the world a nicer place"
    assert reply.split(scan(card)).text == "Hello support,"


def test_a_name_a_verb_and_a_date_make_an_attribution_above_quotation_marks() -> None:
    found = reply.split(scan(f"{NEW_TEXT}\n\nHelp Desk kirjoitti 3.11.2026 klo 10.14:\n\n> Sopiiko?"))
    assert (found.text, found.quoted_date_raw) == (NEW_TEXT, "3.11.2026 klo 10.14")
    assert found.quoted_from is not None
    assert found.quoted_from.name == "Help Desk"
