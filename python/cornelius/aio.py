"""The module-level functions for asyncio: `await cornelius.aio.update(path, message)`.

They take the same configuration as those of `cornelius` and raise the same errors.
"""

from ._async_client import AsyncDobby
from ._default import async_default, async_door, door

update = async_door(AsyncDobby.update)
updates = async_door(AsyncDobby.updates)
send = async_door(AsyncDobby.send)
broadcast = async_door(AsyncDobby.broadcast)
complete = async_door(AsyncDobby.complete)
connect = async_door(AsyncDobby.connect)
disconnect = async_door(AsyncDobby.disconnect)
disconnect_user = async_door(AsyncDobby.disconnect_user)
kick = async_door(AsyncDobby.kick)
position = async_door(AsyncDobby.position)
positions = async_door(AsyncDobby.positions)
info = async_door(AsyncDobby.info)
history = async_door(AsyncDobby.history)
iter_history = door(async_default, AsyncDobby.iter_history)
state = async_door(AsyncDobby.state)
sessions = door(async_default, AsyncDobby.sessions)
paths = door(async_default, AsyncDobby.paths)
watch = door(async_default, AsyncDobby.watch)

__all__ = [
    "broadcast",
    "complete",
    "connect",
    "disconnect",
    "disconnect_user",
    "history",
    "info",
    "iter_history",
    "kick",
    "paths",
    "position",
    "positions",
    "send",
    "sessions",
    "state",
    "update",
    "updates",
    "watch",
]
