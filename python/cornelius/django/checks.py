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
        *_key(given),
        *_secret(given),
        *_token(given),
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


def _key(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    file = given.get("API_KEY_FILE")
    if given.get("API_KEY") is not None and file is not None:
        yield checks.Error('DOBBY has both "API_KEY" and "API_KEY_FILE".', id="cornelius.E007")
        return
    if file is None:
        sources = (
            given.get("API_KEY"),
            *map(os.environ.get, ("DOBBY_API_KEY", "DOBBY_API_KEY_FILE")),
        )
        if not any(sources):
            yield checks.Warning(
                "Dobby's API key is not configured: nothing can be published.",
                hint='Set DOBBY["API_KEY"], DOBBY["API_KEY_FILE"] or the variable DOBBY_API_KEY.',
                id="cornelius.W001",
            )
        return
    try:
        checked_api_key(read_key_file(file))
    except BadConfiguration as error:
        yield checks.Warning(f'DOBBY["API_KEY_FILE"]: {error}.', id="cornelius.W002")


def _secret(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    file = given.get("WEBHOOK_SECRET_FILE")
    if given.get("WEBHOOK_SECRET") is not None and file is not None:
        both = 'DOBBY has both "WEBHOOK_SECRET" and "WEBHOOK_SECRET_FILE".'
        yield checks.Error(both, id="cornelius.E010")
        return
    if file is not None:
        try:
            read_secret_file(file)
        except BadConfiguration as error:
            yield checks.Warning(f'DOBBY["WEBHOOK_SECRET_FILE"]: {error}.', id="cornelius.W003")
        return
    names = ("DOBBY_WEBHOOK_SECRET", "DOBBY_WEBHOOK_SECRET_FILE")
    if any((given.get("WEBHOOK_SECRET"), *map(os.environ.get, names))):
        return
    options = [name for name in (*_SESSION_HOOKS, "SESSION_SECONDS") if given.get(name) is not None]
    if len(router) or options:
        there = "There are commands" if len(router) else f"DOBBY has {options[0]!r}"
        yield checks.Warning(
            f"{there}, but no secret: whatever Dobby posts would be refused.",
            hint='Set DOBBY["WEBHOOK_SECRET_FILE"], DOBBY["WEBHOOK_SECRET"] or the variable '
            "DOBBY_WEBHOOK_SECRET.",
            id="cornelius.W004",
        )


def _token(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    files: list[tuple[str, Callable[[Any], Any], str]] = [
        ("TOKEN_SECRET_FILE", read_token_secret_file, "cornelius.W006"),
        ("TOKEN_KEY_FILE", lambda file: read_key_file(file, "token key"), "cornelius.W007"),
    ]
    if given.get("TOKEN_SECRET") is not None and given.get("TOKEN_SECRET_FILE") is not None:
        both = 'DOBBY has both "TOKEN_SECRET" and "TOKEN_SECRET_FILE".'
        yield checks.Error(both, id="cornelius.E015")
        files = files[1:]
    for name, read, id in files:
        if given.get(name) is None:
            continue
        try:
            read(given[name])
        except BadConfiguration as error:
            yield checks.Warning(f'DOBBY["{name}"]: {error}.', id=id)


def _logins() -> Iterator[checks.CheckMessage]:
    if revokes_on_signals() and settings.SESSION_ENGINE == _IN_COOKIES:
        yield checks.Warning(
            "Sessions are kept in cookies and have no lasting key: a logout ends nothing in Dobby.",
            hint='Use another SESSION_ENGINE, or say DOBBY["REVOKE_ON_SIGNALS"] = False.',
            id="cornelius.W005",
        )
