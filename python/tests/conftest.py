"""What several test files share: the server's double, a clean environment, Django."""

from __future__ import annotations

import os
from collections.abc import Iterator

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
from tests.double import Double

# How long an example takes says something of the machine only.
hypothesis.settings.register_profile(
    "no clock", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
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
    for option in ("URL", "API_KEY", "API_KEY_FILE", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE"):
        name = f"DOBBY_{option}"
        monkeypatch.delenv(name, raising=False)
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
