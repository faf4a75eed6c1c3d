"""Collects what one transaction wants to tell Dobby, and hands it over once, after the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")


class AfterCommit(Generic[T]):
    """Gives `send` all items of a transaction in order; outside of one, those of each `add`.

    What is rolled back, a savepoint too, is dropped.
    """

    def __init__(self, send: Callable[[list[T]], None]) -> None:
        self._send = send
        self._batches: WeakKeyDictionary[BaseDatabaseWrapper, _Batch[T]] = WeakKeyDictionary()

    def add(self, items: Sequence[T], using: str | None) -> None:
        """Takes items for the transaction of the database `using`, an alias."""
        connection = transaction.get_connection(using)
        if connection.in_atomic_block:
            self._batch_of(connection).add(connection, items)
        elif _commits_by_itself(connection):
            self._send(list(items))
        else:
            # Django refuses: transactions that are managed by hand have no hooks.
            connection.on_commit(lambda: self._send(list(items)))

    def _batch_of(self, connection: BaseDatabaseWrapper) -> _Batch[T]:
        """Gives the batch of the connection's transaction; one whose last hook is gone is over."""
        batch = self._batches.get(connection)
        if batch is None or all(
            hook[1] is not batch.last for hook in reversed(connection.run_on_commit)
        ):
            batch = self._batches[connection] = _Batch(self._send)
        return batch


def _commits_by_itself(connection: BaseDatabaseWrapper) -> bool:
    """Says whether each statement is a transaction, without asking the database.

    Django's own question connects: it raises where the database is away, or where there is none.
    """
    if connection.connection is None:
        return bool(connection.settings_dict.get("AUTOCOMMIT", True))
    return connection.autocommit


class _Batch(Generic[T]):
    """The items of one transaction.

    Every `add` registers two hooks. The first belongs to the current savepoints, so that Django
    drops it when one of them is rolled back; it marks its items as committed. The second belongs
    to the transaction alone, and sends what was marked if it is the batch's last: it must run
    whatever savepoint the last `add` stood in.
    """

    def __init__(self, send: Callable[[list[T]], None]) -> None:
        self._send = send
        self._committed: list[T] = []
        self.last: Callable[[], None] | None = None

    def add(self, connection: BaseDatabaseWrapper, items: Sequence[T]) -> None:
        connection.on_commit(lambda: self._committed.extend(items))

        def flush() -> None:
            if self.last is flush:
                committed, self._committed = self._committed, []
                self._send(committed)

        self.last = flush
        # Django has no public way to say "whatever happens to the savepoints".
        savepoints, connection.savepoint_ids = connection.savepoint_ids, []
        try:
            connection.on_commit(flush)
        finally:
            connection.savepoint_ids = savepoints
