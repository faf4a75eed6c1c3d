"""The one line of urls.py: `path("dobby/", include(dobby_urls(authorize)))`."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from ..commands import router
from ._commands import CommandPattern
from ._settings import Authorize
from .views import connect_view, disconnect_view


def dobby_urls(authorize: Authorize | None = None) -> tuple[list[URLPattern], str]:
    """Gives `connect`, `disconnect` and `command` for `include`, named `dobby:connect` and so on.

    `authorize(request, path)` says whether this visitor may hear this path; it may be async.
    Without it `DOBBY["AUTHORIZE"]` is asked, and without that every path is refused. `command` is
    what Dobby's `commandUrl` names: it takes what Dobby has signed, for the default router.
    """
    # With and without a slash: APPEND_SLASH cannot redirect a POST.
    patterns = [
        re_path(r"^connect/?$", connect_view(authorize), name="connect"),
        re_path(r"^disconnect/?$", disconnect_view(), name="disconnect"),
        CommandPattern(r"^command/?$", router, name="command"),
    ]
    return patterns, "dobby"
