"""Tells of what Dobby could not be told: to the log, and to whoever listens to a signal."""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

from .._errors import CorneliusError, DobbyTimeout, DobbyUnreachable

log = logging.getLogger("cornelius.django")


def tell(signal: Signal, sender: type, what: str, error: CorneliusError, **told: Any) -> None:
    """Logs `what` with `error` and sends the signal; what a receiver raises is logged."""
    # That Dobby is away is told in a line; anything else is worth its traceback.
    away = isinstance(error, (DobbyUnreachable, DobbyTimeout))
    log.error("%s: %s", what, error, exc_info=None if away else error)
    for receiver, raised in signal.send_robust(sender, error=error, **told):
        if isinstance(raised, Exception):
            log.error("a failure was told: %r raised", receiver, exc_info=raised)
