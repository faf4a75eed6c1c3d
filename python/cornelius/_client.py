"""The blocking client: sends what `_calls` builds and gives what it parses."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from . import _calls as calls
from ._calls import Call, Pages, Request
from ._endpoint import DEFAULT_TIMEOUT, Endpoint, is_stream, reply_of
from ._errors import BadReply, BlockingCall, CorneliusError, DobbyUnreachable
from ._history import history, iter_history
from ._pool import ProcessPools
from ._replies import Reply
from ._retry import ONCE, Outage, Retry
from ._signature import method_like
from ._state import complete as complete_call
from ._state import state as state_call
from ._types import Gap, State, Update
from ._watch import Watch

P = ParamSpec("P")
T = TypeVar("T")


def _method(call: Callable[P, Call[T]]) -> Callable[Concatenate[Dobby, P], T]:
    def method(self: Dobby, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(call(*args, **kwargs))

    return method_like(call, method)


def _listing(
    call: Callable[P, Pages[T, Any]],
) -> Callable[Concatenate[Dobby, P], Iterator[T]]:
    def method(self: Dobby, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._pages(call(*args, **kwargs))

    return method_like(call, method)


class Dobby:
    """A blocking client of one Dobby.

    `url` is Dobby's address, `api_key` opens its API (`watch` needs none). `timeout` is in seconds
    for each step of one try, `retry` says for how long a call is tried again and what is waited in
    between. `http_client` makes the httpx client, for a proxy or certificates of your own; by
    default the proxy variables of the environment are not heeded, since Dobby stands beside the
    back end.

    One client may be used from many threads, and may be made before a process forks: each process
    has its own pool of connections. Raises `BadConfiguration`; every call raises `BlockingCall` in
    a thread that runs an event loop, unless the variable DJANGO_ALLOW_ASYNC_UNSAFE is set.
    """

    _sleep = staticmethod(time.sleep)

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        *,
        retry: Retry | None = None,
        http_client: Callable[[], httpx.Client] | None = None,
    ) -> None:
        self._endpoint = Endpoint(url, api_key, timeout)
        self._retry = retry or Retry()
        self._outage = Outage()
        self._pools = ProcessPools(http_client or (lambda: httpx.Client(trust_env=False)))

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

    def state(self, path: str, keys: Iterable[str] | None = None) -> State:
        """Gives the state of `path`: the newest message of each key, or of the `keys` it has.

        It is read in pages of 1,000 keys. Every change up to its `position` is in it; where the
        path changed between two pages, later ones may be too, so that who goes on from `position`
        misses nothing. Raises `BadPath` or `BadKey` before sending, `BadRequest` with code
        `no_state` for a path without a state. At most 1,000 `keys`.
        """
        reading = state_call(path, keys)
        call = next(reading)
        while True:
            page = self.run(call)
            try:
                call = reading.send(page)
            except StopIteration as end:
                whole: State = end.value
                return whole

    def watch(self, path: str) -> Iterator[Update | Gap]:
        """Yields what is pushed to `path`, which must be public, for ever, in order.

        After an interruption it comes back where it stopped; what can no longer be had is told
        with a `Gap` first. Raises `BadPath` at once, `RequestRefused` or another `CorneliusError`
        when the path may not be heard, and when the first connection fails.
        """
        return self._watch(Watch(path, self._retry))

    def run(self, call: Call[T], *, within: float | None = None) -> T:
        """Sends one prepared call, tried again as the retry policy says.

        With `within` it is tried once, and takes at most so many seconds: half of them to connect,
        half to be answered. Raises `BlockingCall` in a thread that runs an event loop.
        """
        refuse_in_event_loop()
        if call.nothing is not None:
            return call.nothing
        # One try that was short of time says nothing of an outage.
        attempts = self._retry.start(self._outage) if within is None else ONCE.start()
        seconds = None if within is None else within / 2
        while True:
            try:
                result = call.parse(self._send(call.request, seconds))
            except CorneliusError as error:
                self._sleep(attempts.after(error))
            else:
                attempts.answered()
                return result

    def close(self) -> None:
        """Closes the connections of this process. May be called again."""
        self._pools.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.url!r})"

    def _send(self, request: Request, seconds: float | None = None) -> Reply:
        arguments = self._endpoint.request(request, seconds)
        pool = self._pools.get()
        with self._endpoint.translated(seconds):
            response = pool.request(**arguments)
        return reply_of(response, response.content)

    def _pages(self, pages: Pages[T, Any]) -> Iterator[T]:
        after = pages.after
        while True:
            found = self.run(pages.page(after))
            yield from found.items
            if found.next is None:
                return
            if found.next == after:
                raise BadReply("the list does not end")
            after = found.next

    def _watch(self, watch: Watch) -> Iterator[Update | Gap]:
        refuse_in_event_loop()
        while True:
            try:
                yield from self._connection(watch)
            except CorneliusError as error:
                self._sleep(watch.after(error))

    def _connection(self, watch: Watch) -> Iterator[Update | Gap]:
        stream = self._pools.get().stream(**self._endpoint.stream(watch))
        with self._endpoint.translated(), stream as response:
            if not is_stream(response):
                raise watch.refusal(reply_of(response, response.read()))
            for chunk in response.iter_bytes():
                yield from watch.feed(chunk)
        raise DobbyUnreachable("the stream ended")


def refuse_in_event_loop() -> None:
    """Raises `BlockingCall` where waiting would hold up every task of an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    # Django's own switch for notebooks and shells, which run a loop in the thread of the user.
    if not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
        raise BlockingCall
