"""Publishes after the transaction commits, in order: one request for all updates of a transaction,
or for those between two messages to sessions, which have requests of their own.

The request is never broken by it. What could not be published is logged and sent as the signal
`publish_failed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.dispatch import Signal
from django.utils.asyncio import async_unsafe

from .. import _calls as calls
from .._calls import Call
from .._default import default
from .._errors import ApiError, CorneliusError, PartialFailure
from .._types import UNSET, Sending, Update, Version
from ._after_commit import AfterCommit
from ._failures import tell

publish_failed = Signal()
"""Sent when something could not be published, with `updates`, a list of `Update`, `sendings`, a
list of `Sending`, and `error`, a `CorneliusError`. The sender is `Update`. What a receiver raises
is logged and goes no further."""

_IN_ASYNC = (
    "cornelius.django publishes with blocking I/O, and async code has no transaction: "
    "use `await cornelius.aio.update(…)`, or sync_to_async."
)

# What surrounds the items in a body: the names of two fields and the longest idempotency key.
_ENVELOPE_BYTES = 2_048


def update(
    path: str,
    message: Any,
    *,
    key: str | None = None,
    version: Version = UNSET,
    except_: Iterable[str] = (),
    using: str | None = None,
) -> None:
    """Pushes `message` to `path` after the transaction of the database `using` commits.

    The message is taken as it is now; later changes to it do not matter. What is rolled back, a
    savepoint too, is not pushed. Outside a transaction it is pushed at once. With `key` the message
    is also the new value of that key in the path's state, and None removes the key; with `version`
    only if the entry is still at that one. `using` is an alias, by default the default database.
    Failures, a bad path, key or message too, are logged and sent as `publish_failed`; nothing is
    raised for them.
    """
    ids = tuple(calls.id_list(except_))
    updates([Update(path, message, key=key, except_=ids, version=version)], using=using)


def updates(updates: Iterable[Update | tuple[str, Any]], *, using: str | None = None) -> None:
    """Pushes several updates, each an `Update` or `(path, message)`, in order; see `update`."""
    _publish([each if isinstance(each, Update) else Update(*each) for each in updates], using)


def send(
    message: Any,
    *,
    sessions: Iterable[str] = (),
    users: Iterable[str] = (),
    using: str | None = None,
) -> None:
    """Sends `message` to sessions, by id or by user, after the commit; see `cornelius.send`.

    Users are named as the connect view names them: `str(user.pk)`. Failures are told as those of
    `update`.
    """
    ids = tuple(calls.id_list(sessions, "sessions"))
    names = tuple(calls.id_list(users, "users"))
    if ids or names:
        _publish([Sending(message, ids, names)], using)


def broadcast(message: Any, *, except_: Iterable[str] = (), using: str | None = None) -> None:
    """Sends `message` to every session, after the commit; see `send` and `cornelius.broadcast`."""
    ids = tuple(calls.id_list(except_))
    _publish([Sending(message, everybody=True, except_=ids)], using)


@async_unsafe(_IN_ASYNC)
def _publish(given: Sequence[Update | Sending], using: str | None) -> None:
    items = [item for each in given if (item := _encoded(each)) is not None]
    if items:
        _after_commit.add(items, using)


class _Item:
    """Something to publish and its JSON, made when it was handed in."""

    def __init__(self, given: Update | Sending) -> None:
        self.given = given
        self.method = "updates"
        if isinstance(given, Update):
            self.text = calls.encode_item(given)
        elif given.everybody:
            self.method = "broadcast"
            self.text = calls.encode_broadcast(given.message, given.except_)
        else:
            self.method = "send"
            text = calls.encode_sending(given.message, given.sessions, given.users)
            self.text = text or "{}"


def _encoded(given: Update | Sending) -> _Item | None:
    try:
        return _Item(given)
    except CorneliusError as error:
        _failed([given], error)
        return None


def _send(items: Sequence[_Item]) -> None:
    """Sends the items in as few requests as their order and Dobby's limits allow."""
    rest = list(items)
    try:
        for call, count in _calls_of(items):
            try:
                default().run(call)
            except PartialFailure as partial:
                _failed([rest[int(index)].given for index in partial.failed], partial)
            except ApiError as error:
                # A fault of one message to sessions is no fault of what follows it.
                if error.retryable or rest[0].method == "updates":
                    raise
                _failed([rest[0].given], error)
            rest = rest[count:]
    except CorneliusError as error:
        # The requests after a lost one would most likely wait for nothing, through their retries.
        _failed([item.given for item in rest], error)


def _calls_of(items: Sequence[_Item]) -> Iterator[tuple[Call[Any], int]]:
    """Yields each request with the number of items that it carries."""
    for method, group in groupby(items, key=lambda item: item.method):
        texts = [item.text for item in group]
        if method != "updates":
            yield from ((calls.of_item(method, text), 1) for text in texts)
            continue
        for chunk in chunks(texts):
            yield calls.updates_of_items(chunk), len(chunk)


def chunks(items: Iterable[str]) -> Iterator[list[str]]:
    """Parts encoded items, in order, into lists that fit one `updates` request each."""
    chunk: list[str] = []
    size = _ENVELOPE_BYTES
    for item in items:
        bytes_more = len(item.encode()) + 1
        if chunk and (len(chunk) == calls.MAX_ITEMS or size + bytes_more > calls.MAX_BODY_BYTES):
            yield chunk
            chunk, size = [], _ENVELOPE_BYTES
        chunk.append(item)
        size += bytes_more
    if chunk:
        yield chunk


def _failed(given: Sequence[Update | Sending], error: CorneliusError) -> None:
    updates = [each for each in given if isinstance(each, Update)]
    sendings = [each for each in given if isinstance(each, Sending)]
    names = ", ".join([*(repr(each.path) for each in updates), *map(_whom, sendings)][:3])
    what = f"{len(given)} updates ({names}) were not published"
    tell(publish_failed, Update, what, error, updates=updates, sendings=sendings)


def _whom(sending: Sending) -> str:
    named = [*sending.sessions, *sending.users]
    return "to everybody" if sending.everybody else f"to {', '.join(map(repr, named[:3]))}"


_after_commit = AfterCommit(_send)
