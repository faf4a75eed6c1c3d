"""Who may hear what, and the tokens that say so."""

import cornelius
from cornelius.django import login_of
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache


def authorize(request: HttpRequest, path: str) -> bool:
    """Whether this visitor may hear this path."""
    if path == "ledger":
        return request.user.groups.filter(name="accounting").exists()
    return path == "lobby" and request.user.is_authenticated


@never_cache
def token(request: HttpRequest) -> HttpResponse:
    """Gives the page its token."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    grants = [path for path in ("lobby", "ledger") if authorize(request, path)]
    text = cornelius.token(
        str(request.user.pk), grants=grants, login=login_of(request), lifetime=900
    )
    return HttpResponse(text, content_type="text/plain")
