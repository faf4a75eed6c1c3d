"""Commands from a client through a real Dobby to the functions of this process, and back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest

import cornelius
from cornelius import Dobby
from cornelius.commands import Context, Refused, Router, anyone, wsgi_app
from tests.dobby import CONFIG, KEY, DobbyProcess

router = Router()


@router.command("news/{name*}")
def say(context: Context, name: str, text: str, times: int = 1) -> dict[str, Any]:
    context.update(context.path, {"text": text}, key=text)
    context.update(context.path, "to itself", echo=True)
    context.patch({"said": context.session.state.get("said", 0) + times})
    context.grant("mine/1")
    context.send("letter", sessions=[context.session.id])
    return {
        "name": name,
        "said": context.session.state.get("said", 0),
        "user": context.session.user,
    }


@router.command("news/{name*}")
async def wait(context: Context) -> str:
    await asyncio.sleep(0)
    return "done"


@router.command("news/{name*}")
def take(context: Context) -> None:
    context.update("news/1", "taken", key="taken", version=None)


@router.command("news/{name*}")
def fail(context: Context, how: str) -> None:
    if how == "refused":
        raise Refused("No.", reason="full", data={"limit": 1})
    context.update("news/1", "never heard")
    raise ZeroDivisionError("a secret of the house")


@router.command("closed/{name*}", authorize=anyone)
def enter(context: Context) -> str:
    return "entered"


@router.command("closed/{name*}")
def look(context: Context) -> str:
    return "seen"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def dobby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DobbyProcess]:
    """A Dobby whose made secret this process reads, and which posts to it."""
    folder = tmp_path_factory.mktemp("dobby")
    apps: list[Any] = []
    server = make_server(
        "127.0.0.1", 0, lambda environ, start: apps[0](environ, start), handler_class=_Quiet
    )
    url = f"http://127.0.0.1:{server.server_port}/dobby/command%20s?v=1&w=%C3%A4:"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    process = DobbyProcess(folder, {**CONFIG, "commandUrl": url})
    try:
        apps.append(wsgi_app(router, secret=_secret(process.state)))
        yield process
    finally:
        process.stop()
        server.shutdown()
        thread.join()
        server.server_close()


def _secret(state: Path) -> list[str]:
    return cornelius._default.read_secret_file(state / "webhook-secret")


class Page:
    """A client over long-poll."""

    def __init__(self, url: str, *paths: str) -> None:
        self._url = f"{url}/comet"
        opened = self._post({"type": "open", "protocol": 1, "paths": [{"path": p} for p in paths]})
        (first, *_) = opened["updates"]
        self.id = first["id"]
        self._me = {"ticket": first["ticket"], "connection": first["connection"]}
        self._cursor = opened["reconnectWith"]
        self._n = 0
        self.heard: list[Any] = list(opened["updates"])

    def give(self, path: str, command: str, args: Any = None) -> Any:
        """Gives a command, and polls until its reply has come."""
        self._n += 1
        uid = f"c{self._n}"
        frame = {"type": "command", "n": self._n, "uid": uid, "path": path, "command": command}
        frame |= {} if args is None else {"args": args}
        accepted = self._post({"type": "send", **self._me, "frames": [frame]})
        assert accepted == {"accepted": self._n}
        for _ in range(20):
            for each in self.heard:
                if each.get("type") == "reply" and each["uid"] == uid:
                    return each.get("error") or each["reply"]
            self.poll()
        raise AssertionError(f"no reply to {command}: {self.heard}")

    def poll(self) -> None:
        answer = self._post({"type": "poll", **self._me, "cursor": self._cursor})
        self._cursor = answer["reconnectWith"]
        self.heard += answer["updates"]

    def _post(self, body: Any) -> Any:
        found = httpx.post(self._url, json=body, timeout=30)
        assert found.status_code == 200, found.text
        return found.json()


@pytest.fixture
def page(dobby: DobbyProcess) -> Page:
    return Page(dobby.url, "news/1")


def test_a_command_is_answered_and_what_goes_along_takes_effect(
    dobby: DobbyProcess, page: Page
) -> None:
    other = Page(dobby.url, "news/1")
    assert page.give("news/1", "say", {"text": "a"}) == {"name": "1", "said": 0, "user": None}
    assert page.give("news/1", "say", {"text": "日本", "times": 5})["said"] == 1
    assert page.give("news/1", "say", {"text": "c"})["said"] == 6
    messages = [each["message"] for each in page.heard if "message" in each and "path" in each]
    assert messages.count("to itself") == 3
    assert {"text": "a"} not in messages
    assert messages.count("letter") == 3
    granted = [each for each in page.heard if each.get("type") == "subscribed"]
    assert "mine/1" in json.dumps(granted)
    while len([each for each in other.heard if "message" in each]) < 6:
        other.poll()
    heard = [each["message"] for each in other.heard if "message" in each]
    assert heard == [
        {"text": "a"},
        "to itself",
        {"text": "日本"},
        "to itself",
        {"text": "c"},
        "to itself",
    ]
    with Dobby(dobby.url, KEY) as client:
        assert sorted(client.state("news/1"))[:2] == ["a", "c"]
        session = next(each for each in client.sessions() if each.id == page.id)
        assert session.last_command_at
        assert session.details["lastCommandAt"] == session.last_command_at


def test_an_async_function_answers_too(page: Page) -> None:
    assert page.give("news/1", "wait") == "done"


def test_errors_come_as_they_are_told(page: Page) -> None:
    error = page.give("news/1", "fail", {"how": "refused"})
    told = {"code": "refused", "message": "No.", "reason": "full", "data": {"limit": 1}}
    assert error == told
    message = "The handler failed; the log on its side says why."
    assert page.give("news/1", "fail", {"how": "x"}) == {
        "code": "handler_failed",
        "message": message,
    }
    bad = page.give("news/1", "say", {"text": 7})
    assert (bad["code"], bad["field"]) == ("bad_args", "args.text")
    assert page.give("news/1", "sing")["code"] == "unknown_command"
    assert "never heard" not in json.dumps(page.heard)


def test_who_may_not_hear_the_path_is_not_allowed_unless_the_function_says_so(page: Page) -> None:
    assert page.give("closed/1", "look")["code"] == "not_allowed"
    assert page.give("closed/1", "enter") == "entered"


def test_of_two_that_take_the_same_one_is_told_of_the_conflict(page: Page) -> None:
    assert page.give("news/1", "take") is None
    assert page.give("news/1", "take")["code"] == "state_conflict"


def test_send_and_broadcast_reach_sessions(dobby: DobbyProcess, page: Page) -> None:
    with Dobby(dobby.url, KEY) as client:
        found = client.send({"to": "you"}, sessions=[page.id, "nobody"], users=["nobody else"])
        assert found.sent == (page.id,)
        assert sorted(found.unknown) == ["nobody", "nobody else"]
        client.broadcast({"to": "all"})
    while '"all"' not in json.dumps(page.heard):
        page.poll()
    assert {"to": "you"} in [each.get("message") for each in page.heard]
