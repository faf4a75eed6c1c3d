"""The backend "test": under Django's runner nothing is sent, and an outbox says what would be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client, override_settings
from django.test.utils import _TestState
from django.urls import reverse

import cornelius
from cornelius import (
    UNSET,
    AsyncDobby,
    BadConfiguration,
    BadPath,
    BlockingCall,
    Dobby,
    Position,
    Revocation,
    Sending,
    StateConflict,
    Update,
    aio,
)
from cornelius import _calls as calls
from cornelius import django as push
from cornelius.django import outbox
from tests.double import KEY, Double

NOWHERE = {"URL": "http://127.0.0.1:9", "API_KEY": KEY}
FIRST = Position("testtest", 1)


@pytest.fixture(autouse=True)
def in_a_test(monkeypatch: pytest.MonkeyPatch, database: None) -> Iterator[None]:
    """What Django's runner does before each test; nothing says which backend there is."""
    monkeypatch.delenv("DOBBY_BACKEND")
    monkeypatch.setattr(mail, "outbox", [])
    with override_settings(DOBBY=NOWHERE):
        yield


def test_what_is_published_and_taken_back_is_in_the_outbox_in_order() -> None:
    push.update("a", {"n": (1, 2)}, key="k", except_=["s1"])
    push.updates([("b", 1), Update("a", None, key="k", version=1)])
    push.send("letter", sessions=["s1"], users=["7"])
    push.broadcast("all", except_=["s2"])
    push.kick(user="7", reconnect=False)
    push.disconnect_user("7", ["room/{n}"])
    assert outbox == [
        Update("a", {"n": [1, 2]}, key="k", except_=("s1",)),
        Update("b", 1),
        Update("a", None, key="k", version=1),
        Sending("letter", ("s1",), ("7",)),
        Sending("all", everybody=True, except_=("s2",)),
        Revocation(user="7", reconnect=False),
        Revocation(user="7", patterns=("room/{n}",)),
    ]
    assert [each.path for each in outbox.updates] == ["a", "b", "a"]
    assert outbox[1] == Update("b", 1, version=UNSET)
    assert len(outbox) == 7


def test_every_function_is_answered_without_a_network() -> None:
    assert cornelius.position("a") == Position("testtest", 0)
    assert cornelius.update("a", 1, key="k") == FIRST
    assert cornelius.updates([("a", 2)]) == [Position("testtest", 2)]
    assert cornelius.positions(["a", "b"])["a"] == Position("testtest", 2)
    assert cornelius.state("a")["k"].message == 1
    assert [each.message for each in cornelius.history("a").updates] == [1, 2]
    assert cornelius.history("a", limit=1).next == FIRST
    assert [each.message for each in cornelius.iter_history("a", page_size=1)] == [1, 2]  # type: ignore[union-attr]
    assert cornelius.history("a", reverse=True, limit=1).updates[0].message == 2
    with pytest.raises(StateConflict):
        cornelius.update("a", 3, key="k", version=2)
    assert cornelius.update("a", 3, key="k", version=1)
    assert cornelius.send("x", users=["7"]).unknown == ("7",)
    assert cornelius.broadcast("x") == FIRST
    assert cornelius.connect("s1", ["a"]) == {"a": Position("testtest", 3)}
    assert cornelius.disconnect("s1", ["a"]) == {"a": False}
    assert cornelius.disconnect_user("7", ["a"]) == {"a": 0}
    assert cornelius.kick("s1") == 0
    assert list(cornelius.sessions()) == []
    assert list(cornelius.paths()) == []
    assert cornelius.info()["version"] == "test"
    with pytest.raises(BadPath):
        cornelius.update("a*", 1)
    with pytest.raises(BadConfiguration, match="watched"):
        next(cornelius.watch("a"))


def test_async_functions_too() -> None:
    async def work() -> None:
        assert await aio.update("a", 1) == FIRST
        assert await push.aposition("a") == FIRST
        with pytest.raises(BadConfiguration, match="watched"):
            await anext(aio.watch("a"))
        with pytest.raises(BlockingCall):
            push.position("a")

    asyncio.run(work())
    assert outbox == [Update("a", 1)]


def test_the_connect_view_answers_without_a_dobby() -> None:
    body = {"uid": "s1", "paths": ["contacts", "other"]}
    answer = Client().post(reverse("dobby:connect"), body, content_type="application/json")
    assert answer.status_code == 200, answer.content


def test_each_test_of_django_begins_with_an_empty_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    push.update("a", 1)
    assert len(outbox) == 1
    monkeypatch.setattr(mail, "outbox", [])
    assert outbox == []
    assert cornelius.position("a") == Position("testtest", 0)
    push.update("b", 1)
    assert outbox == [Update("b", 1)]
    outbox.clear()
    assert list(outbox) == []


