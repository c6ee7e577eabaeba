from hypothesis import given
from hypothesis import strategies as st

from gateway.triage.lexicon import lexicon
from gateway.triage.signals import Sentence, sentences

ENGLISH = lexicon("en")


def only(text: str, language: str = "en") -> Sentence:
    (sentence,) = sentences(text, lexicon(language))
    return sentence


def test_a_negated_verb_of_use_is_a_failure():
    assert only("We can't open the workbook").bad


def test_a_negated_failure_is_none():
    assert not only("There are no errors at all").bad


def test_nobody_before_a_verb_is_a_failure():
    assert only("Nobody on our shift got in").bad


def test_a_question_asserts_nothing():
    sentence = only("How can I see whether an export failed?")
    assert sentence.asks
    assert not sentence.bad


def test_a_question_mark_behind_a_complaint_leaves_it_one():
    assert only("Hmm, the login seems to be down?").bad


def test_a_question_behind_a_complaint_leaves_it_one():
    assert only("The export of our chart fails since this morning, can you look?").bad
    assert not only("If the export fails, can you look?").bad


def test_what_is_supposed_asserts_nothing():
    assert not only("What happens if the query engine fails").bad


def test_what_is_over_asserts_nothing():
    assert not only("The outage has been resolved").bad


def test_what_is_not_resolved_is_a_failure():
    assert only("The outage was not resolved").bad


def test_negation_stays_in_its_sentence():
    first, second = sentences("Please do not call us. Every export fails.", ENGLISH)
    assert not first.bad
    assert second.bad


def test_others_who_are_fine_are_a_contrast():
    assert only("The other departments are working normally").contrast


def test_a_quoted_message_behind_says_is_a_failure():
    assert only('The page says "realm gone"').bad


def test_numbers_count_people_and_places_apart():
    sentence = only("All 2,100 ground staff at six airports wait")
    assert sentence.people == [2100]
    assert sentence.places == [6]


def test_numbers_of_other_things_are_no_people():
    assert not only("It shows 400 orders and 3 errors since 02:15").people


def test_number_words_count():
    assert only("Twelve hundred planners are waiting").people == [1200]


def test_a_list_item_is_a_sentence_and_a_line_break_is_none():
    assert len(sentences("The login\nis down for all\n- sharing too\n\nThanks", ENGLISH)) == 3


def test_an_aside_is_read_behind_its_sentence():
    assert only("None of the shift (we are 140 underground) got in").bad


def test_german_negation_follows_its_verb_or_precedes_it():
    assert only("Niemand kann sich anmelden", "de").bad
    assert not only("Es gibt keine Fehler", "de").bad


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str):
    for sentence in sentences(text, ENGLISH):
        assert isinstance(sentence.text, str)
