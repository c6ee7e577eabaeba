from hypothesis import given
from hypothesis import strategies as st

from gateway.outbound import frame
from tests.outbound.sample import parsed


def build(text: str) -> bytes:
    return frame.build("Subject: x\r\n", text, "<p>", "=_b", mixed=False)


@given(st.lists(st.one_of(st.integers(990, 1005), st.integers(0, 3000)), min_size=1, max_size=8))
def test_plain_ascii_goes_unencoded_unless_a_line_of_it_is_too_long(lengths: list[int]) -> None:
    text = "".join(f"{'x' * length}\n" for length in lengths)
    mail = build(text)
    part = parsed(mail).get_body(("plain",))
    assert part is not None
    assert part["Content-Transfer-Encoding"] == ("7bit" if max(lengths) <= 998 else "quoted-printable")
    assert part.get_content().replace("\r\n", "\n") == text
    assert all(len(line) <= 998 for line in mail.split(b"\r\n"))
