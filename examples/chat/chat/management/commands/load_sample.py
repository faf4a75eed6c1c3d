"""Puts two users, their teams, rooms and some lines into an empty database."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand
from django.db import transaction

from ...models import Line, Room

PASSWORD = "analytical"  # noqa: S105 (the sample listens on loopback only, and prints it)
TEAMS = {"ada": "engines", "grace": "compilers"}
LINES = [
    ("ada", "Is anybody else up at this hour?"),
    ("grace", "Always. I have a moth here that would like a word with you."),
    ("ada", "Tape it into the log book. Somebody will want to see it one day."),
]


class Command(BaseCommand):
    """Loads what is missing and prints who can log in."""

    help = "Loads the sample's users, teams, rooms and lines into an empty database."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the command; a database that has users already is left as it is."""
        if not User.objects.exists():
            users = {name: _user(name, team) for name, team in TEAMS.items()}
            _rooms(users)
        users = " or ".join(f"{name} (team {team})" for name, team in TEAMS.items())
        self.stdout.write(f"log in as {users}, password: {PASSWORD}")


def _user(name: str, team: str) -> User:
    user = User.objects.create_user(name, password=PASSWORD, first_name=name.capitalize())
    user.groups.add(Group.objects.create(name=team))
    return user


def _rooms(users: dict[str, User]) -> None:
    ada, grace = users["ada"], users["grace"]
    lobby = Room.objects.create(name="Lobby", topic="Whatever comes to mind", owner=ada)
    for number, (name, text) in enumerate(LINES):
        Line.objects.create(room=lobby, author=users[name], uid=f"sample.{number}", text=text)
    for owner, team in ((ada, "engines"), (grace, "compilers")):
        topic = f"Of the team {team} alone"
        group = Group.objects.get(name=team)
        Room.objects.create(name=team.capitalize(), topic=topic, owner=owner, team=group)
    Room.objects.create(
        name="Archive", topic="Closed: read, but say nothing", owner=grace, is_closed=True
    )
