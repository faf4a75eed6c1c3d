"""Reads the body that Dobby posts (docs/protocol.md, "The back end's command view").

Unknown fields are ignored, since the server may learn new ones; missing or mistyped ones are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .. import _decode as decode
from .._errors import BadReply, api_error


@dataclass(frozen=True, slots=True)
class Session:
    """The session that gave a command, as it was when the command came."""

    id: str
    user: str | None
    """Whom the session is bound to; None for nobody."""
    may_hear: bool
    """Whether it may hear the command's path."""
    state: Mapping[str, Any]
    """What commands have set for this session; forgotten when it ends."""
    version: int
    """Rises with each change of the state."""
    info: Any = None
    """What its token or the session view said of the user, any JSON value."""

    @property
    def is_authenticated(self) -> bool:
        """Says whether the session is bound to a user."""
        return self.user is not None


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it was posted."""

    uid: str
    path: str
    name: str
    args: Any
    again: bool
    session: Session


def read_command(body: bytes) -> Command:
    """Gives the command in `body`. Raises `BadRequest`, whatever else the bytes are."""
    try:
        source = decode.json_object(body, "the body")
    except BadReply as error:
        raise api_error("bad_json", "The body is not a JSON object.", status=400) from error
    if source.get("type") != "command":
        raise api_error("unknown_type", "The body is not a command.", "type", 400)
    try:
        return _command(source)
    except BadReply as error:
        raise api_error("bad_field", f"{error.reason}.", status=400) from error


def _command(source: decode.Object) -> Command:
    return Command(
        decode.text(source, "uid"),
        decode.text(source, "path"),
        decode.text(source, "command"),
        source.get("args", {}),
        _flag(source, "again"),
        _session(decode.as_object(source.get("session"), "session")),
    )


def _session(source: decode.Object) -> Session:
    state = decode.as_object(source.get("state", {}), "session.state")
    return Session(
        decode.text(source, "id"),
        decode.optional_text(source, "user"),
        _flag(source, "mayHear"),
        MappingProxyType(state),
        decode.integer(source, "version") if "version" in source else 0,
        source.get("info"),
    )


def _flag(source: decode.Object, name: str) -> bool:
    return name in source and decode.boolean(source, name)
