"""``gateway check --dns``: what other mail servers look up before they bring us mail or take ours."""

from __future__ import annotations

from collections.abc import Iterator

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from gateway.cli.check import Finding, Level
from gateway.settings import Settings

SECONDS = 5.0


def look_up(settings: Settings) -> Iterator[Finding]:
    """MX, SPF and DMARC of each mailbox's domain, and the address of our own name."""
    try:
        resolver = Resolver()
        resolver.lifetime = SECONDS
        for domain in sorted({one.rpartition("@")[2] for mailbox in settings.mailbox for one in mailbox.addresses}):
            yield from _domain(resolver, domain)
        yield _own_name(resolver, settings.hostname)
    except DNSException as problem:
        yield Finding("DNS", Level.FAIL, f"no answer ({problem})", "see /etc/resolv.conf, or check without --dns")


def _domain(resolver: Resolver, domain: str) -> Iterator[Finding]:
    mx = _records(resolver, domain, "MX")
    yield _finding(domain, "MX", mx, Level.FAIL, f"publish one, or no mail for {domain} arrives")
    spf = [record for record in _records(resolver, domain, "TXT") if record.strip('"').startswith("v=spf1")]
    yield _finding(domain, "SPF", spf, Level.NOTE, "publish one that names your relay, or answers may end as spam")
    dmarc = _records(resolver, f"_dmarc.{domain}", "TXT")
    yield _finding(domain, "DMARC", dmarc, Level.NOTE, "publish one, so that nobody writes in your name")


def _own_name(resolver: Resolver, name: str) -> Finding:
    found = _records(resolver, name, "A") or _records(resolver, name, "AAAA")
    return _finding(name, "address", found, Level.NOTE, "set gateway.hostname to a name that has one")


def _finding(name: str, kind: str, records: list[str], level: Level, remedy: str) -> Finding:
    if records:
        return Finding("DNS", Level.OK, f"{name} has {kind}: {'; '.join(records)}")
    return Finding("DNS", level, f"{name} has no {kind}", remedy)


def _records(resolver: Resolver, name: str, kind: str) -> list[str]:
    try:
        return sorted(record.to_text() for record in resolver.resolve(name, kind))
    except (NoAnswer, NXDOMAIN):
        return []
