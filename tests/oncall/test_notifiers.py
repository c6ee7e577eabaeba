from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from pytest_httpserver import HTTPServer
from werkzeug import Response

from gateway.errors import Permanent, Temporary
from gateway.oncall.notifiers import MailNotifier, Notifiers, WebNotifier
from tests.oncall.test_pager import FakeNotifier, page
from tests.outbound.fakes import FakeTransport
from tests.outbound.sample import COMPOSER, parsed


@pytest_asyncio.fixture
async def web() -> AsyncIterator[WebNotifier]:
    notifier = WebNotifier.with_timeout(5)
    yield notifier
    await notifier.close()


async def test_a_page_is_posted_as_json_with_a_key_that_stays(web: WebNotifier, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("", 202)
    target = httpserver.url_for("/hook")
    for attempts in (0, 1):
        await web.notify([page(7, target, attempts)])
    first, again = [request for request, _ in httpserver.log]
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert first.get_json() == {
        "ticket": "SUP-1042",
        "severity": "S0",
        "subject": "Portal is down",
        "requester": "carla@customer.example",
        "text": "Help",
        "evidence": [],
        "dedupe_key": "ticket-SUP-1042",
        "created_at": "2025-11-22T10:00:00+00:00",
        "others": [],
    }
    assert first.get_data() == again.get_data()


async def test_the_key_of_a_page_is_not_that_of_one_with_its_number_before_a_restore(
    web: WebNotifier, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("", 202)
    before = page(7, httpserver.url_for("/hook"))
    for one in (before, replace(before, created_at=before.created_at + timedelta(days=1))):
        await web.notify([one])
    first, news = [request for request, _ in httpserver.log]
    assert first.headers["Idempotency-Key"] != news.headers["Idempotency-Key"]


async def test_several_pages_are_one_post_that_names_each_ticket(web: WebNotifier, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("", 202)
    target = httpserver.url_for("/hook")
    other = replace(page(8, target), ticket_number="SUP-1043", subject="No login")
    await web.notify([page(7, target), other])
    await web.notify([page(7, target)])
    several, alone = [request for request, _ in httpserver.log]
    assert several.get_json()["ticket"] == "SUP-1042"
    assert several.get_json()["others"] == [
        {"ticket": "SUP-1043", "severity": "S0", "subject": "No login", "requester": "carla@customer.example"}
    ]
    assert several.get_json()["dedupe_key"] == several.headers["Idempotency-Key"]
    assert several.headers["Idempotency-Key"] != alone.headers["Idempotency-Key"]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 429, 500, 503])
async def test_anything_but_success_is_tried_again(web: WebNotifier, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/hook").respond_with_data("no", status)
    with pytest.raises(Temporary, match=str(status)):
        await web.notify([page(1, httpserver.url_for("/hook"))])


@pytest.mark.incident("CVE-2025-32358")
async def test_a_redirect_is_not_followed(web: WebNotifier, httpserver: HTTPServer) -> None:
    moved = Response(status=307, headers={"Location": httpserver.url_for("/elsewhere")})
    httpserver.expect_request("/hook").respond_with_response(moved)
    httpserver.expect_request("/elsewhere").respond_with_data("ok")
    with pytest.raises(Temporary):
        await web.notify([page(1, httpserver.url_for("/hook"))])
    assert [request.path for request, _ in httpserver.log] == ["/hook"]


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://[::1/", "http://"])
async def test_a_target_that_cannot_be_reached_is_tried_again(web: WebNotifier, target: str) -> None:
    with pytest.raises(Temporary):
        await web.notify([page(1, target)])


async def test_a_page_by_mail_goes_past_the_outbox_and_is_the_same_each_time() -> None:
    transport = FakeTransport()
    notifier = MailNotifier(COMPOSER.compose_page, transport)
    for attempts in (0, 1):
        await notifier.notify([page(7, "mailto:oncall@example.com", attempts)])
    first, again = transport.mails
    assert first == again
    assert (first.mail_from, first.recipient) == ("", "oncall@example.com")
    assert parsed(first.data)["Subject"] == "S0 [SUP-1042] Portal is down"


async def test_several_pages_are_one_mail_that_names_each_ticket() -> None:
    transport = FakeTransport()
    notifier = MailNotifier(COMPOSER.compose_page, transport)
    first = page(7, "mailto:oncall@example.com")
    other = replace(first, id=8, ticket_number="SUP-1043", subject="No <b>login</b>")
    await notifier.notify([first, other])
    await notifier.notify([first])
    several, alone = (parsed(one.data) for one in transport.mails)
    assert several["Subject"] == "S0 [SUP-1042] (and 1 more) Portal is down"
    assert several["Message-ID"] != alone["Message-ID"]
    text, html = (several.get_body([kind]).get_content() for kind in ("plain", "html"))
    assert "S0 [SUP-1043] No <b>login</b> (carla@customer.example)" in text
    assert "SUP-1043" in html
    assert "No &lt;b&gt;login" in html
    assert "SUP-1043" not in alone.as_string()


async def test_a_page_says_where_to_answer_instead() -> None:
    transport = FakeTransport()
    await MailNotifier(COMPOSER.compose_page, transport).notify([page(7, "mailto:oncall@example.com")])
    for kind in ("plain", "html"):
        said = parsed(transport.mails[0].data).get_body([kind]).get_content()
        assert "Do not answer this mail" in said
        assert "notice" in said


async def test_a_mail_that_does_not_go_is_an_error() -> None:
    transport = FakeTransport(answers={"oncall@example.com": Permanent("no", "550")})
    with pytest.raises(Permanent):
        await MailNotifier(COMPOSER.compose_page, transport).notify([page(7, "mailto:oncall@example.com")])


async def test_the_targets_scheme_chooses_the_notifier() -> None:
    mail, web = FakeNotifier(), FakeNotifier()
    for one in (page(1, "mailto:a@b.example"), page(2, "https://x"), page(3, "http://x")):
        await Notifiers(mail, web).notify([one])
    assert (mail.told, web.told) == ([1], [2, 3])
