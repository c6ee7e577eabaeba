"""What holds for any body, however it was meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import SpanKind
from gateway.reading import attribution, forward, headings, labels, lines, reply

PIECES = st.sampled_from(
    [
        "Hello", "", " ", "\r", "> ", ">", ">> deep", "> On 3 May 2024, at 10:00, Jo wrote:", "-- ", "--", "___",
        "```",
        "On Mon, May 6, 2024 at 10:00 AM, Help <help@example.com> wrote:", "wrote:",
        "From: Jo <jo@example.org>", "From:",
        "Sent: today", "To: a@example.com,", "Subject: x", "Begin forwarded message:", "-----Original Message-----",
        "---------- Forwarded message ---------", "Best regards", "Jo", "Sent from my iPhone", "<", "@", "：", "|",
        "\x00",
        "Am 3.2.2024 schrieb", "2024-05-06 10:00 GMT+01:00 Jo", "\ufeff>", "=====", "*From:* x", "\u2028", "ﬁ İ ß",
    ]
)  # fmt: skip
BODIES = st.one_of(st.text(max_size=300), st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=30).map("\n".join))
MARKUP = st.sampled_from(
    [
        "",
        "<p>Hello</p>",
        '<div class="gmail_quote">wrote:</div>',
        '<div id="appendonsend"></div>From:',
        "<",
        "<blockquote>",
    ]
)


@given(body=BODIES, html=MARKUP, subject=st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_the_spans_join_to_the_body_and_nothing_raises(body: str, html: str, subject: str) -> None:
    found = reply.split(headings.scan(body), html)
    assert "".join(span.text for span in found.spans) == body
    forward.find(headings.scan(body), subject, [])


@given(body=BODIES, html=MARKUP)
@settings(max_examples=300, deadline=None)
def test_no_quoted_line_is_among_the_new_without_a_word(body: str, html: str) -> None:
    found = reply.split(headings.scan(body), html)
    new = "".join(span.text for span in found.spans if span.kind is SpanKind.NEW).split("\n")
    assert found.interleaved or not any(map(lines.is_quoted, new))


@given(body=BODIES)
@settings(max_examples=200, deadline=None)
def test_no_word_is_lost_between_new_text_and_what_was_cut(body: str) -> None:
    found = reply.split(headings.scan(body))
    assert sorted((found.text + "\n" + found.quoted).split()) == sorted(body.split())


HOSTILE = {
    "on": "On On On " * 20_000,
    "on, in lines": "On 3 May 2024\n" * 20_000,
    "labels": "From: a\nTo: b@example.com,\nSubject:\n" * 8_000,
    "open lists": "To: a@example.com,\n" * 20_000,
    "quotes": ">" * 200_000,
    "quoted blanks": ">\n" * 100_000,
    "rules": "-----\n" * 30_000,
    "spaced rules": "- - - \n" * 30_000,
    "angles": ("<" * 300 + "\n") * 600,
    "addresses": ("a" * 300 + "@\n") * 600,
    "ats": ("On 3 May 2024 <" + "@" * 300 + "> wrote:\n") * 600,
    "dashes": "--\n" * 50_000,
    "closings": "Best regards\n" * 20_000,
    "phones": "Sent from my\n" * 20_000,
    "attributions": "On 3 May 2024, at 10:00, Jo wrote:\n> x\ntext\n" * 3_000,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bodies_are_split_in_reasonable_time(body: str) -> None:
    found = reply.split(headings.scan(body))
    assert "".join(span.text for span in found.spans) == body
    forward.find(headings.scan(body), "", [])


@pytest.mark.parametrize(
    "row", ["On 3 May 2024", "From: a", "To: a@example.com,", "> ", "-----", "Sent from my", "1. x 2024:"]
)
def test_the_work_grows_with_the_number_of_lines_not_faster(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    inner = lines.bare

    def counting(line: str) -> str:
        nonlocal calls
        calls += 1
        return inner(line)

    for module in (headings, labels, attribution):
        monkeypatch.setattr(module, "bare", counting)
    counts = []
    for size in (500, 1000):
        calls = 0
        list(headings.find([row] * size))
        counts.append(calls)
    assert counts[1] <= 2.2 * counts[0] + 100
