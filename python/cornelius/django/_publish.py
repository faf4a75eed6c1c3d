"""Publishes after the transaction commits: one request per transaction, in order.

The request is never broken by it. What could not be published is logged and sent as the signal
`publish_failed`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal
from django.utils.asyncio import async_unsafe

from .. import _calls as calls
from .._default import default
from .._errors import CorneliusError, DobbyTimeout, DobbyUnreachable, PartialFailure
from .._types import Update

log = logging.getLogger("cornelius.django")

publish_failed = Signal()
"""Sent when updates could not be published, with `updates`, a list of `Update`, and `error`, a
`CorneliusError`. The sender is `Update`. What a receiver raises is logged and goes no further."""

_IN_ASYNC = (
    "cornelius.django publishes with blocking I/O, and async code has no transaction: "
    "use `await cornelius.aio.update(…)`, or sync_to_async."
)


def update(
    path: str,
    message: Any,
    *,
    key: str | None = None,
    except_: Iterable[str] = (),
    using: str | None = None,
) -> None:
    """Pushes `message` to `path` after the transaction of the database `using` commits.

    The message is taken as it is now; later changes to it do not matter. What is rolled back, a
    savepoint too, is not pushed. Outside a transaction it is pushed at once. With `key` the message
    is also the new value of that key in the path's state, and None removes the key. `using` is an
    alias, by default the default database. Failures, a bad path, key or message too, are logged and
    sent as `publish_failed`; nothing is raised for them.
    """
    updates([Update(path, message, key=key, except_=tuple(except_))], using=using)


@async_unsafe(_IN_ASYNC)
def updates(updates: Iterable[Update | tuple[str, Any]], *, using: str | None = None) -> None:
    """Pushes several updates, each an `Update` or `(path, message)`, in order; see `update`."""
    given = [each if isinstance(each, Update) else Update(*each) for each in updates]
    items = [item for each in given if (item := _encoded(each)) is not None]
    if not items:
        return
    connection = transaction.get_connection(using)
    if connection.in_atomic_block:
        _batch_of(connection).add(connection, items)
    else:
        # on_commit runs it at once, or says that transactions are managed by hand.
        connection.on_commit(lambda: _send(items))


class _Item:
    """An update and its JSON, made when it was handed in."""

    def __init__(self, update: Update) -> None:
        self.update = update
        self.text = calls.encode_item(update)


class _Batch:
    """What one transaction wants to push.

    Every `add` registers two hooks. The first belongs to the current savepoints, so that Django
    drops it when one of them is rolled back; it marks its updates as committed. The second belongs
    to the transaction alone, and sends what was marked if it is the batch's last: it must run
    whatever savepoint the last `add` stood in.
    """

    def __init__(self) -> None:
        self._committed: list[_Item] = []
        self.last: Callable[[], None] | None = None

    def add(self, connection: BaseDatabaseWrapper, items: list[_Item]) -> None:
        connection.on_commit(lambda: self._committed.extend(items))

        def flush() -> None:
            if self.last is flush:
                committed, self._committed = self._committed, []
                _send(committed)

        self.last = flush
        # Django has no public way to say "whatever happens to the savepoints".
        savepoints, connection.savepoint_ids = connection.savepoint_ids, []
        try:
            connection.on_commit(flush)
        finally:
            connection.savepoint_ids = savepoints


_batches: WeakKeyDictionary[BaseDatabaseWrapper, _Batch] = WeakKeyDictionary()


def _batch_of(connection: BaseDatabaseWrapper) -> _Batch:
    """Gives the batch of the connection's transaction; a batch whose last hook is gone is over."""
    batch = _batches.get(connection)
    if batch is None or all(
        hook[1] is not batch.last for hook in reversed(connection.run_on_commit)
    ):
        batch = _batches[connection] = _Batch()
    return batch


def _encoded(update: Update) -> _Item | None:
    try:
        return _Item(update)
    except CorneliusError as error:
        _failed([update], error)
        return None


def _send(items: Sequence[_Item]) -> None:
    """Sends the items, in one request unless they are above Dobby's limits for one."""
    rest = list(items)
    try:
        for chunk in calls.chunks(item.text for item in items):
            sending = rest[: len(chunk)]
            try:
                default().run(calls.updates_of_items(chunk))
            except PartialFailure as partial:
                _failed([sending[int(index)].update for index in partial.failed], partial)
            rest = rest[len(chunk) :]
    except CorneliusError as error:
        # The chunks after a lost one would most likely wait for nothing, each through its retries.
        _failed([item.update for item in rest], error)


def _failed(updates: list[Update], error: CorneliusError) -> None:
    names = ", ".join(repr(each.path) for each in updates[:3])
    # That Dobby is away is told in a line; anything else is worth its traceback.
    away = isinstance(error, (DobbyUnreachable, DobbyTimeout))
    trace = None if away else error
    log.error("%d updates (%s) were not published: %s", len(updates), names, error, exc_info=trace)
    for receiver, raised in publish_failed.send_robust(Update, updates=updates, error=error):
        if isinstance(raised, Exception):
            log.error("publish_failed: %r raised", receiver, exc_info=raised)
