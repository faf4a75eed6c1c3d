"""The app's configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks, mail
from django.core.signals import setting_changed
from django.utils.module_loading import autodiscover_modules

from .. import _default
from .._outbox import outbox
from ._signals import connect_signals
from .checks import check_settings


class CorneliusConfig(AppConfig):
    """Registers the checks, wires the signals and finds the commands of all apps.

    The label is `cornelius`.
    """

    name = "cornelius.django"
    label = "cornelius"
    verbose_name = "Dobby"

    def ready(self) -> None:
        """Runs once at start; reads nothing of `DOBBY`. Imports `commands` of each app."""
        checks.register(check_settings)
        setting_changed.connect(_forget_clients, dispatch_uid="cornelius")
        connect_signals()
        # Django gives each test a new list.
        outbox.follow(lambda: getattr(mail, "outbox", None))
        autodiscover_modules("commands")


def _forget_clients(*, setting: str, **_: Any) -> None:
    """Lets `override_settings(DOBBY=…)` in a test take effect."""
    if setting == "DOBBY":
        _default.forget()
