"""The Django app: `"cornelius.django"` in INSTALLED_APPS, and one line in urls.py.

`update`, `updates`, `send` and `broadcast` here publish **after the transaction commits** and never
break the request; those of `cornelius` publish **now**, return what Dobby says and raise.
"""

from ._publish import broadcast, publish_failed, send, update, updates
from ._users import auser_of, login_of, user_of
from .urls import dobby_urls

__all__ = [
    "auser_of",
    "broadcast",
    "dobby_urls",
    "login_of",
    "publish_failed",
    "send",
    "update",
    "updates",
    "user_of",
]
