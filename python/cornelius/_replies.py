"""Reads Dobby's answers without any I/O: one function per shape, and the error of a failed request.

Each gives the result or raises; nothing but a `CorneliusError` comes out, whatever was answered.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from . import _decode as decode
from ._errors import ApiError, BadReply, PartialFailure
from ._types import Page, PathInfo, Position, Sent, SessionInfo

T = TypeVar("T")

_MAX_SHOWN = 200
_USER = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)[^/?#]*@")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The header of that name."""
    location: str | None = None
    """The header of that name."""


def answer(reply: Reply) -> decode.Object:
    """Gives the object that a request was answered with, or raises the error that it tells of."""
    if 200 <= reply.status < 300:
        return decode.json_object(reply.body, "Dobby's answer")
    raise failure(reply)


def failure(reply: Reply) -> ApiError | BadReply:
    """Gives the error of an answer whose status is not 2xx."""
    error = _failure(reply)
    error.retry_after = _seconds(reply.retry_after)
    return error


def _failure(reply: Reply) -> ApiError | BadReply:
    try:
        body = decode.json_object(reply.body, "the answer")
        return decode.error(decode.as_object(body.get("error"), "error"), reply.status)
    except BadReply:
        if 300 <= reply.status < 400:
            return BadReply(_redirect(reply.location), reply.status)
        return BadReply("The answer is not one of Dobby's", reply.status)


def _redirect(location: str | None) -> str:
    """Says where a redirect leads: none is followed, for what is posted may get lost on the way."""
    if location is None:
        return "The answer is a redirect without a Location"
    # Without query and fragment, in which secrets may stand.
    shown = re.split(r"[?#]", _USER.sub(r"\1", location))[0]
    shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
    return f"The answer is a redirect to {shown!r}: set the URL of Dobby to where it answers itself"


def _seconds(retry_after: str | None) -> float | None:
    """Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date; None for anything else."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def in_order(reply: Reply, expected: int) -> list[Position | None]:
    """Gives the positions of `expected` updates, or raises `PartialFailure` with all results."""
    results = [_result(item, decode.position) for item in decode.items(answer(reply), "results")]
    if len(results) != expected:
        raise BadReply(f"{expected} updates were answered with {len(results)} results")
    _raise_failed(results)
    return results


def by_name(
    reply: Reply, field: str, names: list[str], read: Callable[[decode.Object], T]
) -> dict[str, T]:
    """Gives what `read` makes of each result, by its `field`, or `PartialFailure` with all."""
    found = {
        decode.text(item, field): _result(item, read)
        for item in decode.items(answer(reply), "results")
    }
    _raise_missing(names, found)
    _raise_failed(found)
    return found


def _result(item: decode.Object, read: Callable[[decode.Object], T]) -> Any:
    """Gives the result of one item, or its `ApiError`, which `_raise_failed` then finds."""
    if "error" in item:
        return decode.error(decode.as_object(item["error"], "error"))
    return read(item)


def _raise_failed(results: list[Any] | dict[str, Any]) -> None:
    partial = PartialFailure(results)
    if partial.failed:
        raise partial


def _raise_missing(names: list[str], found: dict[str, Any]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise BadReply(f"the answer says nothing of {missing[0]!r}")


def kicked(reply: Reply) -> int:
    """Gives how many sessions ended, which may be none."""
    body = answer(reply)
    is_kicked, count = decode.boolean(body, "kicked"), decode.integer(body, "sessions")
    if count > 0 and not is_kicked:
        raise BadReply("the answer says that sessions ended, and that none was kicked")
    return count


def sent(reply: Reply) -> Sent:
    """Gives who gets a message, and which ids and users are unknown."""
    body = answer(reply)
    return Sent(decode.texts(body, "sent"), decode.texts(body, "unknown"))


def sessions(reply: Reply) -> Page[SessionInfo, str]:
    """Gives one page of sessions."""
    body = answer(reply)
    found = [
        SessionInfo(
            decode.text(item, "id"),
            decode.optional_text(item, "user"),
            item,
            decode.optional_integer(item, "lastCommandAt"),
            decode.optional_text(item, "login"),
            item.get("info"),
        )
        for item in decode.items(body, "sessions")
    ]
    return Page(found, decode.optional_text(body, "next"))


def positions(reply: Reply, names: list[str]) -> dict[str, Position | None]:
    """Gives the position of each path of `names`."""
    found = {each.path: each.position for each in paths(reply).items}
    _raise_missing(names, found)
    return found


def paths(reply: Reply) -> Page[PathInfo, str]:
    """Gives one page of paths."""
    body = answer(reply)
    found = [
        PathInfo(
            decode.text(item, "path"), decode.integer(item, "subscriptions"), decode.position(item)
        )
        for item in decode.items(body, "paths")
    ]
    return Page(found, decode.optional_text(body, "next"))
