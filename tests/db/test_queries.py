"""Lists and tickets in the order of time, whatever ids the nodes gave, and without looking at everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert

from gateway.db.schema import event, message, outgoing, page, participant, ticket, to_moment
from gateway.db.store import Store
from gateway.model import DeliveryState, Envelope, MailState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENVELOPE = Envelope("smtp", "kim@example.net", ("support@example.com",))

TICKET = {
    "subject": "", "status": "open", "severity": "S3", "stated_severity": "", "category": "none", "subcategory": "",
    "evidence": "[]", "mailbox": "support", "language": "en", "assignee": "",
}  # fmt: skip
MESSAGE = {
    "kind": "inbound", "author_name": "", "author": "", "by_agent": False, "html": "", "full_text": "", "rfc_id": "",
    "evidence": "[]",
}  # fmt: skip
OUTGOING = {
    "template": "notice", "mailbox": "support", "rfc_id": "", "content": b"", "boundary": "", "attachments": "[]",
    "automatic": True, "state": "sent", "attempts": 0, "last_error": "", "due_at": 0, "node": "", "lease_until": 0,
}  # fmt: skip
PAGE = {
    "severity": "S0", "requester": "", "text": "", "evidence": "[]", "state": "sent", "attempts": 0, "last_error": "",
    "due_at": 0, "node": "", "lease_until": 0,
}  # fmt: skip


def open_ticket(store: Store, id_: int, at: datetime) -> None:
    def job(connection) -> None:
        moments = {"created_at": to_moment(at), "updated_at": to_moment(at)}
        connection.execute(insert(ticket).values(TICKET | moments | {"id": id_, "number": f"SUP-{id_}"}))
        person = {"id": id_, "ticket_id": id_, "name": "Kim", "address": "kim@example.net", "role": "requester"}
        connection.execute(insert(participant).values(person | {"undeliverable": False}))

    store.writer.run(job)


def happen(store: Store, id_: int, at: datetime) -> None:
    """One of everything in ticket 1."""
    moment, told = to_moment(at), f"{at:%H:%M}"
    row = {"id": id_, "ticket_id": 1, "created_at": moment}

    def job(connection) -> None:
        connection.execute(insert(message).values(MESSAGE | row | {"text": told}))
        connection.execute(insert(outgoing).values(OUTGOING | row | {"recipient": told}))
        connection.execute(insert(page).values(PAGE | row | {"target": told}))
        said = {"id": id_, "ticket_id": 1, "at": moment, "actor": "gateway", "what": told}
        connection.execute(insert(event).values(said))

    store.writer.run(job)


def take_in(store: Store, *times: datetime) -> list[int]:
    def job(connection) -> list[int]:
        return [store.mails.add(connection, [(ENVELOPE, b"x")], at, mine=False)[0].id for at in times]

    ids: list[int] = store.writer.run(job)
    return ids


def test_the_newest_stand_first_though_a_quiet_node_gives_small_ids(store: Store) -> None:
    early, late, last = take_in(store, NOON, NOON + timedelta(hours=2), NOON + timedelta(hours=1))
    for id_, hours in ((1, 2), (65, 0), (66, 1)):
        open_ticket(store, id_, NOON + timedelta(hours=hours))
        happen(store, id_, NOON + timedelta(hours=hours))
    assert [row.number for row in store.queries.tickets()] == ["SUP-1", "SUP-66", "SUP-65"]
    assert [row.number for row in store.queries.tickets(status="open", severity="S3", limit=1)] == ["SUP-1"]
    assert [row.id for row in store.queries.mails()] == [late, last, early]
    assert [row.id for row in store.queries.mails(MailState.RECEIVED, limit=2)] == [late, last]
    assert [row.id for row in store.queries.outgoing()] == [1, 66, 65]
    assert [row.id for row in store.queries.outgoing(DeliveryState.SENT, limit=1)] == [1]


def test_what_stands_at_the_same_moment_goes_by_its_id(store: Store) -> None:
    ids = take_in(store, NOON, NOON, NOON)
    assert [row.id for row in store.queries.mails()] == sorted(ids, reverse=True)


def test_in_a_ticket_everything_stands_in_the_order_in_which_it_happened(store: Store) -> None:
    open_ticket(store, 1, NOON)
    for id_, minutes in ((70, 0), (5, 10), (71, 20)):
        happen(store, id_, NOON + timedelta(minutes=minutes))
    shown = store.queries.ticket("SUP-1")
    assert shown is not None
    order = ["12:00", "12:10", "12:20"]
    assert [one.text for one in shown.messages] == order
    assert [one.recipient for one in shown.outgoing] == order
    assert [one.target for one in shown.pages] == order
    assert [one.what for one in shown.events] == order


def test_lists_are_read_from_the_end_of_an_index(store: Store) -> None:
    if not store.embedded:
        pytest.skip("PostgreSQL chooses by statistics; its plan for a nearly empty table says nothing")
    common = {MailState.TICKET, MailState.APPENDED, DeliveryState.SENT}
    asked = [
        ("ix_ticket_created", lambda: store.queries.tickets("open", "S0")),
        ("ix_mail_received", store.queries.mails),
        ("ix_outgoing_created", store.queries.outgoing),
        *((index_of("mail", state, common), lambda s=state: store.queries.mails(s)) for state in MailState),
        *((index_of("outgoing", state, common), lambda s=state: store.queries.outgoing(s)) for state in DeliveryState),
    ]
    for index, ask in asked:
        assert index in plan(store, ask)


def index_of(table: str, state: MailState | DeliveryState, common: set[MailState | DeliveryState]) -> str:
    if state in common:
        return "ix_mail_received" if table == "mail" else "ix_outgoing_created"
    return f"ix_{table}_{'waiting' if state is MailState.RECEIVED else state}"


def plan(store: Store, ask) -> str:
    said: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        said.append((statement, parameters))

    sqlalchemy_event.listen(store.engine, "before_cursor_execute", note)
    ask()
    sqlalchemy_event.remove(store.engine, "before_cursor_execute", note)
    ((statement, parameters),) = said
    return str(store.writer.run(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()))
