"""The frames of Dobby (docs/protocol.md) and the event stream that carries them, without I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _decode as decode
from ._errors import ApiError, BadReply
from ._types import Gap, Position, Update

MAX_EVENT_BYTES = 1024 * 1024
"""The longest line or event that is read; the server's frames are far below it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The first frame of a connection.

    `forgot`: after a crash the server does not know which frames it had received of this session.
    `token_expires_in_ms`: how long the token of the session is still good, None without one.
    """

    id: str
    ticket: str
    connection: int
    resumed: bool
    refused: str | None
    received: int
    ping_interval_ms: int
    forgot: bool = False
    token_expires_in_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """From these positions on the paths are heard; None stands for a path without a log.

    `expires_in_ms` has those that are heard by a token, and how long it is still good.
    """

    positions: dict[str, Position | None]
    expires_in_ms: dict[str, int]


@dataclass(frozen=True, slots=True)
class Pending:
    """These paths wait for the back end's word."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefusedPaths:
    """These paths cannot be heard.

    `received` is the last upstream number that had taken effect; None before the first.
    """

    errors: dict[str, ApiError]
    received: int | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """These subscriptions have ended; `by` is `client`, `back_end`, or `expiry` of a token.

    `received` is as in `RefusedPaths`.
    """

    paths: tuple[str, ...]
    by: str
    received: int | None = None


@dataclass(frozen=True, slots=True)
class StatePart:
    """Part of a path's state at `position`: keys and messages, in the order of their last change.

    The parts from `is_first` to `is_last` together are the whole.
    """

    path: str
    position: Position
    entries: tuple[tuple[str, Any], ...]
    is_first: bool
    is_last: bool
    is_partial: bool = False
    """Whether it may be a part only of what there was before the server crashed."""


@dataclass(frozen=True, slots=True)
class CommandError:
    """Why a command was not done. `reason` and `data` are what its handler says beyond `code`."""

    code: str
    message: str
    field: str | None
    reason: str | None
    data: Any


@dataclass(frozen=True, slots=True)
class CommandReply:
    """The answer to the command `uid`: the handler's `reply`, or the `error`."""

    uid: str
    reply: Any
    error: CommandError | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Replaces the ticket."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """The session's token has been replaced by the one that the client sent."""

    expires_in_ms: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered with a pong."""

    received: int


@dataclass(frozen=True, slots=True)
class Probed:
    """Answers a step of a probe."""

    step: int


@dataclass(frozen=True, slots=True)
class FrameError:
    """A frame of the client was refused."""

    error: ApiError
    n: int | None


@dataclass(frozen=True, slots=True)
class Closing:
    """The last frame of a connection. `code` is a close code; its range says what to do.

    `attempt` is that of the `open` frame that has taken the session over; None where it named none.
    """

    code: int
    message: str
    error: str | None
    reconnect_after_ms: int
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a type that this version does not know; to be ignored."""

    type: str


Frame = (
    Update
    | Gap
    | Opened
    | Subscribed
    | Pending
    | RefusedPaths
    | Unsubscribed
    | StatePart
    | CommandReply
    | Ticket
    | Renewed
    | Ping
    | Probed
    | FrameError
    | Closing
    | Unknown
)


def decode_frame(data: bytes | str) -> Frame:
    """Gives the frame in `data`. Raises `BadReply`, whatever else the bytes are."""
    source = decode.json_object(data, "a frame")
    if "type" not in source:
        return _update(source)
    kind = decode.text(source, "type")
    read = _READERS.get(kind)
    return Unknown(kind) if read is None else read(source)


def _update(source: decode.Object) -> Update:
    return Update(
        decode.text(source, "path"),
        decode.message(source),
        decode.position(source),
        key=decode.optional_text(source, "key"),
    )


