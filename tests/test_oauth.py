"""Access tokens, from a token endpoint over real HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from gateway.errors import Temporary
from gateway.oauth import Tokens
from gateway.settings import Oauth
from tests.canaries import canary

GOOD = {"access_token": "first", "expires_in": 3600}


def settings(server: HTTPServer, **more: str) -> Oauth:
    secret = {"client_secret": canary("client-secret")}
    return Oauth.model_validate({"token_url": server.url_for("/token"), "client_id": "desk", **secret, **more})


def asked(server: HTTPServer) -> list[dict[str, Any]]:
    return [{k: v[0] for k, v in parse_qs(request.get_data(as_text=True)).items()} for request, _ in server.log]


def test_the_applications_own_rights_are_asked_for_and_the_token_kept_until_its_end(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/token", method="POST").respond_with_json(GOOD)
    now = [0.0]
    tokens = Tokens(settings(httpserver, scope="mail"), lambda: now[0])
    assert tokens() == tokens() == "first"
    assert asked(httpserver) == [
        {
            "client_id": "desk", "client_secret": canary("client-secret"), "scope": "mail",
            "grant_type": "client_credentials",
        }
    ]  # fmt: skip
    now[0] = 3541.0
    tokens()
    assert len(asked(httpserver)) == 2


def test_an_owners_refresh_token_is_used_where_there_is_one(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/token").respond_with_json(GOOD)
    Tokens(settings(httpserver, refresh_token=canary("refresh")))()
    (form,) = asked(httpserver)
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", canary("refresh"))
    assert "scope" not in form


def test_a_token_that_is_refused_is_fetched_anew(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/token").respond_with_json(GOOD)
    httpserver.expect_ordered_request("/token").respond_with_json(GOOD | {"access_token": "second"})
    tokens = Tokens(settings(httpserver))
    assert tokens() == "first"
    tokens.forget()
    assert tokens() == "second"


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (401, '{"error": "invalid_client", "error_description": "expired"}', "HTTP 401 invalid_client expired"),
        (200, "[]", "HTTP 200"),
        (200, '{"access_token": 7}', "HTTP 200"),
        (500, "<html>", "JSONDecodeError"),
    ],
)
def test_why_there_is_no_token_is_told_without_a_secret(
    httpserver: HTTPServer, status: int, text: str, told: str
) -> None:
    def answer(_: Request) -> Response:
        return Response(text, status)

    httpserver.expect_request("/token").respond_with_handler(answer)
    with pytest.raises(Temporary) as caught:
        Tokens(settings(httpserver))()
    assert told in caught.value.private
    assert "secret" not in caught.value.private


def test_an_endpoint_that_is_not_there_is_told(httpserver: HTTPServer) -> None:
    oauth = settings(httpserver).model_copy(update={"token_url": "http://127.0.0.1:1/token"})
    with pytest.raises(Temporary, match="ConnectError"):
        Tokens(oauth)()


def test_a_token_that_tells_no_end_is_not_kept_for_ever(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/token").respond_with_json({"access_token": "first", "expires_in": None})
    now = [0.0]
    tokens = Tokens(settings(httpserver), lambda: now[0])
    tokens()
    now[0] = 300.0
    tokens()
    assert len(asked(httpserver)) == 2
