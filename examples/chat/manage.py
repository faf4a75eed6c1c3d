"""Django's command line for this sample; `start.mjs` uses it."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # for frame/
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sample.settings")
    execute_from_command_line(sys.argv)
