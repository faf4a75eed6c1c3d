"""Says whether this project reaches Dobby with its key, and what Dobby counts."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cornelius import CorneliusError, info


class Command(BaseCommand):
    """Prints what `cornelius.info()` tells, as JSON; fails with the reason."""

    help = "Asks Dobby for its version, uptime and counters, with the settings of this project."

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the command."""
        try:
            told = info()
        except CorneliusError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))
