"""A contact, which tells every change of it to Dobby."""

from typing import Any

from cornelius.django import update
from django.contrib.auth.models import Group
from django.core.validators import RegexValidator
from django.db import models

PHONE = RegexValidator(r"^[0-9+()./ -]*$", "A telephone number has digits, spaces and + ( ) . / -")


class Contact(models.Model):
    """Somebody who can be called or written to. Without a team everybody sees it.

    `version` rises with every save, so that a page knows which of two records is the newer one.
    Bulk methods of Django such as `QuerySet.update` call neither `save` nor `delete`: whoever uses
    them pushes by hand.
    """

    name = models.CharField(max_length=80)
    phone = models.CharField(max_length=40, blank=True, validators=[PHONE])
    email = models.EmailField("e-mail", blank=True)
    team = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves it and, once that is committed, pushes it."""
        self.version += 1
        super().save(*args, **kwargs)
        update(self.path, self.to_message(), using=self._state.db)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Deletes it and, once that is committed, says so."""
        gone = {"id": self.id, "deleted": True}
        deleted = super().delete(*args, **kwargs)
        update(self.path, gone, using=self._state.db)
        return deleted

    @property
    def path(self) -> str:
        """The path on which changes of this contact are heard."""
        return path_of(self.team)

    def to_message(self) -> dict[str, Any]:
        """Gives the whole record, as it is pushed and as the page gets it."""
        fields = ("id", "version", "name", "phone", "email")
        return {name: getattr(self, name) for name in fields}


def path_of(team: Group | None) -> str:
    """Gives the path of a team's list; `None` is everybody's."""
    return "contacts" if team is None else f"contacts/{team.name}"
