"""Makes winmail.dat files for tests."""

import struct


def padded(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data + b"\0" * (-len(data) % 4)


def prop(name: int, data: bytes, kind: int = 0x1E) -> bytes:
    return struct.pack("<HHI", kind, name, 1) + padded(data)


def properties(*props: bytes) -> bytes:
    return struct.pack("<I", len(props)) + b"".join(props)


def attribute(name: int, data: bytes, level: int = 2) -> bytes:
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def attached(data: bytes, title: bytes = b"", *props: bytes) -> bytes:
    found = attribute(0x9002, b"\0" * 14) + (attribute(0x8010, title + b"\0") if title else b"")
    return found + attribute(0x800F, data) + (attribute(0x9005, properties(*props)) if props else b"")


def winmail(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(attributes)
