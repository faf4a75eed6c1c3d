"""Errors of commands: what the caller is told, what the log alone, what a task queue carries."""

from __future__ import annotations

import json
import logging
import pickle
from typing import Any

import pytest

from cornelius import BadArgs, BadPath, CommandFailed, NotAllowed, Refused
from cornelius.commands import Context, Router
from tests.command_parts import SECRET, Answer, raising


def test_a_refusal_tells_its_message_reason_and_data(answer: Answer, handled: Any) -> None:
    handled(raising(Refused("The room is full.", reason="room_full", data={"limit": 5})))
    assert answer()["error"] == {
        "code": "refused",
        "message": "The room is full.",
        "reason": "room_full",
        "data": {"limit": 5},
    }


def test_a_refusal_may_say_no_more_than_its_message(answer: Answer, handled: Any) -> None:
    handled(raising(Refused("No.")))
    assert answer()["error"] == {"code": "refused", "message": "No."}


def test_a_function_may_say_that_it_is_not_allowed(answer: Answer, handled: Any) -> None:
    handled(raising(NotAllowed("Only for owners.")))
    assert answer()["error"] == {"code": "not_allowed", "message": "Only for owners."}


def test_a_function_may_check_its_arguments_itself(answer: Answer, handled: Any) -> None:
    handled(raising(BadArgs("Too long.", "args.text")))
    error = {"code": "bad_args", "message": "Too long.", "field": "args.text"}
    assert answer()["error"] == error


def test_what_an_error_says_is_cut_to_what_dobby_takes(answer: Answer, handled: Any) -> None:
    handled(raising(Refused("👋" * 600, reason="r" * 1001)))
    found = answer()["error"]
    for text in (found["message"], found["reason"]):
        assert len(text.encode("utf-16-le")) <= 2 * 1000
        assert text.endswith("…")


def test_a_broken_text_of_the_client_does_not_break_the_answer(
    router: Router, answer: Answer
) -> None:
    @router.command("chat/{room}")
    def say(context: Context) -> None: ...

    assert answer(args={"\ud83d": 1})["error"]["field"] == "args.?"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        ValueError(SECRET),
        StopIteration(SECRET),
        StopAsyncIteration(SECRET),
        BadPath(SECRET, "bad_path"),
        CommandFailed("internal", SECRET),
        Refused(SECRET, data=object()),
        Refused(SECRET, reason=7),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_else_a_function_raises_is_told_to_the_log_alone(
    answer: Answer, handled: Any, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    handled(raising(error))
    with caplog.at_level(logging.ERROR, "cornelius.commands"):
        found = answer()
    message = "The handler failed; the log on its side says why."
    assert found == {"error": {"code": "handler_failed", "message": message}}
    assert SECRET not in json.dumps(found)
    (record,) = caplog.records
    assert record.name == "cornelius.commands"
    assert record.exc_info
    assert "'say' on 'chat/7'" in record.getMessage()


@pytest.mark.parametrize(
    "error",
    [Refused("No."), NotAllowed(), BadArgs("No.", "args.a"), CommandFailed("timeout", "m")],
    ids=str,
)
def test_errors_of_commands_survive_a_task_queue(error: CommandFailed) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.data) == (str(error), error.data)


def test_a_refusal_with_everything_survives_a_task_queue() -> None:
    again = pickle.loads(pickle.dumps(Refused("No.", reason="full", data=[1])))
    assert (again.message, again.reason, again.data) == ("No.", "full", [1])
