"""The Django app: `"cornelius.django"` in INSTALLED_APPS, and one line in urls.py.

`update` and `updates` here publish **after the transaction commits** and never break the request;
`cornelius.update` publishes **now**, returns the position and raises.
"""

from ._publish import publish_failed, update, updates
from ._users import auser_of, user_of
from .urls import dobby_urls

__all__ = ["auser_of", "dobby_urls", "publish_failed", "update", "updates", "user_of"]
