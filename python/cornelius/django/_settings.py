"""The options of `DOBBY` in the settings, and the hook that one of them names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from .._errors import BadConfiguration

Authorize = Callable[[HttpRequest, str], bool | Awaitable[bool]]
"""Says whether the visitor of this request may hear this path; may be async."""

KNOWN = frozenset(
    {
        "URL",
        "API_KEY",
        "API_KEY_FILE",
        "TIMEOUT",
        "RETRY_SECONDS",
        "AUTHORIZE",
        "WEBHOOK_SECRET",
        "WEBHOOK_SECRET_FILE",
    }
)


def refuse(request: HttpRequest, path: str) -> bool:
    """Refuses every path: what holds until a project names a hook of its own."""
    return False


def configured_authorize() -> Authorize:
    """Gives the hook that the settings name, else `refuse`. Raises `BadConfiguration`."""
    named = getattr(settings, "DOBBY", {}).get("AUTHORIZE")
    return refuse if named is None else load_authorize(named)


def load_authorize(named: Any) -> Authorize:
    """Gives the hook of a dotted path, or the function itself. Raises `BadConfiguration`."""
    try:
        found = import_string(named) if isinstance(named, str) else named
    except ImportError as error:
        raise BadConfiguration(str(error)) from error
    if not callable(found):
        raise BadConfiguration(f"{named!r} is not a function")
    hook: Authorize = found
    return hook
