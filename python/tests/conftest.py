"""What several test files share: the server's double, a clean environment, Django, commands."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_settings")

import django
import hypothesis
from django.test.utils import (
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

from cornelius import _default
from cornelius._commands import steps
from cornelius.commands import Context, Router
from tests.command_parts import Answer, body
from tests.double import Double

# How long an example takes says something of the machine only. `npm run test:all` has more of them.
hypothesis.settings.register_profile(
    "no clock",
    deadline=None,
    max_examples=2_000 if "LONG_TESTS" in os.environ else 100,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("no clock")


@pytest.fixture
def double() -> Iterator[Double]:
    server = Double()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def clean_defaults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test inherits a default client or a variable of the developer's shell."""
    for option in _default.VARIABLES:
        monkeypatch.delenv(f"DOBBY_{option.upper()}", raising=False)
    # Most tests are of what is sent, to a double.
    monkeypatch.setenv("DOBBY_BACKEND", "http")
    yield
    _default.configure()


django.setup()


@pytest.fixture(scope="session")
def _django() -> Iterator[None]:
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(databases, verbosity=0)
    teardown_test_environment()


@pytest.fixture
def database(_django: None) -> Iterator[None]:
    """Both databases, really committed to, and emptied after the test."""
    yield
    from django.core.management import call_command

    for alias in ("default", "other"):
        call_command("flush", verbosity=0, interactive=False, database=alias)


@pytest.fixture
def router() -> Router:
    return Router()


@pytest.fixture(params=["blocking", "async", "blocking in Django", "async in Django"])
def answer(
    request: pytest.FixtureRequest, router: Router, monkeypatch: pytest.MonkeyPatch
) -> Answer:
    """Gives the answer to one command, by one of the two wrappers."""
    way, _, django = request.param.partition(" in ")
    monkeypatch.setattr(steps, "_is_django", lambda: bool(django))

    def ask(*args: Any, **kwargs: Any) -> Any:
        posted = body(*args, **kwargs)
        if way == "blocking":
            return json.loads(router.answer(posted))
        return json.loads(asyncio.run(router.aanswer(posted)))

    return ask


@pytest.fixture(params=["sync", "async"])
def handled(request: pytest.FixtureRequest, router: Router) -> Callable[..., None]:
    """Registers a function for "say", as it is or as a coroutine function."""

    def register(function: Callable[[Context], Any], **options: Any) -> None:
        async def later(context: Context, **args: Any) -> Any:
            await asyncio.sleep(0)
            return function(context, **args)

        def now(context: Context, **args: Any) -> Any:
            return function(context, **args)

        chosen = later if request.param == "async" else now
        router.command("chat/{room}", "say", **options)(chosen)

    return register
