"""The one line of a project, three times: with a function, with an async one, by the settings."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie

from cornelius.django import dobby_urls


def authorize(request: HttpRequest, path: str) -> bool:
    return path.startswith("open") or (path == "staff" and request.user.is_authenticated)


async def async_authorize(request: HttpRequest, path: str) -> bool:
    return path.startswith("open")


@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


urlpatterns = [
    path("page/", page),
    path("dobby/", include(dobby_urls(authorize))),
    path("async/", include(dobby_urls(async_authorize), namespace="async")),
    path("settings/", include(dobby_urls(), namespace="settings")),
]
