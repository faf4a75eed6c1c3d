"""The settings of the sample. `start.mjs` hands in what differs from machine to machine."""

import os
from pathlib import Path

from frame.secret_key import secret_key

SAMPLE = "Chat"
BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("SAMPLE_STATE_DIR", BASE_DIR / ".state"))

# Where Dobby is, and where its key and the secret that signs commands lie: all there is to set,
# with "cornelius.django" below.
DOBBY = {
    "URL": os.environ.get("DOBBY_URL", "http://127.0.0.1:4020"),
    "API_KEY_FILE": STATE_DIR / "dobby" / "api-key",
    "WEBHOOK_SECRET_FILE": STATE_DIR / "dobby" / "webhook-secret",
    # While Dobby is away a page comes soon, and without positions: it asks for lines later.
    "RETRY_SECONDS": 1,
}

SECRET_KEY = secret_key(STATE_DIR)
DEBUG = True
# The two names of the same machine have cookies of their own: one browser, two users.
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "cornelius.django",
    "frame",
    "chat",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "frame.middleware.content_security_policy",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "frame.context.sample",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE_DIR / "chat.sqlite3",
        # A transaction takes the write lock when it begins: two who change one room take turns.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ROOT_URLCONF = "sample.urls"
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "page"
LOGOUT_REDIRECT_URL = "login"
