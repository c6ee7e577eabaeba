"""The states of a mail and of a delivery, small enough that every order of events and faults can be walked.

One client has one mail. Nodes take it into the journal, answer, read it, end it in one transaction together with its
confirmation, and hand that to the relay; or they read it first, and keep and end it in one transaction. At every point
a node may be killed, which takes all it had in memory, or be held still until its leases end, and go on afterwards. Two
rules are to hold in every state that can be reached, and two in every state in which nothing can happen any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import repeat


class Client(Enum):
    HAS = auto()
    """The mail is his; he will send it."""
    SENT = auto()
    """He waits for the answer to the final dot."""
    TOLD = auto()
    """He got his 250 and forgets the mail."""


class Row(Enum):
    """A row of the journal."""

    WRITTEN = auto()
    """In the files, not yet synced: a crash keeps it or loses it."""
    RECEIVED = auto()
    ENDED = auto()


class Sending(Enum):
    """What a node has to do with the confirmation; all in memory."""

    IDLE = auto()
    CLAIMED = auto()
    CHECKED = auto()
    """The lease was found to stand; the conversation with the relay has begun."""
    GIVEN = auto()
    """The relay said 250; that is not recorded yet."""


class Delivery(Enum):
    NONE = auto()
    WAITING = auto()
    SENT = auto()


@dataclass(frozen=True, slots=True)
class Copy:
    """The mail, as one of the tries of the client brought it."""

    row: Row
    owner: int = -1
    """The node that has the lease."""


@dataclass(frozen=True, slots=True)
class Node:
    up: bool = True
    held: bool = False
    answers: int = -1
    """The copy for which the client is to get his 250."""
    reading: int = -1
    """The copy in hand."""
    sending: Sending = Sending.IDLE


@dataclass(frozen=True, slots=True)
class State:
    nodes: tuple[Node, ...]
    crashes: int
    """That may still come."""
    holds: int
    tries: int
    client: Client = Client.HAS
    copies: tuple[Copy, ...] = ()
    messages: int = 0
    delivery: Delivery = Delivery.NONE
    sender: int = -1
    """The node that has the lease of the delivery."""
    arrived: int = 0
    """How often the relay took it."""
    excused: int = 0
    """How often a fault hit a node between its look at the lease and the record."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the gateway does; each may be broken, to see that the walk finds out."""

    answers_after_sync: bool = True
    knows_what_it_has_seen: bool = True
    ends_in_one_transaction: bool = True
    records_after_sending: bool = True
    looks_at_the_lease: bool = True


Event = tuple[str, State]


def start(nodes: int = 2, crashes: int = 1, holds: int = 1, tries: int = 2) -> State:
    return State(tuple(Node() for _ in range(nodes)), crashes, holds, tries)


def events(state: State, rules: Rules) -> Iterator[Event]:
    """Whatever may happen next, with its name."""
    yield from _client(state)
    for number, node in enumerate(state.nodes):
        if not node.up:
            yield "start", _put(state, number, Node())
        elif node.held:
            yield "go on", _put(state, number, replace(node, held=False))
        else:
            yield from _intake(state, number, node, rules)
            yield from _work(state, number, node, rules)
            yield from _send(state, number, node, rules)
            yield from _faults(state, number, node)
        if not node.up or node.held:
            yield from _lease_ends(state, number)


def _client(state: State) -> Iterator[Event]:
    if state.client is Client.SENT and state.tries and not any(node.answers >= 0 for node in state.nodes):
        yield "client hears nothing", replace(state, client=Client.HAS)


def _intake(state: State, number: int, node: Node, rules: Rules) -> Iterator[Event]:
    if state.client is Client.HAS and state.tries and node.answers < 0:
        copies = (*state.copies, Copy(Row.WRITTEN, number))
        taken = replace(state, client=Client.SENT, tries=state.tries - 1, copies=copies)
        yield "write", _put(taken, number, replace(node, answers=len(copies) - 1))
        at_once = replace(taken, copies=(*state.copies, Copy(Row.ENDED, number)))
        opened = at_once if state.messages and rules.knows_what_it_has_seen else _open(at_once)
        yield "write and end in one transaction", _put(opened, number, replace(node, answers=len(copies) - 1))
    if node.answers < 0:
        return
    copy = state.copies[node.answers]
    if copy.row is Row.WRITTEN:
        yield "sync", _copy(state, node.answers, replace(copy, row=Row.RECEIVED))
    if copy.row is not Row.WRITTEN or not rules.answers_after_sync:
        answered = _put(state, number, replace(node, answers=-1))
        yield "answer 250", replace(answered, client=Client.TOLD)
        if state.tries:
            yield "answer 250, lost on its way", replace(answered, client=Client.HAS)


def _work(state: State, number: int, node: Node, rules: Rules) -> Iterator[Event]:
    if node.reading < 0:
        for index, copy in enumerate(state.copies):
            if copy.row is Row.RECEIVED and copy.owner in (number, -1):
                mine = _copy(state, index, replace(copy, owner=number))
                yield "claim", _put(mine, number, replace(node, reading=index))
        return
    copy, free = state.copies[node.reading], _put(state, number, replace(node, reading=-1))
    if copy.row is Row.ENDED or copy.owner != number:
        yield "leave it: the lease was lost", free
        return
    ended = _copy(free, node.reading, replace(copy, row=Row.ENDED))
    if state.messages and rules.knows_what_it_has_seen:
        yield "end as seen before", ended
    elif rules.ends_in_one_transaction:
        yield "end: ticket, message, confirmation", _open(ended)
    else:
        yield "ticket first", replace(state, messages=state.messages + 1, delivery=Delivery.WAITING)
        yield "end", ended


