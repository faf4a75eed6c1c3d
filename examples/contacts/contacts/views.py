"""The page, and what it fetches and posts. Nothing here knows of sessions or connections."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from frame.middleware import dobby_of
from frame.positions import positions

from .live import authorize
from .models import Contact, path_of


class ContactForm(forms.ModelForm):
    """What may be changed of a contact."""

    class Meta:
        model = Contact
        fields = ["name", "phone", "email"]


@require_GET
@never_cache
@ensure_csrf_cookie
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Shows all lists. Those of other teams too, to show what a refusal looks like."""
    teams = [None, *Group.objects.order_by("name")]
    since = positions(path_of(team) for team in teams)
    lists = [
        {
            "path": path_of(team),
            "title": team.name.capitalize() if team else "Everybody",
            "since": since.get(path_of(team)),
            "contacts": _records(team) if is_mine else [],
        }
        for is_mine in (True, False)
        for team in teams
        if authorize(request, path_of(team)) is is_mine
    ]
    data = {
        "dobby": dobby_of(request),
        "connectUrl": reverse("dobby:connect"),
        "listUrl": reverse("list"),
        "contactsUrl": reverse("create"),
        "lists": lists,
    }
    return render(request, "contacts/page.html", {"data": data})


@require_GET
@never_cache
@login_required
def contact_list(request: HttpRequest) -> HttpResponse:
    """Gives one list anew: a page asks for it when Dobby says that updates are missing."""
    return JsonResponse({"contacts": _records(_team(request, request.GET.get("path", "")))})


@require_POST
@login_required
def create(request: HttpRequest) -> HttpResponse:
    """Adds a contact to the list `path`."""
    return _save(request, Contact(team=_team(request, request.POST.get("path", ""))))


@require_POST
@login_required
@transaction.atomic
def change(request: HttpRequest, id: int) -> HttpResponse:
    """Changes a contact."""
    return _save(request, _contact(request, id))


@require_POST
@login_required
@transaction.atomic
def delete(request: HttpRequest, id: int) -> HttpResponse:
    """Deletes a contact."""
    _contact(request, id).delete()
    return JsonResponse({"id": id, "deleted": True})


def _save(request: HttpRequest, contact: Contact) -> HttpResponse:
    form = ContactForm(request.POST, instance=contact)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    return JsonResponse(form.save().to_message())


def _records(team: Group | None) -> list[dict[str, Any]]:
    return [contact.to_message() for contact in Contact.objects.filter(team=team)]


def _team(request: HttpRequest, path: str) -> Group | None:
    """Gives the team of a list that the visitor may see; who may hear a path may see it."""
    if not authorize(request, path):
        raise PermissionDenied
    return None if path == path_of(None) else Group.objects.get(name=path.partition("/")[2])


def _contact(request: HttpRequest, id: int) -> Contact:
    contact = get_object_or_404(Contact.objects.select_related("team"), id=id)
    if not authorize(request, contact.path):
        raise PermissionDenied
    return contact
