"""Where a path stands, for a page that is being rendered: soon, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from .. import _calls as calls
from .._default import async_default, default
from .._errors import BlockingCall, CorneliusError
from .._types import Position

log = logging.getLogger("cornelius.django")

SECONDS = 1.0
"""How long a page waits at most."""

Positions = dict[str, Position | None]


def position(path: str, *, within: float = SECONDS) -> Position | None:
    """Tells where `path` stands, or None when Dobby does not say so within `within` seconds.

    Ask before reading the data that a page is rendered from, and let the page subscribe since it;
    None stands for a position that is not known. Failures, a bad path too, are logged and not
    raised, apart from `BlockingCall` in a coroutine: await `aposition` there.
    """
    return positions([path], within=within)[path]


def positions(paths: Iterable[str], *, within: float = SECONDS) -> Positions:
    """Tells where each of `paths` stands, in one request; see `position`."""
    names = _listed(paths)
    try:
        return default().run(calls.positions(names), within=within)
    except BlockingCall:
        raise
    except CorneliusError as error:
        return _unknown(names, error)


async def aposition(path: str, *, within: float = SECONDS) -> Position | None:
    """Tells where `path` stands, in async code; see `position`."""
    return (await apositions([path], within=within))[path]


async def apositions(paths: Iterable[str], *, within: float = SECONDS) -> Positions:
    """Tells where each of `paths` stands, in async code; see `position`."""
    names = _listed(paths)
    try:
        return await async_default().run(calls.positions(names), within=within)
    except CorneliusError as error:
        return _unknown(names, error)


def _listed(paths: Iterable[str]) -> list[str]:
    if isinstance(paths, str):
        raise TypeError("paths is a list of paths, not one path")
    return list(paths)


def _unknown(names: list[str], error: CorneliusError) -> Positions:
    log.warning("the position of %s is not known: %s", ", ".join(map(repr, names[:3])), error)
    return dict.fromkeys(names)
