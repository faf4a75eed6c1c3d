"""What a handler gets first: who asks for what, and a place for what goes along with the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _calls as calls
from .._errors import BadMessage, api_error
from .._keys import checked_key
from .._messages import dumps, encode_message
from .._paths import checked_path
from .._types import UNSET, Update, Version
from .posted import Command, Session

MAX_STATE_CHARACTERS = 16 * 1024
"""What Dobby keeps for one session, as JSON."""


class Context:
    """One command. What is collected here travels with the answer, in one round trip.

    It takes effect, or none of it does, before the client is answered: first `patch`, then `grant`,
    `update` and `send`. All of it is checked when it is called, and forgotten when the handler
    raises.
    """

    def __init__(self, command: Command, captured: Mapping[str, str]) -> None:
        self.path = command.path
        """The path the command was sent to."""
        self.command = command.name
        self.uid = command.uid
        """Names the command among those of its session."""
        self.again = command.again
        """Whether the client sends it for the second time, since it got no answer."""
        self.args: Any = command.args
        """What the client sent, unchecked."""
        self.captured = dict(captured)
        """What the pattern's captures hold, as text."""
        self.session: Session = command.session
        self._grants: dict[str, None] = {}
        self._updates: list[str] = []
        self._sendings: list[str] = []
        self._patch: dict[str, Any] | None = None
        self._version: int | None = None

    @property
    def may_hear(self) -> bool:
        """Says whether the session may hear the path: what may give commands by default."""
        return self.session.may_hear

    def update(
        self,
        path: str,
        message: Any,
        *,
        key: str | None = None,
        version: Version = UNSET,
        except_: Iterable[str] = (),
        echo: bool = False,
    ) -> None:
        """Pushes `message` to everybody who hears `path`, as `cornelius.update` does.

        The session that gave the command hears it only with `echo`. Raises `BadPath`, `BadKey` or
        `BadMessage`.
        """
        at = f"updates.{len(self._updates)}."
        _bounded(self._updates, "updates")
        ids = calls.id_list(except_)
        item = calls.encode_item(Update(path, message, key=key, except_=ids, version=version), at)
        self._updates.append(f'{item[:-1]},"echo":true}}' if echo else item)

    def grant(self, *paths: str) -> None:
        """Lets the session hear `paths`, and subscribes it. Raises `BadPath`."""
        checked = [checked_path(path, f"grants.{i}") for i, path in enumerate(paths)]
        for path in checked:
            if path not in self._grants:
                _bounded(self._grants, "grants")
            self._grants[path] = None

    def send(
        self, message: Any, *, sessions: Iterable[str] = (), users: Iterable[str] = ()
    ) -> None:
        """Sends `message` to sessions, by id or by user; see `cornelius.send`.

        Raises `BadMessage`.
        """
        _bounded(self._sendings, "send")
        item = calls.encode_sending(message, sessions, users, f"send.{len(self._sendings)}.")
        if item is not None:
            self._sendings.append(item)

    def patch(self, changes: Mapping[str, Any], *, version: int | None = None) -> None:
        """Sets `changes` in the session's own state; a value None removes its name.

        With `version`, such as `context.session.version`, only if the state is still at that one,
        else the command fails as `state_conflict`. A session has room for 16 KB of JSON. Raises
        `BadKey` or `BadMessage`.
        """
        checked = {checked_key(name, f"state.{name!r}"): each for name, each in changes.items()}
        # The JSON of now: later changes to the values do not matter.
        texts = {name: encode_message(each, f"state.{name}") for name, each in checked.items()}
        if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
            raise api_error("bad_field", "A version is a whole number.", "state.version", 400)
        patch = {**(self._patch or {}), **texts}
        _bounded_state(self.session.state, patch)
        self._patch = patch
        self._version = self._version if version is None else version

    def effects(self) -> str:
        """Gives the members of the answer that were collected, as JSON without braces."""
        found: list[str] = []
        if self._patch is not None:
            names = ",".join(f"{dumps(name)}:{text}" for name, text in self._patch.items())
            version = "" if self._version is None else f',"version":{self._version}'
            found.append(f'"state":{{"patch":{{{names}}}{version}}}')
        if self._grants:
            found.append(f'"grants":{dumps(list(self._grants))}')
        if self._updates:
            found.append(f'"updates":[{",".join(self._updates)}]')
        if self._sendings:
            found.append(f'"send":[{",".join(self._sendings)}]')
        return ",".join(found)


def _bounded_state(state: Mapping[str, Any], patch: Mapping[str, str]) -> None:
    kept = {**{name: dumps(value) for name, value in state.items()}, **patch}
    # Quotes, a colon and a comma around each, and two braces.
    whole = sum(len(dumps(n)) + len(t) + 2 for n, t in kept.items() if t != "null") + 1
    if whole > MAX_STATE_CHARACTERS:
        raise BadMessage("state", f"is above {MAX_STATE_CHARACTERS} characters of JSON")


def _bounded(items: Any, field: str) -> None:
    if len(items) >= calls.MAX_ITEMS:
        raise api_error("too_many_items", f"At most {calls.MAX_ITEMS} a command.", field, 400)
