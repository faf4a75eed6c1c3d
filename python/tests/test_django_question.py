"""What Dobby may post to the session view, and what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadRequest
from cornelius.django._question import SessionQuestion, SubscribeQuestion, read_question


def read(question: Any) -> Any:
    data = question if isinstance(question, bytes) else json.dumps(question).encode()
    return read_question(data)


def test_a_session_that_opens_asks_for_paths_each_once() -> None:
    assert read({"type": "session", "paths": ["b", "a", "b"]}) == SessionQuestion(["b", "a"])
    assert read({"type": "session", "paths": []}) == SessionQuestion([])


def test_a_session_that_wants_more_names_its_user() -> None:
    question = {"type": "subscribe", "user": "7", "login": "tag", "info": 1, "paths": ["a"]}
    assert read(question) == SubscribeQuestion(["a"], "7")
    assert read({"type": "subscribe", "user": None, "paths": []}) == SubscribeQuestion([], None)


@pytest.mark.parametrize(
    ("question", "code", "field"),
    [
        (b"{", "bad_json", None),
        (b"[]", "bad_json", None),
        (b"[" * 100_000, "bad_json", None),
        ({}, "unknown_type", "type"),
        ({"type": "command", "paths": []}, "unknown_type", "type"),
        ({"type": ["session"], "paths": []}, "unknown_type", "type"),
        ({"type": "session"}, "bad_field", "paths"),
        ({"type": "session", "paths": "a"}, "bad_field", "paths"),
        ({"type": "session", "paths": ["a"] * 1001}, "too_many_items", "paths"),
        ({"type": "session", "paths": ["a", 7]}, "bad_path", "paths.1"),
        ({"type": "session", "paths": ["a*"]}, "bad_path", "paths.0"),
        ({"type": "subscribe", "paths": ["::all"]}, "reserved_path", "paths.0"),
        ({"type": "subscribe", "paths": [], "user": 7}, "bad_field", "user"),
        ({"type": "subscribe", "paths": [], "user": ""}, "bad_field", "user"),
        ({"type": "subscribe", "paths": [], "login": ["x"]}, "bad_field", "login"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_bad_question_is_refused(question: Any, code: str, field: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        read(question)
    assert (caught.value.status, caught.value.code, caught.value.field) == (400, code, field)


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["type", "paths", "user"]), st.text() | st.lists(st.text() | st.integers())
    )
)
def test_whatever_comes_is_a_question_or_refused(question: Any) -> None:
    try:
        read(question)
    except BadRequest:
        return
