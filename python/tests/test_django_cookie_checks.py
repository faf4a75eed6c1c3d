"""What `manage.py check` says of settings that Pomona's requests cannot follow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client, override_settings

from cornelius import commands
from tests.double import KEY, Double

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.router, "_handlers", [])


STANDARD = {
    "CSRF_USE_SESSIONS": False,
    "CSRF_COOKIE_HTTPONLY": False,
    "CSRF_COOKIE_NAME": "csrftoken",
    "CSRF_HEADER_NAME": "HTTP_X_CSRFTOKEN",
    "CSRF_COOKIE_PATH": "/",
}


def found(**settings: Any) -> list[tuple[str, str]]:
    with override_settings(DOBBY={"API_KEY": "k"}, **settings):
        faults = [each for each in run_checks() if str(each.id).startswith("cornelius.")]
    assert all(each.hint for each in faults)
    return [(str(each.id), f"{each.msg} {each.hint}") for each in faults]


ROWS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    (STANDARD, []),
    ({"CSRF_USE_SESSIONS": True}, ["cornelius.W009"]),
    ({"CSRF_COOKIE_HTTPONLY": True}, ["cornelius.W010"]),
    ({"CSRF_COOKIE_NAME": "__Host-csrf"}, ["cornelius.W011"]),
    ({"CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN"}, ["cornelius.W012"]),
    ({"CSRF_HEADER_NAME": "X-CSRFToken"}, ["cornelius.W012"]),
    ({"CSRF_COOKIE_PATH": "/app/"}, ["cornelius.W013"]),
    ({"CSRF_COOKIE_PATH": "/dobb"}, ["cornelius.W013"]),
    # What stands in the session needs no cookie of its own.
    (
        {"CSRF_USE_SESSIONS": True, "CSRF_COOKIE_NAME": "x", "CSRF_COOKIE_HTTPONLY": True},
        ["cornelius.W009"],
    ),
    ({"SESSION_COOKIE_SAMESITE": "None"}, ["cornelius.W014"]),
    ({"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": True}, []),
    ({"CSRF_COOKIE_SAMESITE": "None"}, ["cornelius.W014"]),
    ({"CSRF_COOKIE_SAMESITE": "None", "CSRF_COOKIE_SECURE": True}, []),
    ({"SESSION_COOKIE_SAMESITE": "Strict", "CSRF_COOKIE_SAMESITE": "Strict"}, []),
    ({"SESSION_COOKIE_SAMESITE": False, "CSRF_COOKIE_SECURE": True}, []),
    ({"SESSION_COOKIE_PATH": "/app/"}, ["cornelius.W015"]),
]


@pytest.mark.parametrize(("settings", "ids"), ROWS, ids=str)
def test_each_setting_that_cannot_be_followed_is_named(settings: Any, ids: list[str]) -> None:
    faults = found(**settings)
    assert [id for id, _ in faults] == ids
    for _, text in faults:
        assert any(name in text for name in settings)


def test_the_hint_says_what_pomona_needs() -> None:
    ((_, text),) = found(CSRF_COOKIE_NAME="__Host-csrf")
    assert 'csrfCookie: "__Host-csrf"' in text
    ((_, text),) = found(CSRF_HEADER_NAME="HTTP_X_XSRF_TOKEN")
    assert '"X-XSRF-TOKEN"' in text


def test_without_the_views_nothing_is_said_of_csrf() -> None:
    assert found(CSRF_USE_SESSIONS=True, ROOT_URLCONF="tests.room.urls") == []


@pytest.mark.parametrize("view", ["connect", "disconnect"])
def test_no_page_for_logins_answers_pomona(double: Double, view: str) -> None:
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    body = json.dumps({"uid": "s1", "paths": ["open/1", "staff"]})
    with override_settings(MIDDLEWARE=middleware, DOBBY={"URL": double.url, "API_KEY": KEY}):
        answer = Client().post(f"/dobby/{view}/", body, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json() == ({"refused": ["staff"]} if view == "connect" else {})
