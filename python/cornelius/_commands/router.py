"""Which function takes a command, and what Dobby is answered: without I/O, see `steps`.

What a handler raises by way of `CommandFailed` is told to the client; anything else is told to the
log, and to the client only as `handler_failed`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import _calls as calls
from .._errors import BadConfiguration, CommandFailed, NotAllowed
from .._messages import encode_message
from .._patterns import Pattern
from .arguments import Arguments
from .context import Context
from .posted import Command, read_command
from .steps import Call, Outcome, Steps, arun, run

log = logging.getLogger("cornelius.commands")

F = TypeVar("F", bound=Callable[..., Any])
Authorize = Callable[[Context], bool | Awaitable[bool]]
"""Says whether the session may give the command; may be async."""
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]

MAX_ANSWER_BYTES = 1024 * 1024
_MAX_NAME_BYTES = 255
_MAX_TOLD = 1_000
"""What Dobby takes of each text of an error, in characters."""
# What a handler may answer with; the other codes are Dobby's to tell.
_TOLD = frozenset({"unknown_command", "not_allowed", "bad_args", "refused", "state_conflict"})
_FAILED = "The handler failed; the log on its side says why."


def may_hear(context: Context) -> bool:
    """Allows sessions that may hear the path: what holds without `authorize`."""
    return context.may_hear


def anyone(context: Context) -> bool:
    """Allows every session."""
    return True


def authenticated(context: Context) -> bool:
    """Allows sessions that are bound to a user, whatever they may hear."""
    return context.session.is_authenticated


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function."""

    pattern: Pattern
    name: str
    function: Callable[..., Any]
    arguments: Arguments
    authorize: Authorize


class Router:
    """Functions by pattern and command; the first that fits, in order of registration, takes it."""

    def __init__(self) -> None:
        self._handlers: list[Handler] = []

    def __len__(self) -> int:
        """Gives the number of registered functions."""
        return len(self._handlers)

    def __bool__(self) -> bool:
        """Says True: an empty router is a router."""
        return True

    def command(
        self, pattern: str, name: str | None = None, *, authorize: Authorize | None = None
    ) -> Callable[[F], F]:
        """Registers a function, sync or async, for the command `name` on paths of `pattern`.

        Without `name` the function's own is taken. `authorize(context)` replaces the rule that the
        session may hear the path. The function's first parameter is the `Context`; the others are
        filled by name from the captures and from `args`, as their annotations say. Raises
        `BadConfiguration`.
        """
        compiled = Pattern(pattern)

        def register(function: F) -> F:
            self._add(compiled, name, function, authorize or may_hear)
            return function

        return register

    def answer(self, body: bytes) -> bytes:
        """Answers the body of one posted command; async functions get a loop of their own.

        Raises `BadRequest` for what is no command. Whoever calls this has checked the signature.
        """
        return run(self.steps(body))

    async def aanswer(self, body: bytes) -> bytes:
        """Answers as `answer` does, in this event loop; sync functions run in a thread."""
        return await arun(self.steps(body))

    def steps(
        self,
        body: bytes,
        *,
        wrap: Wrap | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> Steps[bytes]:
        """Answers without I/O. `wrap` wraps the handler; `failed` hears what was not expected."""
        command = read_command(body)
        try:
            text = yield from self._text(command, wrap)
        except CommandFailed as error:
            return _error(command, error, failed or _logged(command)).encode()
        except Exception as error:
            (failed or _logged(command))(error)
            text = _handler_failed()
        return text.encode()

    def _text(self, command: Command, wrap: Wrap | None) -> Steps[str]:
        handler, context = self._found(command)
        if not _value((yield Call(handler.authorize, (context,)))):
            raise NotAllowed
        named = handler.arguments.bound(context.captured, context.args)
        function = wrap(handler.function) if wrap else handler.function
        reply = _value((yield Call(function, (context,), named)))
        members = [] if reply is None else [f'"reply":{encode_message(reply, "reply")}']
        members += filter(None, [context.effects()])
        return _bounded(f"{{{','.join(members)}}}")

    def _found(self, command: Command) -> tuple[Handler, Context]:
        for handler in self._handlers:
            if handler.name != command.name:
                continue
            captured = handler.pattern.match(command.path)
            if captured is not None:
                return handler, Context(command, captured)
        raise CommandFailed("unknown_command", "No handler takes this command on this path.")

    def _add(
        self,
        pattern: Pattern,
        name: str | None,
        function: Callable[..., Any],
        authorize: Authorize,
    ) -> None:
        named = getattr(function, "__name__", None) if name is None else name
        if not isinstance(named, str) or not 1 <= len(named.encode()) <= _MAX_NAME_BYTES:
            raise BadConfiguration(f"{named!r} is not the name of a command")
        if any(
            each.name == named and each.pattern.source == pattern.source for each in self._handlers
        ):
            raise BadConfiguration(f"{named!r} on {pattern.source!r} is registered already")
        arguments = Arguments(function, pattern.names)
        self._handlers.append(Handler(pattern, named, function, arguments, authorize))


router = Router()
"""The default router, behind `command`."""


def _value(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def _bounded(text: str) -> str:
    size = len(text.encode())
    if size > MAX_ANSWER_BYTES:
        raise ValueError(f"the answer is {size} bytes, at most {MAX_ANSWER_BYTES} are allowed")
    return text


def _error(command: Command, error: CommandFailed, failed: Callable[[Exception], None]) -> str:
    """Gives the answer that tells of `error`, or of its own failure to be told."""
    if error.code not in _TOLD:
        failed(error)
        return _handler_failed()
    try:
        members = [f'"code":{calls.escaped(error.code)}', f'"message":{_told(error.message)}']
        if error.field is not None:
            members.append(f'"field":{_told(error.field)}')
        if error.reason is not None:
            members.append(f'"reason":{_told(error.reason)}')
        if error.data is not None:
            members.append(f'"data":{encode_message(error.data, "data")}')
    except Exception as fault:
        failed(fault)
        return _handler_failed()
    return f'{{"error":{{{",".join(members)}}}}}'


def _told(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not text")
    # A field may name what the client sent, broken as it was. Dobby counts UTF-16 units.
    units = text.encode("utf-16-le", "replace")
    if len(units) > 2 * _MAX_TOLD:
        units = units[: 2 * _MAX_TOLD - 2]
        return calls.escaped(units.decode("utf-16-le", "ignore") + "…")
    return calls.escaped(units.decode("utf-16-le"))


def _handler_failed() -> str:
    return calls.escaped({"error": {"code": "handler_failed", "message": _FAILED}})


def _logged(command: Command) -> Callable[[Exception], None]:
    def tell(error: Exception) -> None:
        log.error("%r on %r failed: %r", command.name, command.path, error, exc_info=error)

    return tell
