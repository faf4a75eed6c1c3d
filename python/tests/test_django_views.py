"""The connect and disconnect views, with CSRF really enforced."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import AsyncClient, Client, override_settings
from django.urls import reverse

import cornelius
from cornelius import Retry, _default
from tests.double import KEY, Double, error

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def configured(double: Double, database: None) -> Iterator[None]:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY}):
        _default.default()._retry = Retry(attempts=1)
        yield


class Browser:
    """A browser with the project's cookies, as Pomona uses it."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.token = self.client.get("/page/").content.decode()

    def post(self, url: str, body: Any, **options: Any) -> Any:
        headers = {"X-CSRFToken": self.token, **options.pop("headers", {})}
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        options.setdefault("content_type", "application/json")
        return self.client.post(url, data=data, headers=headers, **options)


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="x")


CONNECT = "/dobby/connect/"
DISCONNECT = "/dobby/disconnect/"
BODY = {"uid": "s1", "paths": ["open/1"]}


def coded(response: Any) -> tuple[int, str, str | None]:
    body = response.json()["error"]
    assert set(body) - {"field"} == {"code", "message", "retryable"}
    return response.status_code, body["code"], body.get("field")


def test_the_urls_have_names_and_take_both_forms(browser: Browser) -> None:
    assert reverse("dobby:connect") == "/dobby/connect"
    assert reverse("dobby:disconnect") == "/dobby/disconnect"
    assert browser.post("/dobby/connect", BODY).status_code == 200
    assert browser.post("/dobby/connect/", BODY).status_code == 200


def test_allowed_paths_go_to_dobby_in_one_request_and_refused_ones_are_named(
    browser: Browser, double: Double
) -> None:
    response = browser.post(CONNECT, {"uid": "s1", "paths": ["open/1", "secret", "open/2"]})
    assert response.status_code == 200
    assert response.json() == {"refused": ["secret"]}
    (seen,) = double.state.seen
    body = {"id": "s1", "paths": ["open/1", "open/2"], "user": None}
    assert (seen.method, seen.body) == ("connect", body)


def test_the_user_is_named_when_there_is_one(browser: Browser, double: Double, ada: User) -> None:
    browser.client.force_login(ada)
    response = browser.post(CONNECT, {"uid": "s1", "paths": ["staff"]})
    assert response.json() == {"refused": []}
    assert double.state.seen[0].body["user"] == str(ada.pk)


def test_when_all_are_refused_dobby_is_not_asked(browser: Browser, double: Double) -> None:
    response = browser.post(CONNECT, {"uid": "s1", "paths": ["secret", "staff"]})
    assert response.json() == {"refused": ["secret", "staff"]}
    assert double.state.seen == []


def test_what_dobby_refuses_is_named_too(browser: Browser) -> None:
    response = browser.post(CONNECT, {"uid": "s1", "paths": ["open/1", "open/too-many"]})
    assert response.json() == {"refused": ["open/too-many"]}


def test_disconnect_tells_dobby(browser: Browser, double: Double) -> None:
    browser.post(CONNECT, BODY)
    response = browser.post(DISCONNECT, BODY)
    assert (response.status_code, response.json()) == (200, {})
    assert double.state.connected == []


def test_disconnect_leaves_the_session_of_another_user_alone(
    browser: Browser, double: Double, ada: User
) -> None:
    double.state.users["s1"] = "somebody else"
    double.state.connected.append(("s1", "open/1"))
    # Neither somebody who is not logged in nor somebody else.
    assert coded(browser.post(DISCONNECT, BODY)) == (409, "user_mismatch", None)
    assert coded(browser.post(CONNECT, BODY)) == (409, "user_mismatch", None)
    browser.client.force_login(ada)
    assert coded(browser.post(DISCONNECT, BODY)) == (409, "user_mismatch", None)
    assert double.state.connected == [("s1", "open/1")]


@pytest.mark.parametrize("url", [CONNECT, DISCONNECT, "/async/connect", "/settings/connect"])
def test_without_a_csrf_token_nothing_happens(browser: Browser, double: Double, url: str) -> None:
    # The settings of the tests have no CSRF middleware: the views protect themselves.
    assert browser.post(url, BODY, headers={"X-CSRFToken": ""}).status_code == 403
    assert browser.post(url, BODY, headers={"X-CSRFToken": "x" * 32}).status_code == 403
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(url, data=json.dumps(BODY), content_type="text/plain").status_code == 403
    assert double.state.seen == []


def test_a_page_of_another_origin_is_refused_even_with_a_token(
    browser: Browser, double: Double
) -> None:
    headers = {"Origin": "https://evil.example"}
    assert browser.post(CONNECT, BODY, headers=headers).status_code == 403
    assert double.state.seen == []


@override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"])
def test_it_gets_along_with_the_csrf_middleware_and_without_users(double: Double) -> None:
    browser = Browser()
    assert browser.post(CONNECT, BODY, headers={"X-CSRFToken": ""}).status_code == 403
    assert browser.post(CONNECT, BODY).status_code == 200


def test_only_post(browser: Browser) -> None:
    response = browser.client.get(CONNECT)
    assert coded(response) == (405, "method_not_allowed", None)
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/json+x", ""],
)
def test_only_json(browser: Browser, double: Double, content_type: str) -> None:
    response = browser.post(CONNECT, json.dumps(BODY), content_type=content_type)
    assert coded(response) == (415, "unsupported_media_type", None)
    assert double.state.seen == []


