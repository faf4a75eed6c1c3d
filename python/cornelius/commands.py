"""Functions that take the commands of clients, which Dobby posts to the back end.

    from cornelius.commands import command

    @command("chat/{room}", "say")
    def say(context, room: str, text: str):
        context.update(context.path, {"text": text})

The Django app finds such functions in each app's `commands.py`; elsewhere `wsgi_app()` or
`asgi_app()` is the door. `TestClient` calls them in tests, without a server.
"""

from collections.abc import Sequence

from ._commands.asgi import AsgiApp
from ._commands.asgi import asgi_app as _asgi_app
from ._commands.context import Context
from ._commands.posted import Session
from ._commands.router import Authorize, Router, anyone, authenticated, may_hear
from ._commands.testing import Answer
from ._commands.testing import TestClient as _TestClient
from ._commands.wsgi import WsgiApp
from ._commands.wsgi import wsgi_app as _wsgi_app
from ._errors import BadArgs, CommandFailed, NotAllowed, Refused
from ._nonces import MemoryNonces, NonceStore
from ._webhook import sign

router = Router()
"""The default router, behind `command`."""

command = router.command


def wsgi_app(
    router: Router | None = None,
    *,
    secret: str | Sequence[str] | None = None,
    nonces: NonceStore | None = None,
) -> WsgiApp:
    """Makes the WSGI application that takes what Dobby posts, for the default router or another.

    `secret` is what Dobby signs with, or several of which any may be it; without it it comes from
    `cornelius.configure`, the Django settings, or the variables DOBBY_WEBHOOK_SECRET and
    DOBBY_WEBHOOK_SECRET_FILE. `nonces` remembers which requests came, by default in this process.
    Raises `BadConfiguration` when there is no secret.
    """
    return _wsgi_app(_default_or(router), secret=secret, nonces=nonces)


def asgi_app(
    router: Router | None = None,
    *,
    secret: str | Sequence[str] | None = None,
    nonces: NonceStore | None = None,
) -> AsgiApp:
    """Makes the ASGI application; see `wsgi_app`. Sync functions run in threads."""
    return _asgi_app(_default_or(router), secret=secret, nonces=nonces)


class TestClient(_TestClient):
    """A stand-in for Dobby, for the tests of your commands; see its `send`.

    It gives commands to the functions of the default router, or of another, and keeps the state of
    each session. What is not meant for the client is raised as it was in the handler, unless
    `raise_handler_errors` is False; then it is what callers see, `CommandFailed` with the code
    `handler_failed`.
    """

    def __init__(self, router: Router | None = None, *, raise_handler_errors: bool = True) -> None:
        super().__init__(_default_or(router), raise_handler_errors=raise_handler_errors)


def _default_or(given: Router | None) -> Router:
    return router if given is None else given


__all__ = [
    # registering
    "Router",
    "command",
    "router",
    "anyone",
    "authenticated",
    "may_hear",
    "Authorize",
    # in a function
    "Context",
    "Session",
    "BadArgs",
    "NotAllowed",
    "Refused",
    # doors
    "asgi_app",
    "wsgi_app",
    "MemoryNonces",
    "NonceStore",
    # tests
    "Answer",
    "CommandFailed",
    "TestClient",
    "sign",
]
