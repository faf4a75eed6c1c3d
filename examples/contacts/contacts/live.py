"""Who may hear what: Dobby never decides that."""

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from .models import path_of


def authorize(request: HttpRequest, path: str) -> bool:
    """Says whether the visitor of this request may hear `path`."""
    return path in paths_of(request.user)


def paths_of(user: User | AnonymousUser) -> set[str]:
    """Gives the paths of everybody's list and of those of the user's teams."""
    if not user.is_authenticated:
        return set()
    return {path_of(None), *(path_of(team) for team in user.groups.all())}
