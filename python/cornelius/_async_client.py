"""The client for asyncio: the same calls and the same policies as `_client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
from contextlib import aclosing
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from . import _calls as calls
from ._calls import Call, Pages, Request
from ._endpoint import DEFAULT_TIMEOUT, Endpoint, is_stream, reply_of
from ._errors import BadReply, CorneliusError, DobbyUnreachable
from ._history import history, iter_history
from ._pool import LoopPools
from ._replies import Reply
from ._retry import ONCE, Outage, Retry
from ._signature import method_like
from ._state import complete as complete_call
from ._state import state as state_call
from ._types import Gap, State, Update
from ._watch import Watch

P = ParamSpec("P")
T = TypeVar("T")


def _method(
    call: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncDobby, P], Coroutine[Any, Any, T]]:
    async def method(self: AsyncDobby, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(call(*args, **kwargs))

    return method_like(call, method)


def _listing(
    call: Callable[P, Pages[T, Any]],
) -> Callable[Concatenate[AsyncDobby, P], AsyncIterator[T]]:
    def method(self: AsyncDobby, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self._pages(call(*args, **kwargs))

    return method_like(call, method)


class AsyncDobby:
    """A client of one Dobby for asyncio. Arguments and errors are those of `Dobby`.

    One client may be used from many tasks, and from one event loop after another: each loop has
    its own pool of connections, which is closed with the loop at the latest.
    """

    _sleep = staticmethod(asyncio.sleep)

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        *,
        retry: Retry | None = None,
        http_client: Callable[[], httpx.AsyncClient] | None = None,
    ) -> None:
        self._endpoint = Endpoint(url, api_key, timeout)
        self._retry = retry or Retry()
        self._outage = Outage()
        self._pools = LoopPools(http_client or (lambda: httpx.AsyncClient(trust_env=False)))

    update = _method(calls.update)
    updates = _method(calls.updates)
    send = _method(calls.send)
    broadcast = _method(calls.broadcast)
    complete = _method(complete_call)
    connect = _method(calls.connect)
    disconnect = _method(calls.disconnect)
    disconnect_user = _method(calls.disconnect_user)
    kick = _method(calls.kick)
    position = _method(calls.position)
    positions = _method(calls.positions)
    info = _method(calls.info)
    history = _method(history)
    sessions = _listing(calls.sessions)
    paths = _listing(calls.paths)
    iter_history = _listing(iter_history)

    async def state(self, path: str, keys: Iterable[str] | None = None) -> State:
        """Gives the state of `path`, or of those of `keys` that are there; see `Dobby.state`."""
        reading = state_call(path, keys)
        call = next(reading)
        while True:
            page = await self.run(call)
            try:
                call = reading.send(page)
            except StopIteration as end:
                whole: State = end.value
                return whole

    def watch(self, path: str) -> AsyncGenerator[Update | Gap, None]:
        """Yields what is pushed to the public `path`, for ever; see `Dobby.watch`.

        To leave the loop early, close the generator with `contextlib.aclosing`.
        """
        return self._watch(Watch(path, self._retry))

    async def run(self, call: Call[T], *, within: float | None = None) -> T:
        """Sends one prepared call, tried again as the retry policy says; see `Dobby.run`."""
        if call.nothing is not None:
            return call.nothing
        # One try that was short of time says nothing of an outage.
        attempts = self._retry.start(self._outage) if within is None else ONCE.start()
        seconds = None if within is None else within / 2
        while True:
            try:
                result = call.parse(await self._send(call.request, seconds))
            except CorneliusError as error:
                await self._sleep(attempts.after(error))
            else:
                attempts.answered()
                return result

    async def close(self) -> None:
        """Closes the connections of the running event loop. May be called again."""
        await self._pools.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.url!r})"

    async def _send(self, request: Request, seconds: float | None = None) -> Reply:
        arguments = self._endpoint.request(request, seconds)
        pool = self._pools.get()
        with self._endpoint.translated(seconds):
            response = await pool.request(**arguments)
        return reply_of(response, response.content)

    async def _pages(self, pages: Pages[T, Any]) -> AsyncIterator[T]:
        after = pages.after
        while True:
            found = await self.run(pages.page(after))
            for item in found.items:
                yield item
            if found.next is None:
                return
            if found.next == after:
                raise BadReply("the list does not end")
            after = found.next

    async def _watch(self, watch: Watch) -> AsyncGenerator[Update | Gap, None]:
        while True:
            try:
                # aclosing: leaving the loop early closes the connection at once, not at some
                # later garbage collection.
                async with aclosing(self._connection(watch)) as connection:
                    async for each in connection:
                        yield each
            except CorneliusError as error:
                await self._sleep(watch.after(error))

    async def _connection(self, watch: Watch) -> AsyncGenerator[Update | Gap, None]:
        stream = self._pools.get().stream(**self._endpoint.stream(watch))
        with self._endpoint.translated():
            async with stream as response:
                if not is_stream(response):
                    raise watch.refusal(reply_of(response, await response.aread()))
                async for chunk in response.aiter_bytes():
                    for each in watch.feed(chunk):
                        yield each
        raise DobbyUnreachable("the stream ended")
