"""Cornelius kicks the logins that a request ended after its answer: under WSGI and ASGI alike."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest
from django.conf import settings
from django.contrib.auth import alogout, login, logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from cornelius import Retry, _default
from cornelius.django import _after_answer, login_of, revoke_failed
from cornelius.django._signals import _connect_first, _logged_in
from tests.double import KEY, Double
from tests.visits import Visit, by_socket, in_a_loop, sent_by, served

pytestmark = pytest.mark.usefixtures("database")

STREAM = (b"one ", b"two")
leaving = threading.Event()


def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("bye")


def enter(request: HttpRequest, name: str) -> HttpResponse:
    login(request, User.objects.get(username=name))
    return HttpResponse(name)


def leave_and_break(request: HttpRequest) -> HttpResponse:
    logout(request)
    raise ZeroDivisionError("after the logout")


def leave_in_a_stream(request: HttpRequest) -> StreamingHttpResponse:
    logout(request)
    return StreamingHttpResponse(STREAM, headers={"Content-Length": "7"})


async def leave_in_a_loop(request: HttpRequest) -> StreamingHttpResponse:
    await alogout(request)

    async def parts() -> AsyncIterator[bytes]:
        for part in STREAM:
            await asyncio.sleep(0)
            yield part

    # Under WSGI Django reads async parts with a warning: there they are plain.
    content: Any = parts() if hasattr(request, "scope") else STREAM
    return StreamingHttpResponse(content, headers={"Content-Length": "7"})


def leave_in_a_transaction(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        logout(request)
    return HttpResponse("bye")


def leave_in_vain(request: HttpRequest) -> HttpResponse:
    try:
        with transaction.atomic():
            logout(request)
            raise ZeroDivisionError
    except ZeroDivisionError:
        return HttpResponse("still here")


class Wrapped:
    """Wraps a request as the REST framework does."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


def leave_wrapped(request: HttpRequest) -> HttpResponse:
    logout(Wrapped(request))  # type: ignore[arg-type]
    return HttpResponse("bye")


async def leave_and_wait(request: HttpRequest) -> HttpResponse:
    await alogout(request)
    leaving.set()
    await asyncio.sleep(30)
    return HttpResponse("too late")


urlpatterns = [
    path("leave", leave),
    path("enter/<name>", enter),
    path("break", leave_and_break),
    path("stream", leave_in_a_stream),
    path("loop", leave_in_a_loop),
    path("transaction", leave_in_a_transaction),
    path("vain", leave_in_vain),
    path("wrapped", leave_wrapped),
    path("wait", leave_and_wait),
]


@pytest.fixture(autouse=True)
def configured(double: Double, database: None) -> Iterator[None]:
    middleware = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    given = {"URL": double.url, "API_KEY": KEY}
    with override_settings(DOBBY=given, ROOT_URLCONF=__name__, MIDDLEWARE=middleware):
        _default.default()._retry = Retry(attempts=1)
        yield


