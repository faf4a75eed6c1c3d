"""The secret key of a sample, which lies in its state folder: a restart logs nobody out."""

from pathlib import Path

from django.core.management.utils import get_random_secret_key


def secret_key(state: Path) -> str:
    """Gives the key; makes one where there is none."""
    file = state / "secret-key"
    if not file.exists():
        state.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(get_random_secret_key(), encoding="utf-8")
    return file.read_text(encoding="utf-8")
