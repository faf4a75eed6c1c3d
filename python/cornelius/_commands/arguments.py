"""A handler's parameters: which of them the path fills and which `args`, and of what kind they are.

Read once, at registration; what is wrong there is `BadConfiguration`. A call's arguments are
checked before the function runs, and what is wrong in them is `BadArgs`, nothing else.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from .._errors import BadArgs, BadConfiguration
from .kinds import Kind, kind_of, members

_WHOLE = "args"
"""A parameter of this name takes all of `args`, whatever JSON value it is."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Arguments:
    """The parameters of one function after its first, the context."""

    def __init__(self, function: Callable[..., Any], captures: tuple[str, ...]) -> None:
        context, *parameters = _parameters(function)
        self._context = "" if context.kind is inspect.Parameter.POSITIONAL_ONLY else context.name
        self._path: dict[str, Kind] = {}
        self._members: dict[str, Kind] = {}
        self._whole: Kind | None = None
        self._rest: Kind | None = None
        self._optional: set[str] = set()
        for parameter in parameters:
            self._take(function, parameter, captures)
        self._required = frozenset(self._members.keys() - self._optional)
        if self._is_doubled():
            raise BadConfiguration(f"{_name(function)}: beside args only captures are filled")

    @property
    def context(self) -> str:
        """The name of the first parameter; "" where it is filled by position only."""
        return self._context

    @property
    def unfilled(self) -> str | None:
        """A parameter that no capture fills; None without one."""
        return next(iter(self._members), None if self._whole is None else _WHOLE)

    @property
    def takes_more(self) -> bool:
        """Whether there is a `**name` for what the other parameters do not take."""
        return self._rest is not None

    def bound(self, captured: Mapping[str, str], args: Any) -> dict[str, Any]:
        """Gives the keyword arguments of one call. Raises `BadArgs`."""
        try:
            values = {name: _read(kind, captured[name], name) for name, kind in self._path.items()}
            return values | self._from_args(args)
        except RecursionError:
            raise BadArgs("This is nested too deep.", "args") from None

    def _from_args(self, args: Any) -> dict[str, Any]:
        if self._whole is not None:
            return {_WHOLE: self._whole.check(args, "args")}
        kinds = self._members
        if self._rest is not None and isinstance(args, dict):
            rest = {name: self._rest for name in args if self._is_free(name)}
            kinds = rest | kinds
        return members(args, "args", kinds, self._required)

    def _is_doubled(self) -> bool:
        return self._whole is not None and (bool(self._members) or self._rest is not None)

    def _is_free(self, name: str) -> bool:
        """Says whether `**args` may take a member of this name."""
        return name not in self._path and name != self._context

    def _take(
        self,
        function: Callable[..., Any],
        parameter: inspect.Parameter,
        captures: tuple[str, ...],
    ) -> None:
        name = parameter.name
        try:
            kind = kind_of(_annotation(function, parameter))
        except BadConfiguration as error:
            raise BadConfiguration(f"{_name(function)}, {name}: {error}") from error
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            self._rest = kind
        elif parameter.kind not in _NAMED:
            raise BadConfiguration(f"{_name(function)}: {parameter} cannot be filled by name")
        elif name in captures:
            if kind.read is None:
                raise BadConfiguration(
                    f"{_name(function)}: a path holds no {kind.expected}: {name}"
                )
            self._path[name] = kind
        elif name == _WHOLE:
            self._whole = kind
        else:
            self._members[name] = kind
            if parameter.default is not inspect.Parameter.empty:
                self._optional.add(name)


def _read(kind: Kind, text: str, name: str) -> Any:
    assert kind.read is not None  # noqa: S101  refused at registration
    return kind.read(text, f"path.{name}")


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    if not callable(function):
        raise BadConfiguration(f"{function!r} is not a function")
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise BadConfiguration(f"{_name(function)}: the first parameter is the context")
    return parameters


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Resolves one annotation alone: those of the context and the result may be anything."""
    if parameter.annotation is inspect.Parameter.empty:
        return Any
    source = inspect.unwrap(function)
    while isinstance(source, functools.partial):
        source = source.func
    if not inspect.isroutine(source):
        source = type(source).__call__
    scope = getattr(source, "__globals__", {})
    alone = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        return typing.get_type_hints(alone, scope)[parameter.name]
    except Exception as error:
        raise BadConfiguration(f"its type cannot be resolved: {error}") from error


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)