def _opened(source: decode.Object) -> Opened:
    return Opened(
        decode.text(source, "id"),
        decode.text(source, "ticket"),
        decode.integer(source, "connection"),
        decode.boolean(source, "resumed"),
        decode.optional_text(source, "refused"),
        decode.integer(source, "received"),
        decode.integer(source, "pingIntervalMs"),
        decode.boolean(source, "forgot") if "forgot" in source else False,
        decode.optional_integer(source, "tokenExpiresInMs"),
    )


def _subscribed(source: decode.Object) -> Subscribed:
    paths = decode.items(source, "paths")
    return Subscribed(
        {decode.text(item, "path"): decode.position(item) for item in paths},
        {
            decode.text(item, "path"): decode.integer(item, "expiresInMs")
            for item in paths
            if "expiresInMs" in item
        },
    )


def _refused(source: decode.Object) -> RefusedPaths:
    paths = decode.items(source, "paths")
    return RefusedPaths(
        {decode.text(item, "path"): decode.error(item) for item in paths},
        decode.optional_integer(source, "received"),
    )


def _gap(source: decode.Object) -> Gap:
    return decode.gap(source, decode.text(source, "path"))


def _state(source: decode.Object) -> StatePart:
    return StatePart(
        decode.text(source, "path"),
        decode.known_position(source, "position"),
        tuple(
            (decode.text(item, "key"), decode.message(item))
            for item in decode.items(source, "entries")
        ),
        decode.boolean(source, "first"),
        decode.boolean(source, "last"),
        source.get("partial") is True,
    )


def _reply(source: decode.Object) -> CommandReply:
    uid = decode.text(source, "uid")
    if "error" not in source:
        if "reply" not in source:
            raise BadReply("a reply has neither reply nor error")
        return CommandReply(uid, source["reply"], None)
    told = decode.as_object(source["error"], "the error of a reply")
    error = CommandError(
        decode.text(told, "code"),
        decode.text(told, "message"),
        decode.optional_text(told, "field"),
        decode.optional_text(told, "reason"),
        told.get("data"),
    )
    return CommandReply(uid, None, error)


def _error(source: decode.Object) -> FrameError:
    n = decode.integer(source, "n") if "n" in source else None
    return FrameError(decode.error(source), n)


def _closing(source: decode.Object) -> Closing:
    after = decode.integer(source, "reconnectAfterMs") if "reconnectAfterMs" in source else 0
    return Closing(
        decode.integer(source, "code"),
        decode.text(source, "message"),
        decode.optional_text(source, "error"),
        after,
        decode.optional_integer(source, "attempt"),
    )


_READERS: dict[str, Callable[[decode.Object], Frame]] = {
    "opened": _opened,
    "subscribed": _subscribed,
    "pending": lambda source: Pending(decode.texts(source, "paths")),
    "refused": _refused,
    "unsubscribed": lambda source: Unsubscribed(
        decode.texts(source, "paths"),
        decode.text(source, "by"),
        decode.optional_integer(source, "received"),
    ),
    "gap": _gap,
    "state": _state,
    "reply": _reply,
    "ticket": lambda source: Ticket(decode.text(source, "ticket")),
    "renewed": lambda source: Renewed(decode.integer(source, "expiresInMs")),
    "ping": lambda source: Ping(decode.integer(source, "received")),
    "probed": lambda source: Probed(decode.integer(source, "step")),
    "error": _error,
    "closing": _closing,
}

# A "\r" at the end of what has come may be the first half of "\r\n".
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class EventReader:
    """Parts the bytes of an event stream into the data of its events.

    Event names and ids are left out: Dobby's frames say all by themselves.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Takes the next bytes; gives the data of the events that they complete."""
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        if len(self._rest) > MAX_EVENT_BYTES:
            raise BadReply(f"a line of the event stream is above {MAX_EVENT_BYTES} bytes")
        events = []
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name.removeprefix(b"\xef\xbb\xbf") != b"data":
            return
        self._size += len(line)
        if self._size > MAX_EVENT_BYTES:
            raise BadReply(f"an event is above {MAX_EVENT_BYTES} bytes")
        self._data.append(value.removeprefix(b" "))
