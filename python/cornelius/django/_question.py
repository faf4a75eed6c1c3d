"""Reads what Dobby posts to the session view (docs/protocol.md, "The back end's session view").

Unknown fields are ignored, since the server may learn new ones; missing or mistyped ones are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import _decode as decode
from .._errors import ApiError, BadPath, BadReply, api_error
from .._paths import checked_paths

MAX_PATHS = 1_000
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class SessionQuestion:
    """A session opens: who is it, and which of these paths may it hear? Cookies come along."""

    paths: list[str]


@dataclass(frozen=True, slots=True)
class SubscribeQuestion:
    """A session of `user`, or of nobody, wants more paths. No cookies come along."""

    paths: list[str]
    user: str | None


def read_question(body: bytes) -> SessionQuestion | SubscribeQuestion:
    """Gives the question in `body`. Raises `BadRequest`, whatever else the bytes are."""
    try:
        source = decode.json_object(body, "the body")
    except BadReply as error:
        raise api_error("bad_json", "The body is not a JSON object.", status=400) from error
    kind = source.get("type")
    if kind == "session":
        return SessionQuestion(_paths(source))
    if kind == "subscribe":
        _name(source, "login")
        return SubscribeQuestion(_paths(source), _name(source, "user"))
    raise api_error("unknown_type", "The body is no question of Dobby's.", "type", 400)


def _paths(source: decode.Object) -> list[str]:
    value = source.get("paths")
    if not isinstance(value, list):
        raise _fault("bad_field", "paths", "A list of paths.")
    if len(value) > MAX_PATHS:
        raise _fault("too_many_items", "paths", f"At most {MAX_PATHS} paths.")
    try:
        return checked_paths(value)
    except BadPath as error:
        raise _fault(error.code, error.field, str(error)) from error


def _name(source: decode.Object, field: str) -> str | None:
    value = source.get(field)
    if value is None or (isinstance(value, str) and 1 <= len(value) <= _MAX_NAME):
        return value
    raise _fault("bad_field", field, f"Null, or text of 1 to {_MAX_NAME} characters.")


def _fault(code: str, field: str, message: str) -> ApiError:
    return api_error(code, message, field, 400)
