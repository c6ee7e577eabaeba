"""IMAP servers that are broken or hostile: nothing hangs, is lost or doubled, and no password leaves unprotected."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from gateway.db.store import open_store
from gateway.inbound import fetching
from gateway.inbound.files import Source, envelope
from gateway.inbound.imap import Connection
from gateway.model import Envelope
from gateway.oauth import Tokens
from gateway.settings import Imap, Oauth
from tests.inbound.imapserver import Server, Session, serving
from tests.inbound.imapworld import World, mail


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", "test", serve=True)
    with serving(Server({1: mail(1), 2: mail(2), 3: mail(3)})) as server:
        yield World(store, server)
    store.close()


ALL = ["Mail 1", "Mail 2", "Mail 3"]


def fetches(name: str, arguments: str) -> bool:
    return name == "FETCH" and "BODY.PEEK[]" in arguments


def test_a_server_that_behaves_is_read_once_and_its_mails_are_marked(world: World) -> None:
    assert world.look() == ""
    assert world.kept == ALL
    assert world.server.seen == {1, 2, 3}
    assert world.look() == ""
    assert world.kept == ALL


def _endless_literal(session: Session, tag: str, name: str, arguments: str) -> bool:
    if fetches(name, arguments):
        session.send(b"* 1 FETCH (UID 1 BODY[] {10000000000000}\r\nx")
        return True
    return False


def _nested(session: Session, tag: str, name: str, arguments: str) -> bool:
    if fetches(name, arguments):
        session.send(b"* 1 FETCH (UID 1 BODY[] ", b"(" * 5000, b")" * 5000, b")\r\n")
        return session.ok(tag)
    return False


def _flood(session: Session, tag: str, name: str, arguments: str) -> bool:
    if fetches(name, arguments):
        session.send(*[b"* OK " + b"x" * 1000 + b"\r\n"] * 80_000)
        return session.ok(tag)
    return False


def _endless_line(session: Session, tag: str, name: str, arguments: str) -> bool:
    if fetches(name, arguments):
        session.send(b"* OK ", b"x" * 80_000_000)
        return True
    return False


def _garbage(session: Session, tag: str, name: str, arguments: str) -> bool:
    if name == "SEARCH":
        session.send(b"\x00\xff* SEARCH (((\r\n* 9999999999999999999999 EXISTS\r\n* SEARCH one two\r\n")
        return session.ok(tag)
    return False


def _hangs_up(session: Session, tag: str, name: str, arguments: str) -> bool:
    return name == "SELECT" and session.hang_up()


@pytest.mark.incident("imapclient without limits")
@pytest.mark.parametrize("script", [_endless_literal, _nested, _flood, _endless_line, _garbage, _hangs_up])
def test_what_is_no_imap_ends_the_connection_and_the_next_one_takes_everything(
    world: World, script: Callable[..., bool]
) -> None:
    world.server.script = script
    assert world.look() != ""
    world.server.script = Server().script
    assert world.look() == ""
    assert world.kept == ALL


@pytest.mark.parametrize("greeting", [b"* BYE too busy\r\n", b"220 mx ESMTP\r\n", b"\x00" * 100_000 + b"\r\n"])
def test_a_greeting_that_is_none_is_told(world: World, greeting: bytes) -> None:
    world.server.greeting = greeting
    assert world.look() != ""
    assert world.kept == []


def test_a_server_that_falls_silent_is_left(world: World) -> None:
    world.server.script = lambda session, tag, name, arguments: name == "SEARCH"
    assert "timed out" in world.look(timeout_seconds=0.3)


@pytest.mark.incident("imapclient without limits")
@pytest.mark.parametrize("numbering", ["soon", "", "0"])
def test_a_folder_whose_numbers_mean_nothing_is_not_read(world: World, numbering: str) -> None:
    world.server.uid_validity = numbering
    assert world.look() != ""
    assert world.kept == []


@pytest.mark.incident("imapclient without limits")
def test_mails_that_nobody_asked_for_are_not_taken_and_a_doubled_one_once(world: World) -> None:
    def script(session: Session, tag: str, name: str, arguments: str) -> bool:
        if fetches(name, arguments):
            session.fetched(77, "BODY[]", mail(77))
            session.fetched(1, "BODY[]", mail(1))
            session.fetched(1, "BODY[]", mail(1))
        return False

    world.server.script = script
    assert world.look() == ""
    assert world.kept == ALL


def _refuses_two(session: Session, tag: str, name: str, arguments: str) -> bool:
    return fetches(name, arguments) and "2" in arguments.split()[0].split(",") and session.no(tag, "mail is damaged")


def _leaves_two_out(session: Session, tag: str, name: str, arguments: str) -> bool:
    if not fetches(name, arguments):
        return False
    for number in arguments.split()[0].split(","):
        if number != "2":
            session.fetched(int(number), "BODY[]", session.server.mails[int(number)])
    return session.ok(tag)


def _breaks_at_two(session: Session, tag: str, name: str, arguments: str) -> bool:
    if fetches(name, arguments) and "2" in arguments.split()[0].split(","):
        session.send(b"* 2 FETCH (UID 2 BODY[] {1000}\r\nFrom: kim")
        return session.hang_up()
    return False


def _says_a_number_for_two(session: Session, tag: str, name: str, arguments: str) -> bool:
    if not fetches(name, arguments):
        return False
    session.send(b"* 2 FETCH (UID 2 BODY[] 5000000000000)\r\n")
    return _leaves_two_out(session, tag, name, arguments)


@pytest.mark.parametrize("script", [_refuses_two, _leaves_two_out, _breaks_at_two, _says_a_number_for_two])
def test_one_bad_mail_stops_no_other_and_is_tried_for_a_day_then_staff_are_told(
    world: World, script: Callable[..., bool]
) -> None:
    world.server.script = script
    for _ in range(3):
        world.look()
    assert world.kept == ["Mail 1", "Mail 3"]
    for _ in range(60):
        world.now += timedelta(hours=1)
        world.look()
    assert [raw for raw, _ in world.told] == [b""]
    world.server.script = Server().script
    assert world.look() == ""
    assert world.kept == ["Mail 1", "Mail 3"]  # it was given up


@pytest.mark.parametrize("path", [b"=?utf-7?q?+2D0-?=@example.org", b'"\xff"@example.org', b"a" * 70_000 + b"@x.y"])
def test_no_return_path_stops_a_folder(world: World, path: bytes) -> None:
    world.server.mails[2] = b"Return-Path: <" + path + b">\r\n" + mail(2)
    assert world.look() == ""
    assert world.kept == ALL


def test_a_mail_over_which_we_fail_stops_no_other_and_is_put_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Source, *others: object, **more: object) -> Envelope:
        if b"Mail 2" in source.raw:
            raise RecursionError
        return envelope(source, *others, **more)

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "envelope", fail)
        assert world.look() == ""
    assert world.kept == ["Mail 1", "Mail 3"]
    world.now += timedelta(hours=1)
    assert world.look() == ""
    assert world.kept == ALL
    assert world.told == []


def test_a_bad_mail_that_is_mended_in_time_is_taken(world: World) -> None:
    world.server.script = _refuses_two
    world.look()
    world.server.script = Server().script
    world.now += timedelta(hours=1)
    assert world.look() == ""
    assert world.kept == ALL
    assert world.told == []


@pytest.mark.parametrize("size", ["NIL", "(1 2)", "-1", "12.5", "1" * 4000])
def test_a_size_that_is_none_hinders_no_mail(world: World, size: str) -> None:
    def script(session: Session, tag: str, name: str, arguments: str) -> bool:
        if "SIZE" not in arguments:
            return False
        session.send(f"* 1 FETCH (UID 1 RFC822.SIZE {size})\r\n".encode())
        return session.ok(tag)

    world.server.script = script
    assert world.look() == ""
    assert world.kept == ALL


def test_a_mail_that_vanishes_while_it_is_fetched_is_nobodys_trouble(world: World) -> None:
    def script(session: Session, tag: str, name: str, arguments: str) -> bool:
        if fetches(name, arguments):
            session.server.mails.pop(2, None)
        return False

    world.server.script = script
    assert world.look() == ""
    assert world.kept == ["Mail 1", "Mail 3"]
    assert world.told == []


def test_what_was_kept_before_a_cut_is_not_kept_twice(world: World) -> None:
    world.server.script = lambda session, tag, name, arguments: name == "STORE" and session.hang_up()
    assert world.look() != ""
    assert world.kept == ALL
    assert world.server.seen == set()
    world.server.script = Server().script
    assert world.look() == ""
    assert world.kept == ALL
    assert world.server.seen == {1, 2, 3}


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(world: World) -> None:
    world.server.script = lambda session, tag, name, arguments: name == "STORE" and session.no(tag, "no rights")
    for _ in range(2):
        assert world.look() == ""
        assert world.trouble == "store failed: no rights"
    assert world.kept == ALL


def test_a_hundred_new_numberings_make_no_second_mail(world: World) -> None:
    for numbering in range(100, 200):
        world.server.uid_validity = str(numbering)
        first = numbering % 7
        world.server.mails = {first + n: mail(n) for n in (1, 2, 3)}
        world.server.seen = {first + 1} if numbering % 2 else set()
        assert world.look() == ""
    assert world.kept == ALL


@pytest.mark.incident("CVE-2020-12398")
def test_the_password_stays_here_where_tls_is_wanted_and_none_is_offered(world: World) -> None:
    assert "STARTTLS" in world.look(tls="required")
    assert not any("AUTH" in one or "LOGIN" in one for one in world.server.said)


@pytest.mark.incident("CVE-2020-12398")
def test_who_greets_as_logged_in_already_rules_tls_out_and_is_left(world: World) -> None:
    world.server.greeting = b"* PREAUTH welcome\r\n"
    world.server.capabilities += " STARTTLS"
    assert "PREAUTH" in world.look(tls="required")
    assert world.kept == []


@pytest.mark.incident("CVE-2025-15366")
@pytest.mark.parametrize("password", ["x\r\nA1 DELETE INBOX", "x\0"])
def test_no_password_ends_a_command(world: World, password: str) -> None:
    world.server.capabilities = "IMAP4rev1"
    assert "LOGIN cannot take" in world.look(password=password)
    assert not any("LOGIN" in one or "DELETE" in one for one in world.server.said)


def test_a_login_by_token_asks_for_a_new_one_when_it_is_refused(world: World) -> None:
    given = iter(["old", "new"])

    class Given(Tokens):
        def _fetch(self) -> tuple[str, float]:
            return next(given), 3600.0

    oauth = Oauth(token_url="https://id.example", client_id="desk")
    world.tokens = Given(oauth)
    world.server.capabilities += " AUTH=XOAUTH2"
    world.server.script = lambda session, tag, name, arguments: name == "AUTHENTICATE" and _refuse_old(session, tag)
    assert "refused" in world.look(login="oauth", password="")
    assert world.look(login="oauth", password="") == ""
    assert world.kept == ALL


def _refuse_old(session: Session, tag: str) -> bool:
    session.send(b"+ \r\n")
    says = b64decode(session.file.readline())
    if says == b"user=kim\x01auth=Bearer new\x01\x01":
        return session.ok(tag)
    assert says == b"user=kim\x01auth=Bearer old\x01\x01"
    return session.no(tag, "[AUTHENTICATIONFAILED] refused")


def test_a_server_without_auth_gets_a_login(world: World) -> None:
    world.server.capabilities = "IMAP4rev1"
    assert world.look(password='a "quoted" \\ word') == ""
    assert 'LOGIN kim "a \\"quoted\\" \\\\ word"' in world.server.said


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def _with_tls(world: World, authority: trustme.CA, folder: Path) -> Path:
    import ssl

    world.server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(world.server.tls)
    world.server.capabilities += " STARTTLS"
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.mark.incident("CVE-2020-12398")
def test_starttls_comes_before_the_password(world: World, authority: trustme.CA, tmp_path: Path) -> None:
    file = _with_tls(world, authority, tmp_path)
    assert world.look(tls="required", ca_file=str(file)) == ""
    assert world.kept == ALL
    said = [one.split()[0] for one in world.server.said]
    assert said.index("STARTTLS") < said.index("AUTHENTICATE")


def test_a_certificate_that_nobody_vouches_for_ends_it(world: World, authority: trustme.CA, tmp_path: Path) -> None:
    _with_tls(world, authority, tmp_path)
    assert "certificate" in world.look(tls="required")
    assert not any("AUTHENTICATE" in one for one in world.server.said)


@pytest.mark.parametrize("tls", [False, True])
def test_news_that_come_with_the_answer_to_idle_are_heard(
    world: World, authority: trustme.CA, tmp_path: Path, tls: bool
) -> None:
    secure = {"tls": "required", "ca_file": str(_with_tls(world, authority, tmp_path))} if tls else {}
    world.server.capabilities += " IDLE"

    def script(session: Session, tag: str, name: str, arguments: str) -> bool:
        if name != "IDLE":
            return False
        session.send(b"+ idling\r\n* 4 EXISTS\r\n")
        assert session.file.readline() == b"DONE\r\n"
        return session.ok(tag)

    world.server.script = script
    connection = Connection(Imap.model_validate(world.server.settings(**secure)))
    connection.open()
    connection.wait(1000, lambda: True)
    assert connection.from_(1) == [1, 2, 3]
    connection.leave()


@pytest.mark.incident("CVE-2020-12398")
def test_what_is_said_before_tls_does_not_count_after_it(
    world: World, authority: trustme.CA, tmp_path: Path
) -> None:
    file = _with_tls(world, authority, tmp_path)

    def script(session: Session, tag: str, name: str, arguments: str) -> bool:
        if name != "STARTTLS":
            return False
        following = tag[:-1] + str(int(tag[-1]) + 1)
        session.send(f"{tag} OK begin\r\n* CAPABILITY IMAP4rev1\r\n{following} OK injected\r\n".encode())
        assert session.server.tls is not None
        session.connection = session.server.tls.wrap_socket(session.connection, server_side=True)
        session.file = session.connection.makefile("rb")
        return True

    world.server.script = script
    world.look(tls="required", ca_file=str(file))
    assert world.kept in ([], ALL)
    assert not any(one.startswith("LOGIN") for one in world.server.said)  # AUTH=PLAIN was not talked away
