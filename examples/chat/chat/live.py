"""Who may hear what: Dobby never decides that. Whoever may hear a room may give it commands."""

from django.http import HttpRequest

from .models import rooms_of


def authorize(request: HttpRequest, path: str) -> bool:
    """Says whether the visitor of this request may hear `path`: a room, or who types in it."""
    return path.removesuffix("/typing") in {room.path for room in rooms_of(request.user)}
