"""The one line of urls.py: `path("dobby/", include(dobby_urls(authorize)))`."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from .._commands.door import Door
from ..commands import router
from ._session import session_handle
from ._settings import Authorize
from ._signed import CacheNonces, SignedPattern, command_handle
from .views import connect_view, disconnect_view


def dobby_urls(authorize: Authorize | None = None) -> tuple[list[URLPattern], str]:
    """Gives `connect`, `disconnect`, `session` and `command`, named `dobby:connect` and so on.

    `authorize(request, path)` says whether this visitor may hear this path; it may be async.
    Without it `DOBBY["AUTHORIZE"]` is asked, and without that every path is refused. Rules of
    `allow` come first. `session` is
    what Dobby's `sessionUrl` names, and `command` its `commandUrl`, for the default router; both
    take nothing but what Dobby has signed.
    """
    door = Door(nonces=CacheNonces())
    # With and without a slash: APPEND_SLASH cannot redirect a POST.
    patterns = [
        re_path(r"^connect/?$", connect_view(authorize), name="connect"),
        re_path(r"^disconnect/?$", disconnect_view(), name="disconnect"),
        SignedPattern(r"^session/?$", door, session_handle(authorize), name="session"),
        SignedPattern(r"^command/?$", door, command_handle(router), name="command"),
    ]
    return patterns, "dobby"
