"""The doors for what Dobby posts: signed, so that no CSRF token is needed, nor a login.

Each has two views, for blocking and for async servers. Django takes either under both, but an
async view under WSGI costs each request an event loop, and a blocking one under ASGI holds a thread
for as long as an async function waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import ResolverMatch, URLPattern
from django.urls.resolvers import RegexPattern

from .._commands.asgi import asgi_target
from .._commands.door import MAX_BODY_BYTES, Answer, Door, Posted
from .._commands.router import Router
from .._commands.steps import Steps, arun, is_async, run
from .._commands.wsgi import wsgi_target
from .._nonces import MemoryNonces


class CacheNonces:
    """Nonces in this process, and in Django's default cache where other processes see it too."""

    def __init__(self) -> None:
        self._here = MemoryNonces()

    def add(self, nonce: str, seconds: float) -> bool:
        """Remembers `nonce` for `seconds`; False when it is known already."""
        if not self._here.add(nonce, seconds):
            return False
        cache = caches["default"]
        # The one is this process's alone and forgets early, the other forgets at once.
        if isinstance(cache, (LocMemCache, DummyCache)):
            return True
        return bool(cache.add(f"cornelius-nonce-{nonce}", 1, timeout=int(seconds)))


Handle = Callable[[HttpRequest, bytes], Steps[bytes]]
"""Makes the answer to a request of Dobby with this body; see `Door.steps`."""


class SignedPattern(URLPattern):
    """A URL that only Dobby can post to; gives the view that suits how the request is served."""

    def __init__(self, route: str, door: Door, handle: Handle, name: str) -> None:
        view = _view(door, handle)
        super().__init__(RegexPattern(route, name=name, is_endpoint=True), view, None, name)
        self._async_view = _async_view(door, handle)

    def resolve(self, path: str) -> ResolverMatch | None:
        """Gives the async view in an event loop, where Django serves ASGI."""
        match = super().resolve(path)
        if match is not None and _is_in_loop():
            match.func = self._async_view
        return match


def command_handle(router: Router) -> Handle:
    """Makes the handle of the commands, for the functions of `router`."""

    def handle(request: HttpRequest, body: bytes) -> Steps[bytes]:
        return router.steps(body, wrap=atomic)

    return handle


def _view(door: Door, handle: Handle) -> Callable[..., Any]:
    def signed(request: HttpRequest) -> HttpResponse:
        return _response(run(door.steps(_posted(request), partial(handle, request))))

    return _bare(signed)


def _async_view(door: Door, handle: Handle) -> Callable[..., Any]:
    async def signed(request: HttpRequest) -> HttpResponse:
        return _response(await arun(door.steps(_posted(request), partial(handle, request))))

    return _bare(signed)


def _bare(view: Callable[..., Any]) -> Callable[..., Any]:
    """Takes CSRF and the transaction of the request away: the answer tells failures with 200."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    # What `csrf_exempt` says; before Django 5.0 the decorator makes an async view a sync one.
    view.csrf_exempt = True  # type: ignore[attr-defined]
    # LoginRequiredMiddleware of Django 5.1 would send Dobby to the page for logins.
    view.login_required = False  # type: ignore[attr-defined]
    return view


def atomic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a blocking function the transactions that ATOMIC_REQUESTS promises views."""
    if is_async(function):
        return function
    for alias, settings in connections.settings.items():
        if settings.get("ATOMIC_REQUESTS"):
            function = transaction.atomic(using=alias)(function)
    return function


def _posted(request: HttpRequest) -> Posted:
    return Posted(
        request.method or "",
        request.headers.get("Content-Type", ""),
        _target(request),
        request.headers.get("Dobby-Signature"),
        _body(request),
    )


def _target(request: HttpRequest) -> str:
    if isinstance(request, ASGIRequest):
        return asgi_target(request.scope)
    if isinstance(request, WSGIRequest):
        return wsgi_target(request.environ)
    return request.get_full_path()


def _body(request: HttpRequest) -> bytes | None:
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:10]) > MAX_BODY_BYTES:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    except (UnreadablePostError, ValueError):
        # What did not arrive, or with a length that Django reads as no number, is no JSON, and no
        # signature fits it.
        return b""
    return None if len(body) > MAX_BODY_BYTES else body


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(
        answer.body,
        status=answer.status,
        content_type="application/json",
        headers=answer.headers,
    )


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
