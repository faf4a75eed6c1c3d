"""The page. Whatever it does later are commands."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from frame.middleware import dobby_of
from frame.positions import positions

from .models import Room, newest_lines, rooms_of


@require_GET
@never_cache
@ensure_csrf_cookie
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Shows all rooms. Those of other teams too, to show what a refusal looks like."""
    rooms = list(Room.objects.all())
    since = positions(room.path for room in rooms)  # before anything is read of them
    mine = set(rooms_of(request.user))
    data = {
        "dobby": dobby_of(request),
        "connectUrl": reverse("dobby:connect"),
        "me": str(request.user.pk),
        "people": {str(user.pk): user.first_name for user in User.objects.all()},
        "rooms": [
            {
                "path": room.path,
                "name": room.name,
                "isClosed": room.is_closed,
                "since": since.get(room.path),
                "lines": newest_lines(room) if room in mine else [],
                **(room.to_message() if room in mine else {"version": 0, "topic": ""}),
            }
            for room in rooms
        ],
    }
    return render(request, "chat/page.html", {"data": data})