def _open(state: State) -> State:
    return replace(state, messages=state.messages + 1, delivery=Delivery.WAITING, sender=-1)


def _send(state: State, number: int, node: Node, rules: Rules) -> Iterator[Event]:
    def now(sending: Sending, changed: State = state) -> State:
        return _put(changed, number, replace(node, sending=sending))

    if node.sending is Sending.IDLE and state.delivery is Delivery.WAITING and state.sender in (number, -1):
        yield "claim the delivery", now(Sending.CLAIMED, replace(state, sender=number))
    elif node.sending is Sending.CLAIMED:
        if state.sender == number or not rules.looks_at_the_lease:
            first = state if rules.records_after_sending else replace(state, delivery=Delivery.SENT)
            yield "begin to send", now(Sending.CHECKED, first)
        else:
            yield "leave the delivery: its lease was lost", now(Sending.IDLE)
    elif node.sending is Sending.CHECKED:
        yield "relay takes it", now(Sending.GIVEN, replace(state, arrived=state.arrived + 1))
        yield "relay says 4xx or is gone", now(Sending.IDLE, _put_off(state, number))
    elif node.sending is Sending.GIVEN:
        yield "record it as sent", now(Sending.IDLE, replace(state, delivery=Delivery.SENT))


def _put_off(state: State, number: int) -> State:
    return replace(state, sender=-1) if state.sender == number else state


def _faults(state: State, number: int, node: Node) -> Iterator[Event]:
    excused = state.excused + (node.sending in (Sending.CHECKED, Sending.GIVEN))
    if state.holds:
        held = replace(state, holds=state.holds - 1, excused=excused)
        yield "hold still", _put(held, number, replace(node, held=True))
    if state.crashes:
        dead = _put(replace(state, crashes=state.crashes - 1, excused=excused), number, replace(Node(), up=False))
        yield "kill", dead
        written = [index for index, copy in enumerate(dead.copies) if copy == Copy(Row.WRITTEN, number)]
        for index in written:
            yield "kill, and what was not synced is lost", _copy(dead, index, Copy(Row.ENDED))
            yield "kill, and what was not synced is there", _copy(dead, index, Copy(Row.RECEIVED, number))


def _lease_ends(state: State, number: int) -> Iterator[Event]:
    for index, copy in enumerate(state.copies):
        if copy.owner == number and copy.row is Row.RECEIVED:
            yield "lease ends", _copy(state, index, replace(copy, owner=-1))
    if state.sender == number and state.delivery is Delivery.WAITING:
        yield "lease of the delivery ends", replace(state, sender=-1)


def _put(state: State, number: int, node: Node) -> State:
    return replace(state, nodes=(*state.nodes[:number], node, *state.nodes[number + 1 :]))


def _copy(state: State, index: int, copy: Copy) -> State:
    return replace(state, copies=(*state.copies[:index], copy, *state.copies[index + 1 :]))


def always(state: State) -> str:
    """What is wrong with a state that can be reached, or nothing."""
    if state.messages > 1:
        return "the mail became two messages"
    if state.arrived > 1 + state.excused:
        return "the confirmation went twice without a fault in its window"
    if state.client is Client.TOLD and not state.messages and not any(c.row is Row.RECEIVED for c in state.copies):
        return "the client was told 250, and nothing safe holds his mail"
    if state.messages and state.delivery is Delivery.NONE:
        return "a message without its confirmation"
    if state.delivery is Delivery.SENT and not state.arrived:
        return "recorded as sent, and nothing was sent"
    return ""


def at_rest(state: State) -> str:
    """The same for a state in which nothing happens any more but faults."""
    if state.client is Client.TOLD and state.messages != 1:
        return "the client was told 250, and there is no message"
    if state.messages and not (state.delivery is Delivery.SENT and state.arrived):
        return "the confirmation never arrived"
    return ""


_FAULTS = ("hold still", "kill", "relay says 4xx")


@dataclass(frozen=True, slots=True)
class Walk:
    states: int
    steps: int
    at_rest: int
    wrong: str
    """What was found first; empty when nothing was."""
    path: tuple[str, ...] = ()
    """The events that lead to it."""


def walk(first: State, rules: Rules = Rules(), more: Iterable[object] = repeat(None)) -> Walk:
    """Go through all that can happen, the shortest ways first, until something is wrong or ``more`` ends."""
    came: dict[State, tuple[State, str] | None] = {first: None}
    queue, steps, resting = deque([first]), 0, 0
    for _ in more:
        if not queue:
            break
        state = queue.popleft()
        following = list(events(state, rules))
        steps += len(following)
        still = all(name.startswith(_FAULTS) for name, _ in following)
        resting += still
        if wrong := always(state) or (at_rest(state) if still else ""):
            return Walk(len(came), steps, resting, wrong, _path(came, state))
        for name, after in following:
            if after not in came:
                came[after] = (state, name)
                queue.append(after)
    return Walk(len(came), steps, resting, "")


def _path(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names: list[str] = []
    while (before := came[state]) is not None:
        state, name = before
        names.append(name)
    return tuple(reversed(names))
