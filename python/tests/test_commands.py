"""Commands from the posted body to its answer, for sync and async functions in both wrappers."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import (
    UNSET,
    BadArgs,
    BadConfiguration,
    BadKey,
    BadMessage,
    BadPath,
    BadRequest,
    CommandFailed,
    NotAllowed,
    Refused,
)
from cornelius._commands import steps
from cornelius.commands import Context, Router, anyone, authenticated

Answer = Callable[..., Any]


def body(path: str = "chat/7", command: str = "say", args: Any = None, **session: Any) -> bytes:
    more = {"id": "s1", "user": None, "mayHear": True, "state": {}, "version": 0, **session}
    given = {} if args is None else args
    posted = {"type": "command", "uid": "c1", "path": path, "command": command, "args": given}
    return json.dumps({**posted, "again": False, "session": more}).encode()


@pytest.fixture
def router() -> Router:
    return Router()


@pytest.fixture(params=["blocking", "async", "blocking in Django", "async in Django"])
def answer(
    request: pytest.FixtureRequest, router: Router, monkeypatch: pytest.MonkeyPatch
) -> Answer:
    """Gives the answer to one command, by one of the two wrappers."""
    way, _, django = request.param.partition(" in ")
    monkeypatch.setattr(steps, "_is_django", lambda: bool(django))

    def ask(*args: Any, **kwargs: Any) -> Any:
        posted = body(*args, **kwargs)
        if way == "blocking":
            return json.loads(router.answer(posted))
        return json.loads(asyncio.run(router.aanswer(posted)))

    return ask


@pytest.fixture(params=["sync", "async"])
def handled(request: pytest.FixtureRequest, router: Router) -> Callable[..., None]:
    """Registers a function for "say", as it is or as a coroutine function."""

    def register(function: Callable[[Context], Any], **options: Any) -> None:
        async def later(context: Context, **args: Any) -> Any:
            await asyncio.sleep(0)
            return function(context, **args)

        def now(context: Context, **args: Any) -> Any:
            return function(context, **args)

        chosen = later if request.param == "async" else now
        router.command("chat/{room}", "say", **options)(chosen)

    return register


@pytest.mark.parametrize("reply", [{"id": 12}, [1, "a", None], "text", 7, 1.5, True, False, 0, ""])
def test_what_the_function_returns_is_the_reply(answer: Answer, handled: Any, reply: Any) -> None:
    handled(lambda context: reply)
    assert answer() == {"reply": reply}


def test_nothing_returned_is_nothing_said(answer: Answer, handled: Any) -> None:
    handled(lambda context: None)
    assert answer() == {}


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
    context = _context()
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
    context = _context()
    context.patch({"a": "x" * (16 * 1024 - len('{"a":""}'))})
    with pytest.raises(BadMessage, match=r"^state: "):
        context.patch({"b": 1})
    assert '"b"' not in context.effects()
    context.patch({"a": None, "b": "x" * 16_000})
    with pytest.raises(BadMessage, match=r"^state: "):
        context.patch({"a": "x" * 16_000})


def test_what_an_error_says_is_cut_to_what_dobby_takes(answer: Answer, handled: Any) -> None:
    handled(raising(Refused("👋" * 600, reason="r" * 1001)))
    found = answer()["error"]
    for text in (found["message"], found["reason"]):
        assert len(text.encode("utf-16-le")) <= 2 * 1000
        assert text.endswith("…")


def test_a_command_takes_a_thousand_of_each_along() -> None:
    context = _context()
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


def _context() -> Context:
    from cornelius._commands.posted import read_command

    return Context(read_command(body()), {})


ALONG = [
    Refused("No."),
    NotAllowed(),
    BadArgs("No.", "args.a"),
    RuntimeError("a secret of the house"),
]


@pytest.mark.parametrize("error", ALONG, ids=lambda error: type(error).__name__)
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


def raising(error: BaseException) -> Callable[..., Any]:
    def say(context: Context, **args: Any) -> None:
        raise error

    return say


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


SECRET = "a secret of the house"


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


@pytest.mark.parametrize("reply", [object(), {1: 2}, float("nan"), "x" * 70_000, 2**53 + 1])
def test_a_reply_that_is_no_message_is_a_failure_of_the_function(
    answer: Answer, handled: Any, reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handled(lambda context: reply)
    assert answer()["error"]["code"] == "handler_failed"
    assert "reply" in caplog.text


def test_an_answer_above_a_megabyte_is_a_failure_of_the_function(
    answer: Answer, handled: Any
) -> None:
    def say(context: Context) -> None:
        for _ in range(20):
            context.update("a", "x" * 60_000)

    handled(say)
    assert answer()["error"]["code"] == "handler_failed"


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
    assert say(_context(), "8") == "8"
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


def test_by_default_only_who_may_hear_the_path_may_give_it(answer: Answer, handled: Any) -> None:
    ran: list[Context] = []
    handled(ran.append)
    message = "This session may not give this command."
    found = answer(mayHear=False, user="ann")
    assert found["error"] == {"code": "not_allowed", "message": message}
    assert ran == []


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


def test_who_may_hear_is_nobody_unless_it_is_said(router: Router) -> None:
    router.command("chat/{room}", "say")(lambda context: 1)
    posted = json.loads(body())
    del posted["session"]["mayHear"]
    assert b"not_allowed" in router.answer(json.dumps(posted).encode())


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


def test_a_broken_text_of_the_client_does_not_break_the_answer(
    router: Router, answer: Answer
) -> None:
    @router.command("chat/{room}")
    def say(context: Context) -> None: ...

    assert answer(args={"\ud83d": 1})["error"]["field"] == "args.?"


@pytest.mark.parametrize("error", [*ALONG[:3], CommandFailed("timeout", "m")], ids=str)
def test_errors_of_commands_survive_a_task_queue(error: CommandFailed) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.data) == (str(error), error.data)


def test_a_refusal_with_everything_survives_a_task_queue() -> None:
    again = pickle.loads(pickle.dumps(Refused("No.", reason="full", data=[1])))
    assert (again.message, again.reason, again.data) == ("No.", "full", [1])


def test_unset_is_one_thing() -> None:
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered_or_a_bad_request(posted: bytes) -> None:
    with pytest.raises(BadRequest):
        Router().answer(posted)
