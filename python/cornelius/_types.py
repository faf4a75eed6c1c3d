"""The values that callers hand in and get back. All are immutable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar

T = TypeVar("T")
N = TypeVar("N")


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET
"""What `version` is when nothing is compared; None says that there is no such entry."""

Version = int | None | Literal[Unset.UNSET]
"""Which update an entry must have been changed by last; see `Update.version`."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an update stands in its path's log. As text it is `epoch:offset`."""

    epoch: str
    """8 characters, new whenever the path's head was lost."""
    offset: int
    """Rises within an epoch, from 1; 0 stands before the first update. A jump is not a loss."""

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    def to_json(self) -> dict[str, str | int]:
        """Gives what Pomona takes as `since`: `{"epoch": …, "offset": …}`."""
        return {"epoch": self.epoch, "offset": self.offset}


@dataclass(frozen=True, slots=True)
class Update:
    """One message pushed to a path: what `updates` sends and what `watch` yields."""

    path: str
    message: Any
    position: Position | None = None
    """Where it stands in the log; None before it was sent and on paths without a log."""
    key: str | None = field(default=None, kw_only=True)
    """Of which entry of the path's state it is the new value; a message None removes the entry."""
    except_: Sequence[str] = field(default=(), kw_only=True)
    """Ids of sessions that do not get it. Only used when sending."""
    version: Version = field(default=UNSET, kw_only=True)
    """With a key: it is published only if the entry's `version` is this, or with None only if there
    is no entry. Only used when sending."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One message to sessions instead of a path: what `publish_failed` of the Django app tells."""

    message: Any
    sessions: Sequence[str] = ()
    users: Sequence[str] = ()
    everybody: bool = False
    """Whether it was a broadcast, to all sessions but those of `except_`."""
    except_: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was to be taken back: what `revoke_failed` of the Django app tells.

    The session `id`, or all sessions of `user` or of `login`; with `patterns` only what they match.
    """

    id: str | None = None
    user: str | None = None
    login: str | None = None
    patterns: tuple[str, ...] = ()
    reconnect: bool = True
    """Whether clients come back as new sessions."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Updates after `from_`, up to and including `to`, are lost to this watcher.

    `reason` is `evicted`, `restarted`, `slow` or `no_log`; with the last both positions are None.
    """

    path: str
    from_: Position | None
    to: Position | None
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """One page of what a path's log holds."""

    updates: list[Update]
    gap: Gap | None
    """What the log no longer holds of the updates after `since`."""
    head: Position
    """Where the path stands now."""
    next: Position | None
    """The `since` of the next page; None when there is none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a path's state, its newest message, and the position of that update."""

    key: str
    message: Any
    position: Position

    @property
    def version(self) -> int:
        """What an update names to change the entry only if nobody else has: its offset."""
        return self.position.offset


@dataclass(frozen=True, slots=True)
class State(Mapping[str, Entry]):
    """A path's state: a mapping of its keys to entries."""

    path: str
    position: Position
    """Every change up to here is in the state."""
    entries: Mapping[str, Entry]
    is_partial: bool = False
    """Whether it may be a part only of what there was before the server crashed."""

    def __getitem__(self, key: str) -> Entry:
        return self.entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, slots=True)
class StatePage:
    """One page of a state, true of `position`; `next` is what to ask for after it."""

    entries: list[Entry]
    position: Position
    next: str | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session that Dobby knows."""

    id: str
    user: str | None
    details: Mapping[str, Any]
    """Everything that Dobby tells of it, under the names of the protocol."""
    last_command_at: int | None = None
    """When it gave its last command, in milliseconds since 1970; None before the first."""
    login: str | None = None
    """The tag of the login that it was opened or connected with."""
    info: Any = None
    """What its token or the session view said of the user."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Whom a message to sessions was for."""

    sent: tuple[str, ...]
    """Ids of the sessions that get it, now or when they come back."""
    unknown: tuple[str, ...]
    """Ids that are no session's, and users who have none."""


@dataclass(frozen=True, slots=True)
class PathInfo:
    """One path that somebody hears."""

    path: str
    subscriptions: int
    position: Position | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T, N]):
    """One page of a list; `next` is what to ask for after it, or None at the end."""

    items: list[T]
    next: N | None
