"""The settings of the tests' project. Dobby's key and secrets are read by Cornelius itself."""

import os
from pathlib import Path

STATE = Path(os.environ["APP_STATE"])
# The page asks Dobby by the host name that it was loaded from: cookies are of hosts, not of ports.
DOBBY_PORT = int(os.environ["APP_DOBBY_PORT"])

# A machine that is busy with other tests starts Dobby again in more than the usual 8 s.
DOBBY = {"URL": os.environ["DOBBY_URL"], "INFO": "people.info", "RETRY_SECONDS": 30}

SECRET_KEY = "no secret: the tests' own"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "cornelius.django",
]
MIDDLEWARE = [
    "counting.count",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent]}
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE / "app.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10},
    }
}
# The strong ones cost a second for each login.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "urls"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["console"]}},
}
