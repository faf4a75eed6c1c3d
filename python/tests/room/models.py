"""A proxy of the user model, as a project may have one for its admin."""

from django.contrib.auth.models import User


class Staff(User):
    class Meta:
        proxy = True
