"""The session view: who is asking, with real sessions of Django, blocking and async."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from secrets import token_urlsafe
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import resolve, reverse

from cornelius.commands import sign
from cornelius.django import login_of
from tests.command_parts import body as command
from tests.double import KEY, Double

pytestmark = pytest.mark.usefixtures("database")

SECRET = "a-secret-of-the-tests"
URL = "/dobby/session"
Ask = Callable[..., Any]


@pytest.fixture
def options(double: Double) -> dict[str, Any]:
    return {"URL": double.url, "API_KEY": KEY, "WEBHOOK_SECRET": SECRET}


@pytest.fixture(autouse=True)
def configured(options: dict[str, Any], database: None) -> Iterator[None]:
    with override_settings(DOBBY=options):
        yield


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="x")


@pytest.fixture
def browser(ada: User) -> Client:
    """A browser in which Ada is logged in."""
    client = Client()
    assert client.login(username="ada", password="x")
    return client


def blocking(url: str, data: bytes, headers: dict[str, str], cookies: Any) -> Any:
    client = Client(enforce_csrf_checks=True)
    client.cookies = cookies
    return client.post(url, data, content_type="application/json", headers=headers)


def in_a_loop(url: str, data: bytes, headers: dict[str, str], cookies: Any) -> Any:
    async def work() -> Any:
        client = AsyncClient(enforce_csrf_checks=True)
        client.cookies = cookies
        return await client.post(url, data, content_type="application/json", headers=headers)

    return asyncio.run(work())


@pytest.fixture(params=[blocking, in_a_loop], ids=["WSGI", "ASGI"])
def ask(request: pytest.FixtureRequest) -> Ask:
    def post(question: Any, browser: Client | None = None, **changes: Any) -> Any:
        data = question if isinstance(question, bytes) else json.dumps(question).encode()
        url = changes.get("url", URL)
        signature = changes.get("signature", sign(SECRET, url, data))
        headers = {"Dobby-Signature": signature} if signature else {}
        return request.param(url, data, headers, (browser or Client()).cookies)

    return post


def opening(*paths: str) -> dict[str, Any]:
    return {"type": "session", "paths": list(paths)}


def later(user: Any, *paths: str, **more: Any) -> dict[str, Any]:
    return {"type": "subscribe", "user": user, "login": None, "info": None, "paths": list(paths)}


def coded(response: Any) -> tuple[int, str, str | None]:
    assert response["content-type"] == "application/json"
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("field") or error.get("reason")


def test_the_url_has_a_name_and_takes_both_forms(ask: Ask) -> None:
    assert reverse("dobby:session") == URL
    assert resolve(URL).view_name == "dobby:session"
    assert ask(opening()).status_code == 200
    assert ask(opening(), url=f"{URL}/").status_code == 200


def test_a_visitor_is_known_by_the_cookies_of_the_browser(
    ask: Ask, browser: Client, ada: User
) -> None:
    response = ask(opening("open/1", "staff", "secret"), browser)
    assert response.status_code == 200
    found = response.json()
    tag = found.pop("login")
    assert found == {
        "user": str(ada.pk),
        "grants": ["open/1", "staff"],
        "refused": ["secret"],
    }
    assert len(tag) == 32
    assert browser.session.session_key not in tag
    assert ask(opening(), browser).json()["login"] == tag


def test_who_is_not_logged_in_is_nobody_and_no_session_is_made(ask: Ask) -> None:
    found = ask(opening("open/1", "staff")).json()
    assert found == {"user": None, "grants": ["open/1"], "refused": ["staff"]}
    stale = Client()
    stale.cookies["sessionid"] = "x" * 32
    assert ask(opening(), stale).json() == {"user": None, "grants": [], "refused": []}
    assert Session.objects.count() == 0


def test_each_device_has_a_login_of_its_own(ask: Ask, browser: Client, ada: User) -> None:
    phone = Client()
    phone.force_login(ada)
    first, second = (ask(opening(), each).json() for each in (browser, phone))
    assert first["user"] == second["user"] == str(ada.pk)
    assert first["login"] != second["login"]


def test_another_user_in_the_same_browser_is_another_login(ask: Ask, browser: Client) -> None:
    before = ask(opening(), browser).json()
    bob = User.objects.create_user("bob")
    browser.force_login(bob)
    after = ask(opening(), browser).json()
    assert after["user"] == str(bob.pk)
    assert after["login"] != before["login"]


def test_a_login_anew_has_another_tag(ask: Ask, browser: Client) -> None:
    before = ask(opening(), browser).json()["login"]
    browser.logout()
    assert ask(opening(), browser).json() == {"user": None, "grants": [], "refused": []}
    assert browser.login(username="ada", password="x")
    assert ask(opening(), browser).json()["login"] != before


def test_who_is_no_longer_active_is_nobody(ask: Ask, browser: Client, ada: User) -> None:
    User.objects.update(is_active=False)
    assert ask(opening("staff"), browser).json()["user"] is None
    assert ask(later(str(ada.pk), "staff")).json() == {"grants": [], "refused": ["staff"]}


def test_more_paths_are_asked_for_without_cookies(ask: Ask, ada: User) -> None:
    found = ask(later(str(ada.pk), "staff", "open/1", "secret")).json()
    assert found == {"grants": ["staff", "open/1"], "refused": ["secret"]}
    for name in (None, "0", str(ada.pk + 1), "ada", "9" * 40):
        found = ask(later(name, "staff", "open/1")).json()
        assert found == {"grants": ["open/1"], "refused": ["staff"]}


def test_more_paths_are_those_of_the_user_that_is_named_whatever_the_cookies(
    ask: Ask, browser: Client
) -> None:
    found = ask(later(None, "staff"), browser).json()
    assert found == {"grants": [], "refused": ["staff"]}


def test_an_async_hook_is_asked_and_knows_the_user(
    ask: Ask, browser: Client, ada: User, options: dict[str, Any]
) -> None:
    async def authorize(request: HttpRequest, path: str) -> bool:
        await asyncio.sleep(0)
        again: Any = await request.auser()
        return bool(request.user.is_authenticated and again.username == path)

    def hidden(request: HttpRequest, path: str) -> Any:
        return authorize(request, path)

    for hook in (authorize, hidden):
        with override_settings(DOBBY={**options, "AUTHORIZE": hook}):
            url = "/settings/session"
            found = ask(opening("ada", "bob"), browser, url=url).json()
            assert (found["grants"], found["refused"]) == (["ada"], ["bob"])
            found = ask(later(str(ada.pk), "ada", "bob"), url=url).json()
            assert found == {"grants": ["ada"], "refused": ["bob"]}


@pytest.mark.parametrize("signature", [None, "", "t=1,nonce=n,v1=" + "0" * 64, "nonsense"])
def test_cookies_without_a_good_signature_are_told_nothing(
    ask: Ask, browser: Client, signature: str | None
) -> None:
    response = ask(opening("staff"), browser, signature=signature)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorized")
    assert set(response.json()) == {"error"}
    assert b"staff" not in response.content


def test_a_signature_is_good_once_and_for_one_url(ask: Ask) -> None:
    data = json.dumps(opening()).encode()
    signature = sign(SECRET, URL, data)
    assert ask(data, signature=signature).status_code == 200
    assert coded(ask(data, signature=signature)) == (401, "unauthorized", "replayed")
    elsewhere = sign(SECRET, "/dobby/command", data)
    assert coded(ask(data, signature=elsewhere)) == (401, "unauthorized", "wrong_signature")
    # Commands and questions share what they remember.
    data = command()
    nonce = token_urlsafe()
    signature = sign(SECRET, "/dobby/command", data, nonce=nonce)
    assert ask(data, url="/dobby/command", signature=signature).status_code == 200
    again = sign(SECRET, URL, data, nonce=nonce)
    assert coded(ask(data, signature=again)) == (401, "unauthorized", "replayed")


def test_a_bad_question_is_told(ask: Ask) -> None:
    assert coded(ask({"type": "session", "paths": ["a*"]})) == (400, "bad_path", "paths.0")


def test_what_a_later_server_adds_to_a_question_does_no_harm(ask: Ask) -> None:
    assert ask({**opening("open/1"), "later": 1}).status_code == 200


def test_only_post(ask: Ask) -> None:
    response = Client().get(URL)
    assert coded(response) == (405, "method_not_allowed", None)


@pytest.mark.parametrize("middleware", ["csrf.CsrfViewMiddleware", "auth.LoginRequiredMiddleware"])
def test_middleware_that_guards_pages_does_not_stop_it(ask: Ask, middleware: str) -> None:
    path = {
        "csrf.CsrfViewMiddleware": "django.middleware.csrf.CsrfViewMiddleware",
        "auth.LoginRequiredMiddleware": "django.contrib.auth.middleware.LoginRequiredMiddleware",
    }[middleware]
    users = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    with override_settings(MIDDLEWARE=[*users, path]):
        assert ask(opening("open/1")).json()["grants"] == ["open/1"]
        assert ask(command(), url="/dobby/command").status_code == 200


@override_settings(MIDDLEWARE=[])
def test_without_sessions_and_users_everybody_is_nobody(ask: Ask, browser: Client) -> None:
    found = ask(opening("open/1"), browser).json()
    assert found == {"user": None, "grants": ["open/1"], "refused": []}


@pytest.mark.parametrize("name", ["AUTHORIZE", "INFO", "GRANTS", "ADMIT"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_hook_that_raises_is_logged_and_lets_nobody_in(
    ask: Ask, options: Any, caplog: pytest.LogCaptureFixture, name: str, way: str
) -> None:
    def now(*args: Any) -> Any:
        raise ZeroDivisionError("a secret of the house")

    async def soon(*args: Any) -> Any:
        raise ZeroDivisionError("a secret of the house")

    hook = now if way == "sync" else soon
    with override_settings(DEBUG=True, DOBBY={**options, name: hook}):
        with caplog.at_level(logging.ERROR, "cornelius.django"):
            response = ask(opening("a"), url="/settings/session")
    assert coded(response) == (500, "internal", None)
    assert "secret" not in response.content.decode()
    assert "a secret of the house" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INFO", object()),
        ("INFO", float("nan")),
        ("INFO", "x" * 4_095),
        ("GRANTS", ["a*"]),
        ("GRANTS", "contacts"),
        ("GRANTS", 7),
        ("GRANTS", [str(n) for n in range(1_001)]),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_a_hook_may_not_say_lets_nobody_in(
    ask: Ask, options: Any, name: str, value: Any
) -> None:
    with override_settings(DOBBY={**options, name: lambda request: value}):
        assert coded(ask(opening())) == (500, "internal", None)


def test_hooks_say_more_of_the_visitor(
    ask: Ask, browser: Client, ada: User, options: dict[str, Any]
) -> None:
    asked: list[str] = []

    def authorize(request: HttpRequest, path: str) -> bool:
        asked.append(path)
        return path == "c"

    async def info(request: HttpRequest) -> Any:
        return {"name": request.user.get_username()}

    more = {
        "AUTHORIZE": authorize,
        "INFO": info,
        "GRANTS": lambda request: ["a", f"users/{request.user.pk}/{{name*}}"],
        "SESSION_SECONDS": 1.5,
    }
    mine = f"users/{ada.pk}/x"
    with override_settings(DOBBY={**options, **more}):
        found = ask(opening("a", mine, "b", "c"), browser, url="/settings/session").json()
    del found["login"]
    assert found == {
        "user": str(ada.pk),
        "info": {"name": "ada"},
        "grants": ["c", "a", f"users/{ada.pk}/{{name*}}"],
        "refused": ["b"],
        "expiresInMs": 1500,
    }
    assert asked == ["b", "c"]


def test_grants_are_not_more_than_dobby_takes(ask: Ask, options: Any) -> None:
    standing = [f"standing/{n}" for n in range(999)]
    with override_settings(DOBBY={**options, "GRANTS": lambda request: standing}):
        found = ask(opening("open/1", "open/2")).json()
    assert found["grants"] == ["open/1", "open/2", *standing[:998]]


@pytest.mark.parametrize("verdict", [False, None, 0])
def test_who_is_not_admitted_is_told_so(ask: Ask, options: Any, verdict: Any) -> None:
    with override_settings(DOBBY={**options, "ADMIT": lambda request: verdict}):
        response = ask(opening("open/1"))
    assert response.status_code == 200
    assert response.json() == {
        "error": {"code": "not_allowed", "message": "This visitor is not let in."}
    }


def test_who_is_admitted_is_asked_about(ask: Ask, options: Any) -> None:
    with override_settings(DOBBY={**options, "ADMIT": lambda request: True}):
        assert ask(opening("open/1")).json()["grants"] == ["open/1"]


def test_where_requests_are_atomic_so_are_sync_hooks(ask: Ask, options: Any) -> None:
    seen: list[bool] = []

    def authorize(request: HttpRequest, path: str) -> bool:
        seen.append(connection.in_atomic_block)
        User.objects.create_user(path)
        if path == "bob":
            raise ZeroDivisionError
        return True

    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        with override_settings(DOBBY={**options, "AUTHORIZE": authorize}):
            assert ask(opening("ann"), url="/settings/session").status_code == 200
            assert ask(opening("eve", "bob"), url="/settings/session").status_code == 500
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert seen == [True, True, True]
    assert [user.username for user in User.objects.all()] == ["ann"]


def test_sessions_in_cookies_have_no_login(ask: Ask, ada: User) -> None:
    engine = "django.contrib.sessions.backends.signed_cookies"
    with override_settings(SESSION_ENGINE=engine):
        browser = Client()
        browser.force_login(ada)
        found = ask(opening(), browser).json()
    assert found == {"user": str(ada.pk), "grants": [], "refused": []}


def test_a_request_without_a_session_has_no_login() -> None:
    assert login_of(RequestFactory().get("/")) is None


def test_the_connect_view_names_the_login(
    ask: Ask, browser: Client, double: Double, ada: User
) -> None:
    tag = ask(opening(), browser).json()["login"]
    body = {"uid": "s1", "paths": ["open/1"]}
    assert browser.post("/dobby/connect", body, content_type="application/json").status_code == 200
    (seen,) = double.state.seen
    assert seen.body == {"id": "s1", "paths": ["open/1"], "user": str(ada.pk), "login": tag}


def test_the_connect_view_tells_that_a_login_has_ended(
    ask: Ask, browser: Client, double: Double
) -> None:
    double.state.ended_logins.add(ask(opening(), browser).json()["login"])
    body = {"uid": "s1", "paths": ["open/1"]}
    response = browser.post("/dobby/connect", body, content_type="application/json")
    assert coded(response) == (403, "login_ended", None)
