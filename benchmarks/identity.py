"""Whom a From header names: our strict identity against Node's mailparser, on headers made to be read in two ways.

    NODE_PATH=FOLDER/node_modules python benchmarks/identity.py [--headers N] [--seed S]

Needs ``npm install mailparser`` in FOLDER. A disagreement is a mail in which we name an author and mailparser another
one or several; that we name nobody where it names somebody is no disagreement, and counted apart. Ends with 1 where
there are disagreements.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator

from gateway.reading import read

READER = """
const { simpleParser } = require("mailparser");
const lines = require("readline").createInterface({ input: process.stdin });
(async () => {
  for await (const line of lines) {
    let found = [];
    try {
      const mail = await simpleParser(Buffer.from(line, "base64"));
      const walk = (many) => many.forEach((one) => (one.group ? walk(one.group) : found.push(one.address || "")));
      walk((mail.from || { value: [] }).value);
    } catch (error) {
      found = ["?"];
    }
    console.log(JSON.stringify(found));
  }
})();
"""
ADDRESSES = ("agent@corp.example", "evil@evil.example", "Anna.B@acme.example", "a+b@x.example", "jörg@bücher.example")
NAMES = (
    "Anna",
    "Anna Becker",
    '"Becker, Anna"',
    '"A \\" B"',
    "=?utf-8?q?J=C3=B6rg?=",
    "=?utf-8?q?agent=40corp.example?=",
)
NOISE = (*'.,;:<>@"[]\\\r\0\t ', "(c)", "(a@b.example)", "=00", "\r\n ")


def headers(count: int, seed: int) -> Iterator[bytes]:
    dice = random.Random(seed)
    for _ in range(count):
        yield b"".join(line.encode() for line in _lines(dice)) + b"To: help@desk.example\r\n\r\nhello\r\n"


def _lines(dice: random.Random) -> Iterator[str]:
    if dice.random() < 0.1:
        yield f"X: x\r{_from(dice)}\r\n"
    yield f"{_from(dice)}\r\n"
    if dice.random() < 0.1:
        yield f"{_from(dice)}\r\n"


def _from(dice: random.Random) -> str:
    one, other = dice.choices(ADDRESSES, k=2)
    name = dice.choice((*NAMES, other, f'"{other}"', ""))
    value = dice.choice((f"{name} <{one}>", one, f"<{one}>", f"<{one}>{other}", f"{one} ({name})", f"{one}, {other}"))
    for _ in range(dice.choice((0, 0, 0, 1, 2, 3))):
        at = dice.randint(0, len(value))
        value = value[:at] + dice.choice(NOISE) + value[at:]
    return f"From: {value}"


def theirs(mails: list[bytes]) -> list[list[str]]:
    lines = b"\n".join(map(b64encode, mails)) + b"\n"
    done = subprocess.run(["node", "-e", READER], input=lines, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--headers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    mails = list(headers(args.headers, args.seed))
    named = nobody = wrong = 0
    for raw, other in zip(mails, theirs(mails), strict=True):
        mine = read(raw).identity.address
        named += bool(mine)
        nobody += not mine and len(other) == 1
        if mine and [address.lower() for address in other] != [mine.lower()]:
            wrong += 1
            print(json.dumps({"mail": raw.decode(errors="replace"), "ours": mine, "theirs": other}))
    print(
        f"{len(mails)} mails: {named} with an identity, {nobody} where only mailparser names one, {wrong} disagreements"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