def test_a_client_of_your_own_still_sends(double: Double) -> None:
    with Dobby(double.url, KEY) as client:
        client.update("a", 1)
    assert double.state.published == [("a", 1)]
    assert outbox == []


@pytest.mark.parametrize("way", ["settings", "configure", "environment"])
def test_the_backend_may_be_named(
    double: Double, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"URL": double.url, "API_KEY": KEY}
    settings |= {"BACKEND": "http"} if way == "settings" else {}
    with override_settings(DOBBY=settings):
        if way == "configure":
            cornelius.configure(backend="http")
        if way == "environment":
            monkeypatch.setenv("DOBBY_BACKEND", "http")
        push.update("a", 1)
    assert double.state.published == [("a", 1)]
    assert outbox == []


def test_outside_of_tests_it_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_TestState, "saved_data")
    assert cornelius._default.chosen_backend() == "http"
    cornelius.configure(backend="test")
    cornelius.update("a", 1)
    assert cornelius.outbox == [Update("a", 1)]
    cornelius.configure(backend="tset")
    with pytest.raises(BadConfiguration, match="'tset' is none of http, test"):
        cornelius.update("a", 1)


def test_django_still_says_that_it_tests() -> None:
    assert hasattr(_TestState, "saved_data")


SUITE = """
import time
from django.db import transaction
from django.test import SimpleTestCase, TestCase
import cornelius
from cornelius import _calls as calls
from cornelius import Update
from cornelius.django import outbox, position, update

class Pages(TestCase):
    def test_a(self):
        self.assertEqual(list(outbox), [])
        with self.captureOnCommitCallbacks(execute=True):
            update("contacts", {"id": 1}, key="1")
        self.assertEqual(outbox, [Update("contacts", {"id": 1}, key="1")])
        self.assertEqual(position("contacts").offset, 1)

    test_b = test_a

class Simple(SimpleTestCase):
    def test_a(self):
        self.assertEqual(list(outbox), [])
        self.assertEqual(position("contacts").offset, 0)
"""
MANAGE = """
import sys
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["cornelius.django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DOBBY={"URL": "http://127.0.0.1:9", "API_KEY": "k"},
)
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "test"])
"""


def test_the_suite_of_a_project_needs_no_dobby(tmp_path: Path) -> None:
    (tmp_path / "tests.py").write_text(SUITE)
    (tmp_path / "manage.py").write_text(MANAGE)
    run = subprocess.run(
        [sys.executable, "-W", "error", "manage.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 3 tests" in run.stderr


@pytest.fixture
def away(double: Double) -> Iterator[Double]:
    """A Dobby that takes connections and stays silent."""
    double.state.faults = ["hang"] * 9
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY, "BACKEND": "http"}):
        yield double


def test_a_page_waits_for_a_position_no_longer_than_it_says(
    away: Double, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    assert push.position("contacts", within=0.2) is None
    assert push.positions(["a", "b"], within=0.2) == {"a": None, "b": None}
    assert asyncio.run(push.aposition("contacts", within=0.2)) is None
    assert time.monotonic() - began < 3
    assert [each.method for each in away.state.seen] == ["paths"] * 3
    assert "the position of 'contacts' is not known: no answer from" in caplog.text


def test_a_page_is_not_broken_by_what_is_no_path(caplog: pytest.LogCaptureFixture) -> None:
    assert push.position("a*") is None
    assert asyncio.run(push.apositions(["b", "a*"])) == {"b": None, "a*": None}
    assert "paths.1 'a*': a path is" in caplog.text
    with pytest.raises(TypeError):
        push.positions("contacts")


def test_a_page_that_gave_up_takes_no_retries_from_others(away: Double) -> None:
    assert push.position("contacts", within=0.2) is None
    away.state.faults = ["cut"]
    cornelius.update("a", 1)
    assert away.state.published == [("a", 1)]


def test_a_page_is_told_the_position(double: Double) -> None:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY, "BACKEND": "http"}):
        assert push.position("contacts") == Position("k3v9x0qa", 7)
        assert push.positions(["a", "no-log"]) == {"a": Position("k3v9x0qa", 7), "no-log": None}
        assert asyncio.run(push.apositions(["a"])) == {"a": Position("k3v9x0qa", 7)}


def test_a_client_for_asyncio_has_the_bound_too(double: Double) -> None:
    async def work() -> None:
        async with AsyncDobby(double.url, KEY) as client:
            with pytest.raises(cornelius.DobbyTimeout, match=r"within 0\.1 s"):
                await client.run(calls.position("a"), within=0.2)

    double.state.faults = ["hang"]
    asyncio.run(work())
