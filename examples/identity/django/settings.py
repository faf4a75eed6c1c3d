"""The settings: only what the example needs."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent

DOBBY = {
    "URL": "http://127.0.0.1:4020",
    "API_KEY_FILE": BASE_DIR / ".dobby/api-key",
    "WEBHOOK_SECRET_FILE": BASE_DIR / ".dobby/webhook-secret",
    "TOKEN_SECRET_FILE": BASE_DIR / ".dobby/token-secret",
    "SESSION_SECONDS": 3600,
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "cornelius.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SECRET_KEY = "an example, and no secret"  # noqa: S105
DEBUG = True
ROOT_URLCONF = "urls"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", BASE_DIR.parent / "pages"],
    }
]
