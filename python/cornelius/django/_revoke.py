"""Takes sessions and paths back after the transaction commits.

The request is never broken by it. What could not be told to Dobby is logged and sent as the signal
`revoke_failed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.dispatch import Signal
from django.http import HttpRequest
from django.utils.asyncio import async_unsafe

from .. import _calls as calls
from .._calls import Call
from .._default import default
from .._errors import ApiError, CorneliusError, PartialFailure, Unauthorized, UnknownSession
from .._types import Revocation
from ._after_answer import after_answer, answered
from ._after_commit import AfterCommit
from ._failures import tell

revoke_failed = Signal()
"""Sent when something could not be taken back, with `revocations`, a list of `Revocation`, and
`error`, a `CorneliusError`. The sender is `Revocation`. What a receiver raises is logged and goes
no further."""

_IN_ASYNC = (
    "cornelius.django revokes with blocking I/O, and async code has no transaction: "
    "use `await cornelius.aio.kick(…)`, or sync_to_async."
)


def kick(
    id: str | None = None,
    *,
    user: str | None = None,
    login: str | None = None,
    reconnect: bool = True,
    using: str | None = None,
) -> None:
    """Ends a session, or all of a user or of a login, after the commit; see `cornelius.kick`.

    Users are named as the connect view names them, `str(user.pk)`, logins by `login_of`. Each is
    kicked once for a transaction. What is rolled back, a savepoint too, is not kicked. `using` is
    an alias, by default the default database. Failures are logged and sent as `revoke_failed`; a
    session that is unknown is none.
    """
    _revoke([Revocation(id, user, login, reconnect=reconnect)], using)


def disconnect_user(user: str, patterns: Iterable[str], *, using: str | None = None) -> None:
    """Takes paths from all sessions of a user, after the commit; see `cornelius.disconnect_user`.

    Failures are told as those of `kick`.
    """
    if isinstance(patterns, str):
        raise TypeError("patterns is a list, not one text")
    named = tuple(patterns)
    if named:
        _revoke([Revocation(user=user, patterns=named)], using)


def kick_users(names: Iterable[str], using: str | None) -> None:
    """Ends all sessions of these users after the commit, each once."""
    found = [Revocation(user=name) for name in names]
    if found:
        _revoke(found, using)


@async_unsafe(_IN_ASYNC)
def kick_login(login: str, request: object) -> None:
    """Ends all of a login after the commit, and after the answer to the request.

    The answer tells the browser that its cookie is another: a page that came back before it would
    ask with the old one. Without a request that is answered, after the commit.
    """
    given, found = Revocation(login=login), answered(request)
    if found is None:
        _revoke([given], None)
    else:
        _held.add([(given, found)], None)


@async_unsafe(_IN_ASYNC)
def _revoke(given: Sequence[Revocation], using: str | None) -> None:
    good = [each for each in given if _is_good(each)]
    if good:
        _after_commit.add(good, using)


def _is_good(given: Revocation) -> bool:
    """Tells of what can be no request, and raises TypeError for what is no argument."""
    try:
        _call_of(given)
    except CorneliusError as error:
        _failed([given], error)
        return False
    return True


def _send(given: Sequence[Revocation]) -> None:
    rest = list(dict.fromkeys(given))
    while rest:
        try:
            default().run(_call_of(rest[0]))
        except UnknownSession:
            # It has ended; one that is not back yet after a restart ends too.
            pass
        except CorneliusError as error:
            # What is refused for a fault of its own is no fault of what follows. After anything
            # else the others would most likely wait for nothing, through their retries.
            if isinstance(error, PartialFailure) or _is_final(error):
                _failed(rest[:1], error)
            else:
                _failed(rest, error)
                return
        rest = rest[1:]


def _is_final(error: CorneliusError) -> bool:
    return (
        isinstance(error, ApiError) and not error.retryable and not isinstance(error, Unauthorized)
    )


def _call_of(given: Revocation) -> Call[Any]:
    if given.patterns:
        return calls.disconnect_user(given.user or "", given.patterns)
    return calls.kick(given.id, user=given.user, login=given.login, reconnect=given.reconnect)


def _failed(given: list[Revocation], error: CorneliusError) -> None:
    whom = ", ".join(map(_whom, given[:3]))
    what = f"{len(given)} revocations ({whom}) were not made"
    tell(revoke_failed, Revocation, what, error, revocations=given)


def _whom(given: Revocation) -> str:
    if given.id is not None:
        return f"session {given.id!r}"
    # The tag of a login is as good as a name.
    return f"user {given.user!r}" if given.user is not None else f"login {given.login!r}"


def _hold(given: Iterable[tuple[Revocation, HttpRequest]]) -> None:
    for revocation, request in given:
        after_answer(revocation, request, _send)


_after_commit = AfterCommit(_send)
_held = AfterCommit(_hold)
