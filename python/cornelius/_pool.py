"""Who may use which pool of connections.

A connection must not be shared between a process and its fork (gunicorn's workers), nor, with
asyncio, between event loops (every `asyncio.run` and `async_to_sync` has its own). So each owner
gets a pool of its own when it first sends, and clients may be made before the fork. There is no
lock that a fork could copy while it is held: `dict.setdefault` is atomic.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import httpx


class ProcessPools:
    """One `httpx.Client`, itself safe among threads, for each process."""

    def __init__(self, make: Callable[[], httpx.Client]) -> None:
        self._make = make
        self._pools: dict[int, httpx.Client] = {}
        self._is_closed = False

    def get(self) -> httpx.Client:
        """Gives this process's pool. Raises RuntimeError after `close`."""
        if self._is_closed:
            raise RuntimeError("this client is closed")
        process = os.getpid()
        found = self._pools.get(process)
        if found is not None:
            return found
        made = self._make()
        kept = self._pools.setdefault(process, made)
        if kept is not made:  # another thread was faster
            made.close()
        return kept

    def close(self) -> None:
        """Closes this process's pool; those of its ancestors are theirs to close."""
        self._is_closed = True
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()


class LoopPools:
    """One `httpx.AsyncClient` for each running event loop of asyncio."""

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._pools: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self._is_closed = False

    def get(self) -> httpx.AsyncClient:
        """Gives the running loop's pool. Raises RuntimeError after `close`."""
        if self._is_closed:
            raise RuntimeError("this client is closed")
        loop = asyncio.get_running_loop()
        found = self._pools.get(loop)
        if found is None:
            # Pools of loops that have ended cannot be closed any more, only forgotten.
            for old in list(self._pools):
                if old.is_closed():
                    self._pools.pop(old, None)
            found = self._pools[loop] = self._make()
        return found

    async def close(self) -> None:
        """Closes the running loop's pool."""
        self._is_closed = True
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        self._pools.clear()
        if pool is not None:
            await pool.aclose()
