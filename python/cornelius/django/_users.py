"""Who is asking: the visitor of a request, or the user that a session is bound to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.signed_cookies import SessionStore as SignedCookies
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ..commands import Context

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def user_of(context: Context) -> AbstractBaseUser | None:
    """Gives the user that the session is bound to, or None for nobody.

    A session is bound by the connect view, by the user's primary key. Whoever is gone since, or is
    not active any more, is nobody.
    """
    return user_named(context.session.user)


async def auser_of(context: Context) -> AbstractBaseUser | None:
    """Gives the user in an async function; see `user_of`."""
    return await sync_to_async(user_of)(context)


def user_named(name: str | None) -> AbstractBaseUser | None:
    """Gives the active user of this primary key, or None."""
    if name is None:
        return None
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=name)
    except (model.DoesNotExist, ValidationError, ValueError, TypeError, OverflowError):
        return None
    return user if user.is_active else None


def name_of(request: HttpRequest) -> str | None:
    """Gives what Dobby knows the visitor as, the primary key; None for nobody."""
    user = getattr(request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else None


def login_of(request: HttpRequest) -> str | None:
    """Gives the tag of the visitor's login, the same for all that a browser does until its logout.

    It is made of the key of Django's session and does not tell it. None for who has no session, and
    where sessions are kept in cookies, whose keys change with what they hold. Makes no session.
    """
    session = getattr(request, "session", None)
    if session is None or isinstance(session, SignedCookies):
        return None
    # A key is known to be one of ours only when the session has been read.
    session.get("_")
    key = session.session_key
    return _tag_of(key) if key else None


def flushed_login_of(request: object) -> str | None:
    """Gives the tag of the login that was flushed by the one that `user_logged_in` tells of.

    Django flushes it if it was another user's, or the same one's with another password, and says
    whose it was to nobody. But only then the session has no key until it is saved: over an
    anonymous session it has a new one, and the same user keeps the old one. The old key is that of
    the cookie; without a cookie it is not known.
    """
    session = getattr(request, "session", None)
    if session is None or isinstance(session, SignedCookies) or session.session_key:
        return None
    key = getattr(request, "COOKIES", {}).get(settings.SESSION_COOKIE_NAME)
    return _tag_of(key) if key else None


def _tag_of(key: str) -> str:
    return hashlib.sha256(f"cornelius.login:{key}".encode()).hexdigest()[:32]
