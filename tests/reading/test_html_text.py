"""HTML as readable text, and sanitised for showing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reading import html, read, reply
from gateway.reading.headings import scan


def test_paragraphs_and_breaks_become_lines() -> None:
    assert (
        html.to_text("<p>One<br>two</p><p>three</p><div>four</div><div>five</div>") == "One\ntwo\n\nthree\n\nfour\nfive"
    )


def test_list_items_have_bullets_or_numbers() -> None:
    text = html.to_text("<ul><li>tea<li>milk</ul><ol><li>boil</ol>")
    assert [row.split() for row in text.split("\n")] == [["•", "tea"], ["•", "milk"], ["1.", "boil"]]


def test_cells_of_a_table_row_stand_on_one_line() -> None:
    assert (
        html.to_text("<table><tr><th>From:</th><td>Jo</td></tr><tr><td>a</td><td>b</td></tr></table>")
        == "From:\tJo\na\tb"
    )


def test_a_link_shows_its_target_unless_its_words_do() -> None:
    text = html.to_text(
        '<a href="https://example.com/x">status</a> <a href="https://example.com/">https://example.com</a> '
        '<a href="https://www.example.com/y">www.example.com/y</a> <a href="mailto:jo@example.com">jo@example.com</a>'
    )
    assert text == "status (https://example.com/x) https://example.com www.example.com/y jo@example.com"


def test_a_blockquote_is_marked_line_by_line() -> None:
    text = html.to_text("Yes<BLOCKQUOTE type=cite><p>a<br>b</p><blockquote>c</blockquote></BLOCKQUOTE>after")
    assert text == "Yes\n\n> a\n> b\n\n>> c\n\nafter"


@pytest.mark.parametrize(
    "hidden",
    [
        '<span style="display:none">secret</span>',
        "<div style='color:red; DISPLAY : none !important;'>secret</div>".replace(" : ", ": "),
        '<div style="max-height:0px;overflow:hidden">secret</div>',
        '<div style="font-size:0">secret</div>',
        '<div style="font-size: 0.0px"><p style="font-size:2em">secret <b style="font-size:90%">secret</b></p></div>',
        '<p style="visibility: hidden">secret</p>',
        '<p style="opacity:0;">secret</p>',
        "<div hidden>secret</div>",
        "<script>secret</script>",
        "<style>secret{}</style>",
        "<!-- secret -->",
        "<title>secret</title>",
        "<template>secret</template>",
        '<input type="hidden" value="secret">',
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    text = html.to_text(f'<p>Hello</p>{hidden}<p style="font-size:0.9em;opacity:0.5">there</p>')
    assert text.split() == ["Hello", "there"]


@pytest.mark.parametrize("size", ["13px", "1rem", ".5pt", "small", "0.9em;font-size:13px"])
def test_text_with_a_size_of_its_own_is_seen_inside_a_layout_that_has_none(size: str) -> None:
    cell = f'<p style="font-size:{size}">Nobody can <i>log in</i></p>'
    table = f'<table style="font-size:0px"><tr><td style="direction:ltr;font-size:0px">gap {cell} gap</td></tr></table>'
    assert html.to_text(table) == "Nobody can log in"
    assert html.to_text(f'<div style="font-size:0"><blockquote>{cell}</blockquote>') == "> Nobody can log in"


def test_layouts_with_thousands_of_cells_are_read_in_no_time() -> None:
    assert html.to_text('<p style="font-size:0">x' * 20_000 + '<p style="font-size:9px">y') == "y"


def test_a_mail_that_hides_all_it_says_is_read_all_the_same() -> None:
    assert html.to_text('<body style="font-size:0"><p class="text">Nobody can log in</p>') == "Nobody can log in"
    assert html.to_text("<div hidden>Nobody can log in</div><img src=x>") == "Nobody can log in"


def test_letters_that_grow_in_lower_case_do_not_move_what_is_hidden() -> None:
    assert html.to_text("<p>İİİ</p><i hidden>secret</i><b title=İ>there</b>").split() == ["İİİ", "there"]


@pytest.mark.incident("CVE-2026-22200", "CVE-2018-16587", "CVE-2021-3945", "Mutation XSS", "Tracking pixels")
@pytest.mark.parametrize(
    "dangerous",
    [
        "<script>alert(1)</script>",
        '<img src="http://tracker.example/p.png">',
        '<img src="//tracker.example/p.png">',
        '<img srcset="https://tracker.example/p.png 2x">',
        '<img alt="x>" src="https://tracker.example/p.png">',
        '<table background="https://tracker.example/p.png"><tr><td>x</table>',
        '<div style="background:url(https://tracker.example/p.png)">x</div>',
        "<style>@import url(https://tracker.example/x.css);</style>",
        '<link rel="stylesheet" href="https://tracker.example/x.css">',
        '<iframe src="https://tracker.example"></iframe>',
        '<video poster="https://tracker.example/p.png" src="https://tracker.example/v"></video>',
        '<svg><image href="https://tracker.example/p.png"/></svg>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<a href="/delete?everything">x</a>',
        '<p onclick="alert(1)">x</p>',
        '<form action="https://tracker.example"><input name="a"></form>',
        '<meta http-equiv="refresh" content="0;url=https://tracker.example">',
        '<base href="https://tracker.example/">',
        '<img src="data:image/svg+xml;base64,AAAA">',
    ],
)
def test_nothing_is_run_or_loaded_from_sanitised_html(dangerous: str) -> None:
    safe = html.sanitise(dangerous)
    assert not re.search(r"tracker|alert|script|onclick|delete|svg\+xml", safe)


@pytest.mark.incident("Codecs as character sets")
def test_markup_in_utf_7_is_made_harmless_like_any_other() -> None:
    head = b"Content-Type: text/html; charset=utf-7\n\n"
    mail = read(head + b"+ADw-script+AD4-x+ADw-/script+AD4-+ADw-b+AD4-hi+ADw-/b+AD4-")
    assert mail.safe_html == "<b>hi</b>"
    assert mail.text == "hi"


def test_links_to_elsewhere_stay_clickable() -> None:
    assert 'href="https://example.com/x"' in html.sanitise('<a href="https://example.com/x">x</a>')


@pytest.mark.incident("Tracking pixels")
def test_images_of_the_mail_itself_stay_in_place() -> None:
    safe = html.sanitise(
        '<img src="cid:a@b"><img src="CID:c@d"><img src="data:image/png;base64,AA==">', {"a@b": "/files/7"}
    )
    assert re.findall('src="([^"]*)"', safe) == ["/files/7", "CID:c@d", "data:image/png;base64,AA=="]


@pytest.mark.incident("Depth and number of parts")
@pytest.mark.parametrize(
    "markup", ["<div>", "<b><i>", "<blockquote>", "<table><tr><td>", "<a href=x>", "<span hidden>"]
)
def test_nesting_is_cut_at_the_limit_and_the_text_is_kept(markup: str) -> None:
    deep = html.capped(markup * 20_000 + "x")
    assert re.sub(r"<t[rd]>", "", deep).count("<") == html.MAX_DEPTH
    assert deep.endswith("x")
    html.to_text(deep)
    html.sanitise(deep)


@pytest.mark.incident("Depth and number of parts")
def test_end_tags_that_end_nothing_make_no_room_for_deeper_nesting() -> None:
    assert html.capped("</x>" * 20_000 + "<div>" * 20_000).count("<") == html.MAX_DEPTH
    assert html.capped("<div></x>" * 20_000).count("<") == html.MAX_DEPTH


@pytest.mark.parametrize(
    "tag",
    [
        '<w:LsdException Locked="false" Name="Title"/>',
        "<o:p/>",
        "<svg><path d='M0'/></svg>",
        "<a name=top />",
        "<!--[if gte mso 9]><xml><w:View></xml><![endif]-->",
        "<!--><b></b><!-- <b> --!>",
    ],
)
def test_tags_that_hold_nothing_and_comments_are_no_nesting(tag: str) -> None:
    body = f"{tag * 1000}<div>Nobody can <a href=https://example.com/>log in</a>.</div>"
    assert html.to_text(body).split() == ["Nobody", "can", "log", "in", "(https://example.com/)."]
    assert "<div>Nobody can <a href" in html.sanitise(body)


def test_a_comment_without_an_end_is_looked_for_once() -> None:
    markup = "-->" + "<!--" * 400_000
    assert html.capped(markup) == markup


@pytest.mark.parametrize("reference", ["&", "&amp;", "&x"])
def test_html_that_would_take_long_to_sanitise_is_read_and_not_shown(reference: str) -> None:
    body = f"<p>{reference * 300_000}</p>Nobody can log in"
    assert html.sanitise(body) == ""
    assert html.to_text(body).endswith("Nobody can log in")
    assert html.sanitise(f"<p>{reference * 10_000}</p>x").endswith("x")


def test_long_flat_html_is_not_cut() -> None:
    flat = "<p>line<br></p><div>x</div>" * 5_000
    assert html.capped(flat) == flat


@pytest.mark.incident("Mutation XSS")
@given(st.text(alphabet=st.sampled_from("<>/ab\"'= &;\ue0f0\ue0f1\x00-!\n"), max_size=120))
@settings(max_examples=200, deadline=None)
def test_no_markup_makes_it_raise(markup: str) -> None:
    html.to_text(markup + "<blockquote hidden>")
    html.sanitise(markup + "<blockquote hidden>")


QUOTED = {
    "Gmail": '<div class="gmail_quote"><p>Sen, 6 Mei Jo tulis</p><blockquote>Old</blockquote></div>',
    "Yahoo": '<div class="yahoo_quoted"><div>Jo, 6 May, so and so</div><div>Old</div></div>',
    "Outlook web": '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Xyz:</b> Jo</div><div>Old</div>',
    "Outlook": '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>Xyz:</b> Jo</p></div><p>Old</p>',
    "Proton": '<div class="protonmail_quote">Jo, Monday<blockquote>Old</blockquote></div>',
    "Zimbra": '<hr data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>Xyz:</b> Jo</div><div>Old</div>',
}


@pytest.mark.parametrize("quotation", QUOTED.values(), ids=QUOTED)
def test_a_clients_marks_tell_the_quotation_whatever_its_language(quotation: str) -> None:
    body = f"<html><body><div>New words.</div>{quotation}</body></html>"
    text = html.to_text(body)
    found = reply.split(scan(text), body)
    assert found.text == "New words."
    assert "Old" in found.quoted
    assert "".join(span.text for span in found.spans) == text


def test_a_clients_marks_tell_the_quotation_in_the_text_part_too() -> None:
    body = f"<html><body><div>New words.</div>{QUOTED['Yahoo']}</body></html>"
    found = reply.split(scan("New words.\n\nJo, 6 May, so\nand so\n\nOld\n"), body)
    assert (found.text, found.quoted) == ("New words.", "Jo, 6 May, so\nand so\n\nOld")


def test_new_text_below_a_clients_quotation_is_kept() -> None:
    body = f"<html><body><div>Hello</div>{QUOTED['Yahoo']}<p>New words.</p></body></html>"
    assert "New words." in reply.split(scan(html.to_text(body)), body).text


def test_a_quotation_in_a_blockquote_is_cut_by_its_marks() -> None:
    body = '<p>New words.</p><blockquote type="cite"><p>On 6 May 2024, at 10:00, Jo wrote:</p><p>Old</p></blockquote>'
    assert reply.split(scan(html.to_text(body)), body).text == "New words."


SIGNED = '<div>Two of them fail.</div><div id="Signature">Ida Marchand<br>Lycée Curie<br>01 55 50</div>'


@pytest.mark.parametrize(
    "below", ["", '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Jo</div><div>Old</div>']
)
def test_a_client_s_mark_tells_the_signature(below: str) -> None:
    found = reply.split(scan(html.to_text(SIGNED + below)), SIGNED + below)
    assert (found.text, found.signature) == ("Two of them fail.", "Ida Marchand\nLycée Curie\n01 55 50")


def test_a_marked_signature_with_text_below_hides_none_of_it() -> None:
    body = f"{SIGNED}<p>And a third one, since noon.</p>"
    assert "And a third one" in reply.split(scan(html.to_text(body)), body).text
