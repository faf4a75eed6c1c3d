"""Tokens (docs/protocol.md, "Tokens"): the back end's signed word that a client carries.

A token is of a session or of paths, never of both. What it says is checked before it is signed, so
that Dobby refuses no client for it. The secret or the key is read for each token.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable
from typing import Any

from ._default import first, option_or_file, option_sources, read_key_file
from ._errors import BadConfiguration, api_error
from ._messages import encode_info
from ._patterns import checked_patterns
from ._secrets import checked_secrets, not_configured

ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
AUDIENCE = "dobby"
MAX_CHARACTERS = 16_384
MAX_NAME_CHARACTERS = 255

_MIN_SECRET_CHARACTERS = 32


def token(
    user: str | None = None,
    *,
    grants: Iterable[str] | None = None,
    paths: Iterable[str] | None = None,
    login: str | None = None,
    info: Any = None,
    lifetime: float = 3600.0,
    audience: str | None = None,
    issuer: str | None = None,
    secret: str | None = None,
    key: str | bytes | None = None,
    algorithm: str | None = None,
    key_id: str | None = None,
) -> str:
    """Signs a token, which says for `lifetime` seconds who is asking and what they may hear.

    Of a session: whose it is, nobody's without `user`; `grants`, the paths and patterns that it may
    hear; `info`, any JSON about the user. Of paths: `paths` names the paths and patterns that it
    opens, at least one, for sessions of `user` or without one for any. `login` is a tag of the
    login, see `kick`.

    It is signed with `secret` (HS256), or with `key`, a private key as PEM, by `algorithm`: RS256,
    ES256 or EdDSA, which need `cornelius[keys]`; `key_id` tells which key. What is None comes from
    the configuration: TOKEN_SECRET or TOKEN_SECRET_FILE, TOKEN_KEY_FILE, TOKEN_ALGORITHM,
    TOKEN_KEY_ID, TOKEN_AUDIENCE ("dobby") and TOKEN_ISSUER. Dobby takes no token for longer than
    its `maxTokenAgeMs`, an hour. Raises `BadPattern`, `BadMessage` for `info`, `BadRequest` for
    another argument, `TooLarge`, `BadConfiguration`, and TypeError for both kinds in one.
    """
    if paths is not None and (grants is not None or info is not None):
        raise TypeError("a token is of a session (grants, info) or of paths, not both")
    if secret is not None and key is not None:
        raise TypeError("a token is signed with a secret or with a key, not both")
    claims = _times(lifetime)
    for name, value in (("sub", _name(user, "user")), ("login", _name(login, "login"))):
        claims |= {} if value is None else {name: value}
    if paths is not None:
        claims["paths"] = _opened(paths)
    else:
        claims |= _of_session(grants, info)
    sources = option_sources()
    claims["aud"] = _option(audience, "audience", first(sources, "token_audience"), AUDIENCE)
    issued_by = _option(issuer, "issuer", first(sources, "token_issuer"), None)
    claims |= {} if issued_by is None else {"iss": issued_by}
    named = _option(key_id, "key_id", first(sources, "token_key_id"), None)
    chosen = _algorithm(algorithm, secret)
    signing: str | bytes
    if chosen == "HS256":
        if key is not None:
            raise BadConfiguration("name the algorithm of the key: RS256, ES256 or EdDSA")
        signing = token_secret(secret)
    else:
        signing = _key(key)
    return _signed(claims, signing, chosen, named)


def token_secret(given: object = None) -> str:
    """Gives the secret that signs tokens: `given`, or the configured one.

    Raises `BadConfiguration` when there is none, or it is not good.
    """
    found = option_or_file("token_secret", "token secret") if given is None else given
    if found is None:
        raise not_configured("the secret of tokens", "TOKEN_SECRET")
    return checked_token_secret(found)


def read_token_secret_file(name: Any) -> str:
    """Gives the secret that a file holds. Raises `BadConfiguration`."""
    return checked_token_secret(read_key_file(name, "token secret"))


def checked_token_secret(given: object) -> str:
    """Gives the secret to sign with, the first line of `given`, or raises `BadConfiguration`."""
    secrets = checked_secrets(given, _MIN_SECRET_CHARACTERS, "the token secret")
    if any("-----BEGIN" in one for one in secrets):
        raise BadConfiguration("the token secret is a key: name it in TOKEN_KEY_FILE")
    return secrets[0]


def checked_algorithm(given: object) -> str:
    """Gives one of the algorithms that Dobby takes, or raises `BadConfiguration`."""
    if given not in ALGORITHMS:
        raise BadConfiguration(f"{given!r} is none of {', '.join(ALGORITHMS)}")
    return str(given)


def checked_option(given: object) -> str:
    """Gives an audience, an issuer or a key's id, or raises `BadConfiguration`."""
    if not isinstance(given, str) or not given or not given.isprintable():
        raise BadConfiguration(f"{given!r} is not a printable text of at least one character")
    return given


