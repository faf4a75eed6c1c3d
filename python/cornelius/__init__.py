"""Cornelius: push from Python with Dobby.

`cornelius.update(path, message)` and its siblings use a default client, configured with
`cornelius.configure(…)`, `DOBBY` in the Django settings, or the variables `DOBBY_URL` (by default
http://127.0.0.1:4020), `DOBBY_API_KEY` and `DOBBY_API_KEY_FILE`. `cornelius.aio` has the same for
asyncio, `Dobby` and `AsyncDobby` are clients of your own, `cornelius.token` signs what a client
says to Dobby of itself, `cornelius.commands` answers the commands that Dobby posts, and
`cornelius.django` is the Django app.
Every error is a `CorneliusError`.
"""

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

update = door(default, Dobby.update)
updates = door(default, Dobby.updates)
send = door(default, Dobby.send)
broadcast = door(default, Dobby.broadcast)
complete = door(default, Dobby.complete)
connect = door(default, Dobby.connect)
disconnect = door(default, Dobby.disconnect)
disconnect_user = door(default, Dobby.disconnect_user)
kick = door(default, Dobby.kick)
position = door(default, Dobby.position)
positions = door(default, Dobby.positions)
info = door(default, Dobby.info)
history = door(default, Dobby.history)
iter_history = door(default, Dobby.iter_history)
state = door(default, Dobby.state)
sessions = door(default, Dobby.sessions)
paths = door(default, Dobby.paths)
watch = door(default, Dobby.watch)

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
