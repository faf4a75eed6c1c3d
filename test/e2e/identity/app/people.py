"""Who there is, and who may hear what."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group
from django.http import HttpRequest

NAMES = ("ann", "bob", "cy", "dora", "gus")
PASSWORD = "open sesame"


def make_people() -> None:
    """Makes those who are not there yet; gus is in the crew."""
    crew, _ = Group.objects.get_or_create(name="crew")
    users = get_user_model()
    for name in NAMES:
        if not users.objects.filter(username=name).exists():
            user = users.objects.create_user(name, password=PASSWORD)
            if name == "gus":
                user.groups.add(crew)


def grants_of(user: Any) -> list[str]:
    """Gives the patterns of what a user may hear."""
    teams = [f"team/{name}" for name in user.groups.values_list("name", flat=True)]
    return [f"of/{user.username}/{{rest*}}", "list/{n}", *teams]


def authorize(request: HttpRequest, path: str) -> bool:
    """Says the same of one path."""
    user: Any = request.user
    if not user.is_authenticated:
        return False
    area, _, rest = path.partition("/")
    if area == "of":
        return rest.startswith(f"{user.username}/")
    if area == "team":
        return user.groups.filter(name=rest).exists()
    return area in ("list", "book")


def info(request: HttpRequest) -> dict[str, str] | None:
    """Tells Dobby the name."""
    user: AbstractBaseUser | Any = request.user
    return {"name": user.username} if user.is_authenticated else None
