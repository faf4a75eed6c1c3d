"""Keeps what one request wants to tell Dobby until its answer has gone out."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from threading import Lock, Timer
from typing import Any, Generic, TypeVar

from django.db import connections
from django.http import HttpRequest

T = TypeVar("T")

log = logging.getLogger("cornelius.django")

SECONDS = 5.0
"""How long an answer is waited for at most."""

_STARTED = "cornelius.started"
_ATTRIBUTE = "_cornelius_answer"


def started(
    *,
    environ: MutableMapping[str, Any] | None = None,
    scope: MutableMapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Marks the request as one that a handler of Django answers; receives `request_started`."""
    given = scope if environ is None else environ
    if given is not None:
        given[_STARTED] = True


def answered(request: object) -> HttpRequest | None:
    """Gives the request if a handler will answer it.

    None for one that was made by hand, as tests and management commands do: nobody closes it.
    """
    # What the REST framework hands to its views is no request of Django, but holds it.
    found = request if isinstance(request, HttpRequest) else getattr(request, "_request", None)
    if not isinstance(found, HttpRequest):
        return None
    given = getattr(found, "environ", None) or getattr(found, "scope", None) or {}
    return found if _STARTED in given else None


def after_answer(item: T, request: HttpRequest, send: Callable[[list[T]], None]) -> None:
    """Gives `send` the items of an `answered` request in order once its answer has gone out.

    What comes later is sent at once.

    Every handler makes `request.close` a part of `response.close`, which the server calls when all
    is sent, and looks it up when the response is there. So it is replaced on the one request, and
    what waits hangs on that request too: under ASGI the view, the response's `close` and
    `request_finished` run in contexts and threads that share nothing else, and `request_finished`
    does not say whose it is.

    The response may never be closed: a visitor who leaves while the view runs under ASGI, a server
    that forgets it, an exception that no handler catches. A timer sends then. It needs no further
    request, which may never come to this thread, and also bounds how long a slow view delays what
    has ended already.
    """
    found: _Answer[T] | None = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = _Answer(send)
        setattr(request, _ATTRIBUTE, found)
        _on_close(request, found.gone)
    found.add(item)


def _on_close(request: HttpRequest, work: Callable[[], None]) -> None:
    close = request.close

    def closing() -> None:
        try:
            close()
        finally:
            work()

    request.close = closing  # type: ignore[method-assign]


class _Answer(Generic[T]):
    def __init__(self, send: Callable[[list[T]], None]) -> None:
        self._send = send
        self._lock = Lock()
        self._waiting: list[T] = []
        self._timer: Timer | None = None
        self._is_gone = False

    def add(self, item: T) -> None:
        with self._lock:
            self._waiting.append(item)
            is_gone = self._is_gone
            if not is_gone and self._timer is None:
                self._timer = Timer(SECONDS, self._late)
                self._timer.daemon = True
                self._timer.start()
        if is_gone:
            self._flush()

    def gone(self) -> None:
        with self._lock:
            self._is_gone = True
        self._flush()

    def _late(self) -> None:
        try:
            self._flush()
        finally:
            # A receiver of `revoke_failed` may have opened some, in a thread that ends here.
            connections.close_all()

    def _flush(self) -> None:
        with self._lock:
            items, self._waiting = self._waiting, []
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if not items:
            return
        try:
            self._send(items)
        except Exception as error:
            # Nobody else would: what is raised while a response closes is dropped without a word.
            log.error("sessions of Dobby were not ended: %s", error, exc_info=error)
