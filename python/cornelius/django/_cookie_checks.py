"""System checks of the cookies: what Pomona's requests to the connect view cannot follow.

Pomona reads the token from the cookie `csrftoken` and sends it as `X-CSRFToken`. A page whose
options follow another setting silences the warning with SILENCED_SYSTEM_CHECKS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from django.conf import settings
from django.core import checks
from django.urls import NoReverseMatch, get_resolver, reverse

_OWN_HEADER = (
    "Give Pomona the token that the page renders, `new Pomona({headers: "
    '{"X-CSRFToken": token}, …})`, and silence this warning; or leave the setting out.'
)


def cookie_faults() -> Iterator[checks.CheckMessage]:
    """Yields a warning for each setting; of CSRF only where there is a connect view."""
    namespaces = _namespaces()
    if namespaces:
        yield from _token()
        yield from _paths(_connect_urls(namespaces))
    for kind in ("SESSION", "CSRF"):
        same_site = getattr(settings, f"{kind}_COOKIE_SAMESITE")
        if str(same_site).lower() == "none" and not getattr(settings, f"{kind}_COOKIE_SECURE"):
            yield checks.Warning(
                f'{kind}_COOKIE_SAMESITE is "None" without {kind}_COOKIE_SECURE: '
                "browsers drop the cookie.",
                hint=f"Set {kind}_COOKIE_SECURE = True, and serve the site by HTTPS.",
                id="cornelius.W014",
            )


def _token() -> Iterator[checks.CheckMessage]:
    if settings.CSRF_USE_SESSIONS:
        yield checks.Warning(
            "CSRF_USE_SESSIONS keeps the CSRF token out of the cookies: Pomona cannot send it.",
            hint=_OWN_HEADER,
            id="cornelius.W009",
        )
        return
    if settings.CSRF_COOKIE_HTTPONLY:
        yield checks.Warning(
            "CSRF_COOKIE_HTTPONLY hides the CSRF token from scripts: Pomona cannot send it.",
            hint=_OWN_HEADER,
            id="cornelius.W010",
        )
    elif settings.CSRF_COOKIE_NAME != "csrftoken":
        name = settings.CSRF_COOKIE_NAME
        yield checks.Warning(
            f"CSRF_COOKIE_NAME is {name!r}: Pomona looks for the cookie csrftoken.",
            hint=f'Say `new Pomona({{csrfCookie: "{name}", …}})` and silence this warning.',
            id="cornelius.W011",
        )
    if settings.CSRF_HEADER_NAME != "HTTP_X_CSRFTOKEN":
        name = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
        yield checks.Warning(
            f"CSRF_HEADER_NAME is {settings.CSRF_HEADER_NAME!r}: Pomona sends X-CSRFToken.",
            hint=f'Say `new Pomona({{headers: {{"{name}": token}}, …}})` and silence this warning; '
            "or leave the setting out.",
            id="cornelius.W012",
        )


def _paths(views: list[str]) -> Iterator[checks.CheckMessage]:
    named = (("CSRF_COOKIE_PATH", "cornelius.W013"), ("SESSION_COOKIE_PATH", "cornelius.W015"))
    for name, id in named:
        if name.startswith("CSRF") and settings.CSRF_USE_SESSIONS:
            continue
        path = getattr(settings, name)
        beside = [view for view in views if not f"{view}/".startswith(f"{path.rstrip('/')}/")]
        if beside:
            yield checks.Warning(
                f"{name} is {path!r}: browsers do not send the cookie to {beside[0]}.",
                hint=f"Set {name} to a path above both the pages and the views of dobby_urls.",
                id=id,
            )


def _namespaces() -> list[str]:
    """Gives the namespaces in which the project has included `dobby_urls`."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return list(get_resolver().app_dict.get("dobby", []))


def _connect_urls(namespaces: list[str]) -> list[str]:
    found = []
    for namespace in namespaces:
        # Below a namespace of the project, or with arguments, the URL is not known here.
        with suppress(NoReverseMatch):
            found.append(reverse(f"{namespace}:connect"))
    return found
