"""What the builders send, and what they refuse to send."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from cornelius import (
    UNSET,
    ApiError,
    BadKey,
    BadMessage,
    BadPath,
    BadPattern,
    BadReply,
    BadRequest,
    BadSignature,
    CorneliusError,
    DobbyTimeout,
    DobbyUnreachable,
    Forbidden,
    LoginEnded,
    PartialFailure,
    Position,
    RequestRefused,
    StateConflict,
    StateFull,
    StreamEnded,
    TooLarge,
    Unauthorized,
    UnknownSession,
    Update,
    UserMismatch,
)
from cornelius import _calls as calls
from cornelius._calls import Call
from cornelius._errors import api_error
from cornelius._replies import Reply
from cornelius.django._publish import chunks


def body(call: Call[Any]) -> Any:
    return json.loads(call.request.body)


def test_every_publish_has_its_own_idempotency_key() -> None:
    keys = {body(calls.update("a", 1))["idempotencyKey"] for _ in range(50)}
    keys |= {body(calls.updates([("a", 1)]))["idempotencyKey"] for _ in range(50)}
    assert len(keys) == 100


def test_a_given_key_is_sent() -> None:
    assert body(calls.update("a", 1, idempotency_key="order-17"))["idempotencyKey"] == "order-17"


@pytest.mark.parametrize("key", ["", "x" * 256, 17])
def test_a_bad_key_is_refused(key: Any) -> None:
    with pytest.raises(BadRequest):
        calls.update("a", 1, idempotency_key=key)


@pytest.mark.parametrize("path", ["", "a*", "::connect", "a\nb", "x" * 256, "\ud800", 7, None])
def test_a_bad_path_is_refused_before_it_is_sent(path: Any) -> None:
    for make in (
        lambda: calls.update(path, 1),
        lambda: calls.updates([("a", 1), (path, 2)]),
        lambda: calls.connect("id", [path]),
        lambda: calls.disconnect("id", [path]),
    ):
        with pytest.raises(BadPath):
            make()


def test_a_fault_of_one_update_names_the_update() -> None:
    with pytest.raises(BadMessage, match=r"^updates\.1\.message\.x: "):
        calls.updates([("a", 1), ("b", {"x": float("nan")})])
    with pytest.raises(BadPath, match=r"^updates\.1\.path "):
        calls.updates([Update("a", 1), Update("b*", 1)])


def test_one_text_is_not_taken_for_a_list() -> None:
    for make in (
        lambda: calls.connect("id", "contacts"),
        lambda: calls.update("a", 1, except_="id"),
        lambda: calls.updates([Update("a", 1, except_="id")]),
    ):
        with pytest.raises(TypeError):
            make()


def test_a_version_is_sent_where_it_is_given_and_needs_a_key() -> None:
    assert "version" not in body(calls.update("a", 1, key="k"))
    assert body(calls.update("a", 1, key="k", version=None))["version"] is None
    assert body(calls.update("a", 1, key="k", version=44))["version"] == 44
    items = body(calls.updates([Update("a", 1, key="k", version=1), Update("a", 1)]))["updates"]
    assert [item.get("version") for item in items] == [1, None]
    for version in (True, 0, -1, "44", 1.0):
        with pytest.raises(BadRequest, match="offset"):
            calls.update("a", 1, key="k", version=version)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match=r"needs a key. \(field updates\.1\.version\)"):
        calls.updates([("a", 1), Update("a", 1, version=None)])


def test_what_is_sent_to_sessions_is_checked_before() -> None:
    for make in (lambda: calls.send(object(), users=["a"]), lambda: calls.broadcast(object())):
        with pytest.raises(BadMessage):
            make()
    for make in (
        lambda: calls.send(1, users="ann"),
        lambda: calls.send(1, sessions="s1"),
        lambda: calls.broadcast(1, except_="s1"),
    ):
        with pytest.raises(TypeError):
            make()
    with pytest.raises(BadRequest, match="too_many_items"):
        calls.send(1, users=["ann"] * 1001)
    keys = {body(calls.send(1, users=["ann"]))["idempotencyKey"] for _ in range(9)}
    keys |= {body(calls.broadcast(1))["idempotencyKey"] for _ in range(9)}
    assert len(keys) == 18


def test_an_answer_to_send_that_says_nothing_is_refused() -> None:
    answers: list[Any] = [
        {},
        {"sent": []},
        {"sent": [1], "unknown": []},
        {"sent": "s", "unknown": []},
    ]
    for answer in answers:
        with pytest.raises(BadReply):
            calls.send(1, users=["ann"]).parse(Reply(200, json.dumps(answer).encode()))


def test_paths_are_sent_once_each_and_in_order() -> None:
    assert body(calls.connect("id", ["b", "a", "b"]))["paths"] == ["b", "a"]


def test_no_user_is_sent_when_there_is_none() -> None:
    assert "user" not in body(calls.connect("id", ["a"]))
    assert body(calls.connect("id", ["a"], "7"))["user"] == "7"


def test_an_answer_that_does_not_say_how_many_sessions_ended_is_none() -> None:
    for answer in (
        {"kicked": True},
        {"kicked": False, "sessions": 1},
        {"kicked": True, "sessions": "1"},
    ):
        with pytest.raises(BadReply):
            calls.kick("id").parse(Reply(200, json.dumps(answer).encode()))


def test_a_broken_id_is_for_dobby_to_refuse() -> None:
    assert body(calls.kick("half \ud83d"))["id"] == "half \ud83d"


def test_too_many_updates_are_refused_before_they_are_sent() -> None:
    with pytest.raises(BadRequest, match="too_many_items"):
        calls.updates([("a", 1)] * 1001)
    with pytest.raises(TooLarge):
        calls.updates([("a", "x" * 60_000)] * 20)


def test_chunks_keep_order_and_fit_the_limits() -> None:
    items = [calls.encode_item(Update("a", "ä" * (n % 700 * 20))) for n in range(2500)]
    parts = list(chunks(items))
    assert [item for chunk in parts for item in chunk] == items
    for chunk in parts:
        key = "k" * 255
        assert len(calls.updates_of_items(chunk, key).request.body) <= calls.MAX_BODY_BYTES
    assert len(list(chunks(['{"path":"a","message":1}'] * 1001))) == 2
    assert list(chunks([])) == []


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("unauthorized", 401, Unauthorized),
        ("unknown_session", 404, UnknownSession),
        ("forbidden", 403, Forbidden),
        ("login_ended", 403, LoginEnded),
        ("bad_pattern", 400, BadPattern),
        ("user_mismatch", 409, UserMismatch),
        ("state_full", 507, StateFull),
        ("state_conflict", 409, StateConflict),
        ("not_granted", 403, RequestRefused),
        ("bad_field", 400, BadRequest),
        ("a_later_code", 400, BadRequest),
        ("a_later_code", 403, ApiError),
    ],
)
def test_codes_have_classes(code: str, status: int, kind: type[ApiError]) -> None:
    reply = {"error": {"code": code, "message": "m", "retryable": True, "field": "f"}}
    with pytest.raises(CorneliusError) as caught:
        calls.kick("id").parse(Reply(status, json.dumps(reply).encode()))
    assert type(caught.value) is kind
    assert caught.value.retryable


@pytest.mark.parametrize(("status", "retryable"), [(502, True), (503, True), (404, False)])
def test_a_proxy_that_answers_is_told_from_dobby(status: int, retryable: bool) -> None:
    with pytest.raises(BadReply) as caught:
        calls.info().parse(Reply(status, b"<h1>Bad gateway</h1>"))
    assert caught.value.retryable is retryable


def test_an_answer_with_a_result_missing_is_refused() -> None:
    one = json.dumps({"results": [{"position": None}]}).encode()
    with pytest.raises(BadReply):
        calls.updates([("a", 1), ("b", 2)]).parse(Reply(200, one))
    other = json.dumps({"results": [{"path": "b", "position": None}]}).encode()
    with pytest.raises(BadReply):
        calls.connect("id", ["a"]).parse(Reply(200, other))


def test_a_partial_failure_keeps_what_took_effect() -> None:
    error = {"code": "internal", "message": "m"}
    at = {"epoch": "k3v9x0qa", "offset": 4}
    results = {"results": [{"position": at}, {"error": error}]}
    with pytest.raises(PartialFailure) as caught:
        calls.updates([("a", 1), ("b", 2)]).parse(Reply(200, json.dumps(results).encode()))
    assert caught.value.results[0] == Position("k3v9x0qa", 4)
    assert list(caught.value.failed) == [1]
    assert caught.value.failed[1].retryable  # the code says so, since items do not


@pytest.mark.parametrize(
    "error",
    [
        BadPath("a*", "bad_path", "path"),
        BadKey("", "bad_key", "updates.1.key"),
        BadMessage("message.a", "is nan"),
        DobbyUnreachable("no"),
        DobbyTimeout("no"),
        BadReply("html", 502),
        StreamEnded(4201, "gone"),
        BadSignature("missing", "The header is missing."),
        api_error("user_mismatch", "m", "user", 409),
        api_error("bad_pattern", "m", "patterns.0", 400),
        PartialFailure({"a": api_error("internal", "m")}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_task_queue(error: CorneliusError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.retryable == error.retryable


def test_unset_is_one_thing() -> None:
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET
