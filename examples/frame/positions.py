"""Where paths stand, so that a page misses nothing between being rendered and being subscribed."""

from collections.abc import Iterable, Mapping
from typing import Any

from cornelius import django


def positions(paths: Iterable[str]) -> Mapping[str, Any]:
    """Gives where each of `paths` stands, as Pomona's `since`. Read it **before** the database.

    Nothing is in it when Dobby cannot be reached: Pomona then tells a gap as soon as it is
    subscribed, and the page fetches what it shows once more.
    """
    known = django.positions(paths)
    return {path: position.to_json() for path, position in known.items() if position}
