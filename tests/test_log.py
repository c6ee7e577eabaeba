"""The log: one line an event, harmless whatever a sender wrote."""

import io
import json
import logging
from contextlib import suppress

import pytest

from gateway import log
from gateway.errors import Temporary
from gateway.printable import printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    log.set_up("info", "json", stream)
    return stream


def events(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_on_one_line(lines: io.StringIO) -> None:
    log.ticket_opened("SUP-1", "S0", "core", "support", "page")
    (event,) = events(lines)
    assert event["event"] == "ticket_opened"
    assert event["level"] == "info"
    assert event["number"] == "SUP-1"
    assert str(event["time"]).endswith("Z")


@pytest.mark.incident("Log injection")
@pytest.mark.parametrize("hostile", ["a\r\nlevel=fake", "\x1b[31mred", "x\u2028y", "\u202egpj.exe", "\x9b2J", "\ud800"])
def test_what_does_not_print_is_escaped(lines: io.StringIO, hostile: str) -> None:
    log.mail_refused("127.0.0.1", hostile, "550 5.1.1")
    (event,) = events(lines)
    assert str(event["mail_from"]).isprintable()
    assert "\\" in str(event["mail_from"])


@pytest.mark.parametrize(
    "harmless", ["Grüße 👋 日本", 'says "no"', "C:\\temp", "kim+news@example.net", "x" * 500, "✓" * 500]
)
def test_what_prints_stands_there_as_it_came(lines: io.StringIO, harmless: str) -> None:
    log.mail_refused("127.0.0.1", harmless, "550 5.1.1")
    (event,) = events(lines)
    assert event["mail_from"] == harmless


@pytest.mark.incident("Log injection")
@pytest.mark.parametrize("hostile", ["a\nb", "\x1b[2J", "x\u2028y"])
def test_a_terminal_gets_no_escape_sequence_from_a_sender(hostile: str) -> None:
    stream = Terminal()
    log.set_up("info", "auto", stream)
    log.mail_refused("127.0.0.1", f"<{hostile}>", "550 5.1.1")
    assert hostile not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1


def test_long_values_are_cut(lines: io.StringIO) -> None:
    log.session_refused("127.0.0.1", "x" * 100_000)
    assert len(lines.getvalue()) < 2 * log.LONGEST_VALUE


@pytest.mark.incident("CVE-2018-1000089")
def test_an_exception_of_others_is_named_and_not_quoted(lines: io.StringIO) -> None:
    try:
        raise ValueError("INSERT ... password=hunter2")
    except ValueError as problem:
        log.mail_failed(7, problem, 1)
    (event,) = events(lines)
    assert event["problem"] == "ValueError"
    assert "test_an_exception_of_others" in str(event["where"])
    assert "hunter2" not in lines.getvalue()


def test_an_exception_of_ours_tells_its_private_text(lines: io.StringIO) -> None:
    log.delivery_later(1, "maria@customer.example", 1, Temporary("try later", "relay said 451 busy", "4.3.1"))
    (event,) = events(lines)
    assert (event["problem"], event["code"]) == ("relay said 451 busy", "4.3.1")


@pytest.mark.incident("CVE-2018-1000089")
def test_the_target_of_a_page_loses_what_may_be_secret(lines: io.StringIO) -> None:
    log.page_later("SUP-1", "https://user:pass@hooks.example:8443/services/T0KEN?key=1", 1, Temporary("busy"))
    (event,) = events(lines)
    assert event["target"] == "https://hooks.example:8443"


def test_a_reply_address_loses_its_proof_wherever_it_stands(lines: io.StringIO) -> None:
    address = "support+aeaqaaaaaeaaaaabbnbcym22octvshlfry4l4eq@example.com"
    log.mail_accepted(1, "smtp", "127.0.0.1", address.upper(), [address, "kim+news@example.net"], 7)
    log.delivery_later(1, "kim@example.net", 1, Temporary("later", f"451 <{address}>: sender unknown"))
    accepted, later = events(lines)
    assert accepted["mail_from"] == "SUPPORT+...@EXAMPLE.COM"
    assert accepted["recipients"] == ["support+...@example.com", "kim+news@example.net"]
    assert later["problem"] == "451 <support+...@example.com>: sender unknown"


def test_warnings_of_libraries_become_events(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("odd: %s", "\x1b[2J")
    logging.getLogger("some.library").info("chatter")
    (event,) = events(lines)
    assert event["event"] == "library_warned"
    assert event["message"] == "odd: \\x1b[2J"


def test_events_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    log.set_up("warning", "json", stream)
    log.gateway_stopped()
    assert stream.getvalue() == ""


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    log.set_up("info", "json", Full())
    log.gateway_stopped()


def test_printable_text_is_left_as_it_is() -> None:
    assert printable("Grüße 👋 日本") == "Grüße 👋 日本"
    assert printable("one\ntwo\x07", keep="\n") == "one\ntwo\\x07"


def test_a_password_in_the_field_of_the_name_is_not_logged(lines: io.StringIO) -> None:
    log.login_failed("127.0.0.1", "correct horse")
    log.login_failed("127.0.0.1", "ann@desk.example")
    assert [event["user"] for event in events(lines)] == ["", "ann@desk.example"]


def test_events_told_together_are_written_at_the_end_even_where_the_block_fails(lines: io.StringIO) -> None:
    with suppress(ZeroDivisionError), log.together():
        log.ticket_opened("SUP-1", "S0", "core", "support", "page")
        log.message_added("SUP-1", "note")
        assert lines.getvalue() == ""
        _ = 1 / 0
    log.message_added("SUP-2", "note")
    assert [event["event"] for event in events(lines)] == ["ticket_opened", "message_added", "message_added"]


@pytest.mark.parametrize(("wish", "colored"), [("", True), ("1", False)])
def test_a_terminal_gets_no_colour_where_it_is_not_wanted(
    wish: str, colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", wish)
    stream = Terminal()
    log.set_up("info", "auto", stream)
    log.gateway_stopped()
    assert ("\x1b[" in stream.getvalue()) is colored
