"""Cornelius: push from Python with Dobby.

`cornelius.update(path, message)` and its siblings use a default client, configured with
`cornelius.configure(…)`, `DOBBY` in the Django settings, or the variables `DOBBY_URL` (by default
http://127.0.0.1:4020), `DOBBY_API_KEY` and `DOBBY_API_KEY_FILE`. `cornelius.aio` has the same for
asyncio, `Dobby` and `AsyncDobby` are clients of your own, `cornelius.token` signs what a client
says to Dobby of itself, `cornelius.commands` answers the commands that Dobby posts, and
`cornelius.django` is the Django app.
Every error is a `CorneliusError`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import _calls as calls
from . import _history
from ._async_client import AsyncDobby
from ._client import Dobby
from ._default import configure, default, door
from ._errors import (
    ApiError,
    BadArgs,
    BadConfiguration,
    BadKey,
    BadMessage,
    BadPath,
    BadPattern,
    BadReply,
    BadRequest,
    BadSignature,
    BlockingCall,
    CommandFailed,
    CorneliusError,
    DobbyTimeout,
    DobbyUnreachable,
    Forbidden,
    IdempotencyKeyReused,
    LoginEnded,
    NotAllowed,
    PartialFailure,
    Refused,
    RequestRefused,
    StateConflict,
    StateFull,
    StreamEnded,
    TooLarge,
    Unauthorized,
    UnknownSession,
    UserMismatch,
)
from ._keys import key_fault
from ._outbox import outbox
from ._paths import path_fault
from ._retry import Retry
from ._state import complete as complete_call
from ._tokens import token
from ._types import (
    UNSET,
    Entry,
    Gap,
    History,
    PathInfo,
    Position,
    Revocation,
    Sending,
    Sent,
    SessionInfo,
    State,
    Update,
)
from ._version import __version__

update = door(calls.update)
updates = door(calls.updates)
send = door(calls.send)
broadcast = door(calls.broadcast)
complete = door(complete_call)
connect = door(calls.connect)
disconnect = door(calls.disconnect)
disconnect_user = door(calls.disconnect_user)
kick = door(calls.kick)
position = door(calls.position)
positions = door(calls.positions)
info = door(calls.info)
history = door(_history.history)


def sessions(
    user: str | None = None,
    *,
    login: str | None = None,
    transport: str | None = None,
    address: str | None = None,
    page_size: int = 100,
) -> Iterator[SessionInfo]:
    """Yields all sessions, or those that fit all that is named; see `Dobby.sessions`."""
    return default().sessions(
        user, login=login, transport=transport, address=address, page_size=page_size
    )


def paths(*, prefix: str | None = None, page_size: int = 100) -> Iterator[PathInfo]:
    """Yields all paths that begin with `prefix`, asking for `page_size` at a time."""
    return default().paths(prefix=prefix, page_size=page_size)


def iter_history(
    path: str,
    since: Position | Mapping[str, Any] | None = None,
    *,
    reverse: bool = False,
    page_size: int = 100,
) -> Iterator[Update | Gap]:
    """Yields all that the log of `path` holds; see `Dobby.iter_history`."""
    return default().iter_history(path, since, reverse=reverse, page_size=page_size)


def state(path: str, keys: Iterable[str] | None = None) -> State:
    """Gives the state of `path`, or of those of `keys` that are there; see `Dobby.state`."""
    return default().state(path, keys)


def watch(path: str) -> Iterator[Update | Gap]:
    """Yields what is pushed to the public `path`, for ever; see `Dobby.watch`."""
    return default().watch(path)


__all__ = [
    # now, with the default client
    "update",
    "updates",
    "send",
    "broadcast",
    "complete",
    "connect",
    "disconnect",
    "disconnect_user",
    "kick",
    "position",
    "positions",
    "info",
    "history",
    "iter_history",
    "state",
    "sessions",
    "paths",
    "watch",
    "token",
    "configure",
    "outbox",
    # clients of your own
    "Dobby",
    "AsyncDobby",
    "Retry",
    # values
    "Entry",
    "Gap",
    "History",
    "PathInfo",
    "Position",
    "Revocation",
    "Sending",
    "Sent",
    "SessionInfo",
    "State",
    "UNSET",
    "Update",
    "key_fault",
    "path_fault",
    # errors
    "CorneliusError",
    "ApiError",
    "BadConfiguration",
    "BadKey",
    "BadMessage",
    "BadPath",
    "BadPattern",
    "BadReply",
    "BadRequest",
    "BlockingCall",
    "DobbyTimeout",
    "DobbyUnreachable",
    "Forbidden",
    "IdempotencyKeyReused",
    "LoginEnded",
    "PartialFailure",
    "RequestRefused",
    "StateConflict",
    "StateFull",
    "StreamEnded",
    "TooLarge",
    "Unauthorized",
    "UnknownSession",
    "UserMismatch",
    # of commands
    "BadArgs",
    "BadSignature",
    "CommandFailed",
    "NotAllowed",
    "Refused",
    "__version__",
]
