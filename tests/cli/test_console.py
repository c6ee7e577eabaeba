"""What commands print, on its own."""

import pytest

from gateway.cli.console import LONGEST_CELL, brief, table


def test_a_row_of_a_list_shows_the_beginning_of_a_long_subject() -> None:
    assert brief("Help") == "Help"
    assert brief("S " * 400) == "S " * 39 + "S…"
    assert len(brief("W" * 200)) == LONGEST_CELL


def test_a_program_that_reads_a_table_gets_each_row_whole_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"{'k' * 180}@example.net"
    table(("from", "subject"), [(address, "word " * 80)], "none")
    assert capsys.readouterr().out.splitlines()[1] == f"{address}  {'word ' * 80}"
