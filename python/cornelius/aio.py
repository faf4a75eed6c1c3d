"""The module-level functions for asyncio: `await cornelius.aio.update(path, message)`.

They take the same configuration as those of `cornelius` and raise the same errors.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Any

from . import _calls as calls
from . import _history
from ._default import async_default, async_door
from ._state import complete as complete_call
from ._types import Gap, PathInfo, Position, SessionInfo, State, Update

update = async_door(calls.update)
updates = async_door(calls.updates)
send = async_door(calls.send)
broadcast = async_door(calls.broadcast)
complete = async_door(complete_call)
connect = async_door(calls.connect)
disconnect = async_door(calls.disconnect)
disconnect_user = async_door(calls.disconnect_user)
kick = async_door(calls.kick)
position = async_door(calls.position)
positions = async_door(calls.positions)
info = async_door(calls.info)
history = async_door(_history.history)


def sessions(
    user: str | None = None,
    *,
    login: str | None = None,
    transport: str | None = None,
    address: str | None = None,
    page_size: int = 100,
) -> AsyncIterator[SessionInfo]:
    """Yields all sessions, or those that fit all that is named; see `Dobby.sessions`."""
    return async_default().sessions(
        user, login=login, transport=transport, address=address, page_size=page_size
    )


def paths(*, prefix: str | None = None, page_size: int = 100) -> AsyncIterator[PathInfo]:
    """Yields all paths that begin with `prefix`, asking for `page_size` at a time."""
    return async_default().paths(prefix=prefix, page_size=page_size)


def iter_history(
    path: str,
    since: Position | Mapping[str, Any] | None = None,
    *,
    reverse: bool = False,
    page_size: int = 100,
) -> AsyncIterator[Update | Gap]:
    """Yields all that the log of `path` holds; see `Dobby.iter_history`."""
    return async_default().iter_history(path, since, reverse=reverse, page_size=page_size)


async def state(path: str, keys: Iterable[str] | None = None) -> State:
    """Gives the state of `path`, or of those of `keys` that are there; see `Dobby.state`."""
    return await async_default().state(path, keys)


def watch(path: str) -> AsyncGenerator[Update | Gap, None]:
    """Yields what is pushed to the public `path`, for ever; see `AsyncDobby.watch`."""
    return async_default().watch(path)


__all__ = [
    "broadcast",
    "complete",
    "connect",
    "disconnect",
    "disconnect_user",
    "history",
    "info",
    "iter_history",
    "kick",
    "paths",
    "position",
    "positions",
    "send",
    "sessions",
    "state",
    "update",
    "updates",
    "watch",
]
