"""How many mails a second are read: the standard library, our header fields and parts alone, our whole reading.

    python benchmarks/reading.py [--mails N] [--rounds R] [FOLDER]

FOLDER holds mails, one a file, or a pack (``corpus.bin`` and ``index.jsonl``); without it a mixed workload is made.
Prints the median over the rounds of CPU time a mail, and the ratio to the standard library within a round: on a busy
machine only the ratio means anything.
"""

from __future__ import annotations

import argparse
import base64
import email.policy
import json
import quopri
import random
import statistics
import time
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from pathlib import Path

from gateway.reading import read, structure
from gateway.reading.limits import DEFAULT

TEXT = """the printer on our floor does not answer since this morning and the invoice page shows an error after the
update could you please look into it because several colleagues wait for the export of the workbook thanks"""
WORDS = tuple(TEXT.split())


def standard(raw: bytes) -> None:
    """Parse with ``policy.default``, decode the headers a desk needs and every part."""
    mail = BytesParser(policy=email.policy.default).parsebytes(raw)
    for name in ("subject", "from", "to", "message-id", "in-reply-to", "references"):
        str(mail[name])
    for part in mail.walk():
        if not part.is_multipart():
            part.get_content()


def structure_only(raw: bytes) -> None:
    found = structure.parse(structure.normalised(raw), DEFAULT)
    for name in ("subject", "from", "to", "message-id", "in-reply-to", "references"):
        found.headers.get(name)


def whole(raw: bytes) -> None:
    read(raw)


def made(count: int) -> Iterator[bytes]:
    """60 % plain, 25 % with HTML, 10 % with 50 to 200 kB attached, 5 % with 1 to 2 MB; two of five are answers."""
    dice = random.Random(1)
    for number in range(count):
        yield _mail(dice, number)


def _mail(dice: random.Random, number: int) -> bytes:
    share = dice.random()
    head = (
        f"Return-Path: <anna{number}@acme.example>\r\nReceived: from mx.acme.example (mx.acme.example [192.0.2.1])\r\n"
        f"\tby in.desk.example with ESMTPS id {number:08x}; Wed, 14 Jan 2026 09:00:00 +0000\r\n"
        f"From: Anna Becker <anna{number}@acme.example>\r\nTo: Support <help@desk.example>\r\n"
        f"Subject: {' '.join(dice.choices(WORDS, k=6))}\r\nDate: Wed, 14 Jan 2026 09:00:00 +0000\r\n"
        f"Message-ID: <{number}.{dice.getrandbits(64):x}@mail.acme.example>\r\nMIME-Version: 1.0\r\n"
    )
    text = _text(dice, dice.randint(1000, 3000), answer=dice.random() < 0.4)
    plain = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    if share < 0.60:
        return (head + plain).encode()
    if share < 0.85:
        return _joined(head, "alternative", plain, _html(dice))
    size = dice.randint(50_000, 200_000) if share < 0.95 else dice.randint(1_000_000, 2_000_000)
    return _joined(head, "mixed", plain, _attachment(dice, size))


def _text(dice: random.Random, size: int, *, answer: bool) -> str:
    lines, length = [], 0
    while length < size:
        lines.append(" ".join(dice.choices(WORDS, k=12)).capitalize() + ".")
        length += len(lines[-1])
    lines += ["", "-- ", "Anna Becker", "Acme Ltd, +49 30 123456"]
    if answer:
        lines += ["", "On Tue, 13 Jan 2026 at 18:04, Support wrote:", *(f"> {line}" for line in lines[:10])]
    return "\r\n".join(lines)


def _html(dice: random.Random) -> str:
    paragraphs = [
        f"<p class=MsoNormal style='margin-bottom:6pt'>{' '.join(dice.choices(WORDS, k=14))} "
        f"<a href='https://acme.example/?id={dice.getrandbits(32):x}'>link</a></p>"
        for _ in range(dice.randint(30, 120))
    ]
    page = f"<html><head><style>p{{margin:0}}</style></head><body>{''.join(paragraphs)}</body></html>"
    head = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head + quopri.encodestring(page.encode()).decode().replace("\n", "\r\n")


def _attachment(dice: random.Random, size: int) -> str:
    head = (
        'Content-Type: image/png; name="screen.png"\r\nContent-Transfer-Encoding: base64\r\n'
        'Content-Disposition: attachment; filename="screen.png"\r\n\r\n'
    )
    return head + base64.encodebytes(dice.randbytes(size)).decode().replace("\n", "\r\n")


def _joined(head: str, subtype: str, *parts: str) -> bytes:
    body = "".join(f"--=_edge\r\n{part}\r\n" for part in parts)
    return f'{head}Content-Type: multipart/{subtype}; boundary="=_edge"\r\n\r\n{body}--=_edge--\r\n'.encode()


def loaded(folder: Path) -> Iterator[bytes]:
    index = folder / "index.jsonl"
    if not index.exists():
        yield from (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
        return
    pack = (folder / "corpus.bin").read_bytes()
    for line in index.read_text().splitlines():
        entry = json.loads(line)
        yield pack[entry["at"] : entry["at"] + entry["len"] - len(".\r\n")]


def seconds(reader: Callable[[bytes], None], mails: list[bytes]) -> float:
    start = time.process_time()
    for raw in mails:
        try:
            reader(raw)
        except Exception:  # the standard library fails on some real mail; so does its time count
            continue
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--mails", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    source = loaded(args.folder) if args.folder else made(args.mails)
    mails = [raw for raw, _ in zip(source, range(args.mails), strict=False)]
    readers = (standard, structure_only, whole)
    times: dict[str, list[float]] = {reader.__name__: [] for reader in readers}
    for _ in range(args.rounds):
        for reader in readers:
            times[reader.__name__].append(seconds(reader, mails))
    print(f"{len(mails)} mails, {sum(map(len, mails)) // max(1, len(mails)):,} bytes in the mean")
    for name, values in times.items():
        ratio = statistics.median(base / value for base, value in zip(times["standard"], values, strict=True))
        median = statistics.median(values) / len(mails)
        print(f"{name:15} {1e6 * median:8.0f} us a mail  {1 / median:8.0f} mails/s  {ratio:5.1f} x standard")


if __name__ == "__main__":
    main()
