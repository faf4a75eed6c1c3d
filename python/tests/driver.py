"""Lets one test run against the blocking client and the one for asyncio alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

from cornelius import AsyncDobby, Dobby, Retry

FAST = Retry(attempts=3, base_seconds=0.0)


class SyncDriver:
    """Calls `Dobby`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.client = Dobby(*args, **{"retry": FAST, **kwargs})

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.client, name)(*args, **kwargs)

    def take(self, count: int, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        iterator = self.call(name, *args, **kwargs)
        found = list(islice(iterator, count))
        iterator.close()
        return found

    def close(self) -> None:
        self.client.close()


class AsyncDriver:
    """Calls `AsyncDobby` in one event loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.client = AsyncDobby(*args, **{"retry": FAST, **kwargs})
        self._runner = asyncio.Runner()

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(getattr(self.client, name)(*args, **kwargs))

    def take(self, count: int, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        return self._runner.run(_take(count, getattr(self.client, name)(*args, **kwargs)))

    def close(self) -> None:
        self._runner.run(self.client.close())
        self._runner.close()


async def _take(count: int, iterator: AsyncIterator[Any]) -> list[Any]:
    found: list[Any] = []
    try:
        while len(found) < count:
            found.append(await anext(iterator))
    except StopAsyncIteration:
        pass
    await iterator.aclose()  # type: ignore[attr-defined]
    return found
