"""Reads the body that Pomona posts to the connect and disconnect views, strictly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from .._errors import ApiError, BadPath, api_error
from .._paths import checked_paths

_MAX_PATHS = 1_000
_MAX_ID = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """The session that asks, and the paths that it wants, each once."""

    uid: str
    paths: list[str]


def read_body(request: HttpRequest) -> Asked:
    """Gives the checked body of a POST. Raises `ApiError` with the status to answer."""
    if request.method != "POST":
        raise api_error("method_not_allowed", "Use POST.", status=405)
    if request.content_type != "application/json":
        raise api_error("unsupported_media_type", "The body must be application/json.", status=415)
    body = _json(request)
    if not isinstance(body, dict):
        raise api_error("bad_json", "The body is not an object.", status=400)
    for name in body:
        if name not in ("uid", "paths"):
            raise _fault("unknown_field", name, "There is no field of this name here.")
    return Asked(_uid(body.get("uid")), _paths(body.get("paths")))


def _json(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body)
    except RequestDataTooBig as error:
        raise api_error("too_large", "The body is too large.", status=413) from error
    except UnreadablePostError as error:
        raise api_error("request_timeout", "The body did not arrive.", status=408) from error
    except (ValueError, RecursionError) as error:
        raise api_error("bad_json", "This is not JSON.", status=400) from error


def _uid(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_ID or not value.isprintable():
        raise _fault("bad_field", "uid", "This field is missing or has a wrong value.")
    return value


def _paths(value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise _fault("bad_field", "paths", "A list of at least one path.")
    if len(value) > _MAX_PATHS:
        raise _fault("too_many_items", "paths", f"At most {_MAX_PATHS} paths.")
    for index, path in enumerate(value):
        if not isinstance(path, str):
            raise _fault("bad_field", f"paths.{index}", "A path is text.")
    try:
        return checked_paths(value)
    except BadPath as error:
        raise _fault(error.code, error.field, str(error)) from error


def _fault(code: str, field: str, message: str) -> ApiError:
    return api_error(code, message, field, 400)
