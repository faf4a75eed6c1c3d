"""Publishing where there are several databases, where one is away, and where there is none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connections, transaction
from django.db.models.signals import post_delete, post_save
from django.test import override_settings

from cornelius import django as push
from tests.double import KEY, Double
from tests.room.models import Contact

GUIDE = Path(__file__).parents[2] / "docs/django.md"


@pytest.fixture(autouse=True)
def configured(double: Double, database: None) -> Iterator[None]:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY}):
        yield


@pytest.fixture
def _own_signals() -> Iterator[None]:
    """Disconnects what a recipe has connected."""
    signals = (post_save, post_delete)
    before = [list(signal.receivers) for signal in signals]
    yield
    for signal, receivers in zip(signals, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


class Abort(Exception):
    pass


def recipe(mark: str) -> str:
    """Gives the block of Python in the guide that holds `mark`."""
    text = GUIDE.read_text(encoding="utf-8")
    (found,) = (code for code in re.findall(r"```python\n(.*?)```", text, re.S) if mark in code)
    return str(found)


def published_by(names: dict[str, Any], using: str, double: Double) -> list[str]:
    """Saves and deletes in the database `using`: rolled back first, then for good."""
    for ending in (Abort, None):
        try:
            with transaction.atomic(using=using):
                group = names["Contact"](name="readers")
                group.save(using=using)
                group.delete(using=using)
                if ending is not None:
                    assert double.state.seen == []
                    raise ending
        except Abort:
            pass
        if ending is not None:
            assert double.state.published == []
    return [path for path, _ in double.state.published]


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize("using", ["default", "other"])
def test_the_recipe_with_signals_publishes_nothing_that_any_database_rolled_back(
    double: Double, using: str
) -> None:
    names: dict[str, Any] = {"Contact": Contact}
    exec(recipe("@receiver(post_save"), names)
    assert published_by(names, using, double) == ["contacts", "contacts"]
    assert [each["message"] for _, each in double.state.logged] == [{"name": "readers"}, None]


@pytest.mark.parametrize("using", ["default", "other"])
def test_the_recipe_with_save_publishes_nothing_that_any_database_rolled_back(
    double: Double, using: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {"Contact": Contact}
    code = recipe("def save(self")
    body = code[code.index("def save(") :].replace("super()", "super(Contact, self)")
    exec(code[: code.index("def save(")], names)
    exec(body, names)
    monkeypatch.setattr(Contact, "save", names["save"])
    assert published_by(names, using, double) == ["contacts"]


WITHOUT = """
import django
from django.conf import settings

settings.configure(
    DATABASES={databases},
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="tests.django_urls",
    INSTALLED_APPS=["cornelius.django"],
    DOBBY={{"URL": "{url}", "API_KEY": "{key}"}},
)
django.setup()

from django.core.management import call_command
from django.test import Client
from cornelius import Update
from cornelius.django import broadcast, disconnect_user, kick, send, update, updates

call_command("check")
update("a", 1)
updates([Update("b", 2, key="k")])
send("letter", users=["7"])
broadcast("all")
kick(user="7")
disconnect_user("7", ["a"])
body = {{"uid": "s1", "paths": ["contacts"]}}
answer = Client().post("/dobby/connect/", body, content_type="application/json")
assert answer.status_code == 200, answer.content
answer = Client().post("/dobby/command", {{}}, content_type="application/json")
assert answer.status_code in (401, 500), answer.content
"""


@pytest.mark.parametrize(
    "databases", ["{}", "{'default': {}}"], ids=["none at all", "a default that is none"]
)
def test_a_project_without_a_database_publishes(double: Double, databases: str) -> None:
    code = WITHOUT.format(databases=databases, url=double.url, key=KEY)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert [path for path, _ in double.state.published] == ["a", "b", "::all"]
    assert [name for name, _ in double.state.kicked] == ["7"]


def test_outside_a_transaction_no_database_is_asked(double: Double) -> None:
    connections["other"].close()
    with mock.patch.object(
        type(connections["other"]), "connect", side_effect=OperationalError("away")
    ):
        with mock.patch.object(connections["other"], "connection", None):
            push.update("a", 1, using="other")
            push.kick(user="7", using="other")
    assert [path for path, _ in double.state.published] == ["a"]
    assert double.state.kicked == [("7", True)]
