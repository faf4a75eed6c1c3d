"""The grammar of a key (docs/protocol.md, "State"), the same that the server applies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._errors import BadKey

MAX_BYTES = 255

_FORBIDDEN = re.compile("[\u0000-\u001f\u007f-\u009f\ud800-\udfff]")


def key_fault(key: str) -> str | None:
    """Says what is wrong with `key`, as a code, or None when an update may carry it."""
    if not key or _FORBIDDEN.search(key) or len(key.encode()) > MAX_BYTES:
        return "bad_key"
    return None


def checked_key(key: str, field: str = "key") -> str:
    """Gives `key` back, or raises `BadKey` that names `field`. Numbers are no keys: `str(pk)`."""
    fault = key_fault(key) if isinstance(key, str) else "bad_key"
    if fault is not None:
        raise BadKey(key, fault, field)
    return key


def checked_keys(keys: Iterable[str]) -> list[str]:
    """Gives the keys back, each once, in order. Raises `BadKey`, or TypeError for one string."""
    if isinstance(keys, str):
        raise TypeError("keys is a list of keys, not one key")
    return list(dict.fromkeys(checked_key(key, f"keys.{i}") for i, key in enumerate(keys)))
