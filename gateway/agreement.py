"""What settings say of each other: mistakes that show only where one is held against another.

They are told beside the mistakes of single settings, so this reads the tables of the file as they are, right or wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Table = Mapping[str, Any]


def disagreements(values: Table, prefix: str, listen: str) -> list[str]:
    """A line a mistake. ``prefix`` is that of a mailbox that names none, ``listen`` that of [smtp] likewise."""
    mailboxes, agents = _tables(values, "mailbox"), _tables(values, "agent")
    own = [address for mailbox in mailboxes for address in _addresses(mailbox.get("addresses"))]
    names = _texts(mailbox.get("name") for mailbox in mailboxes)
    return [
        *_repeated("mailbox.name", names),
        *_repeated("mailbox.prefix", [p.upper() for p in _texts(m.get("prefix", prefix) for m in mailboxes)]),
        *_repeated("mailbox.addresses", own),
        *_repeated("agent.address", [a for agent in agents for a in _addresses(agent.get("address"))]),
        *_people_that_are_mailboxes(agents, values.get("oncall"), own),
        *(_unknown_mailboxes(agents, names) if len(names) == len(mailboxes) else ()),
        *_repeated("imap.folder", [_folder(table) for table in _tables(values, "imap")]),
        *(_imap_for_unknown_mailboxes(values, names) if len(names) == len(mailboxes) else ()),
        *_oauth_without_tokens(values),
        *_half_tls(values.get("smtp")),
        *_one_address_for_two(values, listen),
    ]


def _people_that_are_mailboxes(agents: Sequence[Table], oncall: object, own: Sequence[str]) -> Iterator[str]:
    """What goes to one of them would come back, and be refused as a mail of ours: nobody would ever read it."""
    for address in _texts(agent.get("address") for agent in agents):
        if _of_ours(address, own):
            yield f"agent.address: {address} is a mailbox's own address; give the agent's personal one"
    for target in _texts(_listed(oncall.get("notify"))) if isinstance(oncall, Mapping) else ():
        if _of_ours(target.removeprefix("mailto:"), own):
            yield f"oncall.notify: {target} is a mailbox's own address; give one that wakes somebody"


def _of_ours(address: str, own: Sequence[str]) -> bool:
    """Whatever stands behind a +, it comes to the same mailbox."""
    local, _, domain = address.strip().lower().rpartition("@")
    return any(f"{one}@{domain}" in own for one in (local, local.partition("+")[0]))


def _unknown_mailboxes(agents: Sequence[Table], names: Sequence[str]) -> Iterator[str]:
    for agent in agents:
        for name in _texts(_listed(agent.get("mailboxes"))):
            if name not in names:
                who = agent.get("name", agent.get("address"))
                known = ", ".join(sorted(names))
                yield f"agent.mailboxes: {who} names the unknown mailbox {name!r}; known are {known}"


def _folder(imap: Table) -> str:
    """As the database knows it, so without the port."""
    host = str(imap.get("server")).partition("//")[2].partition(":")[0].lower()
    return f"{imap.get('folder', 'INBOX')} of {imap.get('username')} at {host}"


def _imap_for_unknown_mailboxes(values: Table, names: Sequence[str]) -> Iterator[str]:
    for name in _texts(table.get("mailbox") for table in _tables(values, "imap")):
        if name and name not in names:
            yield f"imap.mailbox: {name!r} is an unknown mailbox; known are {', '.join(sorted(names))}"


def _oauth_without_tokens(values: Table) -> Iterator[str]:
    outbound = values.get("outbound")
    sections = {"outbound": [outbound] if isinstance(outbound, Mapping) else [], "imap": _tables(values, "imap")}
    for name, tables in sections.items():
        if "oauth" not in values and any(table.get("login") == "oauth" for table in tables):
            yield f"{name}.login: oauth needs a section [oauth] with token_url and client_id"


def _half_tls(smtp: object) -> Iterator[str]:
    if isinstance(smtp, Mapping) and bool(smtp.get("tls_certificate")) != bool(smtp.get("tls_key")):
        yield "smtp.tls_certificate: needs smtp.tls_key beside it, and the other way round; name both"


def _one_address_for_two(values: Table, smtp: str) -> Iterator[str]:
    tables = {key: table for key in ("smtp", "lmtp", "metrics") if isinstance(table := values.get(key), Mapping)}
    listen = {"smtp": smtp} | {key: table["listen"] for key, table in tables.items() if "listen" in table}
    taken: dict[object, str] = {}
    for key, address in listen.items():
        other = taken.setdefault(address, key)
        if other != key and not str(address).endswith(":0"):
            yield f"{key}.listen: {address} is that of {other}.listen already; give each a port of its own"


def _repeated(key: str, values: Sequence[str]) -> Iterator[str]:
    for value in sorted(set(values)):
        if values.count(value) > 1:
            yield f"{key}: {value!r} stands twice; each must be its own"


def _tables(values: Table, key: str) -> list[Table]:
    found = values.get(key)
    return [table for table in found if isinstance(table, Mapping)] if isinstance(found, list) else []


def _addresses(value: object) -> list[str]:
    return [address.strip().lower() for address in _texts(_listed(value))]


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)]
