from pathlib import Path

import pytest

from gateway.errors import GatewayError, Permanent, Temporary, Unfit
from gateway.outbound.maildir import Maildir
from gateway.outbound.relay import Relay
from gateway.outbound.transport import FailOver, open_transport
from gateway.settings import Outbound
from tests.outbound.fakes import FakeTransport


async def send(transport: object, recipient: str = "r@x.example", message_id: str = "1@example.com") -> str:
    return await transport.send("s@example.com", recipient, b"Subject: x\r\n\r\nx\r\n", message_id)  # type: ignore[attr-defined,no-any-return]


async def test_a_mail_lies_in_new_with_its_envelope(tmp_path: Path) -> None:
    assert await send(Maildir(tmp_path / "box")) == f"maildir:{tmp_path}/box"
    (file,) = (tmp_path / "box" / "new").iterdir()
    assert file.read_bytes() == b"Return-Path: <s@example.com>\nDelivered-To: r@x.example\nSubject: x\n\nx\n"
    assert list((tmp_path / "box" / "tmp").iterdir()) == []


async def test_a_second_try_makes_no_second_file(tmp_path: Path) -> None:
    box = Maildir(tmp_path)
    for _ in range(2):
        await send(box)
    await send(box, recipient="other@x.example")
    await send(box, message_id="2@example.com")
    assert len(list((tmp_path / "new").iterdir())) == 3


async def test_a_folder_that_cannot_be_written_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Temporary):
        await send(Maildir(tmp_path / "file" / "box"))


async def test_the_next_relay_takes_over_and_stays_first() -> None:
    dead, alive = FakeTransport("dead"), FakeTransport("alive")
    dead.answers["r@x.example"] = Temporary("no", "connection refused")
    both = FailOver([dead, alive])
    assert await send(both) == "alive"
    dead.answers.clear()
    assert await send(both) == "alive"
    assert dead.mails == []
    alive.answers["r@x.example"] = Temporary("no", "gone too")
    assert await send(both) == "dead"


async def test_all_relays_down_is_temporary_with_all_reasons() -> None:
    relays = [FakeTransport(name, {"r@x.example": Temporary("no", f"{name} is down")}) for name in "ab"]
    with pytest.raises(Temporary) as failure:
        await send(FailOver(relays))
    assert failure.value.private == "a is down; b is down"


async def test_a_refused_recipient_is_asked_of_no_other_relay() -> None:
    first, second = FakeTransport("a", {"r@x.example": Permanent("no", "550")}), FakeTransport("b")
    with pytest.raises(Permanent):
        await send(FailOver([first, second]))
    assert second.mails == []


async def test_what_a_relay_cannot_carry_the_next_one_gets_and_the_order_stays() -> None:
    first, second = FakeTransport("a", {"r@x.example": Unfit("no", "a: no SMTPUTF8")}), FakeTransport("b")
    both = FailOver([first, second])
    assert await send(both) == "b"
    assert await send(both, recipient="other@x.example") == "a"


@pytest.mark.parametrize(
    ("second", "kind"), [(Unfit("no", "b: no", "5.3.4"), Unfit), (Temporary("no", "b: no"), Temporary)]
)
async def test_what_no_relay_can_carry_waits_only_for_one_that_was_not_there(
    second: GatewayError, kind: type[GatewayError]
) -> None:
    answers = [Unfit("no", "a: no", "5.6.7"), second]
    with pytest.raises(kind) as failure:
        await send(FailOver([FakeTransport(answers={"r@x.example": answer}) for answer in answers]))
    assert failure.value.private == "a: no; b: no"


async def test_closing_closes_all() -> None:
    relays = [FakeTransport(), FakeTransport()]
    await FailOver(relays).close()
    assert all(relay.closed for relay in relays)


def outbound(*relays: str) -> Outbound:
    return Outbound.model_validate({"relay": relays})


def test_the_setting_names_the_transport(tmp_path: Path) -> None:
    assert isinstance(open_transport(outbound(f"maildir:{tmp_path}"), "example.com"), Maildir)
    assert isinstance(open_transport(outbound("smtp://127.0.0.1:2525"), "example.com"), Relay)
    assert isinstance(open_transport(outbound("smtp://a:1", "smtps://b:2"), "example.com"), FailOver)
