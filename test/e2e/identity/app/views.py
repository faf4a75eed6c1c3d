"""What the page asks: who is who, tokens, and the doors that the tests turn things by."""

import json
from typing import Any

import cornelius
from cornelius.django import login_of
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login, logout
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie

from people import authorize, grants_of


def _given(request: HttpRequest) -> Any:
    return json.loads(request.body) if request.content_type == "application/json" else request.POST


@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """The one page. It knows nothing of who looks at it."""
    host = request.get_host().rsplit(":", 1)[0]
    return render(request, "page.html", {"dobby": f"http://{host}:{settings.DOBBY_PORT}"})


def log_in(request: HttpRequest) -> HttpResponse:
    """Logs in, by JSON or by a form."""
    given = _given(request)
    user = authenticate(request, username=given["username"], password=given["password"])
    if user is None:
        return JsonResponse({"error": "wrong name or password"}, status=403)
    login(request, user)
    return JsonResponse({"user": str(user.pk)})


def log_out(request: HttpRequest) -> HttpResponse:
    """Logs out."""
    if request.method != "POST":
        return HttpResponse(status=405)
    logout(request)
    return JsonResponse({})


def _seconds(request: HttpRequest) -> float:
    return float(request.GET.get("seconds", "3600"))


def token(request: HttpRequest) -> HttpResponse:
    """Gives the token of the session to who is logged in."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    user, tag, seconds = request.user, login_of(request), _seconds(request)
    text = cornelius.token(str(user.pk), grants=grants_of(user), login=tag, lifetime=seconds)
    return HttpResponse(text, content_type="text/plain")


def path_token(request: HttpRequest) -> HttpResponse:
    """Gives the token of one path to who may hear it."""
    path = request.GET["path"]
    if not authorize(request, path):
        return HttpResponse(status=403)
    text = cornelius.token(paths=[path], lifetime=_seconds(request))
    return HttpResponse(text, content_type="text/plain")


def join(request: HttpRequest) -> HttpResponse:
    """Connects a session that did not ask."""
    given = _given(request)
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    user, tag = str(request.user.pk), login_of(request)
    cornelius.connect(given["uid"], given["paths"], user=user, login=tag)
    return JsonResponse({})


@csrf_exempt
def change(request: HttpRequest) -> HttpResponse:
    """Changes a user, as an administrator would."""
    given = _given(request)
    user = get_user_model().objects.get(username=given["user"])
    if "active" in given:
        user.is_active = given["active"]
        user.save()
    if "crew" in given:
        crew = Group.objects.get(name="crew")
        (user.groups.add if given["crew"] else user.groups.remove)(crew)
    return JsonResponse({})
