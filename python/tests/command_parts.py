"""What the tests of commands are made of: a posted body, a context, a function that raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cornelius._commands.posted import read_command
from cornelius.commands import Context

Answer = Callable[..., Any]
"""Gives the answer to the command that `body` makes of the same arguments."""

SECRET = "a secret of the house"


def body(path: str = "chat/7", command: str = "say", args: Any = None, **session: Any) -> bytes:
    more = {"id": "s1", "user": None, "mayHear": True, "state": {}, "version": 0, **session}
    given = {} if args is None else args
    posted = {"type": "command", "uid": "c1", "path": path, "command": command, "args": given}
    return json.dumps({**posted, "again": False, "session": more}).encode()


def raising(error: BaseException) -> Callable[..., Any]:
    def say(context: Context, **args: Any) -> None:
        raise error

    return say


def new_context() -> Context:
    return Context(read_command(body()), {})