def test_json_with_a_charset_is_json(browser: Browser) -> None:
    kind = "application/json; charset=utf-8"
    assert browser.post(CONNECT, json.dumps(BODY), content_type=kind).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b" ", "bad_json", None),
        (b"{", "bad_json", None),
        (b"\xff", "bad_json", None),
        (b"[" * 100_000, "bad_json", None),
        ([], "bad_json", None),
        ({}, "bad_field", "uid"),
        ({"uid": 7, "paths": ["a"]}, "bad_field", "uid"),
        ({"uid": "", "paths": ["a"]}, "bad_field", "uid"),
        ({"uid": "x" * 256, "paths": ["a"]}, "bad_field", "uid"),
        ({"uid": "a\nb", "paths": ["a"]}, "bad_field", "uid"),
        ({"uid": "\ud83d", "paths": ["a"]}, "bad_field", "uid"),
        ({"uid": "s"}, "bad_field", "paths"),
        ({"uid": "s", "paths": "a"}, "bad_field", "paths"),
        ({"uid": "s", "paths": []}, "bad_field", "paths"),
        ({"uid": "s", "paths": ["a", 7]}, "bad_field", "paths.1"),
        ({"uid": "s", "paths": ["a", "b*"]}, "bad_path", "paths.1"),
        ({"uid": "s", "paths": ["::connect"]}, "reserved_path", "paths.0"),
        ({"uid": "s", "paths": ["a"] * 1001}, "too_many_items", "paths"),
        ({"uid": "s", "paths": ["a"], "user": "root"}, "unknown_field", "user"),
    ],
    ids=lambda value: ascii(value)[:30],
)
@pytest.mark.parametrize("url", [CONNECT, DISCONNECT])
def test_a_bad_body_is_told_and_does_nothing(
    browser: Browser, double: Double, url: str, body: Any, code: str, field: str | None
) -> None:
    assert coded(browser.post(url, body)) == (400, code, field)
    assert double.state.seen == []


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=50)
def test_a_body_that_is_too_large_is_told(browser: Browser) -> None:
    body = {"uid": "s1", "paths": ["open/" + "x" * 50]}
    assert coded(browser.post(CONNECT, body)) == (413, "too_large", None)


def test_an_unknown_session_is_404(browser: Browser) -> None:
    for url in (CONNECT, DISCONNECT):
        response = browser.post(url, {**BODY, "uid": "unknown"})
        assert coded(response) == (404, "unknown_session", "uid")


def test_another_user_is_409(browser: Browser, double: Double, ada: User) -> None:
    double.state.users["s1"] = "somebody else"
    browser.client.force_login(ada)
    assert coded(browser.post(CONNECT, BODY)) == (409, "user_mismatch", None)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut", "connect_failed"),
        ((502, b"<h1>Bad gateway</h1>"), "connect_failed"),
        ((503, error("restarting", retryable=True)), "restarting"),
    ],
    ids=["cut", "gateway", "restarting"],
)
def test_an_unreachable_dobby_is_503_and_to_be_asked_again(
    browser: Browser, double: Double, fault: Any, code: str
) -> None:
    for url in (CONNECT, DISCONNECT):
        double.state.faults = [fault]
        response = browser.post(url, BODY)
        assert coded(response) == (503, code, None)
        assert response.json()["error"]["retryable"] is True


def test_a_wrong_api_key_is_our_fault_and_not_told_to_the_visitor(
    browser: Browser, double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    cornelius.configure(api_key="wrong")
    with caplog.at_level(logging.ERROR, "cornelius.django"):
        response = browser.post(CONNECT, BODY)
    assert coded(response) == (500, "internal", None)
    assert "unauthorized" not in response.content.decode()
    assert "unauthorized" in caplog.text


def test_an_async_hook_is_awaited(browser: Browser) -> None:
    body = {"uid": "s1", "paths": ["open/1", "secret"]}
    assert browser.post("/async/connect/", body).json() == {"refused": ["secret"]}


def test_without_a_hook_every_path_is_refused(browser: Browser, double: Double) -> None:
    assert browser.post("/settings/connect/", BODY).json() == {"refused": ["open/1"]}
    assert double.state.seen == []


class AsyncHook:
    """An async function that `iscoroutinefunction` does not know for one."""

    async def __call__(self, request: HttpRequest, path: str) -> bool:
        return False


async_hook = AsyncHook()


@pytest.mark.parametrize(
    ("hook", "refused"),
    [
        ("tests.django_urls.authorize", []),
        ("tests.django_urls.async_authorize", []),
        ("tests.test_django_views.async_hook", ["open/1"]),
    ],
)
def test_the_settings_may_name_the_hook(
    browser: Browser, double: Double, hook: str, refused: list[str]
) -> None:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY, "AUTHORIZE": hook}):
        assert browser.post("/settings/connect/", BODY).json() == {"refused": refused}


def test_it_works_under_asgi(double: Double, ada: User) -> None:
    # SQLite in memory is shared with the threads in which Django runs sync views.
    async def work() -> None:
        client = AsyncClient(enforce_csrf_checks=True)
        token = (await client.get("/page/")).content.decode()
        for url in ("/dobby/connect/", "/async/connect/"):
            body = json.dumps({"uid": "s1", "paths": ["open/1", "secret"]})
            kind = "application/json"
            refused = await client.post(url, body, content_type=kind)
            assert refused.status_code == 403
            response = await client.post(
                url, body, content_type=kind, headers={"X-CSRFToken": token}
            )
            assert response.json() == {"refused": ["secret"]}

    asyncio.run(work())
    assert len(double.state.seen) == 2
