"""What the app says to Dobby besides the updates: who may hear what, and where a path stands."""

import logging
from collections.abc import Mapping
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


def positions() -> Mapping[str, Any]:
    """Gives where each path stands, as Pomona's `since`. Read it **before** the database.

    A path that nobody hears at the moment is not in it, and none is when Dobby cannot be reached:
    the page then fetches its list once more, as soon as it is subscribed.
    """
    try:
        known = list(cornelius.paths(prefix=path_of(None)))
    except cornelius.CorneliusError as error:
        log.warning("Dobby was not asked for positions: %s", error)
        return {}
    return {each.path: each.position.to_json() for each in known if each.position}
