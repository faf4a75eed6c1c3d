"""The command view of the Django app, blocking and async, and what functions have there."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import AsyncClient, Client, override_settings
from django.urls import resolve, reverse

import cornelius.django
from cornelius import BadConfiguration
from cornelius.commands import TestClient, router, sign
from tests.command_parts import body as posted
from tests.double import KEY, Double

pytestmark = pytest.mark.usefixtures("database")

SECRET = "a-secret-of-the-tests"
URL = "/dobby/command"


@pytest.fixture(autouse=True)
def configured(double: Double, database: None) -> Iterator[None]:
    given = {"URL": double.url, "API_KEY": KEY, "WEBHOOK_SECRET": SECRET}
    with override_settings(DOBBY=given):
        yield


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="x")


def body(command: str = "say", args: Any = None, path: str = "room/7", **session: Any) -> bytes:
    return posted(path, command, {"text": "a"} if args is None else args, **session)


Ask = Callable[..., Any]


def blocking(url: str, data: bytes, kind: str, headers: dict[str, str]) -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.post(url, data, content_type=kind, headers=headers)


def in_a_loop(url: str, data: bytes, kind: str, headers: dict[str, str]) -> Any:
    async def work() -> Any:
        client = AsyncClient(enforce_csrf_checks=True)
        return await client.post(url, data, content_type=kind, headers=headers)

    return asyncio.run(work())


@pytest.fixture(params=[blocking, in_a_loop], ids=["WSGI", "ASGI"])
def ask(request: pytest.FixtureRequest) -> Ask:
    def post(data: bytes | None = None, **changes: Any) -> Any:
        given = body() if data is None else data
        url = changes.get("url", URL)
        signature = changes.get("signature", sign(SECRET, url, given))
        headers = {"Dobby-Signature": signature} if signature else {}
        kind = changes.get("kind", "application/json")
        if "length" in changes:
            headers |= {"Content-Length": changes["length"], "Content-Type": kind}
        return request.param(changes.get("sent_to", url), given, kind, headers)

    return post


def coded(response: Any) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("reason")


def test_the_url_has_a_name_and_takes_both_forms(ask: Ask) -> None:
    assert reverse("dobby:command") == URL
    assert ask().status_code == 200
    assert ask(url=f"{URL}/").status_code == 200
    assert resolve(URL).view_name == "dobby:command"


def test_a_signed_command_is_answered_without_a_csrf_token(ask: Ask) -> None:
    response = ask()
    assert response["content-type"] == "application/json"
    assert response.json() == {
        "reply": {"room": 7, "text": "a"},
        "updates": [{"path": "room/7", "message": {"text": "a"}}],
    }


def test_the_middleware_for_csrf_does_not_stop_it(ask: Ask) -> None:
    with override_settings(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        assert ask().status_code == 200


def test_the_query_and_escaped_paths_are_signed_as_they_are_sent(ask: Ask) -> None:
    assert ask(url=f"{URL}?key=%20%C3%A4").status_code == 200
    refused = ask(url=f"{URL}?a=1", sent_to=f"{URL}?a=2")
    assert coded(refused) == (401, "unauthorized", "wrong_signature")


def test_what_is_not_signed_by_dobby_is_refused(ask: Ask) -> None:
    assert coded(ask(signature=None)) == (401, "unauthorized", "missing")
    assert coded(ask(signature="x")) == (401, "unauthorized", "malformed")
    forged = sign("another", URL, body())
    assert coded(ask(signature=forged)) == (401, "unauthorized", "wrong_signature")
    altered = sign(SECRET, URL, body(user="1"))
    assert coded(ask(signature=altered)) == (401, "unauthorized", "wrong_signature")
    old = sign(SECRET, URL, body(), at_ms=1_000)
    assert coded(ask(signature=old)) == (401, "unauthorized", "too_old")


def test_what_is_sent_again_is_refused_by_either_view() -> None:
    signature = sign(SECRET, URL, body())
    headers = {"Dobby-Signature": signature}
    assert blocking(URL, body(), "application/json", headers).status_code == 200
    for again in (blocking, in_a_loop):
        response = again(URL, body(), "application/json", headers)
        assert coded(response) == (401, "unauthorized", "replayed")


def test_a_shared_cache_knows_what_other_processes_saw(
    ask: Ask, database: None, tmp_path: Any
) -> None:
    shared = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"}
    with override_settings(CACHES={"default": {**shared, "LOCATION": tmp_path}}):
        signature = sign(SECRET, URL, body(), nonce=f"seen-{tmp_path.name}")
        cache.add(f"cornelius-nonce-seen-{tmp_path.name}", 1)
        assert coded(ask(signature=signature)) == (401, "unauthorized", "replayed")
        signature = sign(SECRET, URL, body(), nonce=f"new-{tmp_path.name}")
        assert ask(signature=signature).status_code == 200
        assert cache.get(f"cornelius-nonce-new-{tmp_path.name}") == 1


def test_a_cache_that_forgets_lets_nothing_in_again(ask: Ask) -> None:
    dummy = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    with override_settings(CACHES={"default": dummy}):
        signature = sign(SECRET, URL, body())
        assert ask(signature=signature).status_code == 200
        assert coded(ask(signature=signature)) == (401, "unauthorized", "replayed")


def test_only_post_and_json_and_a_megabyte(ask: Ask) -> None:
    response = Client().get(URL)
    assert coded(response) == (405, "method_not_allowed", None)
    assert response["Allow"] == "POST"
    assert coded(ask(kind="text/plain")) == (415, "unsupported_media_type", None)
    assert coded(ask(b"x" * (1024 * 1024 + 1))) == (413, "too_large", None)
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=50):
        assert coded(ask()) == (413, "too_large", None)
    short = Client().post(URL, b"{}", content_type="application/json", CONTENT_LENGTH="1048577")
    assert coded(short) == (413, "too_large", None)
    assert coded(ask(b"{}")) == (400, "unknown_type", None)


@pytest.mark.parametrize("length", ["²", "much"])
def test_a_length_that_is_no_number_is_refused_without_a_failure(ask: Ask, length: str) -> None:
    # "²" is a digit to Python. Django's client sends a body's own length along, so there is none.
    assert coded(ask(b"", length=length)) == (400, "bad_json", None)


def test_without_a_secret_nothing_is_accepted(
    ask: Ask, double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY}):
        for signature in (sign(SECRET, URL, body()), sign("", URL, body())):
            assert coded(ask(signature=signature)) == (500, "internal", None)
    assert "DOBBY_WEBHOOK_SECRET" in caplog.text


def test_of_two_secrets_either_may_sign(ask: Ask) -> None:
    with override_settings(DOBBY={"WEBHOOK_SECRET": ["the-old-secret-16", "the-new-secret-16"]}):
        for secret in ("the-old-secret-16", "the-new-secret-16"):
            assert ask(signature=sign(secret, URL, body())).status_code == 200
        assert ask().status_code == 401


def test_what_a_function_raises_is_told_to_the_log_alone(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(DEBUG=True), caplog.at_level(logging.ERROR, "cornelius.commands"):
        response = ask(body("break", {}))
    assert (response.status_code, response.json()["error"]["code"]) == (200, "handler_failed")
    assert "secret" not in response.content.decode()
    assert "a secret of the house" in caplog.text


@pytest.mark.parametrize("command", ["who", "awho"])
def test_the_user_is_the_one_that_the_session_is_bound_to(
    ask: Ask, ada: User, command: str
) -> None:
    assert ask(body(command, {}, user=str(ada.pk))).json() == {"reply": "ada"}
    for name in (None, "", "0", str(ada.pk + 1), "ada", "9" * 40, "x\x00"):
        assert ask(body(command, {}, user=name)).json() == {}
    ada.is_active = False
    ada.save()
    assert ask(body(command, {}, user=str(ada.pk))).json() == {}


def test_outside_a_transaction_a_function_may_save(ask: Ask, double: Double) -> None:
    assert ask(body("join", {"name": "ann"})).json() == {"reply": False}
    assert ask(body("ajoin", {"name": "bob"})).json() == {"reply": False}
    assert sorted(user.username for user in User.objects.all()) == ["ann", "bob"]
    assert double.state.published == [("users", "ann")]


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    before = connection.settings_dict["ATOMIC_REQUESTS"]
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = before


@pytest.mark.usefixtures("atomic_requests")
def test_where_requests_are_atomic_so_are_sync_functions(ask: Ask, double: Double) -> None:
    assert ask(body("join", {"name": "ann"})).json() == {"reply": True}
    assert double.state.published == [("users", "ann")]
    refused = ask(body("join", {"name": "bob", "fail": True}))
    assert refused.json()["error"]["code"] == "refused"
    assert [user.username for user in User.objects.all()] == ["ann"]
    assert double.state.published == [("users", "ann")]
    # Django has no transactions in async code.
    assert ask(body("ajoin", {"name": "eve"})).json() == {"reply": False}


def test_the_view_is_async_where_there_is_a_loop_and_blocking_elsewhere() -> None:
    async def found() -> Any:
        return resolve(URL).func

    assert inspect.iscoroutinefunction(asyncio.run(found()))
    assert not inspect.iscoroutinefunction(resolve(URL).func)


def test_an_async_function_runs_in_the_loop_of_the_server() -> None:
    threads: list[str] = []

    @router.command("thread", "async")
    async def there(context: Any) -> None:
        threads.append(threading.current_thread().name)

    try:
        data = body("async", {}, "thread")
        in_a_loop(URL, data, "application/json", {"Dobby-Signature": sign(SECRET, URL, data)})
    finally:
        router._handlers.pop()
    assert threads == [threading.current_thread().name]


def test_the_commands_of_installed_apps_are_found() -> None:
    assert TestClient().send("room/7", "say", {"text": "a"}).reply == {"room": 7, "text": "a"}


def test_everything_exported_exists() -> None:
    names = cornelius.django.__all__
    assert all(hasattr(cornelius.django, name) for name in names)


def test_a_setting_that_is_no_dict_is_told() -> None:
    with override_settings(DOBBY="http://h"):
        with pytest.raises(BadConfiguration):
            cornelius._default.webhook_secrets()


def test_the_answer_is_json_that_dobby_reads(ask: Ask) -> None:
    assert json.loads(ask(body("say", {"text": "日本"})).content)["reply"]["text"] == "日本"
