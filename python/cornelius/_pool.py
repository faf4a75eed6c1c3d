"""Who may use which pool of connections.

A connection must not be shared between a process and its fork (gunicorn's workers), nor, with
asyncio, between event loops (every `asyncio.run` and `async_to_sync` has its own). So each owner
gets a pool of its own when it first sends, and clients may be made before the fork. There is no
lock that a fork could copy while it is held: `dict.setdefault` is atomic.
"""

from __future__ import annotations

import asyncio
import logging
import os
import weakref
from collections.abc import Callable
from contextlib import suppress

import httpx

log = logging.getLogger("cornelius")


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
    """One `httpx.AsyncClient` for each running event loop of asyncio, closed before the loop is."""

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
            found = self._pools[loop] = self._make()
            closing_of(loop).pools[found] = weakref.ref(self)
        return found

    def __del__(self) -> None:
        """Has the pools closed by their loops, which alone can do it."""
        for loop, pool in self._pools.items():
            with suppress(RuntimeError):  # the loop is closed, and its pool with it
                loop.call_soon_threadsafe(closing_of(loop).drop, pool)

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Takes note that the pool of `loop` is closed."""
        self._pools.pop(loop, None)

    async def close(self) -> None:
        """Closes the running loop's pool; those of other loops are closed with them."""
        self._is_closed = True
        loop = asyncio.get_running_loop()
        pool = self._pools.pop(loop, None)
        if pool is not None:
            closing_of(loop).pools.pop(pool, None)
            await pool.aclose()


class Closing:
    """Stands in for `close` of one event loop: closes the pools that are left, then the loop.

    asyncio has no hook for the end of a loop, and afterwards a transport cannot be closed any more:
    it would be reported as a ResourceWarning, whenever it is collected.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._close = loop.close
        self._tasks: set[asyncio.Task[None]] = set()
        self.pools: dict[httpx.AsyncClient, weakref.ref[LoopPools]] = {}

    def __call__(self) -> None:
        """Closes pools and loop. May be called again."""
        try:
            while self.pools and not (self._loop.is_closed() or self._loop.is_running()):
                pool, reference = self.pools.popitem()
                owner = reference()
                if owner is not None:
                    owner.forget(self._loop)
                self._loop.run_until_complete(_closed(pool))
        finally:
            self._close()

    def drop(self, pool: httpx.AsyncClient) -> None:
        """Closes one pool in the running loop."""
        if self.pools.pop(pool, None) is not None:
            task = self._loop.create_task(_closed(pool))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def closing_of(loop: asyncio.AbstractEventLoop) -> Closing:
    """Gives the stand-in for `loop.close`, one for each loop."""
    if not isinstance(loop.close, Closing):
        loop.close = Closing(loop)  # type: ignore[method-assign]
    found: Closing = loop.close
    return found


async def _closed(pool: httpx.AsyncClient) -> None:
    try:
        await pool.aclose()
    except Exception as error:
        log.warning("connections to Dobby were not closed: %r", error)
