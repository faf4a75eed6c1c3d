"""Who may give a command: the default, the rules that there are, and rules of one's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cornelius import NotAllowed
from cornelius.commands import Context, Router, anyone, authenticated
from tests.command_parts import SECRET, Answer, body, raising


def test_by_default_only_who_may_hear_the_path_may_give_it(answer: Answer, handled: Any) -> None:
    ran: list[Context] = []
    handled(ran.append)
    message = "This session may not give this command."
    found = answer(mayHear=False, user="ann")
    assert found["error"] == {"code": "not_allowed", "message": message}
    assert ran == []


def test_who_may_hear_is_nobody_unless_it_is_said(router: Router) -> None:
    router.command("chat/{room}", "say")(lambda context: 1)
    posted = json.loads(body())
    del posted["session"]["mayHear"]
    assert b"not_allowed" in router.answer(json.dumps(posted).encode())


def test_what_was_said_of_the_user_is_there_where_it_was_said(answer: Answer, handled: Any) -> None:
    handled(lambda context: {"info": context.session.info})
    assert answer(info={"name": "Ann"}) == {"reply": {"info": {"name": "Ann"}}}
    assert answer(info=None) == answer() == {"reply": {"info": None}}


def test_whether_it_is_allowed_is_decided_before_arguments_are_told(
    router: Router, answer: Answer
) -> None:
    @router.command("chat/{room}")
    def say(context: Context, text: str) -> None: ...

    assert answer(mayHear=False)["error"]["code"] == "not_allowed"


def test_anyone_means_anyone(answer: Answer, handled: Any) -> None:
    handled(lambda context: 1, authorize=anyone)
    assert answer(mayHear=False) == {"reply": 1}


def test_authenticated_means_bound_to_a_user(answer: Answer, handled: Any) -> None:
    handled(lambda context: 1, authorize=authenticated)
    assert answer(mayHear=False, user="ann") == {"reply": 1}
    assert answer(mayHear=True)["error"]["code"] == "not_allowed"


async def is_ann(context: Context) -> bool:
    return context.session.user == "ann"


class IsAnn:
    """An async function that `iscoroutinefunction` does not know for one."""

    async def __call__(self, context: Context) -> bool:
        return context.session.user == "ann"


def hidden(context: Context) -> Any:
    return is_ann(context)


@pytest.mark.parametrize(
    "rule", [lambda context: context.session.user == "ann", is_ann, IsAnn(), hidden]
)
def test_a_rule_of_ones_own_replaces_the_default(answer: Answer, handled: Any, rule: Any) -> None:
    handled(lambda context: 1, authorize=rule)
    assert answer(user="ann", mayHear=False) == {"reply": 1}
    assert answer(user="bob", mayHear=True)["error"]["code"] == "not_allowed"


def test_a_rule_may_refuse_with_its_own_words_and_may_fail(
    router: Router, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    router.command("chat/7", "say", authorize=raising(NotAllowed("Log in.")))(lambda context: 1)
    router.command("chat/8", "say", authorize=raising(OSError(SECRET)))(lambda context: 1)
    assert answer()["error"] == {"code": "not_allowed", "message": "Log in."}
    found = answer("chat/8")
    assert found["error"]["code"] == "handler_failed"
    assert SECRET not in json.dumps(found)
