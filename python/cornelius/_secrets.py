"""The rule for secrets and API keys, the one that Dobby has: each line is one, the first signs.

All of them verify, so that a secret is replaced without a moment in which nothing fits.
"""

from __future__ import annotations

import re

from ._errors import BadConfiguration

_LINE_END = re.compile(r"\r\n|[\r\n]")
_SECRET = re.compile(r"[\x21-\x7e]+")


def secrets_of(text: str) -> list[str]:
    """Returns the lines of `text`, each once.

    A byte order mark, blank lines, and the spaces around each line are dropped.
    """
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    return list(dict.fromkeys(filter(None, (line.strip(" \t") for line in lines))))


def checked_secrets(text: object, min_characters: int, what: str) -> list[str]:
    """Returns the secrets of `text`, at least one, or raises `BadConfiguration` that names `what`.

    Each has at least `min_characters` of printable ASCII and no spaces.
    """
    secrets = secrets_of(text) if isinstance(text, str) else []
    if not secrets or not all(
        len(one) >= min_characters and _SECRET.fullmatch(one) for one in secrets
    ):
        # The secret itself stays out of the message: messages end up in logs.
        raise BadConfiguration(
            f"{what} is not {min_characters} characters or more of ASCII, without spaces"
            " (each line is one)"
        )
    return secrets


def not_configured(what: str, option: str) -> BadConfiguration:
    """Returns the error that says how to configure `option`, which may stand in a file too."""
    return BadConfiguration(
        f"{what} is not configured: set DOBBY_{option} or DOBBY_{option}_FILE, "
        f'or DOBBY["{option}"] in the Django settings, or call cornelius.configure()'
    )
