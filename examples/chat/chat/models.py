"""Rooms, and the lines that were said in them."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models import Q


class Room(models.Model):
    """A place to talk; of a team, or without one of everybody.

    `version` rises with every change, so that a page knows which of two is the newer one.
    """

    name = models.CharField(max_length=40)
    topic = models.CharField(max_length=120, blank=True)
    owner = models.ForeignKey(User, models.CASCADE)
    team = models.ForeignKey(Group, models.CASCADE, null=True, blank=True)
    is_closed = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """The path on which the room is heard, and to which its commands are given."""
        return f"chat/{self.id}"

    def to_message(self) -> dict[str, Any]:
        """Gives what changes of the room, as it is pushed and as the page gets it."""
        return {"version": self.version, "topic": self.topic}


class Line(models.Model):
    """Something that was said. Nobody has two lines of one `uid`."""

    room = models.ForeignKey(Room, models.CASCADE)
    author = models.ForeignKey(User, models.CASCADE)
    uid = models.CharField(max_length=64)
    text = models.CharField(max_length=500)
    said_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["author", "uid"], name="once")]

    def __str__(self) -> str:
        return self.text

    def to_message(self) -> dict[str, Any]:
        """Gives the line, as it is pushed and as the page gets it."""
        said_at = self.said_at.isoformat()
        return {"id": self.id, "by": str(self.author_id), "text": self.text, "saidAt": said_at}


def rooms_of(user: Any) -> models.QuerySet[Room]:
    """Gives the rooms that a user may be in."""
    if not user.is_authenticated:
        return Room.objects.none()
    return Room.objects.filter(Q(team=None) | Q(team__in=user.groups.all()))


def newest_lines(room: Room) -> list[dict[str, Any]]:
    """Gives what was said last in a room, oldest first."""
    return [line.to_message() for line in reversed(room.line_set.order_by("-id")[:100])]
