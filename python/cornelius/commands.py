"""Functions that take the commands of clients, which Dobby posts to the back end.

    from cornelius.commands import command

    @command("chat/{room}", "say")
    def say(context, room: str, text: str):
        context.update(context.path, {"text": text})

The Django app finds such functions in each app's `commands.py`; elsewhere `wsgi_app()` or
`asgi_app()` is the door. `TestClient` calls them in tests, without a server.
"""

from ._commands.asgi import asgi_app
from ._commands.context import Context
from ._commands.posted import Session
from ._commands.router import Authorize, Router, anyone, authenticated, may_hear, router
from ._commands.testing import Answer, TestClient
from ._commands.wsgi import wsgi_app
from ._errors import BadArgs, CommandFailed, NotAllowed, Refused
from ._nonces import MemoryNonces, NonceStore
from ._webhook import sign

command = router.command

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
