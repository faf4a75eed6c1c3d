"""The options of `DOBBY` in the settings, and the hook that one of them names."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from .._default import OPTIONS
from .._errors import BadConfiguration

Authorize = Callable[[HttpRequest, str], bool | Awaitable[bool]]
"""Says whether the visitor of this request may hear this path; may be async."""

_OF_DJANGO = "AUTHORIZE INFO GRANTS ADMIT SESSION_SECONDS REVOKE_ON_SIGNALS".split()
KNOWN = {*map(str.upper, OPTIONS), *_OF_DJANGO}


def refuse(request: HttpRequest, path: str) -> bool:
    """Refuses every path: what holds until a project names a hook of its own."""
    return False


def configured_authorize() -> Authorize:
    """Gives the hook that the settings name, else `refuse`. Raises `BadConfiguration`."""
    return configured_hook("AUTHORIZE") or refuse


def configured_hook(name: str) -> Callable[..., Any] | None:
    """Gives the hook of this option, or None without one. Raises `BadConfiguration`."""
    named = _option(name)
    return None if named is None else load_hook(named)


def session_seconds() -> float | None:
    """Says how long an answer of the session view holds; None: as long as the session."""
    given = _option("SESSION_SECONDS")
    return None if given is None else checked_session_seconds(given)


def checked_session_seconds(given: object) -> float:
    """Gives `given` in seconds, above 0, or raises `BadConfiguration`."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < math.inf:
        raise BadConfiguration("it is not a number of seconds above 0")
    return float(given)


def revokes_on_signals() -> bool:
    """Says whether a logout, and a user who loses rights, end sessions by themselves."""
    return bool(_option("REVOKE_ON_SIGNALS", True))


def checked_switch(given: object) -> bool:
    """Gives True or False, or raises `BadConfiguration`."""
    if not isinstance(given, bool):
        raise BadConfiguration("it is neither True nor False")
    return given


def _option(name: str, otherwise: Any = None) -> Any:
    given = getattr(settings, "DOBBY", {}).get(name)
    return otherwise if given is None else given


def load_hook(named: Any) -> Callable[..., Any]:
    """Gives the hook of a dotted path, or the function itself. Raises `BadConfiguration`."""
    try:
        found = import_string(named) if isinstance(named, str) else named
    except ImportError as error:
        raise BadConfiguration(str(error)) from error
    if not callable(found):
        raise BadConfiguration(f"{named!r} is not a function")
    hook: Callable[..., Any] = found
    return hook
