"""Gives commands to a router's functions without a server, as their callers would see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import BadArgs, CommandFailed, NotAllowed, Refused
from .._messages import dumps, encode_message
from .._paths import checked_path
from .router import Router
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


class TestClient:
    """A stand-in for Dobby, for the tests of your commands.

    It keeps the state of each session from command to command. What is not meant for the client is
    raised here as it was in the handler, unless `raise_handler_errors` is False; then it is the
    `CommandFailed` with code `handler_failed` that callers see.
    """

    __test__ = False  # pytest: not a class of tests

    def __init__(self, router: Router, *, raise_handler_errors: bool = True) -> None:
        self._router = router
        self._raises = raise_handler_errors
        self._states: dict[str, dict[str, Any]] = {}
        self._versions: dict[str, int] = {}
        self._sent = 0

    def send(
        self,
        path: str,
        command: str,
        args: Any = None,
        *,
        user: str | None = None,
        session_id: str = "s1",
        state: Mapping[str, Any] | None = None,
        may_hear: bool = True,
        again: bool = False,
        info: Any = None,
    ) -> Answer:
        """Gives a command; `args` None stands for no arguments.

        `state` replaces the state that the session had, `info` is what was said of the user. Raises
        `Refused`, `NotAllowed`, `BadArgs` or another `CommandFailed`; and `BadPath` or `BadMessage`
        for what Dobby would not take.
        """
        self._begin(session_id, state)
        asking = {"id": session_id, "user": user, "info": info, "mayHear": may_hear}
        body = self._body(path, command, args, again, asking)
        return run(self._steps(body, session_id))

    async def asend(
        self,
        path: str,
        command: str,
        args: Any = None,
        *,
        user: str | None = None,
        session_id: str = "s1",
        state: Mapping[str, Any] | None = None,
        may_hear: bool = True,
        again: bool = False,
        info: Any = None,
    ) -> Answer:
        """Gives a command from async code; see `send`."""
        self._begin(session_id, state)
        asking = {"id": session_id, "user": user, "info": info, "mayHear": may_hear}
        body = self._body(path, command, args, again, asking)
        return await arun(self._steps(body, session_id))

    def _begin(self, session_id: str, state: Mapping[str, Any] | None) -> None:
        self._states.setdefault(session_id, {})
        self._versions.setdefault(session_id, 0)
        if state is not None:
            self._states[session_id] = json.loads(encode_message(dict(state), "state"))
            self._versions[session_id] += 1

    def _body(
        self,
        path: str,
        command: str,
        args: Any,
        again: bool,
        asking: dict[str, Any],
    ) -> bytes:
        self._sent += 1
        id = asking["id"]
        body = {
            "type": "command",
            "uid": f"c{self._sent}",
            "path": checked_path(path),
            "command": command,
            "args": json.loads(encode_message({} if args is None else args, "args")),
            "again": again,
            "session": {**asking, "state": self._states[id], "version": self._versions[id]},
        }
        return dumps(body).encode()

    def _steps(self, body: bytes, session_id: str) -> Steps[Answer]:
        failures: list[Exception] = []
        given = yield from self._router.steps(body, failed=failures.append)
        if failures and self._raises:
            raise failures[0]
        answer = json.loads(given)
        if "error" in answer:
            raise _raised(answer["error"])
        self._patch(session_id, answer.get("state"))
        return Answer(
            answer.get("reply"),
            answer.get("updates", []),
            answer.get("grants", []),
            answer.get("send", []),
            dict(self._states[session_id]),
        )

    def _patch(self, session_id: str, change: Any) -> None:
        if change is None:
            return
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
