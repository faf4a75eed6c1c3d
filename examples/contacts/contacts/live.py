"""What the app says to Dobby besides the updates: who may hear what, and where a path stands."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import cornelius
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from .models import path_of

log = logging.getLogger(__name__)


def authorize(request: HttpRequest, path: str) -> bool:
    """Says whether the visitor of this request may hear `path`."""
    return path in paths_of(request.user)


def paths_of(user: User | AnonymousUser) -> set[str]:
    """Gives the paths of everybody's list and of those of the user's teams."""
    if not user.is_authenticated:
        return set()
    return {path_of(None), *(path_of(team) for team in user.groups.all())}


def positions(paths: Iterable[str]) -> Mapping[str, Any]:
    """Gives where each of `paths` stands, as Pomona's `since`. Read it **before** the database.

    Nothing is in it when Dobby cannot be reached: Pomona then tells a gap as soon as it is
    subscribed, and the page fetches its lists once more.
    """
    try:
        known = cornelius.positions(paths)
    except cornelius.CorneliusError as error:
        log.warning("Dobby was not asked for positions: %s", error)
        return {}
    return {path: position.to_json() for path, position in known.items() if position}
