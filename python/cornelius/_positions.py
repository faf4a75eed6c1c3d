"""Positions as callers hand them in: a `Position`, or the mapping that a page was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._errors import api_error
from ._types import Position

MAX_OFFSET = 2**53 - 1


def checked_position(given: Position | Mapping[str, Any], field: str = "since") -> Position:
    """Gives the position, or raises `BadRequest` with code `bad_field` that names `field`."""
    found = given
    if isinstance(given, Mapping):
        found = Position(given.get("epoch", ""), given.get("offset", -1))
    if not isinstance(found, Position) or not _is_sound(found.epoch, found.offset):
        why = 'a position is a Position, or a mapping with "epoch" and "offset"'
        raise api_error("bad_field", f"{given!r}: {why}", field, 400)
    return found


def _is_sound(epoch: object, offset: object) -> bool:
    if not isinstance(epoch, str) or not epoch:
        return False
    if not isinstance(offset, int) or isinstance(offset, bool):
        return False
    return 0 <= offset <= MAX_OFFSET
