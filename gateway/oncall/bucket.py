"""How often one may be called: so many times at once, and once more every few seconds. Pure."""

from __future__ import annotations


class Bucket:
    """Full at first, so the first calls always go. ``now`` is a monotonic clock's, in seconds."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._left = float(size)
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether a call may go now; then it counts."""
        self._fill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def wait(self, now: float) -> float:
        """Seconds until the next call may go; 0 if it may now."""
        self._fill(now)
        return max(0.0, (1 - self._left) * self._seconds)

    def _fill(self, now: float) -> None:
        self._left = min(float(self._size), self._left + (now - self._at) / self._seconds)
        self._at = now
