"""Ends sessions of Dobby when Django says that a login, a user or a right has ended.

Wired once at start. Never breaks the request: whatever goes wrong here is logged.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import FieldDoesNotExist
from django.core.signals import request_started
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from django.dispatch import Signal
from django.http import HttpRequest

from ._after_answer import started
from ._revoke import kick_login, kick_users
from ._settings import revokes_on_signals
from ._users import flushed_login_of, login_of

log = logging.getLogger("cornelius.django")


def connect_signals() -> None:
    """Wires the receivers. Models must be loaded."""
    request_started.connect(started, dispatch_uid="cornelius.started")
    user_logged_out.connect(_logged_out, dispatch_uid="cornelius.logged_out")
    _connect_first(user_logged_in, _logged_in, "cornelius.logged_in")
    if not apps.is_installed("django.contrib.auth"):
        return
    users = get_user_model()
    for model in _kinds_of(users):
        post_save.connect(_saved, sender=model, dispatch_uid=f"cornelius.saved.{model._meta}")
        post_delete.connect(_deleted, sender=model, dispatch_uid=f"cornelius.gone.{model._meta}")
    try:
        field: Any = users._meta.get_field("groups")
    except FieldDoesNotExist:
        return
    if not field.many_to_many:
        return
    through = field.remote_field.through
    m2m_changed.connect(_groups_changed, sender=through, dispatch_uid="cornelius.groups")
    for model in _kinds_of(field.remote_field.model):
        uid = f"cornelius.group.{model._meta}"
        pre_delete.connect(_group_deleted, sender=model, dispatch_uid=uid)


def _connect_first(signal: Signal, receiver: Callable[..., None], uid: str) -> None:
    """Connects a receiver that is called before all that are there by now."""
    signal.disconnect(dispatch_uid=uid)
    signal.connect(receiver, dispatch_uid=uid)
    # Django has no public way to say so. One that saves the session would hide that it was flushed.
    with signal.lock:
        signal.receivers.insert(0, signal.receivers.pop())
        signal.sender_receivers_cache.clear()


def _kinds_of(model: type[Model]) -> list[type[Model]]:
    """Gives the model with its proxies and children: each sends signals of its own."""
    return [each for each in apps.get_models() if issubclass(each, model)]


def _quiet(receiver: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(receiver)
    def quiet(*args: Any, **kwargs: Any) -> None:
        try:
            if revokes_on_signals():
                receiver(*args, **kwargs)
        except Exception as error:
            log.error("sessions of Dobby were not ended: %s", error, exc_info=error)

    return quiet


@_quiet
def _logged_out(*, request: HttpRequest, **_: Any) -> None:
    # Django says so before it forgets the session, which still has its key.
    login = login_of(request)
    if login is not None:
        kick_login(login, request)


@_quiet
def _logged_in(*, request: HttpRequest, **_: Any) -> None:
    login = flushed_login_of(request)
    if login is not None:
        kick_login(login, request)


@_quiet
def _saved(*, instance: Any, created: bool, using: str, **_: Any) -> None:
    if not created and not instance.is_active:
        kick_users([_name(instance)], using)


@_quiet
def _deleted(*, instance: Any, using: str, **_: Any) -> None:
    kick_users([_name(instance)], using)


@_quiet
def _groups_changed(
    *, instance: Any, action: str, reverse: bool, pk_set: Any, using: str, **_: Any
) -> None:
    if action == "pre_clear":
        # Afterwards nobody knows who was in it. It is told after the commit all the same.
        kick_users(_members(instance, using) if reverse else [_name(instance)], using)
    elif action in ("post_add", "post_remove") and pk_set:
        kick_users(map(str, pk_set) if reverse else [_name(instance)], using)


@_quiet
def _group_deleted(*, instance: Any, using: str, **_: Any) -> None:
    # The memberships go without a signal of their own.
    kick_users(_members(instance, using), using)


def _members(group: Any, using: str) -> Iterable[str]:
    users = get_user_model()._base_manager.using(using).filter(groups=group)
    return [str(pk) for pk in users.values_list("pk", flat=True)]


def _name(user: Any) -> str:
    """Gives the primary key by its own name: that of a child of the model may be another."""
    key = get_user_model()._meta.pk
    return str(getattr(user, key.attname))
