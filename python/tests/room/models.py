"""Proxies of the models of Django, as a project may have some."""

from django.contrib.auth.models import Group, User


class Staff(User):
    class Meta:
        proxy = True


class Contact(Group):
    """What the recipes of the guide save."""

    class Meta:
        proxy = True

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name}
