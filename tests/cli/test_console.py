"""What commands print, on its own."""

from gateway.cli.console import LONGEST_CELL, brief


def test_a_row_of_a_list_shows_the_beginning_of_a_long_subject() -> None:
    assert brief("Help") == "Help"
    assert brief("S " * 400) == "S " * 39 + "S…"
    assert len(brief("W" * 200)) == LONGEST_CELL
