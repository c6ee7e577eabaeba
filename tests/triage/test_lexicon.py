import pytest

from gateway.triage.concepts import MARK, MEANING
from gateway.triage.lexicon import LANGUAGES, LONGEST_REMEMBERED, MEMO, Codes, language_of, lexicon


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_the_essentials(language: str):
    words = lexicon(language)
    known = "".join([*words.codes.values(), *(code for p in words.phrases.values() for _, code in p)])
    for concept in ("fail", "not", "everyone", "one", "login", "workbook", "export", "past", "question", "workaround"):
        assert MARK[concept] in known, concept


def test_every_concept_has_a_mark_of_its_own():
    assert len(set(MARK.values())) == len(MEANING)


def test_the_longest_phrase_wins():
    words = lexicon("en").words("no longer an issue")
    assert lexicon("en").outline(words)[0] == MARK["past"]


def test_words_of_an_operator_join_the_shipped_ones():
    own = lexicon("en", (("workbook", "lens pack"),))
    assert own.outline(["lens", "pack"]) == [MARK["workbook"], ""]
    assert own.outline(["workbook"]) == [MARK["workbook"]]


def test_agent_nouns_are_people_in_english():
    assert lexicon("en").codes["stevedores"] == ""
    assert MARK["people"] in lexicon("en").codes["longshoremeners"]


def test_hostile_vocabulary_does_not_fill_the_memory():
    codes = lexicon("en", (("fail", "kaput"),)).codes
    for number in range(MEMO + 1000):
        codes[f"zz{number}q"]
    assert len(codes) <= MEMO


def test_a_word_longer_than_any_is_not_remembered():
    codes = lexicon("en").codes
    endless = "crash" + "z" * LONGEST_REMEMBERED
    assert codes[endless] == codes["crashed"]
    assert endless not in codes


def test_of_an_endless_word_no_more_is_looked_at_than_the_longest_stem():
    asked: list[str] = []

    class Stems(dict[str, str]):
        def get(self, stem: str, default: str | None = None) -> str | None:
            asked.append(stem)
            return default

    assert Codes({}, Stems(crash="!"), ())["z" * 100_000] == ""
    assert max(map(len, asked)) == len("crash")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The export of our workbook is broken", "en"),
        ("Der Export ist seit heute nicht möglich", "de"),
        ("L'export ne marche pas depuis hier pour nous", "fr"),
        ("ログインできません", "ja"),
        ("ログインできません Nobody can sign in since nine. 渡辺", "en"),
    ],
)
def test_the_language_is_told_by_its_small_words(text: str, language: str):
    assert language_of(text) == language


def test_a_text_without_small_words_is_what_the_hint_says():
    assert language_of("API 503", "de") == "de"
    assert language_of("API 503", "xx") == "en"
