"""Bytes to ``ReadMail``. Pure: no I/O, no clock, no random.

``read`` takes any bytes and never raises; ``content`` gives the bytes of one attachment it found, and ``parameters``
those of its type.
"""

from gateway.reading.as_json import as_json
from gateway.reading.attachments import content, parameters
from gateway.reading.limits import Limits
from gateway.reading.read import read, salvage

__all__ = ["Limits", "as_json", "content", "parameters", "read", "salvage"]
