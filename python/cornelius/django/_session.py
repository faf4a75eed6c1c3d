"""The view for Dobby's `sessionUrl`: who is asking, and what they may hear.

Without I/O, like the commands: hooks, sync or async, are called by whoever runs the steps. What a
hook raises is logged and answered 500, whereupon Dobby lets nobody in.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.http import HttpRequest

from .. import _calls as calls
from .._commands.steps import Call, Steps, is_async
from .._errors import ApiError, api_error
from .._messages import encode_info
from .._patterns import MAX_PATTERNS, Pattern, checked_patterns
from ._allow import rules
from ._question import SessionQuestion, SubscribeQuestion, read_question
from ._settings import Authorize, configured_hook, session_seconds
from ._signed import Handle, atomic
from ._users import login_of, name_of, user_named

log = logging.getLogger("cornelius.django")


def session_handle(authorize: Authorize | None = None) -> Handle:
    """Makes the handle of the session view."""

    def handle(request: HttpRequest, body: bytes) -> Steps[bytes]:
        question = read_question(body)
        if isinstance(question, SubscribeQuestion):
            return (yield from _subscribed(request, question, authorize))
        return (yield from _opened(request, question, authorize))

    return handle


def _opened(
    request: HttpRequest, question: SessionQuestion, authorize: Authorize | None
) -> Steps[bytes]:
    user, login = yield from _called("the visitor", _visitor, request)
    admit = configured_hook("ADMIT")
    if admit is not None and not (yield from _called("ADMIT", admit, request)):
        error = {"code": "not_allowed", "message": "This visitor is not let in."}
        return _json({"error": error})
    standing = yield from _standing(request)
    patterns = [Pattern(source) for source in standing]
    asked = [path for path in question.paths if all(p.match(path) is None for p in patterns)]
    allowed = yield from _allowed(request, asked, authorize)
    grants = list(dict.fromkeys([*allowed, *standing]))
    if len(grants) > MAX_PATTERNS:
        log.warning("of %d grants Dobby is told %d", len(grants), MAX_PATTERNS)
    answer: dict[str, Any] = {
        "user": user,
        "grants": grants[:MAX_PATTERNS],
        "refused": _without(asked, allowed),
    }
    info = yield from _info(request)
    seconds = session_seconds()
    answer |= {} if login is None else {"login": login}
    answer |= {} if info is None else {"info": info}
    answer |= {} if seconds is None else {"expiresInMs": max(1000, round(seconds * 1000))}
    return _json(answer)


def _subscribed(
    request: HttpRequest, question: SubscribeQuestion, authorize: Authorize | None
) -> Steps[bytes]:
    yield from _called("the user", _let_ask, request, question.user)
    allowed = yield from _allowed(request, question.paths, authorize)
    return _json({"grants": allowed, "refused": _without(question.paths, allowed)})


def _visitor(request: HttpRequest) -> tuple[str | None, str | None]:
    # Read here, in a thread: async hooks find `request.user` read and need no database for it.
    return name_of(request), login_of(request)


def _let_ask(request: HttpRequest, name: str | None) -> None:
    """Makes the user of this name the visitor; who is gone or not active is nobody."""
    if not apps.is_installed("django.contrib.auth"):
        return
    from django.contrib.auth.models import AnonymousUser

    user: Any = user_named(name) or AnonymousUser()

    async def auser() -> Any:
        return user

    request.user = user
    request.auser = auser


def _standing(request: HttpRequest) -> Steps[list[str]]:
    hook = configured_hook("GRANTS")
    if hook is None:
        return []
    given = yield from _called("GRANTS", hook, request)
    found: list[str] = yield from _called("GRANTS", _patterns, given)
    return found


def _patterns(given: Iterable[str]) -> list[str]:
    return checked_patterns(given, "grants")


def _info(request: HttpRequest) -> Steps[Any]:
    hook = configured_hook("INFO")
    if hook is None:
        return None
    info = yield from _called("INFO", hook, request)
    yield from _called("INFO", encode_info, info)
    return info


def _allowed(
    request: HttpRequest, paths: list[str], authorize: Authorize | None
) -> Steps[list[str]]:
    """Gives those of `paths` that the hook allows."""
    hook = rules.hook(authorize)
    if is_async(hook):
        verdicts = []
        for path in paths:
            verdicts.append((yield from _called("authorize", hook, request, path)))
    else:
        # All at once: one thread and, where requests are atomic, one transaction for all paths.
        verdicts = yield from _called("authorize", _verdicts, hook, request, paths)
        for index, verdict in enumerate(verdicts):
            if inspect.isawaitable(verdict):
                verdicts[index] = yield from _called("authorize", _itself, verdict)
    return [path for path, verdict in zip(paths, verdicts, strict=True) if verdict]


def _verdicts(hook: Authorize, request: HttpRequest, paths: list[str]) -> list[Any]:
    return [hook(request, path) for path in paths]


def _itself(value: Any) -> Any:
    return value


def _called(name: str, function: Callable[..., Any], *args: Any) -> Steps[Any]:
    """Calls what is not ours. Raises nothing but `ApiError`, and then the log says why."""
    outcome = yield Call(atomic(function), args)
    if outcome.error is not None:
        log.error("%s failed: %r", name, outcome.error, exc_info=outcome.error)
        raise _internal() from outcome.error
    return outcome.value


def _internal() -> ApiError:
    return api_error("internal", "The server failed; its log says why.", status=500)


def _without(paths: list[str], allowed: list[str]) -> list[str]:
    found = set(allowed)
    return [path for path in paths if path not in found]


def _json(answer: dict[str, Any]) -> bytes:
    return calls.escaped(answer).encode()
