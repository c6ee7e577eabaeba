"""The new text of a mail to a ``Verdict``; support hours and policy. Pure: no I/O, no clock, no random."""
