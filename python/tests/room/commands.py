"""What Django's commands are tested with: found by itself, since the app is installed."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection

from cornelius.commands import Context, Refused, anyone, command
from cornelius.django import auser_of, update, user_of


@command("room/{room}", "say")
def say(context: Context, room: int, text: str) -> dict[str, Any]:
    context.update(context.path, {"text": text})
    return {"room": room, "text": text}


@command("room/{room}", "who", authorize=anyone)
def who(context: Context) -> Any:
    user = user_of(context)
    return None if user is None else user.get_username()


@command("room/{room}", "awho", authorize=anyone)
async def awho(context: Context) -> Any:
    user = await auser_of(context)
    return None if user is None else user.get_username()


@command("room/{room}", "join")
def join(context: Context, name: str, fail: bool = False) -> bool:
    """Says whether it ran in a transaction, which a failure rolls back."""
    User.objects.create_user(name)
    update("users", name)
    if fail:
        raise Refused("No.")
    return connection.in_atomic_block


@command("room/{room}", "ajoin")
async def ajoin(context: Context, name: str) -> bool:
    await User.objects.acreate(username=name)
    return await sync_to_async(lambda: connection.in_atomic_block)()


@command("room/{room}", "break")
def broken(context: Context) -> None:
    raise ZeroDivisionError("a secret of the house")
