"""What may be a key: judged before sending as the server judges it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadKey, Update, key_fault
from cornelius import _calls as calls
from tests.test_fixtures import load

KEYS = load("keys.json")
GOOD = [row["key"] for row in KEYS if row["fault"] is None]
BAD = [row["key"] for row in KEYS if row["fault"] is not None]


def body(call: calls.Call[Any]) -> Any:
    return json.loads(call.request.body)


@pytest.mark.parametrize("key", GOOD, ids=ascii)
def test_a_good_key_is_sent_as_it_is(key: str) -> None:
    assert key_fault(key) is None
    assert body(calls.update("a", 1, key=key))["key"] == key
    assert body(calls.updates([Update("a", 1, key=key), ("a", 2)]))["updates"] == [
        {"path": "a", "message": 1, "key": key},
        {"path": "a", "message": 2},
    ]


@pytest.mark.parametrize("key", [*BAD, 7, b"7", True], ids=ascii)
def test_a_bad_key_is_refused_before_it_is_sent(key: Any) -> None:
    with pytest.raises(BadKey) as caught:
        calls.update("a", 1, key=key)
    assert (caught.value.code, caught.value.field) == ("bad_key", "key")
    with pytest.raises(BadKey, match=r"^updates\.1\.key "):
        calls.updates([("a", 1), Update("a", 1, key=key)])


@pytest.mark.parametrize("row", KEYS, ids=lambda row: ascii(row["key"])[:40])
def test_a_key_is_judged_as_the_server_does(row: Any) -> None:
    assert key_fault(row["key"]) == row["fault"]


def test_a_message_of_none_removes_the_key() -> None:
    sent = body(calls.update("a", None, key="7"))
    assert (sent["key"], sent["message"]) == ("7", None)


def test_without_a_key_none_is_sent() -> None:
    assert "key" not in body(calls.update("a", 1))


@given(st.text(alphabet=st.characters(), max_size=300))
def test_a_key_is_bytes_of_utf_8_without_control_characters(key: str) -> None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        size = 0
    has_control = any(ord(each) < 32 or 127 <= ord(each) < 160 for each in key)
    assert (key_fault(key) is None) == (1 <= size <= 255 and not has_control)
