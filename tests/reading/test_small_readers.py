import pytest

from gateway.reading import ids, language, subjects


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Printer down", "Printer down"),
        ("Re: Printer down", "Printer down"),
        ("RE: Fwd: re : AW: Printer down", "Printer down"),
        ("Re[2]: Printer down", "Printer down"),
        ("Re(3): Re^4: Printer down", "Printer down"),
        ("WG: TR: SV: Printer down", "Printer down"),
        ("回复：转发: 打印机", "打印机"),
        ("Printer down (fwd)", "Printer down"),
        ("Regarding: Printer", "Regarding: Printer"),
        ("Urgent: printer", "Urgent: printer"),
        ("Re:", ""),
        ("", ""),
        ("[SUP-1042] Re: Printer", "[SUP-1042] Re: Printer"),
    ],
)
def test_marks_of_answers_and_forwards_are_stripped(subject: str, base: str) -> None:
    assert subjects.base(subject) == base


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hello, the portal is down since this morning and we can not log in. Please help.", "en"),
        ("Guten Tag, wir können uns seit heute nicht mehr anmelden. Bitte um Hilfe, danke.", "de"),
        ("Bonjour, nous ne pouvons plus nous connecter depuis ce matin. Merci de votre aide.", "fr"),
        ("Hola, no podemos entrar en el portal desde esta mañana. Gracias por su ayuda.", "es"),
        ("Buongiorno, non riusciamo ad accedere al portale da questa mattina. Grazie per la risposta.", "it"),
        ("Hallo, wij kunnen sinds vanmorgen niet meer inloggen in het portaal. Bedankt voor de hulp.", "nl"),
        ("Bom dia, não conseguimos entrar no portal desde esta manhã. Obrigado pela ajuda.", "pt"),
        ("今朝からポータルにログインできません。", "ja"),
        ("从今天早上开始我们无法登录门户网站。", "zh"),
        ("오늘 아침부터 포털에 로그인할 수 없습니다.", "ko"),
        ("Мы не можем войти в портал с сегодняшнего утра.", "ru"),
        ("", ""),
        ("12345 67890", ""),
        ("ERROR 500 at line 12", ""),
    ],
)
def test_the_language_is_told_by_common_words_and_scripts(text: str, code: str) -> None:
    assert language.of(text) == code


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a@b>", ("a@b",)),
        ("<a@b> <c@d>", ("a@b", "c@d")),
        ("<a@b><c@d>", ("a@b", "c@d")),
        ("<a @b>", ("a@b",)),
        ("a@b", ("a@b",)),
        ("Anna's message of Monday <a@b>", ("a@b",)),
        ("Anna's message of Monday", ()),
        ("<>", ()),
        ("", ()),
        ("<" + "x" * 2000 + ">", ()),
    ],
)
def test_ids_stand_without_brackets(text: str, found: tuple[str, ...]) -> None:
    assert ids.all_of(text) == found


def test_a_message_id_may_lack_its_brackets() -> None:
    assert ids.first("<a@b>") == "a@b"
    assert ids.first("a@b") == "a@b"
    assert ids.first("") == ""
