"""The WSGI and the ASGI application: what they take, and what they answer to anything else."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cornelius
from cornelius import BadConfiguration
from cornelius.commands import Context, Router, sign
from tests.command_parts import body
from tests.doors import Asgi, Wsgi

SECRET = "a-secret-of-the-tests"
URL = "/dobby/command"

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def router() -> Router:
    router = Router()

    @router.command("chat/{room}")
    def say(context: Context, text: str = "") -> str:
        return text

    @router.command("chat/{room}")
    async def shout(context: Context, text: str = "") -> str:
        await asyncio.sleep(0)
        return text.upper()

    return router


@pytest.fixture(params=[Wsgi, Asgi])
def door(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def ask(door: Any, router: Router) -> Ask:
    """Posts a command that is signed well, but for what is changed."""
    made = door(router, secret=SECRET)

    def post(data: bytes | None = None, **changes: Any) -> tuple[int, Any]:
        given = body(args={"text": "a"}) if data is None else data
        url = changes.pop("url", URL)
        signature = changes.pop("signature", sign(SECRET, url, given))
        headers = {"Content-Type": changes.pop("kind", "application/json")}
        headers |= {} if signature is None else {"Dobby-Signature": signature}
        found: tuple[int, Any] = made(
            changes.pop("sent_to", url), changes.pop("method", "POST"), headers, given, **changes
        )
        return found

    return post


def coded(found: tuple[int, Any]) -> tuple[int, str, str | None]:
    status, answer = found
    error = answer["error"]
    assert error["message"]
    assert error["retryable"] is False
    return status, error["code"], error.get("reason")


def test_a_signed_command_is_answered(ask: Ask) -> None:
    assert ask() == (200, {"reply": "a"})
    assert ask(body(command="shout", args={"text": "a"})) == (200, {"reply": "A"})


def test_an_error_of_a_command_is_an_answer_like_others(ask: Ask) -> None:
    status, answer = ask(body(command="sing"))
    assert (status, answer["error"]["code"]) == (200, "unknown_command")


def test_the_query_is_signed_too(ask: Ask) -> None:
    assert ask(url=f"{URL}?a=%20b")[0] == 200
    assert coded(ask(url=f"{URL}?a=1", sent_to=f"{URL}?a=2")) == (
        401,
        "unauthorized",
        "wrong_signature",
    )


def test_without_a_signature_nothing_runs(ask: Ask) -> None:
    assert coded(ask(signature=None)) == (401, "unauthorized", "missing")
    assert coded(ask(signature="garbage")) == (401, "unauthorized", "malformed")


def test_a_forged_signature_is_refused(ask: Ask) -> None:
    forged = sign("another", URL, body())
    assert coded(ask(body(), signature=forged)) == (401, "unauthorized", "wrong_signature")


def test_an_altered_body_is_refused(ask: Ask) -> None:
    signature = sign(SECRET, URL, body(user="ann"))
    found = ask(body(user="bob"), signature=signature)
    assert coded(found) == (401, "unauthorized", "wrong_signature")


@pytest.mark.parametrize("seconds", [-70, 70])
def test_an_old_and_a_future_signature_are_refused(ask: Ask, seconds: int) -> None:
    at_ms = int((time.time() + seconds) * 1000)
    found = ask(body(), signature=sign(SECRET, URL, body(), at_ms=at_ms))
    assert coded(found) == (401, "unauthorized", "too_old")


def test_what_is_sent_again_is_refused(ask: Ask) -> None:
    signature = sign(SECRET, URL, body())
    assert ask(body(), signature=signature)[0] == 200
    assert coded(ask(body(), signature=signature)) == (401, "unauthorized", "replayed")
    assert ask(body())[0] == 200


def test_a_refusal_is_in_the_log(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cornelius.commands"):
        ask(signature=None)
    assert "Dobby-Signature is missing" in caplog.text


def test_only_post(ask: Ask) -> None:
    for method in ("GET", "PUT", "HEAD"):
        assert coded(ask(method=method)) == (405, "method_not_allowed", None)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json+x", "multipart/form-data"])
def test_only_json(ask: Ask, kind: str) -> None:
    assert coded(ask(kind=kind)) == (415, "unsupported_media_type", None)


def test_json_with_a_charset_is_json(ask: Ask) -> None:
    assert ask(kind="Application/JSON; charset=utf-8")[0] == 200


def test_a_body_above_a_megabyte_is_refused(ask: Ask) -> None:
    large = b'"' + b"x" * 1024 * 1024
    assert coded(ask(large)) == (413, "too_large", None)
    assert coded(ask(large[: 1024 * 1024])) == (400, "bad_json", None)


def test_a_signed_body_that_is_no_command_is_told(ask: Ask) -> None:
    assert coded(ask(b"{")) == (400, "bad_json", None)
    assert coded(ask(b"{}")) == (400, "unknown_type", None)
    assert coded(ask(body().replace(b'"uid": "c1"', b'"uid": 1'))) == (400, "bad_field", None)


def test_of_two_secrets_either_may_sign(door: Any, router: Router) -> None:
    made = door(router, secret=["the-old-secret-16", "the-new-secret-16"])
    for secret in ("the-old-secret-16", "the-new-secret-16"):
        headers = {"Content-Type": "application/json"}
        headers["Dobby-Signature"] = sign(secret, URL, body())
        assert made(URL, "POST", headers, body())[0] == 200


@pytest.mark.parametrize(
    "secret", ["", " ", [], [""], [SECRET, ""], "x" * 15, "a b" * 9, 7, b"x" * 20]
)
def test_a_secret_that_is_none_is_refused_at_once(door: Any, router: Router, secret: Any) -> None:
    with pytest.raises(BadConfiguration):
        door(router, secret=secret)


def test_without_any_secret_there_is_no_door(door: Any, router: Router) -> None:
    with pytest.raises(BadConfiguration, match="DOBBY_WEBHOOK_SECRET_FILE"):
        door(router)


def test_the_secret_may_come_from_the_configuration(
    door: Any, router: Router, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def status(made: Any, secret: str) -> int:
        headers = {"Content-Type": "application/json"}
        headers["Dobby-Signature"] = sign(secret, URL, body())
        found: int = made(URL, "POST", headers, body())[0]
        return found

    file = tmp_path / "webhook-secret"
    file.write_text("made-by-dobby-itself\n")
    monkeypatch.setenv("DOBBY_WEBHOOK_SECRET_FILE", str(file))
    made = door(router)
    assert status(made, "made-by-dobby-itself") == 200
    # A file is read for each command, so that secrets are changed without a restart.
    file.write_text("the-new-secret-16\nthe-old-secret-16\n")
    assert [
        status(made, secret)
        for secret in ("the-new-secret-16", "the-old-secret-16", "made-by-dobby-itself")
    ] == [200, 200, 401]
    monkeypatch.setenv("DOBBY_WEBHOOK_SECRET", "secret-of-the-environment")
    assert status(made, "secret-of-the-environment") == 200
    cornelius.configure(webhook_secret="a-configured-secret")
    assert status(made, "a-configured-secret") == 200
    assert status(made, "secret-of-the-environment") == 401
    cornelius.configure(webhook_secret_file=file)
    assert status(made, "the-new-secret-16") == 200
    file.unlink()
    assert status(made, "the-new-secret-16") == 500


class Broken:
    def add(self, nonce: str, seconds: float) -> bool:
        raise OSError("a secret of the house")


class Shared:
    def __init__(self) -> None:
        self.seen: list[tuple[str, float]] = []

    def add(self, nonce: str, seconds: float) -> bool:
        self.seen.append((nonce, seconds))
        return len(self.seen) == 1


def test_a_store_of_nonces_may_be_ones_own(door: Any, router: Router) -> None:
    store = Shared()
    made = door(router, secret=SECRET, nonces=store)
    for status in (200, 401):
        headers = {"Content-Type": "application/json"}
        headers["Dobby-Signature"] = sign(SECRET, URL, body(), nonce="n")
        assert made(URL, "POST", headers, body())[0] == status
    assert store.seen == [("n", 120.0)] * 2


def test_a_store_of_nonces_that_fails_lets_nothing_in(
    door: Any, router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    made = door(router, secret=SECRET, nonces=Broken())
    headers = {"Content-Type": "application/json", "Dobby-Signature": sign(SECRET, URL, body())}
    status, answer = made(URL, "POST", headers, body())
    assert (status, answer["error"]["code"]) == (500, "internal")
    assert "a secret of the house" not in json.dumps(answer)
    assert "a secret of the house" in caplog.text


def post(door: Any, signed: str, **given: Any) -> int:
    headers = {"Content-Type": "application/json", "Dobby-Signature": sign(SECRET, signed, body())}
    status: int = door(given.pop("url", URL), "POST", headers, body(), **given)[0]
    return status


def test_wsgi_takes_the_path_as_it_was_requested(router: Router) -> None:
    made = Wsgi(router, secret=SECRET)
    decoded = "/räume/a b".encode().decode("latin-1")
    assert post(made, "/r%C3%A4ume/a%20b", url=decoded) == 200
    assert post(made, "/app/command:1", url="/command:1", SCRIPT_NAME="/app") == 200
    assert post(made, "/a%2Fb?c", url="/a/b?c", RAW_URI="/a%2Fb?c") == 200
    assert post(made, "/a%2Fb", url="/a/b", REQUEST_URI="/a%2Fb") == 200
    assert post(made, "/a/b", url="/a/b", REQUEST_URI="http://h/a/b") == 200


def test_wsgi_reads_a_body_without_a_length_where_the_server_ends_it(router: Router) -> None:
    made = Wsgi(router, secret=SECRET)
    given = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert post(made, URL, **given, **{"wsgi.input": io.BytesIO(body())}) == 200
    endless = io.BytesIO(b"x" * 2_000_000)
    assert post(made, URL, **given, **{"wsgi.input": endless}) == 413
    assert endless.tell() < 1_200_000
    # Elsewhere reading might wait for ever.
    assert post(made, URL, CONTENT_LENGTH="1048577", **{"wsgi.input": None}) == 413
    for length in ("", "much", "-1", "²"):
        assert post(made, URL, CONTENT_LENGTH=length, **{"wsgi.input": None}) == 401


def test_asgi_takes_the_path_as_it_was_requested(router: Router) -> None:
    made = Asgi(router, secret=SECRET)
    assert post(made, "/a%2Fb", url="/a/b", raw_path=b"/a%2Fb") == 200
    assert post(made, "/r%C3%A4ume/a%20b", url="/räume/a b", raw_path=None) == 200
    assert post(made, "/a?b=1", url="/a?b=1", raw_path=b"/a?b=1") == 200


def test_asgi_stops_reading_what_is_too_large(router: Router) -> None:
    made = Asgi(router, secret=SECRET)
    piece = {"type": "http.request", "body": b"x" * 600_000, "more_body": True}
    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "headers": [(b"content-type", b"application/json")],
    }
    # A third piece is not there to be read.
    start, _ = asyncio.run(made.exchange(scope, [piece, piece]))
    assert start["status"] == 413


def test_asgi_runs_sync_functions_of_several_commands_side_by_side(router: Router) -> None:
    together = threading.Barrier(2)

    @router.command("chat/{room}")
    def meet(context: Context) -> None:
        together.wait(5)

    made = Asgi(router, secret=SECRET)

    async def give() -> Any:
        data = body(command="meet")
        names = {"content-type": "application/json", "dobby-signature": sign(SECRET, URL, data)}
        headers = [(name.encode(), value.encode()) for name, value in names.items()]
        scope = {"type": "http", "method": "POST", "path": URL, "headers": headers}
        sent = await made.exchange(scope, [{"type": "http.request", "body": data}])
        return json.loads(sent[1]["body"])

    async def work() -> list[Any]:
        return [*await asyncio.gather(give(), give())]

    assert asyncio.run(work()) == [{}, {}]


def test_asgi_answers_nobody_who_is_gone(router: Router) -> None:
    made = Asgi(router, secret=SECRET)
    scope = {"type": "http", "method": "POST", "path": URL, "headers": []}
    assert asyncio.run(made.exchange(scope, [{"type": "http.disconnect"}])) == []


def test_asgi_lives_as_long_as_its_server(router: Router) -> None:
    made = Asgi(router, secret=SECRET)
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = asyncio.run(made.exchange({"type": "lifespan"}, messages))
    assert [each["type"] for each in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_asgi_takes_no_websocket(router: Router) -> None:
    made = Asgi(router, secret=SECRET)
    sent = asyncio.run(made.exchange({"type": "websocket"}, []))
    assert [each["type"] for each in sent] == ["websocket.close"]
