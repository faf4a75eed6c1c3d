"""Patterns over paths (docs/protocol.md, "Patterns"), as the server matches them.

Matching is linear: there is no backtracking that a hostile path could blow up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ._errors import BadConfiguration, api_error

MAX_BYTES = 1_024
MAX_PATTERNS = 1_000
"""What Dobby takes in one list of grants."""

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_PIECE = re.compile(r"\{([^}]*)\}|([^{]+)|\{")


@dataclass(frozen=True, slots=True)
class _Part:
    kind: Literal["literal", "one", "rest"]
    text: str
    """What stands there, or the capture's name."""


class Pattern:
    """One compiled pattern. Raises `BadConfiguration` when `source` breaks the grammar."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._parts = _parsed(source)
        self.names = tuple(part.text for part in self._parts if part.kind != "literal")

    def match(self, path: str) -> dict[str, str] | None:
        """Gives what the captures hold when `path` matches, else None."""
        if path.startswith("::"):
            return None
        captured: dict[str, str] = {}
        at = 0
        for index, part in enumerate(self._parts):
            end = self._end(index, path, at)
            if end <= at:
                return None
            if part.kind != "literal":
                captured[part.text] = path[at:end]
            at = end
        return captured if at == len(path) else None

    def _end(self, index: int, path: str, at: int) -> int:
        """Gives where the part of `index` that begins at `at` ends, or -1."""
        part = self._parts[index]
        if part.kind == "literal":
            return at + len(part.text) if path.startswith(part.text, at) else -1
        if part.kind == "rest":
            return len(path)
        end = self._end_of_one(index, path, at)
        return -1 if "/" in path[at:end] else end

    def _end_of_one(self, index: int, path: str, at: int) -> int:
        # The grammar lets nothing but a literal follow.
        follows = self._parts[index + 1 : index + 2]
        if not follows:
            return len(path)
        text = follows[0].text
        if index + 2 == len(self._parts):
            return len(path) - len(text) if path.endswith(text) else -1
        return path.find(text, at + 1)


def checked_pattern(source: object, field: str) -> str:
    """Gives a path or pattern back, or raises `BadPattern` that names `field`."""
    try:
        if not isinstance(source, str):
            raise BadConfiguration("a pattern is text")
        # A lone surrogate can be no part of a path, and nobody can be told of it.
        source.encode()
        Pattern(source)
    except (BadConfiguration, UnicodeEncodeError) as error:
        raise api_error("bad_pattern", f"{error}.", field, 400) from error
    return source


def checked_patterns(sources: Iterable[str], field: str) -> list[str]:
    """Gives paths and patterns back, each once, in order; at most 1,000.

    Raises `BadPattern`, `BadRequest` for too many, or TypeError for one text.
    """
    if isinstance(sources, str):
        raise TypeError(f"{field} is a list, not one text")
    checked = (checked_pattern(each, f"{field}.{i}") for i, each in enumerate(sources))
    found = list(dict.fromkeys(checked))
    if len(found) > MAX_PATTERNS:
        raise api_error("too_many_items", f"At most {MAX_PATTERNS}.", field, 400)
    return found


def _parsed(source: str) -> list[_Part]:
    if not isinstance(source, str) or not source:
        raise BadConfiguration("a pattern is text, and not empty")
    if source.startswith("::"):
        raise BadConfiguration(f'{source!r}: what begins with "::" belongs to the server')
    if len(source.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadConfiguration(f"a pattern is at most {MAX_BYTES} bytes long")
    parts = [_part(source, piece) for piece in _PIECE.finditer(source)]
    names = [part.text for part in parts if part.kind != "literal"]
    if len(set(names)) < len(names):
        raise BadConfiguration(f"{source!r}: each name stands once")
    if any(part.kind == "rest" for part in parts[:-1]):
        raise BadConfiguration(f"{source!r}: {{name*}} stands last")
    if any("literal" not in (one.kind, next.kind) for one, next in pairwise(parts)):
        raise BadConfiguration(f"{source!r}: two captures need something between them")
    return parts


def _part(source: str, piece: re.Match[str]) -> _Part:
    inside, literal = piece.groups()
    if literal is not None:
        if "*" in literal or "}" in literal:
            raise BadConfiguration(f'{source!r}: "*" and "}}" stand only in {{name*}}')
        return _Part("literal", literal)
    if inside is None:
        raise BadConfiguration(f'{source!r}: "{{" is not closed')
    name = inside.removesuffix("*")
    if not _NAME.fullmatch(name):
        raise BadConfiguration(f"{source!r}: {{{inside}}} is not a name")
    return _Part("rest" if inside.endswith("*") else "one", name)
