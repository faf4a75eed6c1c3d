"""Reads what Dobby sends into typed values. Whatever the bytes, only `BadReply` is raised.

Unknown fields are ignored, since the server may learn new ones; missing or mistyped ones are not.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ._errors import ApiError, BadReply, api_error
from ._positions import MAX_OFFSET
from ._types import Gap, Position, Update

Object = dict[str, Any]


def json_object(data: bytes | str, what: str) -> Object:
    """Parses `data`; `what` names it in the error."""
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"{what} is not JSON") from error
    return as_object(value, what)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def as_object(value: object, what: str) -> Object:
    """Gives `value` as an object."""
    if not isinstance(value, dict):
        raise BadReply(f"{what} is not an object")
    return value


def text(source: Object, name: str) -> str:
    """Gives a field that must be text."""
    value = source.get(name)
    if not isinstance(value, str):
        raise BadReply(f"{name} is not text")
    return value


def optional_text(source: Object, name: str) -> str | None:
    """Gives a field that may be missing or null."""
    return None if source.get(name) is None else text(source, name)


def integer(source: Object, name: str) -> int:
    """Gives a field that must be a whole number of at least 0."""
    value = source.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_OFFSET:
        raise BadReply(f"{name} is not a whole number")
    return value


def optional_integer(source: Object, name: str) -> int | None:
    """Gives a whole number that may be missing or null."""
    return None if source.get(name) is None else integer(source, name)


def boolean(source: Object, name: str) -> bool:
    """Gives a field that must be true or false."""
    value = source.get(name)
    if not isinstance(value, bool):
        raise BadReply(f"{name} is neither true nor false")
    return value


def items(source: Object, name: str) -> list[Object]:
    """Gives a field that must be a list of objects."""
    value = source.get(name)
    if not isinstance(value, list):
        raise BadReply(f"{name} is not a list")
    return [as_object(item, f"an item of {name}") for item in value]


def texts(source: Object, name: str) -> tuple[str, ...]:
    """Gives a field that must be a list of texts."""
    value = source.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadReply(f"{name} is not a list of texts")
    return tuple(value)


def position(source: Object, name: str = "position") -> Position | None:
    """Gives a position, or None where it is null or missing: a path without a log."""
    value = source.get(name)
    if value is None:
        return None
    found = as_object(value, name)
    return Position(text(found, "epoch"), integer(found, "offset"))


def known_position(source: Object, name: str) -> Position:
    """Gives a position that must be there."""
    found = position(source, name)
    if found is None:
        raise BadReply(f"{name} is missing")
    return found


def message(source: Object) -> Any:
    """Gives the message, which may be anything, null too, but must be there."""
    if "message" not in source:
        raise BadReply("message is missing")
    return source["message"]


def update(source: Object, path: str) -> Update:
    """Gives the update of `path` that an object with `message` tells of."""
    key = optional_text(source, "key")
    return Update(path, message(source), position(source), key=key)


def gap(source: Object, path: str) -> Gap:
    """Gives the gap of `path` that an object with `from`, `to` and `reason` tells of."""
    return Gap(path, position(source, "from"), position(source, "to"), text(source, "reason"))


def error(source: Object, status: int = 0) -> ApiError:
    """Gives the error that an object with `code` and `message` tells of."""
    retryable = boolean(source, "retryable") if "retryable" in source else None
    return api_error(
        text(source, "code"),
        text(source, "message"),
        optional_text(source, "field"),
        status,
        retryable,
    )
