"""Commands from the posted body to the function that takes it: which one, with what, and where."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadConfiguration, BadRequest
from cornelius.commands import Context, Router
from tests.command_parts import Answer, body, new_context


def test_the_function_gets_what_was_posted(answer: Answer, handled: Any) -> None:
    found: list[Context] = []
    handled(lambda context, **args: found.append(context))
    answer(args={"a": [1]}, user="ann", state={"name": "Ann"}, version=3, mayHear=True)
    (context,) = found
    assert (context.path, context.command, context.uid) == ("chat/7", "say", "c1")
    assert (context.args, context.captured, context.again) == ({"a": [1]}, {"room": "7"}, False)
    session = context.session
    assert (session.id, session.user, session.version) == ("s1", "ann", 3)
    assert session.is_authenticated
    assert context.may_hear
    assert session.state == {"name": "Ann"}
    with pytest.raises(TypeError):
        session.state["name"] = "Bob"  # type: ignore[index]


def test_without_a_function_the_command_is_unknown(answer: Answer, handled: Any) -> None:
    handled(lambda context: 1)
    for path, command in (("chat/7", "shout"), ("contacts", "say"), ("::chat/7", "say")):
        assert answer(path, command)["error"] == {
            "code": "unknown_command",
            "message": "No handler takes this command on this path.",
        }


def test_the_first_that_was_registered_takes_it(router: Router, answer: Answer) -> None:
    router.command("chat/{room}", "say")(lambda context: "first")
    router.command("chat/7", "say")(lambda context: "second")
    router.command("chat/7", "shout")(lambda context: "third")
    assert answer() == {"reply": "first"}
    assert answer(command="shout") == {"reply": "third"}


def test_the_name_is_that_of_the_function_unless_it_is_given(
    router: Router, answer: Answer
) -> None:
    @router.command("chat/{room}")
    def say(context: Context, room: str) -> str:
        return room

    @router.command("chat/{room}", "say-it-loud")
    def other(context: Context) -> str:
        return "loud"

    assert answer() == {"reply": "7"}
    assert answer(command="say-it-loud") == {"reply": "loud"}
    assert answer(command="other")["error"]["code"] == "unknown_command"
    # The function stays what it was.
    assert say(new_context(), "8") == "8"
    assert len(router) == 2


def test_a_duplicate_is_refused_at_registration(router: Router) -> None:
    router.command("chat/{room}", "say")(lambda context: 1)
    with pytest.raises(BadConfiguration, match="registered already"):
        router.command("chat/{room}", "say")(lambda context: 2)
    router.command("chat/{other}", "say")(lambda context: 3)


@pytest.mark.parametrize("name", ["", "x" * 256, 7])
def test_a_bad_name_is_refused_at_registration(router: Router, name: Any) -> None:
    with pytest.raises(BadConfiguration):
        router.command("chat/{room}", name)(lambda context: 1)


def test_a_bad_pattern_is_refused_before_the_function_is_there(router: Router) -> None:
    with pytest.raises(BadConfiguration):
        router.command("{a}{b}")


def test_arguments_are_checked_before_the_function_runs(router: Router, answer: Answer) -> None:
    ran: list[str] = []

    @router.command("chat/{room}")
    def say(context: Context, room: int, text: str) -> None:
        ran.append(text)

    error = answer(args={"text": 1})["error"]
    message = "Text is expected here."
    assert error == {"code": "bad_args", "message": message, "field": "args.text"}
    assert answer("chat/x", args={"text": "a"})["error"]["field"] == "path.room"
    assert ran == []
    answer(args={"text": "a"})
    assert ran == ["a"]


@pytest.mark.parametrize(
    "posted",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"type":"hello"}',
        b'{"type":"command"}',
        body().replace(b'"path": "chat/7"', b'"path": 7'),
        body().replace(b'"uid": "c1", ', b""),
        body().replace(b'"mayHear": true', b'"mayHear": "yes"'),
        body().replace(b'"again": false', b'"again": 0'),
        body().replace(b'"version": 0', b'"version": -1'),
        body().replace(b'"state": {}', b'"state": []'),
        body().replace(b'"user": null', b'"user": 7'),
    ],
    ids=lambda posted: ascii(posted)[:30],
)
def test_what_is_no_command_is_a_bad_request(router: Router, posted: bytes) -> None:
    with pytest.raises(BadRequest):
        router.answer(posted)


def test_what_a_later_server_posts_too_is_ignored(router: Router) -> None:
    router.command("chat/{room}", "say")(lambda context: 1)
    posted = {**json.loads(body()), "later": 1}
    assert router.answer(json.dumps(posted).encode()) == b'{"reply":1}'


def test_a_sync_function_stalls_no_event_loop(router: Router) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @router.command("chat/{room}")
    def say(context: Context) -> bool:
        begun.set()
        return go_on.wait(10)

    async def work() -> bytes:
        waiting = asyncio.create_task(router.aanswer(body()))
        assert await asyncio.to_thread(begun.wait, 10)
        go_on.set()
        return await waiting

    assert asyncio.run(work()) == b'{"reply":true}'


def test_an_async_function_runs_in_the_event_loop_that_is_there(router: Router) -> None:
    @router.command("chat/{room}")
    async def say(context: Context) -> bool:
        return asyncio.get_running_loop() is loops[0]

    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> bytes:
        loops.append(asyncio.get_running_loop())
        return await router.aanswer(body())

    assert asyncio.run(work()) == b'{"reply":true}'


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered_or_a_bad_request(posted: bytes) -> None:
    with pytest.raises(BadRequest):
        Router().answer(posted)
