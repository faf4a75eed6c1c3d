"""The views that Pomona posts to: they decide who hears what, and tell Dobby.

They act with the visitor's cookies, so they are CSRF-protected here, whatever middleware the
project has, and take nothing but JSON. Every error but Django's own CSRF page is coded JSON.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_protect

from .. import _calls as calls
from .._default import default
from .._errors import (
    ApiError,
    BadReply,
    BadRequest,
    CorneliusError,
    DobbyTimeout,
    DobbyUnreachable,
    LoginEnded,
    PartialFailure,
    UnknownSession,
    UserMismatch,
    api_error,
)
from ._allow import rules
from ._body import Asked, read_body
from ._settings import Authorize
from ._users import login_of, name_of

log = logging.getLogger("cornelius.django")

View = Callable[[HttpRequest], HttpResponse]


def connect_view(authorize: Authorize | None = None) -> View:
    """Makes the view for `connectUrl`. It answers `{"refused": [path, …]}`."""

    def connect(request: HttpRequest, asked: Asked) -> HttpResponse:
        hook = rules.hook(authorize)
        user, login = name_of(request), login_of(request)
        allowed = [path for path in asked.paths if _is_allowed(hook, request, path)]
        granted = _connect(asked.uid, allowed, user, login)
        return JsonResponse({"refused": [path for path in asked.paths if path not in granted]})

    return _guarded(connect)


def disconnect_view() -> View:
    """Makes the view for `disconnectUrl`. It answers `{}`."""

    def disconnect(request: HttpRequest, asked: Asked) -> HttpResponse:
        user = name_of(request)
        default().run(calls.disconnect(asked.uid, asked.paths, user, anonymous=user is None))
        return JsonResponse({})

    return _guarded(disconnect)


def _guarded(handle: Callable[[HttpRequest, Asked], HttpResponse]) -> View:
    """Wraps what reads the body, answers errors, and wants the CSRF token first of all.

    The view is synchronous on purpose: Django runs it in a thread under ASGI, and so the hook, the
    ORM and CSRF behave alike under both.
    """

    def view(request: HttpRequest) -> HttpResponse:
        try:
            asked = read_body(request)
        except ApiError as error:
            return _failed(error)
        try:
            return handle(request, asked)
        except CorneliusError as error:
            return _failed(_told(error))

    # LoginRequiredMiddleware would answer a visitor without a login by a redirect to a page, which
    # reads as "granted nothing". `authorize` is asked instead.
    view.login_required = False  # type: ignore[attr-defined]
    return csrf_protect(view)


def _is_allowed(hook: Authorize, request: HttpRequest, path: str) -> bool:
    verdict = hook(request, path)
    # Asked of the verdict, not of the hook: a coroutine that nobody awaits counts as true.
    if inspect.isawaitable(verdict):
        return bool(async_to_sync(_awaited)(verdict))
    return bool(verdict)


async def _awaited(verdict: Awaitable[bool]) -> bool:
    return await verdict


def _connect(uid: str, paths: list[str], user: str | None, login: str | None) -> Iterable[str]:
    """Tells Dobby, and gives the paths that it granted."""
    if not paths:
        return ()
    try:
        call = calls.connect(uid, paths, user, anonymous=user is None, login=login)
        return default().run(call)
    except PartialFailure as partial:
        for path, error in partial.failed.items():
            log.warning("Dobby refused to connect a session to %s: %s", path, error)
            if error.retryable:
                raise error from partial
        return [path for path in partial.results if path not in partial.failed]


def _told(error: CorneliusError) -> ApiError:
    """Gives what the browser is told; its `status` is answered. Faults of ours are logged."""
    if isinstance(error, (DobbyUnreachable, DobbyTimeout)) or (
        isinstance(error, BadReply) and error.retryable
    ):
        log.error("Dobby could not be told: %s", error)
        return api_error("connect_failed", "Dobby cannot be reached.", status=503, retryable=True)
    if isinstance(error, UnknownSession):
        return api_error(error.code, error.message, "uid", 404)
    if isinstance(error, UserMismatch):
        return api_error(error.code, error.message, None, 409)
    if isinstance(error, LoginEnded):
        return api_error(error.code, error.message, None, 403)
    if isinstance(error, ApiError) and error.retryable:
        return api_error(error.code, error.message, None, 503, True)
    if isinstance(error, BadRequest):
        return api_error(error.code, error.message, None, 400)
    log.error("Dobby could not be told: %s", error, exc_info=error)
    return api_error("internal", "The server failed; its log says why.", status=500)


def _failed(error: ApiError) -> HttpResponse:
    body = {
        "code": error.code,
        "message": error.message,
        "field": error.field,
        "retryable": error.retryable,
    }
    if error.field is None:
        del body["field"]
    response = JsonResponse({"error": body}, status=error.status)
    if error.status == 405:
        response["Allow"] = "POST"
    return response
