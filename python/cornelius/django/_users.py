"""Who gave a command: the user of this project that the session is bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from ..commands import Context

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def user_of(context: Context) -> AbstractBaseUser | None:
    """Gives the user that the session is bound to, or None for nobody.

    A session is bound by the connect view, by the user's primary key. Whoever is gone since, or is
    not active any more, is nobody.
    """
    name = context.session.user
    if name is None:
        return None
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=name)
    except (model.DoesNotExist, ValidationError, ValueError, TypeError, OverflowError):
        return None
    return user if user.is_active else None


async def auser_of(context: Context) -> AbstractBaseUser | None:
    """Gives the user in an async function; see `user_of`."""
    return await sync_to_async(user_of)(context)
