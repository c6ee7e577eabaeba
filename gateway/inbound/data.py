"""The text that follows DATA, taken in bulk. Pure: no socket, no clock."""

from __future__ import annotations

END = b"\r\n.\r\n"
"""The one end of a mail; no other mix of CR, LF and a dot is one (SMTP smuggling)."""
_HEADER_SEARCHED = 1 << 20


class Incoming:
    """One mail on its way in, fed chunk by chunk, at most ``limit`` octets kept.

    Beyond the limit the text is dropped and only the end is looked for.
    """

    __slots__ = ("_chunks", "_limit", "_tail", "dropped", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._tail = b"\r\n"  # what precedes the first line counts as a line end, so a lone dot may come first
        self.size = 0
        """Octets taken so far, as they came over the wire."""
        self.dropped = False

    @property
    def too_big(self) -> bool:
        return self.size > self._limit

    @property
    def held(self) -> int:
        """Octets in memory."""
        return 0 if self.dropped else self.size

    def drop(self) -> None:
        """Give up the text, now and from now on; the end is still looked for."""
        self.dropped = True
        self._chunks = []

    def feed(self, data: bytes) -> int:
        """Take a chunk; return the index in it behind the end of the mail, or -1 if there is more to come."""
        seam = (self._tail + data[:4]).find(END)
        if seam >= 0:
            end = seam + len(END) - len(self._tail)
        else:
            found = data.find(END)
            if found < 0:
                self._keep(data)
                self._tail = data[-4:] if len(data) >= 4 else (self._tail + data)[-4:]
                return -1
            end = found + len(END)
        self._finish(data, end)
        return end

    def text(self) -> bytes:
        """The whole mail with the dots of RFC 5321 §4.5.2 taken out. Empties this object."""
        text = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = []
        if text.startswith(b"."):
            text = text[1:]
        return text.replace(b"\r\n.", b"\r\n") if b"\r\n." in text else text

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit + 2:  # a dot and a CR may turn out to be the end mark's
            self.drop()
        elif not self.dropped:
            self._chunks.append(data)

    def _finish(self, data: bytes, end: int) -> None:
        if end >= 3:
            self._keep(data[: end - 3])
        else:  # the dot came in an earlier chunk
            spare = 3 - end
            self._chunks = [b"".join(self._chunks)[:-spare]]
            self.size -= spare


def hops(raw: bytes) -> int:
    """How many Received fields the header has."""
    end = raw.find(b"\r\n\r\n", 0, _HEADER_SEARCHED)
    if end < 0:
        end = raw.find(b"\n\n", 0, _HEADER_SEARCHED)
    header = raw[: end if end >= 0 else _HEADER_SEARCHED].lower()
    return header.count(b"\nreceived:") + header.startswith(b"received:")
