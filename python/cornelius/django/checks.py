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

from .._default import checked_secrets, read_key_file, read_secret_file
from .._endpoint import checked_api_key, checked_timeout, checked_url
from .._errors import BadConfiguration
from .._retry import checked_retry_seconds
from ..commands import router
from ._settings import KNOWN, load_hook


def check_settings(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Gives every fault of the settings."""
    given = getattr(settings, "DOBBY", {})
    if not isinstance(given, Mapping):
        return [checks.Error("DOBBY is not a dict.", id="cornelius.E001")]
    return [*_names(given), *_values(given), *_key(given), *_secret(given)]


def _names(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    for name in given:
        if name not in KNOWN:
            hint = f"The options are {', '.join(sorted(KNOWN))}."
            yield checks.Error(f"DOBBY has no option {name!r}.", hint=hint, id="cornelius.E002")


def _values(given: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    rows: list[tuple[str, Callable[[Any], Any], str]] = [
        ("URL", checked_url, "cornelius.E003"),
        ("API_KEY", checked_api_key, "cornelius.E004"),
        ("TIMEOUT", checked_timeout, "cornelius.E005"),
        ("AUTHORIZE", load_hook, "cornelius.E006"),
        ("RETRY_SECONDS", checked_retry_seconds, "cornelius.E008"),
        ("WEBHOOK_SECRET", checked_secrets, "cornelius.E009"),
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
    if len(router) and not any((given.get("WEBHOOK_SECRET"), *map(os.environ.get, names))):
        yield checks.Warning(
            "There are commands, but no secret: each of them would be refused.",
            hint='Set DOBBY["WEBHOOK_SECRET_FILE"], DOBBY["WEBHOOK_SECRET"] or the variable '
            "DOBBY_WEBHOOK_SECRET.",
            id="cornelius.W004",
        )
