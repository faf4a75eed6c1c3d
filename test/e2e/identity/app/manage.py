"""Runs the tests' project: `serve <address>` makes its database and users, and serves."""

import os
import sys

from django.core.management import execute_from_command_line


def serve(address: str) -> None:
    """Serves at `address`, in one process."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from people import make_people

    make_people()
    call_command("runserver", address, use_reloader=False)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        execute_from_command_line(sys.argv)
