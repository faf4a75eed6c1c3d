"""Counts the requests to each view, and makes the session view fail as a test wants."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

_lock = threading.Lock()
_counts: Counter[str] = Counter()
_fault: dict[str, str] = {"kind": ""}

SLEEP_SECONDS = 1.5


def count(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The middleware. What comes with a cookie of a session is counted as such too."""

    def counted(request: HttpRequest) -> HttpResponse:
        name = request.path.strip("/").split("/")[-1]
        if name == "counts":
            return get_response(request)
        with _lock:
            _counts[name] += 1
            if "sessionid" in request.COOKIES:
                _counts[f"{name} with cookie"] += 1
        if name == "session":
            if _fault["kind"] == "html":
                return HttpResponse("<h1>Welcome</h1>")
            if _fault["kind"] == "late":
                time.sleep(SLEEP_SECONDS)
        return get_response(request)

    return counted


def counts(request: HttpRequest) -> HttpResponse:
    """Tells the counts."""
    with _lock:
        return JsonResponse(_counts)


@csrf_exempt
def set_fault(request: HttpRequest) -> HttpResponse:
    """Takes the fault of the session view: html, late, or nothing."""
    _fault["kind"] = request.GET.get("kind", "")
    return HttpResponse("ok")
