"""What a path's log holds, without any I/O: one page of it, or all of it as updates and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _decode as decode
from ._calls import Call, Pages, escaped, post
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


def iter_history(
    path: str,
    since: Position | Mapping[str, Any] | None = None,
    *,
    reverse: bool = False,
    page_size: int = 100,
) -> Pages[Update | Gap, Position]:
    """Yields all that the log of `path` holds, as `history` does page by page.

    Where updates after `since` are gone a `Gap` says so first. Raises `BadPath`, or `BadRequest`
    for what is no position, at once.
    """

    def page(after: Position | None) -> Call[Page[Update | Gap, Position]]:
        call = history(path, after, reverse=reverse, limit=page_size)
        return Call(call.request, lambda reply: _as_watched(call.parse(reply)))

    checked_path(path)
    return Pages(page, None if since is None else checked_position(since))


def _as_watched(found: History) -> Page[Update | Gap, Position]:
    return Page([*([] if found.gap is None else [found.gap]), *found.updates], found.next)


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
    decode.known_position(item, "position")
    return decode.update(item, path)
