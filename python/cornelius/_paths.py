"""The grammar of a path (docs/protocol.md, "Paths"), the same that the server applies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._errors import BadPath

MAX_BYTES = 255

_FORBIDDEN = re.compile("[\u0000-\u001f\u007f-\u009f*{}\ud800-\udfff]")


def path_fault(path: str) -> str | None:
    """Says what is wrong with `path`, as a code, or None when it may be named."""
    # The server counts UTF-16 units before it looks at the prefix; the order decides the code.
    units = len(path) + sum(char > "\uffff" for char in path)
    if units == 0 or units > MAX_BYTES:
        return "bad_path"
    if path.startswith("::"):
        return "reserved_path"
    if _FORBIDDEN.search(path) or len(path.encode()) > MAX_BYTES:
        return "bad_path"
    return None


def checked_path(path: str, field: str = "path") -> str:
    """Gives `path` back, or raises `BadPath` that names `field`."""
    fault = path_fault(path) if isinstance(path, str) else "bad_path"
    if fault is not None:
        raise BadPath(path, fault, field)
    return path


def checked_paths(paths: Iterable[str]) -> list[str]:
    """Gives the paths back, each once, in order. Raises `BadPath`, or TypeError for one string."""
    if isinstance(paths, str):
        raise TypeError("paths is a list of paths, not one path")
    return list(dict.fromkeys(checked_path(path, f"paths.{i}") for i, path in enumerate(paths)))
