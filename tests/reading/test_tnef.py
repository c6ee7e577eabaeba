from hypothesis import given
from hypothesis import strategies as st

from gateway.reading import tnef
from tests.reading.tnef_maker import attached, attribute, prop, properties, winmail

SAMPLE = winmail(
    attribute(0x9007, b"\xe4\x04\0\0\0\0\0\0"),
    attribute(0x9003, properties(prop(0x1000, b"Gr\xfc\xdfe\0"), prop(0x1013, b"<p>hi</p>", kind=0x102)), level=1),
    attached(b"data one", b"ONE~1.TXT", prop(0x3707, b"one long name.txt\0"), prop(0x370E, b"text/plain\0")),
    attached(b"data two", b"two.bin", prop(0x3712, "pic@x\0".encode("utf-16-le"), kind=0x1F)),
)


def test_members_come_with_long_name_type_and_content_id() -> None:
    found = tnef.read(SAMPLE)
    assert [(one.name, one.content_type, one.content_id, one.data) for one in found.members] == [
        ("one long name.txt", "text/plain", "", b"data one"),
        ("two.bin", "application/octet-stream", "pic@x", b"data two"),
    ]


def test_the_body_is_read_in_the_code_page_of_the_file() -> None:
    found = tnef.read(SAMPLE)
    assert (found.text, found.html) == ("Grüße", "<p>hi</p>")


def test_data_may_stand_in_a_property() -> None:
    found = tnef.read(
        winmail(attribute(0x9002, b""), attribute(0x9005, properties(prop(0x3701, b"inside", kind=0x102))))
    )
    assert [one.data for one in found.members] == [b"inside"]


def test_named_and_many_valued_properties_are_passed_over() -> None:
    guid = b"\x11" * 16
    named = b"\x1e\0\x01\x80" + guid + b"\x01\0\0\0" + b"\x06\0\0\0n\0a\0m\0\0\0" + b"\x01\0\0\0\x02\0\0\0x\0\0\0"
    numbered = b"\x03\0\x02\x80" + guid + b"\0\0\0\0\x07\0\0\0" + b"\x2a\0\0\0"
    many = b"\x03\x10\x03\x68" + b"\x03\0\0\0" + b"\x01\0\0\0\x02\0\0\0\x03\0\0\0"
    found = tnef.read(winmail(attribute(0x9003, properties(named, numbered, many, prop(0x1000, b"text\0")), level=1)))
    assert found.text == "text"


def test_what_is_no_tnef_is_not_readable() -> None:
    for data in (b"", b"hello", tnef.SIGNATURE, tnef.SIGNATURE + b"\0\0"):
        assert tnef.read(data) == tnef.Container()


def test_cut_data_gives_what_came_before() -> None:
    whole = winmail(attached(b"one", b"one.txt"), attached(b"two", b"two.txt"))
    for cut in range(1, len(b"two") + 2):
        assert tnef.read(whole[:-cut]).members[0] == tnef.read(whole).members[0]
    assert tnef.read(whole[:40]).readable


@given(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=8), st.integers(0, len(SAMPLE)))
def test_damage_never_raises(at: int, new: bytes, end: int) -> None:
    tnef.read((SAMPLE[:at] + new + SAMPLE[at + len(new) :])[: max(end, at)])


def test_huge_counts_and_empty_attributes_end() -> None:
    counts = attribute(0x9005, b"\xff\xff\xff\xff" + b"\x02\x11\x01\x37\xff\xff\xff\xff" + b"\0" * 100_000)
    assert len(tnef.read(winmail(attribute(0x9002, b""), counts)).members) == 1
    assert len(tnef.read(winmail(attribute(0x9002, b"") * 5000)).members) == tnef.MOST_MEMBERS
