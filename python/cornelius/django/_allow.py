"""`@allow("user/{pk}")`: who may hear what, one function for each pattern of paths.

The patterns are those of commands (docs/protocol.md, "Patterns"). The first rule that fits a path
decides, in order of registration; where none fits, `authorize` is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest

from .._commands.arguments import Arguments
from .._errors import BadArgs, BadConfiguration
from .._patterns import Pattern
from ._settings import Authorize, configured_authorize

F = TypeVar("F", bound=Callable[..., Any])
Verdict = bool | Awaitable[bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One registered function."""

    pattern: Pattern
    function: Callable[..., Any]
    arguments: Arguments

    def fitting(self, path: str) -> dict[str, Any] | None:
        """Gives the arguments for `path`, or None when it does not fit pattern and annotations."""
        captured = self.pattern.match(path)
        if captured is None:
            return None
        try:
            named = self.arguments.bound(captured, {})
        except BadArgs:
            return None
        return {**captured, **named} if self.arguments.takes_more else named


class Rules:
    """Functions by pattern."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def allow(self, pattern: str) -> Callable[[F], F]:
        """Registers a function, sync or async, that says who may hear the paths of `pattern`.

        It gets the request, and by name the captures, as its annotations say: with `pk: int` a path
        whose capture is no whole number does not fit. Raises `BadConfiguration`.
        """
        compiled = Pattern(pattern)

        def register(function: F) -> F:
            self._add(compiled, function)
            return function

        return register

    def hook(self, authorize: Authorize | None) -> Authorize:
        """Gives what decides: the rules, and beside them `authorize` or the configured hook.

        Raises `BadConfiguration` for a hook that cannot be found.
        """
        otherwise = authorize or configured_authorize()
        if not self._rules:
            return otherwise

        def decide(request: HttpRequest, path: str) -> Verdict:
            for rule in self._rules:
                named = rule.fitting(path)
                if named is not None:
                    verdict: Verdict = rule.function(request, **named)
                    return verdict
            return otherwise(request, path)

        return decide

    def _add(self, pattern: Pattern, function: Callable[..., Any]) -> None:
        if any(each.pattern.source == pattern.source for each in self._rules):
            raise BadConfiguration(f"{pattern.source!r} has a rule already")
        arguments = Arguments(function, pattern.names)
        if arguments.unfilled or arguments.context in pattern.names:
            name = arguments.unfilled or arguments.context
            raise BadConfiguration(f"a rule for {pattern.source!r} cannot fill {name!r}")
        self._rules.append(Rule(pattern, function, arguments))


rules = Rules()
"""The rules behind `allow`."""

allow = rules.allow
