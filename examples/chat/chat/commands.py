"""What a page can ask for. Dobby posts it, and Cornelius finds these functions by itself."""

from typing import Any

from cornelius.commands import Context, NotAllowed, Refused, command
from cornelius.django import user_of
from django.db import transaction

from .models import Line, Room, newest_lines

MAX_CHARACTERS = 500


@command("chat/{room}", "say")
def say(context: Context, room: int, text: str, uid: str) -> dict[str, Any]:
    """Stores a line, once, and tells it to everybody else; its author has the reply.

    A command comes twice when its answer was lost: the line is found by its `uid`, and told again
    to those who may have missed it. Pages show a line that they have no second time.
    """
    place, author, text = _room(room), user_of(context), text.strip()
    if author is None:
        raise NotAllowed("You are no longer a user: log in again.")
    if not text:
        raise Refused("There is nothing in this line.", reason="empty")
    if len(text) > MAX_CHARACTERS:
        words = f"A line has at most {MAX_CHARACTERS} characters; this one has {len(text)}."
        raise Refused(words, reason="too_long", data={"most": MAX_CHARACTERS})
    if place.is_closed:
        raise Refused(f"{place} is closed: nothing can be said here any more.", reason="closed")
    new = {"room": place, "text": text}
    line, _ = Line.objects.get_or_create(author=author, uid=uid, defaults=new)
    context.update(context.path, {"line": line.to_message()})
    return line.to_message()


@command("chat/{room}", "topic")
@transaction.atomic
def topic(context: Context, room: int, text: str) -> dict[str, Any]:
    """Changes what a room is about, which only its owner may."""
    place = _room(room)
    if place.owner != user_of(context):
        raise NotAllowed(f"Only {place.owner.first_name} may change the topic of {place}.")
    if len(text) > 120:
        raise Refused("A topic has at most 120 characters.", reason="too_long")
    place.topic, place.version = text.strip(), place.version + 1
    place.save()
    context.update(context.path, {"room": place.to_message()})
    return place.to_message()


@command("chat/{room}", "lines")
def lines(context: Context, room: int) -> dict[str, Any]:
    """Gives the room anew, to a page that has missed something."""
    place = _room(room)
    return {"room": place.to_message(), "lines": newest_lines(place)}


def _room(id: int) -> Room:
    room = Room.objects.select_related("owner").filter(pk=id).first()
    if room is None:
        raise Refused("There is no such room any more.", reason="gone")
    return room
