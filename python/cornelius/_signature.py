"""Gives a wrapper the name, signature and documentation of the function that it calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)


def method_like(call: Callable[..., Any], wrapper: F) -> F:
    """Makes a method look like the function `call`, for `help` and editors."""
    return _like(call, wrapper, [_SELF, *inspect.signature(call).parameters.values()])


def function_like(method: Callable[..., Any], wrapper: F) -> F:
    """Makes a function look like `method`, for `help` and editors."""
    return _like(method, wrapper, [*inspect.signature(method).parameters.values()][1:])


def _like(source: Callable[..., Any], wrapper: F, parameters: list[inspect.Parameter]) -> F:
    functools.update_wrapper(wrapper, source)
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    # What a call returns is its request; what the wrapper returns its type says.
    annotations = source.__annotations__.items()
    wrapper.__annotations__ = {name: kind for name, kind in annotations if name != "return"}
    return wrapper
