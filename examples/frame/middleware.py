"""Lets the page run scripts of the sample and of Dobby only, and none that stand in the page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def dobby_of(request: HttpRequest) -> str:
    """Gives Dobby's address for the browser: the host of the page, with Dobby's port.

    Behind a proxy both share one origin, and this is not needed.
    """
    host = request.get_host().rpartition(":")[0] or request.get_host()
    return f"{request.scheme}://{host}:{settings.DOBBY['URL'].rpartition(':')[2]}"


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Adds the header to every answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        dobby = dobby_of(request)
        socket = dobby.replace("http", "ws", 1)
        response["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; img-src 'self'; "
            f"script-src 'self' {dobby}; connect-src 'self' {dobby} {socket}; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        return response

    return middleware
