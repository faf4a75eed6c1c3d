"""What an annotation says of a JSON value: one `Kind` per annotation, made at registration.

`check` gives the value as the function shall have it, or raises `BadArgs` that names the place.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Required, Union

from .._errors import BadArgs, BadConfiguration

Check = Callable[[Any, str], Any]

_MAX_INTEGER = 2**53
_WHOLE = re.compile("-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,64}(\.[0-9]{1,64})?")


@dataclass(frozen=True)
class Kind:
    """What one annotation takes."""

    expected: str
    """What is told to those who send something else: `text`, `a whole number or null`."""
    check: Check
    read: Check | None = None
    """The same for the text that a path's capture holds; None where no text can be it."""


def fault(field: str, expected: str) -> BadArgs:
    """Gives the error of a value that is not what is expected."""
    return BadArgs(f"{expected[:1].upper()}{expected[1:]} is expected here.", field)


def kind_of(annotation: Any) -> Kind:
    """Gives the kind of an annotation. Raises `BadConfiguration` for what JSON cannot fill."""
    return _kind(annotation, {})


_Known = dict[Any, Kind]
"""Kinds of classes that are being made or were: a class may hold itself."""


def _kind(annotation: Any, known: _Known) -> Kind:
    if annotation in (Any, object):
        return Kind("a value", lambda value, _: value, lambda text, _: text)
    if annotation is None:
        annotation = type(None)
    simple = _SIMPLE.get(annotation) if isinstance(annotation, type) else None
    if simple is not None:
        return simple
    origin = typing.get_origin(annotation) or annotation
    arguments = typing.get_args(annotation)
    if origin in (Annotated, Required, NotRequired):
        return _kind(arguments[0], known)
    if origin in (Union, types.UnionType):
        return _union([_kind(each, known) for each in arguments])
    if origin is Literal:
        return _literal(arguments)
    if origin in (list, Sequence):
        return _list(_kind(arguments[0] if arguments else Any, known))
    if origin in (dict, Mapping):
        return _dict(annotation, arguments, known)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _dataclass(annotation, known)
    if typing.is_typeddict(annotation):
        return _typed_dict(annotation, known)
    raise BadConfiguration(f"{annotation!r} is no type that JSON has")


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise fault(field, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise fault(field, "text without lone surrogates") from None
    return value


def _integer(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_INTEGER:
        raise fault(field, "a whole number")
    return value


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise fault(field, "a number")
    if not math.isfinite(value) if isinstance(value, float) else abs(value) > _MAX_INTEGER:
        raise fault(field, "a number")
    return float(value)


def _boolean(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise fault(field, "true or false")
    return value


def _null(value: Any, field: str) -> None:
    if value is not None:
        raise fault(field, "null")


def _read_integer(text: Any, field: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise fault(field, "a whole number")
    return _integer(int(text), field)


def _read_number(text: Any, field: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise fault(field, "a number")
    return float(text)


_SIMPLE: dict[type, Kind] = {
    str: Kind("text", _text, _text),
    int: Kind("a whole number", _integer, _read_integer),
    float: Kind("a number", _number, _read_number),
    bool: Kind("true or false", _boolean),
    type(None): Kind("null", _null),
}


def _union(kinds: Sequence[Kind]) -> Kind:
    expected = " or ".join(kind.expected for kind in kinds)
    others = [kind for kind in kinds if kind.check is not _null]
    may_be_null = len(others) < len(kinds)

    def first(checks: Sequence[Check], value: Any, field: str) -> Any:
        for check in checks:
            try:
                return check(value, field)
            except BadArgs as error:
                # Inside the only thing that it may be, the place says more than the list of kinds.
                if len(checks) == 1 and error.field != field:
                    raise
        raise fault(field, expected)

    def checked(value: Any, field: str) -> Any:
        if value is None and may_be_null:
            return None
        return first([kind.check for kind in others], value, field)

    reads = [kind.read for kind in others if kind.read is not None]
    return Kind(expected, checked, (lambda text, at: first(reads, text, at)) if reads else None)


def _literal(values: Sequence[Any]) -> Kind:
    if not all(value is None or isinstance(value, (str, int)) for value in values):
        raise BadConfiguration(f"Literal{list(values)!r} holds what JSON has not")
    names = {None: "null", True: "true", False: "false"}
    shown = [names[v] if v is None or isinstance(v, bool) else repr(v) for v in values]
    expected = shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"

    def check(value: Any, field: str) -> Any:
        # 1 and True are equal in Python, and are two things in JSON.
        for each in values:
            if type(value) is type(each) and value == each:
                return each
        raise fault(field, expected)

    def read(text: Any, field: str) -> Any:
        for each in values:
            if isinstance(each, (str, int)) and not isinstance(each, bool) and str(each) == text:
                return each
        raise fault(field, expected)

    return Kind(expected, check, read)


def _list(of: Kind) -> Kind:
    def check(value: Any, field: str) -> list[Any]:
        if not isinstance(value, list):
            raise fault(field, "a list")
        return [of.check(each, f"{field}.{index}") for index, each in enumerate(value)]

    return Kind("a list", check)


def _dict(annotation: Any, arguments: Sequence[Any], known: _Known) -> Kind:
    if arguments and arguments[0] not in (str, Any):
        raise BadConfiguration(f"{annotation!r}: the names in a JSON object are text")
    of = _kind(arguments[1] if arguments else Any, known)

    def check(value: Any, field: str) -> dict[str, Any]:
        members = _object(value, field)
        return {name: of.check(each, _inside(field, name)) for name, each in members.items()}

    return Kind("an object", check)


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise fault(field, "an object")
    return value


def _inside(field: str, name: str) -> str:
    # What the sender named comes back to it, but not in any length.
    return f"{field}.{name[:100]}"


def members(
    value: Any, field: str, kinds: Mapping[str, Kind], required: frozenset[str]
) -> dict[str, Any]:
    """Gives the checked members of an object that has all that are required and no others."""
    given = _object(value, field)
    for name in given:
        if name not in kinds:
            raise BadArgs("Nothing of this name is expected here.", _inside(field, name))
    for name in kinds:
        if name in required and name not in given:
            raise BadArgs(f"This is missing: {kinds[name].expected}.", f"{field}.{name}")
    return {name: kinds[name].check(each, f"{field}.{name}") for name, each in given.items()}


def _dataclass(kind: type, known: _Known) -> Kind:
    fields = [each for each in dataclasses.fields(kind) if each.init]
    missing = dataclasses.MISSING
    required = frozenset(
        each.name for each in fields if each.default is missing and each.default_factory is missing
    )

    def made(values: dict[str, Any], field: str) -> Any:
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:
            # __post_init__ has rules of its own; what it says is not for strangers.
            raise BadArgs("This is not valid.", field) from error

    return _class(kind, frozenset(each.name for each in fields), required, made, known)


def _typed_dict(kind: Any, known: _Known) -> Kind:
    # Where annotations are text, __required_keys__ knows nothing of NotRequired.
    extras = {name: typing.get_origin(hint) for name, hint in _hints(kind).items()}
    left_out = {name for name, extra in extras.items() if extra is NotRequired}
    required = {name for name, extra in extras.items() if extra is Required}
    required |= kind.__required_keys__ - left_out
    return _class(kind, extras.keys(), frozenset(required), lambda values, _: values, known)


def _class(
    kind: Any,
    names: Collection[str],
    required: frozenset[str],
    made: Callable[[dict[str, Any], str], Any],
    known: _Known,
) -> Kind:
    if kind in known:
        return known[kind]
    kinds: dict[str, Kind] = {}

    def check(value: Any, field: str) -> Any:
        return made(members(value, field, kinds, required), field)

    known[kind] = Kind("an object", check)
    kinds.update({name: _kind(hint, known) for name, hint in _hints(kind).items() if name in names})
    return known[kind]


def _hints(kind: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except Exception as error:
        raise BadConfiguration(f"the types of {kind!r} cannot be resolved: {error}") from error
