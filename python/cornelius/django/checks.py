"""System checks of `DOBBY` in the settings. They send nothing.

What is wrong in itself is an error. What may only be missing on this machine, as in a build, is a
warning, so that `manage.py check` and `migrate` still run there. Commands without any secret are an
error: each would be refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core import checks

from .._default import checked_backend, checked_secrets, read_key_file, read_secret_file
from .._endpoint import checked_api_key, checked_timeout, checked_url
from .._errors import BadConfiguration
from .._retry import checked_retry_seconds
from .._tokens import (
    checked_algorithm,
    checked_option,
    checked_token_secret,
    read_token_secret_file,
)
from ..commands import router
from ._cookie_checks import cookie_faults
from ._settings import (
    KNOWN,
    checked_session_seconds,
    checked_switch,
    load_hook,
    revokes_on_signals,
)

_IN_COOKIES = "django.contrib.sessions.backends.signed_cookies"
_SESSION_HOOKS = ("INFO", "GRANTS", "ADMIT")


def check_settings(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Gives every fault of the settings."""
    given = getattr(settings, "DOBBY", {})
    if not isinstance(given, Mapping):
        return [checks.Error("DOBBY is not a dict.", id="cornelius.E001")]
    return [
        *_names(given),
        *_values(given),
        *_files(given),
        *_missing(given),
        *_logins(),
        *cookie_faults(),
    ]


def _names(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    for name in given:
        if name not in KNOWN:
            hint = f"The options are {', '.join(sorted(KNOWN))}."
            yield checks.Error(f"DOBBY has no option {name!r}.", hint=hint, id="cornelius.E002")


def _values(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    rows: list[tuple[str, Callable[[Any], Any], str]] = [
        ("BACKEND", checked_backend, "cornelius.E018"),
        ("URL", checked_url, "cornelius.E003"),
        ("API_KEY", checked_api_key, "cornelius.E004"),
        ("TIMEOUT", checked_timeout, "cornelius.E005"),
        ("AUTHORIZE", load_hook, "cornelius.E006"),
        ("RETRY_SECONDS", checked_retry_seconds, "cornelius.E008"),
        ("WEBHOOK_SECRET", checked_secrets, "cornelius.E009"),
        *((name, load_hook, "cornelius.E011") for name in _SESSION_HOOKS),
        ("SESSION_SECONDS", checked_session_seconds, "cornelius.E012"),
        ("REVOKE_ON_SIGNALS", checked_switch, "cornelius.E013"),
        ("TOKEN_SECRET", checked_token_secret, "cornelius.E014"),
        ("TOKEN_ALGORITHM", checked_algorithm, "cornelius.E016"),
        ("TOKEN_KEY_ID", checked_option, "cornelius.E017"),
        ("TOKEN_AUDIENCE", checked_option, "cornelius.E017"),
        ("TOKEN_ISSUER", checked_option, "cornelius.E017"),
    ]
    for name, check, id in rows:
        if given.get(name) is None:
            continue
        try:
            check(given[name])
        except BadConfiguration as error:
            yield checks.Error(f'DOBBY["{name}"]: {error}.', id=id)


def _files(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    rows: list[tuple[str, Callable[[Any], Any], str, str]] = [
        ("API_KEY", _read_api_key_file, "cornelius.E007", "cornelius.W002"),
        ("WEBHOOK_SECRET", read_secret_file, "cornelius.E010", "cornelius.W003"),
        ("TOKEN_SECRET", read_token_secret_file, "cornelius.E015", "cornelius.W006"),
        ("TOKEN_KEY", _read_token_key_file, "", "cornelius.W007"),
    ]
    for name, read, both_id, unreadable_id in rows:
        file = f"{name}_FILE"
        if given.get(file) is None:
            continue
        if both_id and given.get(name) is not None:
            yield checks.Error(f'DOBBY has both "{name}" and "{file}".', id=both_id)
            continue
        try:
            read(given[file])
        except BadConfiguration as error:
            yield checks.Warning(f'DOBBY["{file}"]: {error}.', id=unreadable_id)


def _read_api_key_file(file: Any) -> str:
    return checked_api_key(read_key_file(file))


def _read_token_key_file(file: Any) -> str:
    return read_key_file(file, "token key")


def _missing(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    if not _is_given(given, "API_KEY"):
        yield checks.Warning(
            "Dobby's API key is not configured: nothing can be published.",
            hint='Set DOBBY["API_KEY"], DOBBY["API_KEY_FILE"] or the variable DOBBY_API_KEY.',
            id="cornelius.W001",
        )
    options = [name for name in (*_SESSION_HOOKS, "SESSION_SECONDS") if given.get(name) is not None]
    if (len(router) or options) and not _is_given(given, "WEBHOOK_SECRET"):
        there = "There are commands" if len(router) else f"DOBBY has {options[0]!r}"
        yield checks.Warning(
            f"{there}, but no secret: whatever Dobby posts would be refused.",
            hint='Set DOBBY["WEBHOOK_SECRET_FILE"], DOBBY["WEBHOOK_SECRET"] or the variable '
            "DOBBY_WEBHOOK_SECRET.",
            id="cornelius.W004",
        )


def _is_given(given: Mapping[str, Any], name: str) -> bool:
    variables = map(os.environ.get, (f"DOBBY_{name}", f"DOBBY_{name}_FILE"))
    return given.get(f"{name}_FILE") is not None or any((given.get(name), *variables))


def _logins() -> Iterator[checks.CheckMessage]:
    if revokes_on_signals() and settings.SESSION_ENGINE == _IN_COOKIES:
        yield checks.Warning(
            "Sessions are kept in cookies and have no lasting key: a logout ends nothing in Dobby.",
            hint='Use another SESSION_ENGINE, or say DOBBY["REVOKE_ON_SIGNALS"] = False.',
            id="cornelius.W005",
        )