def _of_session(grants: Iterable[str] | None, info: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if grants is not None:
        claims["grants"] = checked_patterns(grants, "grants")
    if info is not None:
        encode_info(info)
        claims["info"] = info
    return claims


def _opened(paths: Iterable[str]) -> list[str]:
    found = checked_patterns(paths, "paths")
    if not found:
        # Without any path it would be a token of a session.
        raise api_error("bad_field", "A token of paths opens at least one.", "paths", 400)
    return found


def _times(lifetime: float) -> dict[str, Any]:
    is_number = isinstance(lifetime, (int, float)) and not isinstance(lifetime, bool)
    if not is_number or not math.isfinite(lifetime) or lifetime <= 0:
        raise api_error("bad_field", "A number of seconds above 0.", "lifetime", 400)
    # With milliseconds: what was taken back in the same second must count.
    now_ms = int(time.time() * 1000)
    return {"iat": now_ms / 1000, "exp": (now_ms + max(1, round(lifetime * 1000))) / 1000}


def _name(value: object, field: str) -> str | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and 1 <= _units(value) <= MAX_NAME_CHARACTERS:
            return value
    except UnicodeEncodeError:
        pass
    fault = f"Text of 1 to {MAX_NAME_CHARACTERS} characters."
    raise api_error("bad_field", fault, field, 400)


def _units(text: str) -> int:
    """Counts as Dobby does, in UTF-16 units; raises UnicodeEncodeError for half of one."""
    return len(text.encode("utf-16-le")) // 2


def _option(given: object, name: str, configured: object, otherwise: Any) -> Any:
    chosen = configured if given is None else given
    if chosen is None:
        return otherwise
    try:
        return checked_option(chosen)
    except BadConfiguration as error:
        raise BadConfiguration(f"the {name} of tokens: {error}") from error


def _algorithm(given: object, secret: object) -> str:
    if given is None:
        configured = first(option_sources(), "token_algorithm")
        given = "HS256" if secret is not None or configured is None else configured
    chosen = checked_algorithm(given)
    if secret is not None and chosen != "HS256":
        raise BadConfiguration(f"{chosen} signs with a key, not with a secret")
    return chosen


def _key(given: str | bytes | None) -> str | bytes:
    if given is not None:
        return given
    file = first(option_sources(), "token_key_file")
    if file is None:
        raise BadConfiguration(
            "the key of tokens is not configured: set DOBBY_TOKEN_KEY_FILE, or "
            'DOBBY["TOKEN_KEY_FILE"] in the Django settings, or call cornelius.configure()'
        )
    return read_key_file(file, "token key")


class _Utf8(json.JSONEncoder):
    """Writes text as it is: escaped, what is not ASCII would be up to three times as long."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


def _signed(
    claims: dict[str, Any], signing: str | bytes, algorithm: str, key_id: str | None
) -> str:
    # It loads cryptography where that is installed, for which only who signs should wait.
    import jwt

    headers = None if key_id is None else {"kid": key_id}
    try:
        text = jwt.encode(claims, signing, algorithm, headers, _Utf8)
    except NotImplementedError as error:
        raise BadConfiguration(f"{algorithm} needs cryptography: cornelius[keys]") from error
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        # What it says of the key stays out of the message.
        raise BadConfiguration(f"the key of tokens is none for {algorithm}") from error
    if len(text) > MAX_CHARACTERS:
        field = "paths" if "paths" in claims else "grants"
        raise api_error("too_large", f"A token is at most {MAX_CHARACTERS} long.", field, 413)
    return text
