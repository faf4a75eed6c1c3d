"""What may be a message, and where a bad one is at fault."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadMessage
from cornelius._messages import MAX_DEPTH, encode_message

loop: list[Any] = []
loop.append(loop)

wide: list[Any] = []
for _ in range(60):
    wide = [wide, wide]

deep: Any = None
for _ in range(MAX_DEPTH + 1):
    deep = [deep]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (math.nan, "message"),
        ({"items": [{"price": math.inf}]}, "message.items.0.price"),
        ([1, -math.inf], "message.1"),
        ({"id": 2**53 + 1}, "message.id"),
        ([-(2**53) - 1], "message.0"),
        ({"name": "half \ud83d"}, "message.name"),
        ({"\udc00": 1}, "message"),
        ({"a": {1: 2}}, "message.a"),
        ({"a": {None: 2}}, "message.a"),
        ({"at": datetime.date(2020, 1, 1)}, "message.at"),
        ([decimal.Decimal("1.5")], "message.0"),
        ({"tags": {"a", "b"}}, "message.tags"),
        (b"bytes", "message"),
        (object(), "message"),
        ("x" * (64 * 1024 - 1), "message"),
        ("é" * (32 * 1024), "message"),
        (loop, "message" + ".0" * MAX_DEPTH),
        (wide, "message"),
        (deep, "message" + ".0" * MAX_DEPTH),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_refuses_what_json_has_not_and_says_where(message: Any, field: str) -> None:
    with pytest.raises(BadMessage) as caught:
        encode_message(message)
    assert caught.value.field == field


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (None, "null"),
        (True, "true"),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        ("", '""'),
        ((1, 2), "[1,2]"),
        ({"ä": "日本語 👋"}, '{"ä":"日本語 👋"}'),
        (Colour.RED, '"red"'),
        (Size.BIG, "3"),
        ("x" * (64 * 1024 - 2), '"' + "x" * (64 * 1024 - 2) + '"'),
    ],
    ids=lambda value: "",
)
def test_encodes_what_json_has(message: Any, text: str) -> None:
    assert encode_message(message) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(values)
def test_gives_json_that_reads_back_alike_or_says_why_not(value: Any) -> None:
    try:
        text = encode_message(value)
    except BadMessage:
        return
    assert json.loads(text.encode()) == value


@given(st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)))
def test_never_lets_a_lone_surrogate_through(text: str) -> None:
    is_broken = any("\ud800" <= char <= "\udfff" for char in text)
    try:
        encode_message([text])
    except BadMessage:
        assert is_broken
    else:
        assert not is_broken
