"""Gives commands to a router's functions without a server, as their callers would see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from .._errors import BadArgs, CommandFailed, NotAllowed, Refused
from .._messages import dumps, encode_message
from .._paths import checked_path
from .router import Router
from .router import router as default_router
from .steps import Steps, arun, run


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command was answered and what went along, under the names of the protocol."""

    reply: Any
    updates: list[dict[str, Any]]
    """Such as `{"path": "chat/7", "message": "Hello"}`; with `echo` where it was asked for."""
    grants: list[str]
    sent: list[dict[str, Any]]
    """Such as `{"users": ["7"], "message": "Hello"}`."""
    state: dict[str, Any]
    """The session's own state after it."""


class Giving(TypedDict, total=False):
    """Who gives a command, and how."""

    user: str | None
    session_id: str
    """By default `s1`."""
    state: Mapping[str, Any] | None
    """Replaces the state that the session had."""
    may_hear: bool
    """By default True."""
    again: bool
    info: Any
    """What was said of the user."""


class TestClient:
    """A stand-in for Dobby, for the tests of your commands; see its `send`.

    It gives commands to the functions of the default router, or of another, and keeps the state of
    each session. What is not meant for the client is raised as it was in the handler, unless
    `raise_handler_errors` is False; then it is what callers see, `CommandFailed` with the code
    `handler_failed`.
    """

    __test__ = False  # pytest: not a class of tests

    def __init__(self, router: Router | None = None, *, raise_handler_errors: bool = True) -> None:
        self._router = router or default_router
        self._raises = raise_handler_errors
        self._states: dict[str, dict[str, Any]] = {}
        self._versions: dict[str, int] = {}
        self._sent = 0

    def send(self, path: str, command: str, args: Any = None, **given: Unpack[Giving]) -> Answer:
        """Gives a command; `args` None stands for no arguments, and `given` is as in `Giving`.

        Raises `Refused`, `NotAllowed`, `BadArgs` or another `CommandFailed`; and `BadPath` or
        `BadMessage` for what Dobby would not take.
        """
        return run(self._steps(path, command, args, **given))

    async def asend(
        self, path: str, command: str, args: Any = None, **given: Unpack[Giving]
    ) -> Answer:
        """Gives a command from async code; see `send`."""
        return await arun(self._steps(path, command, args, **given))

    def _steps(
        self,
        path: str,
        command: str,
        args: Any,
        *,
        user: str | None = None,
        session_id: str = "s1",
        state: Mapping[str, Any] | None = None,
        may_hear: bool = True,
        again: bool = False,
        info: Any = None,
    ) -> Steps[Answer]:
        self._begin(session_id, state)
        self._sent += 1
        body = {
            "type": "command",
            "uid": f"c{self._sent}",
            "path": checked_path(path),
            "command": command,
            "args": json.loads(encode_message({} if args is None else args, "args")),
            "again": again,
            "session": {
                "id": session_id,
                "user": user,
                "info": info,
                "mayHear": may_hear,
                "state": self._states[session_id],
                "version": self._versions[session_id],
            },
        }
        answer = yield from self._answer(dumps(body).encode())
        if "state" in answer:
            self._patch(session_id, answer["state"])
        return Answer(
            answer.get("reply"),
            answer.get("updates", []),
            answer.get("grants", []),
            answer.get("send", []),
            dict(self._states[session_id]),
        )

    def _begin(self, session_id: str, state: Mapping[str, Any] | None) -> None:
        self._states.setdefault(session_id, {})
        self._versions.setdefault(session_id, 0)
        if state is not None:
            self._states[session_id] = json.loads(encode_message(dict(state), "state"))
            self._versions[session_id] += 1

    def _answer(self, body: bytes) -> Steps[dict[str, Any]]:
        failures: list[Exception] = []
        given = yield from self._router.steps(body, failed=failures.append)
        if failures and self._raises:
            raise failures[0]
        answer: dict[str, Any] = json.loads(given)
        if "error" in answer:
            raise _raised(answer["error"])
        return answer

    def _patch(self, session_id: str, change: Any) -> None:
        if change.get("version", self._versions[session_id]) != self._versions[session_id]:
            raise CommandFailed("state_conflict", "The version is not the present one.")
        changed = {**self._states[session_id], **change["patch"]}
        self._states[session_id] = {k: v for k, v in changed.items() if v is not None}
        self._versions[session_id] += 1


def _raised(error: dict[str, Any]) -> CommandFailed:
    code, message, field = error["code"], error["message"], error.get("field")
    if code == "refused":
        return Refused(message, error.get("reason"), error.get("data"))
    if code == "not_allowed":
        return NotAllowed(message)
    if code == "bad_args" and field is not None:
        return BadArgs(message, field)
    return CommandFailed(code, message, field)
