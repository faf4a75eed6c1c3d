"""Gives a wrapper the name, signature and documentation of the call that it sends."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def like(call: Callable[..., Any], wrapper: F, *, is_method: bool = False) -> F:
    """Makes `wrapper` look like `call`, for `help` and editors; a method has `self` before."""
    functools.update_wrapper(wrapper, call)
    parameters = list(inspect.signature(call).parameters.values())
    if is_method:
        me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters.insert(0, me)
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    # What a call returns is its request; what the wrapper returns its type says.
    wrapper.__annotations__ = {
        name: kind for name, kind in call.__annotations__.items() if name != "return"
    }
    return wrapper
