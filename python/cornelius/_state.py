"""A path's state, without any I/O: one page of it, and how several pages become one state."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from . import _decode as decode
from ._calls import MAX_ITEMS, Call, escaped, post
from ._errors import BadReply, api_error
from ._keys import checked_keys
from ._paths import checked_path
from ._replies import Reply, answer
from ._types import Entry, Position, State, StatePage

# How often a reader begins anew before it says that this is no one Dobby.
_MAX_EPOCHS = 3


def state(
    path: str, keys: Iterable[str] | None = None
) -> Generator[Call[StatePage], StatePage, State]:
    """Asks for page after page; returns what `Dobby.state` promises."""
    checked_path(path)
    names = None if keys is None else checked_keys(keys)
    if names is not None and len(names) > MAX_ITEMS:
        raise api_error("too_many_items", f"At most {MAX_ITEMS} keys a call.", "keys", 400)
    for _ in range(_MAX_EPOCHS):
        found = yield from _of_one_epoch(path, names)
        if found is not None:
            return found
    raise BadReply("every page of the state has another epoch")


def _of_one_epoch(
    path: str, names: list[str] | None
) -> Generator[Call[StatePage], StatePage, State | None]:
    """Reads all pages; None when the state was lost between two of them."""
    entries: dict[str, Entry] = {}
    # Later pages are true of later positions, so the first one's is what all of them have reached.
    position: Position | None = None
    after: str | None = None
    while True:
        page = yield state_page(path, names, after, MAX_ITEMS)
        position = position or page.position
        if page.position.epoch != position.epoch:
            return None
        entries.update((entry.key, entry) for entry in page.entries)
        if page.next is None:
            return State(path, position, entries, page.is_partial)
        if page.next == after:
            raise BadReply("the state does not end")
        after = page.next


def complete(*paths: str) -> Call[int]:
    """Says that the states of `paths` are whole again: lost in a crash, and published anew.

    Returns how many of them were partial. Raises `BadPath` before sending.
    """
    names = [checked_path(path) for path in paths]
    return Call(
        post("complete", escaped({"paths": names})),
        lambda reply: decode.integer(answer(reply), "completed"),
    )


def state_page(
    path: str, names: list[str] | None, after: str | None, limit: int | None
) -> Call[StatePage]:
    """Asks for one page of the state, in the order of keys, from after the key `after`."""
    body: dict[str, Any] = {"path": path}
    if names is not None:
        body["keys"] = names
    if after is not None:
        body["after"] = after
    if limit is not None:
        body["limit"] = limit
    return Call(post("state", escaped(body)), _page)


def _page(reply: Reply) -> StatePage:
    body = answer(reply)
    entries = [
        Entry(
            decode.text(item, "key"),
            decode.message(item),
            decode.known_position(item, "position"),
        )
        for item in decode.items(body, "entries")
    ]
    at = decode.known_position(body, "position")
    is_partial = body.get("partial") is True
    return StatePage(entries, at, decode.optional_text(body, "next"), is_partial)
