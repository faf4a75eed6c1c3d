"""What a path's log holds, without any I/O: one page of it, or all of it as updates and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _decode as decode
from ._calls import Call, escaped, post
from ._paths import checked_path
from ._positions import checked_position
from ._replies import Reply, answer
from ._types import Gap, History, Page, Position, Update


def history(
    path: str,
    since: Position | Mapping[str, Any] | None = None,
    *,
    reverse: bool = False,
    limit: int | None = None,
) -> Call[History]:
    """Gives one page of what the log of `path` holds, at most `limit` (1 to 1,000; 100) updates.

    Oldest first, from after `since` or from the oldest; with `reverse` newest first, from before
    `since` or from the newest. A page holds about 1 MB at the most; its `next` is the `since` of
    the page after it. `since` may also be a mapping, `{"epoch": …, "offset": …}`. Updates that
    sessions were excepted from are among them. Raises `BadPath`, or `BadRequest` for what is no
    position, before sending, and `BadRequest` with code `no_log` for a path without a log.
    """
    body: dict[str, Any] = {"path": checked_path(path)}
    if since is not None:
        body["since"] = checked_position(since).to_json()
    if reverse:
        body["reverse"] = True
    if limit is not None:
        body["limit"] = limit
    return Call(post("history", escaped(body)), lambda reply: _history(reply, path))


def history_page(
    path: str, since: Position | None, reverse: bool, limit: int
) -> Call[Page[Update | Gap, Position]]:
    """Asks for one page as what `watch` would yield: a gap stands before what follows it."""
    call = history(path, since, reverse=reverse, limit=limit)

    def parse(reply: Reply) -> Page[Update | Gap, Position]:
        found = call.parse(reply)
        return Page([*([] if found.gap is None else [found.gap]), *found.updates], found.next)

    return Call(call.request, parse)


def _history(reply: Reply, path: str) -> History:
    body = answer(reply)
    gap = body.get("gap")
    return History(
        [_update(item, path) for item in decode.items(body, "updates")],
        None if gap is None else decode.gap(decode.as_object(gap, "gap"), path),
        decode.known_position(body, "head"),
        decode.position(body, "next"),
    )


def _update(item: decode.Object, path: str) -> Update:
    key = decode.optional_text(item, "key")
    at = decode.known_position(item, "position")
    return Update(path, decode.message(item), at, key=key)
