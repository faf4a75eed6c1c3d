"""The system checks, and the command that asks Dobby."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings

from cornelius import commands
from tests.double import KEY, Double

pytestmark = pytest.mark.usefixtures("_django")


SECRET = "a-secret-of-the-tests"
HOOKS = {"INFO": str, "GRANTS": list, "ADMIT": "tests.django_urls.page", "SESSION_SECONDS": 300}


@pytest.fixture(autouse=True)
def no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.router, "_handlers", [])


def found(settings: Any) -> list[str]:
    with override_settings(DOBBY=settings):
        return [str(each.id) for each in run_checks() if str(each.id).startswith("cornelius.")]


@pytest.mark.parametrize(
    ("settings", "ids"),
    [
        ({"API_KEY": "k"}, []),
        ({"API_KEY": "k", "URL": "https://push.example", "TIMEOUT": 2.5}, []),
        ({"API_KEY": "k", "AUTHORIZE": "tests.django_urls.authorize"}, []),
        ({"API_KEY": "k", "BACKEND": "http"}, []),
        ({"API_KEY": "k", "BACKEND": "test"}, []),
        ({"API_KEY": "k", "BACKEND": "smtp"}, ["cornelius.E018"]),
        ("http://h", ["cornelius.E001"]),
        ({"API_KEY": "k", "URI": "http://h"}, ["cornelius.E002"]),
        ({"API_KEY": "k", "URL": "localhost:4020"}, ["cornelius.E003"]),
        ({"API_KEY": "schlüssel"}, ["cornelius.E004"]),
        ({"API_KEY": "k", "TIMEOUT": "5"}, ["cornelius.E005"]),
        ({"API_KEY": "k", "TIMEOUT": 0}, ["cornelius.E005"]),
        ({"API_KEY": "k", "RETRY_SECONDS": 0}, []),
        ({"API_KEY": "k", "RETRY_SECONDS": -1}, ["cornelius.E008"]),
        ({"API_KEY": "k", "RETRY_SECONDS": True}, ["cornelius.E008"]),
        ({"API_KEY": "k", "RETRY_SECONDS": float("nan")}, ["cornelius.E008"]),
        ({"API_KEY": "k", "AUTHORIZE": "tests.django_urls.nothing"}, ["cornelius.E006"]),
        ({"API_KEY": "k", "AUTHORIZE": "tests.django_urls.urlpatterns"}, ["cornelius.E006"]),
        ({"API_KEY": "k", "API_KEY_FILE": "/nowhere"}, ["cornelius.E007"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET}, []),
        ({"API_KEY": "k", "WEBHOOK_SECRET": [SECRET, SECRET]}, []),
        ({"API_KEY": "k", "WEBHOOK_SECRET": ""}, ["cornelius.E009"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": "too-short"}, ["cornelius.E009"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": []}, ["cornelius.E009"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": 7}, ["cornelius.E009"]),
        (
            {"API_KEY": "k", "WEBHOOK_SECRET": SECRET, "WEBHOOK_SECRET_FILE": "f"},
            ["cornelius.E010"],
        ),
        ({"API_KEY": "k", "WEBHOOK_SECRET_FILE": "/nowhere"}, ["cornelius.W003"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET, **HOOKS}, []),
        ({"API_KEY": "k", **HOOKS}, ["cornelius.W004"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET, "INFO": "nowhere.info"}, ["cornelius.E011"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET, "GRANTS": ["a"]}, ["cornelius.E011"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET, "ADMIT": True}, ["cornelius.E011"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET, "SESSION_SECONDS": 0}, ["cornelius.E012"]),
        ({"API_KEY": "k", "WEBHOOK_SECRET": SECRET, "SESSION_SECONDS": "9"}, ["cornelius.E012"]),
        ({"API_KEY": "k", "REVOKE_ON_SIGNALS": False}, []),
        ({"API_KEY": "k", "REVOKE_ON_SIGNALS": "no"}, ["cornelius.E013"]),
        ({"API_KEY": "k", "TOKEN_SECRET": "x" * 32, "TOKEN_AUDIENCE": "push"}, []),
        ({"API_KEY": "k", "TOKEN_SECRET": SECRET}, ["cornelius.E014"]),
        ({"API_KEY": "k", "TOKEN_SECRET": ["x" * 32]}, ["cornelius.E014"]),
        (
            {"API_KEY": "k", "TOKEN_SECRET": "x" * 32, "TOKEN_SECRET_FILE": "f"},
            ["cornelius.E015"],
        ),
        ({"API_KEY": "k", "TOKEN_ALGORITHM": "HS512"}, ["cornelius.E016"]),
        ({"API_KEY": "k", "TOKEN_KEY_ID": 7}, ["cornelius.E017"]),
        ({"API_KEY": "k", "TOKEN_AUDIENCE": ""}, ["cornelius.E017"]),
        ({"API_KEY": "k", "TOKEN_ISSUER": ["app"]}, ["cornelius.E017"]),
        ({"API_KEY": "k", "TOKEN_SECRET_FILE": "/nowhere"}, ["cornelius.W006"]),
        ({"API_KEY": "k", "TOKEN_KEY_FILE": "/nowhere"}, ["cornelius.W007"]),
        ({}, ["cornelius.W001"]),
        ({"API_KEY_FILE": "/nowhere"}, ["cornelius.W002"]),
        ({"URL": 7, "TIMEOUT": -1}, ["cornelius.E003", "cornelius.E005", "cornelius.W001"]),
    ],
    ids=str,
)
def test_each_mistake_has_its_id(settings: Any, ids: list[str]) -> None:
    assert found(settings) == ids


def test_commands_without_a_secret_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands.command("contacts", "count")(lambda context: 3)
    assert found({"API_KEY": "k"}) == ["cornelius.W004"]
    assert found({"API_KEY": "k", "WEBHOOK_SECRET": SECRET}) == []
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert found({"API_KEY": "k", "WEBHOOK_SECRET_FILE": tmp_path / "secret"}) == []
    monkeypatch.setenv("DOBBY_WEBHOOK_SECRET_FILE", "/nowhere")
    assert found({"API_KEY": "k"}) == []


def test_sessions_in_cookies_are_warned_of() -> None:
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"):
        assert found({"API_KEY": "k"}) == ["cornelius.W005"]
        assert found({"API_KEY": "k", "REVOKE_ON_SIGNALS": False}) == []
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cached_db"):
        assert found({"API_KEY": "k"}) == []


def test_a_secret_of_tokens_in_a_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 32 + "\n")
    assert found({"API_KEY": "k", "TOKEN_SECRET_FILE": tmp_path / "secret"}) == []
    (tmp_path / "secret").write_text("x" * 31 + "\n")
    assert found({"API_KEY": "k", "TOKEN_SECRET_FILE": tmp_path / "secret"}) == ["cornelius.W006"]


def test_a_key_of_the_environment_or_of_a_file_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("k\n")
    assert found({"API_KEY_FILE": tmp_path / "key"}) == []
    monkeypatch.setenv("DOBBY_API_KEY", "k")
    assert found({}) == []


def test_a_key_is_never_printed() -> None:
    given = {
        "API_KEY": "geheimnisträger",
        "WEBHOOK_SECRET": "geheim\n2",
        "TOKEN_SECRET": "geheim",
    }
    with override_settings(DOBBY=given):
        assert "geheim" not in " ".join(str(each) for each in run_checks())


def test_the_command_prints_what_dobby_tells(double: Double) -> None:
    out = StringIO()
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY}):
        call_command("dobby_info", stdout=out)
    assert json.loads(out.getvalue())["version"] == "0.1.0"
    with override_settings(DOBBY={"URL": double.url, "API_KEY": "wrong"}):
        with pytest.raises(CommandError, match="unauthorized"):
            call_command("dobby_info")
