"""Runs what is written once for blocking and for async code: a generator that yields its calls.

The generator does no I/O. It yields each call of a function that is not ours, sync or async, and
gets its outcome; what the function raises is part of that, so that nothing can escape.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call; what it returns is awaited where it can be."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave: `error`, or else `value`."""

    value: Any = None
    error: Exception | None = None


Steps = Generator[Call, Outcome, T]


def is_async(function: Callable[..., Any]) -> bool:
    """Says whether calling `function` gives a coroutine, as far as it can be told."""
    called = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def run(steps: Steps[T]) -> T:
    """Runs the steps in this thread; coroutines get an event loop of their own."""
    try:
        call = next(steps)
        while True:
            call = steps.send(_outcome(call))
    except StopIteration as end:
        result: T = end.value
        return result


async def arun(steps: Steps[T]) -> T:
    """Runs the steps in this event loop; blocking functions run in a thread."""
    try:
        call = next(steps)
        while True:
            call = steps.send(await _async_outcome(call))
    except StopIteration as end:
        result: T = end.value
        return result


def _outcome(call: Call) -> Outcome:
    try:
        value = call()
        return Outcome(_waited(value) if inspect.isawaitable(value) else value)
    except Exception as error:
        return Outcome(error=error)


async def _async_outcome(call: Call) -> Outcome:
    if is_async(call.function):
        return await _awaited_outcome(call)
    # The outcome is made inside the thread: a future cannot carry every exception.
    outcome = await _in_thread(_unawaited_outcome, call)
    if inspect.isawaitable(outcome.value):
        given = outcome.value
        return await _awaited_outcome(Call(lambda: given))
    return outcome


async def _awaited_outcome(call: Call) -> Outcome:
    try:
        return Outcome(await call())
    except Exception as error:
        return Outcome(error=error)


def _unawaited_outcome(call: Call) -> Outcome:
    try:
        return Outcome(call())
    except Exception as error:
        return Outcome(error=error)


async def _awaited(value: Awaitable[T]) -> T:
    return await value


def _waited(value: Awaitable[T]) -> T:
    """Waits for `value` in a thread without an event loop."""
    if _is_django():
        from asgiref.sync import async_to_sync

        return async_to_sync(_awaited)(value)
    try:
        return asyncio.run(_awaited(value))
    except BaseException:
        # In a thread that has an event loop nothing was begun: say so once, not twice.
        if inspect.iscoroutine(value):
            value.close()
        raise


async def _in_thread(function: Callable[[Call], T], call: Call) -> T:
    if _is_django():
        from asgiref.sync import sync_to_async

        # The thread of the request, whose connections to the database are its own.
        return await sync_to_async(function, thread_sensitive=True)(call)
    return await asyncio.to_thread(function, call)


def request_thread() -> AbstractAsyncContextManager[Any]:
    """Gives the blocking calls of one request a thread of their own, as Django's ASGI handler does.

    Without it all requests of a Django project would share one.
    """
    if not _is_django():
        return nullcontext()
    from asgiref.sync import ThreadSensitiveContext

    return ThreadSensitiveContext()


def _is_django() -> bool:
    """Says whether this is a Django project: its ORM wants Django's own threads."""
    conf = sys.modules.get("django.conf")
    return conf is not None and bool(conf.settings.configured)
