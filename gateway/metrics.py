"""What Prometheus reads: counters that the events of the log move, and gauges that whoever watches sets.

Names and labels are an interface: dashboards and alerts of operators read them. No label takes what a sender chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from gateway.model import MailState

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

_ENDS = [state.value for state in MailState if state is not MailState.RECEIVED]
_OUTCOMES = ("sent", "later", "failed")

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second time series beside each one, for what Prometheus finds out itself
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)


def _counter(name: str, says: str, *labels: str, starting: Iterable[str] = ()) -> Counter:
    """``starting`` are the values of the label that stand there with 0 before anything happened: of a series that is
    born with its first event Prometheus sees no increase."""
    counter = Counter(f"gateway_{name}", says, labels, registry=REGISTRY)
    for value in starting:
        counter.labels(value)
    return counter


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"gateway_{name}", says, labels, registry=REGISTRY)


def _histogram(name: str, says: str) -> Histogram:
    return Histogram(f"gateway_{name}", says, registry=REGISTRY, buckets=_SECONDS)


_accepted = _counter("mails_accepted", "Mails kept by this node, by how they came", "via")
_done = _counter("mails_done", "Mails ended by this node, by their end state", "state", starting=_ENDS)
_set_aside = _counter("mails_set_aside", "Tries to work on a mail that failed")
_readers = _counter("readers_stopped", "Reading processes ended because a mail cost too much")
_deliveries = _counter("deliveries", "Tries to send a mail, by outcome", "outcome", starting=_OUTCOMES)
_pages = _counter("pages", "Tries to page, by outcome", "outcome", starting=_OUTCOMES)
_mail_seconds = _histogram("mail_seconds", "From accepting a mail to its ticket, or whatever end it had")
_page_seconds = _histogram("page_seconds", "From accepting a mail to the page that it set off")
_relay_up = _gauge("relay_up", "1 while the relay answers, 0 while it does not", "relay")
_paused = _gauge("intake_paused", "1 while new mail is put off: disk, backlog or database")
_in_flight = _gauge("bytes_in_flight", "Octets of mails that are coming in or not answered for yet")
_waiting = _gauge("waiting", "What waits in the database, all nodes together: mails to be read or to be sent", "for")
_imap_seconds = _gauge("imap_seconds", "Since an IMAP folder was last looked into with success, by any node", "folder")
_waiting_seconds = _gauge("waiting_seconds", "How long the first one that is due has waited", "for")


def mails_accepted(via: str, mails: int) -> None:
    _accepted.labels(via).inc(mails)


def mail_done(state: str, seconds: float) -> None:
    _done.labels(state).inc()
    _mail_seconds.observe(seconds)


def mail_set_aside() -> None:
    _set_aside.inc()


def reader_stopped() -> None:
    _readers.inc()


def delivery_tried(outcome: str) -> None:
    _deliveries.labels(outcome).inc()


def page_tried(outcome: str) -> None:
    _pages.labels(outcome).inc()


def page_took(seconds: float) -> None:
    _page_seconds.observe(seconds)


def relay_answered(relay: str, *, up: bool) -> None:
    """``relay`` without user and password."""
    _relay_up.labels(relay).set(up)


def intake_paused(paused: bool) -> None:
    _paused.set(paused)


def waiting(kind: str, number: int, seconds: float) -> None:
    """``kind`` is ``reading`` or ``sending``; ``seconds`` since the first that is due was due."""
    _waiting.labels(kind).set(number)
    _waiting_seconds.labels(kind).set(seconds)


def imap_looked(folder: str, seconds: float) -> None:
    _imap_seconds.labels(folder).set(seconds)


def watch_bytes_in_flight(count: Callable[[], int]) -> None:
    """Ask ``count`` whenever somebody reads the metrics, from another thread."""
    _in_flight.set_function(count)
