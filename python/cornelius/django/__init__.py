"""The Django app: `"cornelius.django"` in INSTALLED_APPS, and one line in urls.py.

`update`, `updates`, `send` and `broadcast` here publish **after the transaction commits** and never
break the request, and so do `kick` and `disconnect_user` take back; those of `cornelius` do it
**now**, return what Dobby says and raise. `position` is for pages: it waits a second at most and
does not raise. `outbox` holds what tests publish.
"""

from .._outbox import outbox
from ._allow import allow
from ._position import aposition, apositions, position, positions
from ._publish import broadcast, publish_failed, send, update, updates
from ._revoke import disconnect_user, kick, revoke_failed
from ._users import auser_of, login_of, user_of
from .urls import dobby_urls

__all__ = [
    "allow",
    "aposition",
    "apositions",
    "auser_of",
    "broadcast",
    "disconnect_user",
    "dobby_urls",
    "kick",
    "login_of",
    "outbox",
    "position",
    "positions",
    "publish_failed",
    "revoke_failed",
    "send",
    "update",
    "updates",
    "user_of",
]
