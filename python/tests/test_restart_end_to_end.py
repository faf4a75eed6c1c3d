"""Django and a real Dobby that is restarted, or crashes.

Across a restart nothing is lost and nothing comes twice; after a crash the recipe of docs/django.md
makes the state of a path what the database holds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.test import override_settings

import cornelius
from cornelius import Dobby, Gap, Update, _default
from cornelius import django as push
from tests.dobby import KEY, DobbyProcess

pytestmark = pytest.mark.usefixtures("database")

PATH = "news/restart"
LAST = "last"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[DobbyProcess]:
    made = DobbyProcess(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def lost() -> Iterator[list[Update]]:
    found: list[Update] = []

    def hear(*, updates: list[Update], **_: Any) -> None:
        found.extend(updates)

    push.publish_failed.connect(hear)
    yield found
    push.publish_failed.disconnect(hear)


class Listener(threading.Thread):
    """Watches the path until the last update has come."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.heard: list[Update | Gap] = []
        self.is_hearing = threading.Event()
        self._url = url

    def run(self) -> None:
        with Dobby(self._url, KEY) as client:
            for each in client.watch(PATH):
                self.heard.append(each)
                self.is_hearing.set()
                if isinstance(each, Update) and each.message == LAST:
                    return


class Publisher:
    """Pushes numbers from 0, a transaction each, as a request of Django does."""

    def __init__(self) -> None:
        self.count = 0

    def push(self, times: int = 1) -> None:
        for _ in range(times):
            with transaction.atomic():
                push.update(PATH, self.count, key="newest")
            self.count += 1


def test_a_restart_loses_nothing_and_doubles_nothing(
    process: DobbyProcess, lost: list[Update], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    with override_settings(DOBBY={"URL": process.url, "API_KEY": KEY}):
        client = _default.default()
        sleep = client._sleep

        def noted(seconds: float) -> None:
            waits.append(seconds)
            sleep(seconds)

        monkeypatch.setattr(client, "_sleep", noted)
        listener = Listener(process.url)
        listener.start()
        publisher = Publisher()
        while not listener.is_hearing.wait(0.05):
            publisher.push()
            assert publisher.count < 200, "the watch heard nothing"

        def restart() -> None:
            process.stop()
            process.start()

        restarting = threading.Thread(target=restart)
        restarting.start()
        while restarting.is_alive():
            publisher.push()
        publisher.push(20)
        push.update(PATH, LAST)
        listener.join(30)
        assert not listener.is_alive(), f"the watch heard {listener.heard[-1]} last"
        logged = [each.message for each in cornelius.iter_history(PATH) if isinstance(each, Update)]
        state = cornelius.state(PATH)
    restarting.join()
    assert waits, "nothing was published during the restart"
    assert lost == []
    everything = [*range(publisher.count), LAST]
    heard = [each.message for each in listener.heard if isinstance(each, Update)]
    # What came before the watch was open it did not hear.
    assert heard == everything[-len(heard) :]
    assert logged == everything[-len(logged) :]
    assert len(logged) > 20
    assert state["newest"].message == publisher.count - 1


def changed(instance: Group, **_: Any) -> None:
    push.update("groups", {"name": instance.name}, key=str(instance.pk))


def gone(instance: Group, **_: Any) -> None:
    push.update("groups", None, key=str(instance.pk))


@pytest.fixture
def signals() -> Iterator[None]:
    post_save.connect(changed, sender=Group)
    post_delete.connect(gone, sender=Group)
    yield
    post_save.disconnect(changed, sender=Group)
    post_delete.disconnect(gone, sender=Group)


def fill() -> int:
    """Pushes where the state differs from the database; gives how often it did."""
    held = cornelius.state("groups")
    rows = {str(each.pk): {"name": each.name} for each in Group.objects.all()}
    new = [
        Update("groups", row, key=key)
        for key, row in rows.items()
        if key not in held or held[key].message != row
    ]
    old = [Update("groups", None, key=key) for key in held if key not in rows]
    push.updates(new + old)
    return len(new + old)


def state() -> dict[str, Any]:
    return {key: entry.message["name"] for key, entry in cornelius.state("groups").items()}


@pytest.mark.usefixtures("signals")
def test_a_state_is_filled_again_after_a_crash(process: DobbyProcess) -> None:
    with override_settings(DOBBY={"URL": process.url, "API_KEY": KEY}):
        ada, grace = (Group.objects.create(name=name) for name in ("Ada", "Grace"))
        grace.name = "Grace H."
        grace.save()
        mary = Group.objects.create(name="Mary")
        mary.delete()
        rows = {str(ada.pk): "Ada", str(grace.pk): "Grace H."}
        assert state() == rows
        assert fill() == 0
        epoch = cornelius.state("groups").position.epoch
        process.kill()
        process.start()
        assert state() == {}
        assert cornelius.state("groups").position.epoch != epoch
        assert fill() == 2
        assert state() == rows
        Group.objects.filter(pk=ada.pk).update(name="Ada L.")  # sends no signal
        Group.objects.filter(pk=grace.pk)._raw_delete("default")
        assert fill() == 2
        assert state() == {str(ada.pk): "Ada L."}
