"""Puts two users, their teams and some contacts into an empty database."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction

PASSWORD = "analytical"  # noqa: S105 (the sample listens on loopback only, and prints it)
TEAMS = {"ada": "engines", "grace": "compilers"}


class Command(BaseCommand):
    """Loads what is missing and prints who can log in."""

    help = "Loads the sample's users, teams and contacts into an empty database."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the command; a database that has users already is left as it is."""
        if not User.objects.exists():
            call_command("loaddata", "sample", verbosity=0)
            for name, team in TEAMS.items():
                user = User.objects.create_user(
                    name, password=PASSWORD, first_name=name.capitalize()
                )
                user.groups.add(Group.objects.get(name=team))
        users = " or ".join(f"{name} (team {team})" for name, team in TEAMS.items())
        self.stdout.write(f"log in as {users}, password: {PASSWORD}")