@pytest.fixture
def gate(double: Double, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Dobby answers nothing, for a while, until it is set."""
    opened, api = threading.Event(), double.api

    def wait(method: str, body: Any) -> Any:
        opened.wait(2)
        return api(method, body)

    monkeypatch.setattr(double, "api", wait)
    return opened


@pytest.fixture(params=["WSGI", "ASGI"])
def visit(request: pytest.FixtureRequest, double: Double, gate: threading.Event) -> Iterator[Visit]:
    if request.param == "ASGI":
        yield in_a_loop(double, gate)
        return
    with by_socket(double, gate) as visit:
        yield visit


def tag_of(browser: Client) -> str:
    request = RequestFactory().get("/")
    request.session = browser.session
    found = login_of(request)
    assert found is not None
    return found


def told(double: Double) -> list[str]:
    """Gives the logins that were kicked, once there are some."""
    soon(lambda: bool(double.state.kicked))
    return [login for login, _ in double.state.kicked]


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 2
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def is_no_timer_left() -> bool:
    return not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())


@pytest.fixture
def ada() -> User:
    User.objects.create_user("bob")
    return User.objects.create_user("ada")


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


# Under ASGI Django says so of parts that are not async.
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous")
@pytest.mark.parametrize(
    ("url", "status", "body"),
    [
        ("leave", 200, b"bye"),
        ("break", 500, None),
        ("stream", 200, b"one two"),
        ("loop", 200, b"one two"),
        ("transaction", 200, b"bye"),
        ("wrapped", 200, b"bye"),
    ],
)
def test_a_logout_is_told_when_its_answer_is_there(
    visit: Visit, double: Double, browser: Client, url: str, status: int, body: bytes | None
) -> None:
    tag = tag_of(browser)
    answer = visit(url, browser)
    assert answer.told_before == []
    assert (answer.status, answer.cookie) == (status, "")
    assert body is None or answer.body == body
    assert told(double) == [tag]
    assert soon(is_no_timer_left)


def test_a_logout_that_is_rolled_back_is_not_told(
    visit: Visit, double: Double, browser: Client
) -> None:
    assert visit("vain", browser).body == b"still here"
    assert double.state.seen == []


def test_a_login_over_that_of_another_user_ends_the_old_one(
    visit: Visit, double: Double, browser: Client
) -> None:
    old = tag_of(browser)
    answer = visit("enter/bob", browser)
    assert (answer.status, answer.told_before) == (200, [])
    assert told(double) == [old]
    assert answer.cookie is not None
    browser.cookies["sessionid"] = answer.cookie
    assert tag_of(browser) != old


def test_a_login_of_the_same_user_again_ends_nothing(
    visit: Visit, double: Double, browser: Client, ada: User
) -> None:
    old = tag_of(browser)
    assert visit("enter/ada", browser).cookie == browser.cookies["sessionid"].value
    assert tag_of(browser) == old
    assert double.state.seen == []


def test_with_another_password_a_login_of_the_same_user_ends_the_old_one(
    visit: Visit, double: Double, browser: Client, ada: User
) -> None:
    old = tag_of(browser)
    ada.set_password("another")
    ada.save()
    assert visit("enter/ada", browser).told_before == []
    assert told(double) == [old]


def test_a_login_over_no_login_ends_nothing(visit: Visit, double: Double, ada: User) -> None:
    anonymous, stranger, fresh = Client(), Client(), Client()
    session = anonymous.session
    session["cart"] = "full"
    session.save()
    stranger.cookies["sessionid"] = "a-session-that-is-gone"
    for client in (anonymous, stranger, fresh):
        assert visit("enter/ada", client).cookie
    assert double.state.seen == []


def test_a_login_over_another_in_signed_cookies_tells_nothing(double: Double, ada: User) -> None:
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"):
        client = Client()
        client.force_login(ada)
        assert client.get("/enter/bob").status_code == 200
    assert double.state.seen == []


def test_a_receiver_that_saves_the_session_hides_no_login(double: Double, browser: Client) -> None:
    def save(*, request: HttpRequest, **_: Any) -> None:
        request.session.save()

    old = tag_of(browser)
    user_logged_in.connect(save)
    try:
        # As at start, when those of the models are there before ours.
        _connect_first(user_logged_in, _logged_in, "cornelius.logged_in")
        browser.get("/enter/bob")
    finally:
        user_logged_in.disconnect(save)
    assert told(double) == [old]


def test_the_client_of_the_tests_has_told_when_it_returns(double: Double, browser: Client) -> None:
    tag = tag_of(browser)
    browser.get("/leave")
    assert double.state.kicked == [(tag, True)]


def test_a_request_that_nobody_answers_is_not_waited_for(double: Double, browser: Client) -> None:
    for request in (RequestFactory().get("/"), HttpRequest()):
        login(prepared(request), User.objects.get(username="ada"))
        request.session.save()
        tag = login_of(request)
        logout(request)
        assert double.state.kicked.pop() == (tag, True)
    # As Channels does.
    user_logged_in.send(sender=User, request=None, user=User.objects.get(username="ada"))
    user_logged_out.send(sender=User, request=None, user=None)


def prepared(request: HttpRequest) -> HttpRequest:
    request.session = Client().session
    return request


def test_under_asgi_who_leaves_before_the_answer_is_told_of_by_the_timer(
    double: Double, gate: threading.Event, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.set()
    leaving.clear()
    monkeypatch.setattr(_after_answer, "SECONDS", 0.3)
    tag = tag_of(browser)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    asyncio.run(served("wait", browser, send, leaving.wait))
    assert double.state.seen == []
    assert told(double) == [tag]


def test_a_response_that_is_never_closed_is_told_by_the_timer(
    double: Double, browser: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_after_answer, "SECONDS", 0.3)
    environ = RequestFactory().get("/leave", headers={"cookie": sent_by(browser)}).environ
    tag, handler = tag_of(browser), cast(Any, WSGIHandler())
    response = handler(environ, lambda *_: None)
    assert double.state.seen == []
    assert told(double) == [tag]
    response.close()
    assert len(double.state.seen) == 1


def test_what_a_request_ends_after_its_answer_is_told_at_once(
    double: Double, browser: Client, ada: User
) -> None:
    first, second = tag_of(browser), Client()
    second.force_login(ada)
    request = browser.get("/leave").wsgi_request
    request.session = second.session
    tag = login_of(request)
    logout(request)
    assert [each for each, _ in double.state.kicked] == [first, tag]


def test_a_failure_after_the_answer_is_told_and_breaks_nothing(
    visit: Visit, double: Double, browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()
    found: list[Any] = []

    def hear(*, revocations: list[Any], **_: Any) -> None:
        found.extend(revocations)
        failed.set()

    double.state.faults = ["cut"]
    tag = tag_of(browser)
    revoke_failed.connect(hear)
    try:
        with caplog.at_level(logging.ERROR, "cornelius.django"):
            assert visit("leave", browser).body == b"bye"
            assert failed.wait(5)
    finally:
        revoke_failed.disconnect(hear)
    assert [each.login for each in found] == [tag]
    assert "were not made" in caplog.text


def test_whatever_goes_wrong_after_the_answer_is_logged(
    browser: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("in the kick")

    monkeypatch.setattr("cornelius.django._revoke.default", fail)
    assert browser.get("/leave").status_code == 200
    assert "in the kick" in caplog.text
