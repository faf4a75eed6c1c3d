"""What an answer carries: the reply, and what a function lets go along with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cornelius import BadArgs, BadKey, BadMessage, BadPath, BadRequest, NotAllowed, Refused
from cornelius.commands import Context
from tests.command_parts import SECRET, Answer, new_context


@pytest.mark.parametrize("reply", [{"id": 12}, [1, "a", None], "text", 7, 1.5, True, False, 0, ""])
def test_what_the_function_returns_is_the_reply(answer: Answer, handled: Any, reply: Any) -> None:
    handled(lambda context: reply)
    assert answer() == {"reply": reply}


def test_nothing_returned_is_nothing_said(answer: Answer, handled: Any) -> None:
    handled(lambda context: None)
    assert answer() == {}


@pytest.mark.parametrize("reply", [object(), {1: 2}, float("nan"), "x" * 70_000, 2**53 + 1])
def test_a_reply_that_is_no_message_is_a_failure_of_the_function(
    answer: Answer, handled: Any, reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handled(lambda context: reply)
    assert answer()["error"]["code"] == "handler_failed"
    assert "reply" in caplog.text


def test_what_goes_along_is_in_the_answer(answer: Answer, handled: Any) -> None:
    def say(context: Context) -> str:
        context.update("chat/7", {"text": "a"})
        context.update("list", 1, key="7", version=None, except_=["s2"], echo=True)
        context.update("list", 1, key="7", version=44)
        context.grant("chat/8", "chat/9")
        context.grant("chat/8")
        context.send("hello", users=["ann"])
        context.send("hello", sessions=["s3"])
        context.send("to nobody", users=[])
        context.patch({"name": "Ann", "old": None}, version=3)
        context.patch({"seen": 1})
        return "done"

    handled(say)
    assert answer() == {
        "reply": "done",
        "state": {"patch": {"name": "Ann", "old": None, "seen": 1}, "version": 3},
        "grants": ["chat/8", "chat/9"],
        "updates": [
            {"path": "chat/7", "message": {"text": "a"}},
            {
                "path": "list",
                "message": 1,
                "key": "7",
                "version": None,
                "except": ["s2"],
                "echo": True,
            },
            {"path": "list", "message": 1, "key": "7", "version": 44},
        ],
        "send": [
            {"message": "hello", "users": ["ann"]},
            {"message": "hello", "sessions": ["s3"]},
        ],
    }


def test_messages_are_taken_as_they_are_when_handed_in(answer: Answer, handled: Any) -> None:
    def say(context: Context) -> None:
        value = {"n": [1]}
        context.update("a", value)
        context.patch({"v": value})
        context.send(value, users=["u"])
        value["n"].append(2)

    handled(say)
    found = answer()
    assert found["updates"][0]["message"] == {"n": [1]}
    assert found["state"]["patch"] == {"v": {"n": [1]}}
    assert found["send"][0]["message"] == {"n": [1]}


def test_a_fault_of_what_goes_along_is_raised_at_once() -> None:
    context = new_context()
    cases: list[tuple[Callable[[], None], type[Exception]]] = [
        (lambda: context.update("a*", 1), BadPath),
        (lambda: context.update("::x", 1), BadPath),
        (lambda: context.update("a", {1, 2}), BadMessage),
        (lambda: context.update("a", 1, key=""), BadKey),
        (lambda: context.update("a", 1, version=1), BadRequest),
        (lambda: context.update("a", 1, key="k", version=True), BadRequest),
        (lambda: context.update("a", 1, except_="s1"), TypeError),
        (lambda: context.grant("a", ""), BadPath),
        (lambda: context.send(object(), users=["u"]), BadMessage),
        (lambda: context.send(1, users="u"), TypeError),
        (lambda: context.send(1, sessions=["s"] * 1001), BadRequest),
        (lambda: context.patch({"a": object()}), BadMessage),
        (lambda: context.patch({"": 1}), BadKey),
        (lambda: context.patch({"a": 1}, version=True), BadRequest),
    ]
    for make, kind in cases:
        with pytest.raises(kind):
            make()
    assert context.effects() == ""


def test_the_state_of_a_session_has_its_bound() -> None:
    context = new_context()
    context.patch({"a": "x" * (16 * 1024 - len('{"a":""}'))})
    with pytest.raises(BadMessage, match=r"^state: "):
        context.patch({"b": 1})
    assert '"b"' not in context.effects()
    context.patch({"a": None, "b": "x" * 16_000})
    with pytest.raises(BadMessage, match=r"^state: "):
        context.patch({"a": "x" * 16_000})


def test_a_command_takes_a_thousand_of_each_along() -> None:
    context = new_context()
    for n in range(1000):
        context.update("a", n)
        context.send(n, users=["u"])
        context.grant(f"p/{n}")
    context.grant("p/1")
    cases: list[Callable[[], None]] = [
        lambda: context.update("a", 1),
        lambda: context.send(1, users=["u"]),
        lambda: context.grant("another"),
    ]
    for make in cases:
        with pytest.raises(BadRequest, match="too_many_items"):
            make()


def test_an_answer_above_a_megabyte_is_a_failure_of_the_function(
    answer: Answer, handled: Any
) -> None:
    def say(context: Context) -> None:
        for _ in range(20):
            context.update("a", "x" * 60_000)

    handled(say)
    assert answer()["error"]["code"] == "handler_failed"


@pytest.mark.parametrize(
    "error",
    [Refused("No."), NotAllowed(), BadArgs("No.", "args.a"), RuntimeError(SECRET)],
    ids=lambda error: type(error).__name__,
)
def test_what_was_collected_is_discarded_when_the_function_raises(
    answer: Answer, handled: Any, error: Exception
) -> None:
    def say(context: Context) -> None:
        context.update("a", 1)
        context.grant("b")
        context.patch({"c": 1})
        context.send(1, users=["u"])
        raise error

    handled(say)
    assert list(answer()) == ["error"]
