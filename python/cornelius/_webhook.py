"""`Dobby-Signature`: who posts a command holds the secret, just now, and only once.

Without I/O: the secrets, the time and the store of nonces are handed in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets as randomness
import time
from collections.abc import Sequence

from ._errors import BadSignature

MAX_SKEW_MS = 60_000
REMEMBER_SECONDS = 120.0
"""A nonce is good from 60 s before its time to 60 s after it."""

_PART = re.compile(r"([a-z][a-z0-9]*)=([A-Za-z0-9_.+/=-]{1,256})")
_TIME = re.compile("[0-9]{1,16}")
_HEX = re.compile("[0-9a-f]{64}")


def sign(
    secret: str,
    target: str,
    body: bytes,
    *,
    method: str = "POST",
    at_ms: int | None = None,
    nonce: str | None = None,
) -> str:
    """Gives the value of `Dobby-Signature` for a request, as Dobby does; for tests.

    `target` is the URL's path with its query. `at_ms` is in milliseconds since 1970, by default
    now; a `nonce` is made.
    """
    at = str(int(time.time() * 1000) if at_ms is None else at_ms)
    once = randomness.token_urlsafe(16) if nonce is None else nonce
    return f"t={at},nonce={once},v1={_signature(secret, method, target, at, once, body)}"


def verified_nonce(
    header: str | None,
    secrets: Sequence[str],
    *,
    method: str,
    target: str,
    body: bytes,
    now_ms: int,
) -> str:
    """Gives the nonce of a request that one of `secrets` has signed. Raises `BadSignature`.

    The nonce must then be remembered for `REMEMBER_SECONDS`, and refused if it was known.
    """
    if not header:
        raise BadSignature("missing", "The header Dobby-Signature is missing.")
    at, nonce, given = _parsed(header)
    fits = False
    for secret in secrets:
        expected = _signature(secret, method, target, at, nonce, body)
        fits |= hmac.compare_digest(expected, given)
    if not fits:
        raise BadSignature("wrong_signature", "The signature fits neither secret nor request.")
    if abs(now_ms - int(at)) > MAX_SKEW_MS:
        raise BadSignature("too_old", "The signature's time is more than 60 s away from the clock.")
    return nonce


def replayed() -> BadSignature:
    """Gives the error of a nonce that was known."""
    return BadSignature("replayed", "A request with this nonce came before.")


def _signature(secret: str, method: str, target: str, at: str, nonce: str, body: bytes) -> str:
    lines = (method, target, at, nonce, hashlib.sha256(body).hexdigest())
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def _parsed(header: str) -> tuple[str, str, str]:
    """Gives time, nonce and signature; what else is named is for later versions."""
    found: dict[str, str] = {}
    for each in header.split(","):
        part = _PART.fullmatch(each)
        if part is None or part[1] in found:
            raise _malformed()
        found[part[1]] = part[2]
    at, nonce, given = (found.get(name, "") for name in ("t", "nonce", "v1"))
    if not nonce or not _TIME.fullmatch(at) or not _HEX.fullmatch(given):
        raise _malformed()
    return at, nonce, given


def _malformed() -> BadSignature:
    return BadSignature("malformed", "Dobby-Signature is not of the form t=…,nonce=…,v1=….")
