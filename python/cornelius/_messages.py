"""Turns messages into JSON that every reader of Dobby's reads alike, or says where they cannot be.

Python's `json` would send NaN, integers that JavaScript rounds, halves of surrogate pairs and keys
that were no text. All of these are refused here, before anything is sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from ._errors import BadMessage

MAX_BYTES = 64 * 1024
MAX_INFO_CHARACTERS = 4_096
MAX_INTEGER = 2**53
MAX_DEPTH = 256
"""Levels of lists and objects: far above any real message, and well below Python's own limit."""


def encode_message(message: Any, field: str = "message") -> str:
    """Gives the JSON text of `message`, without spaces.

    Raises `BadMessage`, whose `field` names the place, for what JSON has not, for integers beyond
    ±2^53, for lone surrogates and above 64 KB.
    """
    _check(message, field)
    try:
        text = dumps(message)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadMessage(field, f"is not JSON: {error}") from error
    size = len(text.encode())
    if size > MAX_BYTES:
        raise BadMessage(field, f"is {size} bytes of JSON, at most {MAX_BYTES} are allowed")
    return text


def encode_info(info: Any, field: str = "info") -> str:
    """Gives the JSON text of what is said of a user; raises `BadMessage` above 4,096 characters."""
    text = encode_message(info, field)
    # Dobby counts as JavaScript does, in UTF-16 units.
    characters = len(text.encode("utf-16-le")) // 2
    if characters > MAX_INFO_CHARACTERS:
        fault = f"is {characters} characters of JSON, at most {MAX_INFO_CHARACTERS} are allowed"
        raise BadMessage(field, fault)
    return text


def dumps(value: Any) -> str:
    """Gives `value` as compact JSON, with text as it is instead of escaped."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _check(message: Any, field: str) -> None:
    """Walks without recursion; raises `BadMessage` at the first fault."""
    # One iterator per open level. A value that stands in many places is walked as often as it
    # would be written, so the count also stops lists that hold themselves or grow exponentially.
    levels = [iter([(field, message)])]
    seen = 0
    while levels:
        item = next(levels[-1], None)
        if item is None:
            levels.pop()
            continue
        seen += 1
        where, value = item
        if seen > MAX_BYTES:
            raise BadMessage(field, f"is more than {MAX_BYTES} bytes of JSON")
        fault = _fault(value)
        if fault is not None:
            raise BadMessage(where, fault)
        if isinstance(value, (dict, list, tuple)):
            if len(levels) > MAX_DEPTH:
                raise BadMessage(where, f"is nested more than {MAX_DEPTH} levels deep")
            levels.append(_children(where, value))


def _children(
    where: str, value: dict[Any, Any] | list[Any] | tuple[Any, ...]
) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        for index, child in enumerate(value):
            yield f"{where}.{index}", child
        return
    for name, child in value.items():
        if not isinstance(name, str):
            raise BadMessage(where, f"has the key {name!r}, which is not a string")
        if _is_broken(name):
            raise BadMessage(where, f"has the key {name!r} with a lone surrogate")
        yield f"{where}.{name}", child


def _fault(value: Any) -> str | None:
    """Says what is wrong with one value, whatever it contains."""
    if value is None or isinstance(value, (bool, dict, list, tuple)):
        return None
    if isinstance(value, str):
        return "holds a lone surrogate" if _is_broken(value) else None
    if isinstance(value, int):
        if abs(value) <= MAX_INTEGER:
            return None
        return "is an integer beyond ±2^53, which JavaScript would round; send it as a string"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {value!r}, which JSON has not"
    return f"is a {type(value).__qualname__}, which JSON has not"


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
