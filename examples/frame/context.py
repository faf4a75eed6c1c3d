"""What every template of a sample can say: its name and its icon."""

from django.conf import settings
from django.http import HttpRequest


def sample(request: HttpRequest) -> dict[str, str]:
    """Gives the name of the sample, and the static file that is its icon."""
    return {"sample": settings.SAMPLE, "icon": f"{settings.SAMPLE.lower()}/icon.svg"}
