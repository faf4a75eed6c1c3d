"""Calls across a restart of the server: a real port that refuses and then answers, a clock that
only sleeping moves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cornelius
from cornelius import ApiError, DobbyUnreachable, Position, Retry, _default
from cornelius import django as push
from tests.double import KEY, Double, error
from tests.driver import AsyncDriver, SyncDriver

BUSY = (503, error("restarting", retryable=True))


class World:
    """Time that sleeping moves, and what happens at some moment of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def at(self, moment: float, event: Callable[[], None]) -> None:
        self._events.append((moment, event))

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        for event in [event for event in self._events if event[0] <= self.now]:
            self._events.remove(event)
            event[1]()

    async def async_sleep(self, seconds: float) -> None:
        await asyncio.to_thread(self.sleep, seconds)

    def inhabit(self, client: Any) -> None:
        client._sleep = self.async_sleep if isinstance(client, cornelius.AsyncDobby) else self.sleep


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def down() -> Iterator[Double]:
    server = Double(is_up=False)
    yield server
    server.close()


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest, down: Double, world: World) -> Iterator[Any]:
    made = request.param(down.url, KEY, retry=Retry(clock=world.clock))
    world.inhabit(made.client)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (("update", "a", 1), Position("k3v9x0qa", 1)),
        (("connect", "s1", ["a"]), {"a": Position("k3v9x0qa", 0)}),
        (("disconnect", "s1", ["a"]), {"a": False}),
        (("kick", "s1"), 1),
        (("position", "a"), Position("k3v9x0qa", 7)),
        (("info",), {"version": "0.1.0", "sessions": 5}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_every_call_outlasts_a_restart(
    driver: Any, down: Double, world: World, call: Any, answer: Any
) -> None:
    down.state.faults = [BUSY, BUSY]  # the new one is not ready either
    world.at(5.0, down.start)
    assert driver.call(*call) == answer
    assert 5.0 <= world.now <= 8.0
    assert len(down.state.seen) == 3
    assert max(world.waits) <= 1.0


def test_reads_of_many_pages_outlast_a_restart(driver: Any, down: Double, world: World) -> None:
    world.at(5.0, down.start)
    assert len(driver.take(99, "sessions", page_size=2)) == 5
    assert driver.take(99, "iter_history", "a") == []
    assert len(driver.call("state", "a")) == 0


def test_a_restart_publishes_once(driver: Any, down: Double, world: World) -> None:
    down.state.faults = ["drop", "drop", BUSY]  # the first took effect
    world.at(5.0, down.start)
    driver.call("update", "a", 1)
    assert down.state.published == [("a", 1)]
    assert len({seen.body["idempotencyKey"] for seen in down.state.seen}) == 1


def test_a_time_to_wait_is_heeded(driver: Any, down: Double, world: World) -> None:
    down.start()
    down.state.faults = [(*BUSY, {"Retry-After": "3"}), (502, b"", {"Retry-After": "2"})]
    driver.call("update", "a", 1)
    assert [int(wait) for wait in world.waits] == [3, 2]


def test_a_time_that_is_too_long_to_wait_is_raised(driver: Any, down: Double, world: World) -> None:
    down.start()
    down.state.faults = [(*BUSY, {"Retry-After": "60"})]
    with pytest.raises(ApiError) as caught:
        driver.call("update", "a", 1)
    assert caught.value.retry_after == 60.0
    assert world.waits == []


def test_a_long_outage_holds_up_one_call(driver: Any, down: Double, world: World) -> None:
    with pytest.raises(DobbyUnreachable):
        driver.call("update", "a", 1)
    assert world.now == pytest.approx(8.0)
    for n in range(3):
        with pytest.raises(DobbyUnreachable):
            driver.call("update", "a", n)
    assert world.now == pytest.approx(8.0)
    down.start()
    driver.call("update", "a", 2)
    down.state.faults = ["cut"]
    driver.call("update", "a", 3)  # calls wait again
    assert [message for _, message in down.state.published] == [2, 3]


def test_a_watch_comes_back_when_it_was_told_to(driver: Any, down: Double, world: World) -> None:
    down.start()
    subscribed = b'data: {"type":"subscribed","paths":[{"path":"a","position":null}]}\n\n'
    heard = b'data: {"path":"a","message":1}\n\n'
    busy = (503, error("too_many_opens", retryable=True), {"Retry-After": "4"})
    down.state.streams = [busy, [subscribed, heard], busy, [subscribed, heard]]
    assert len(driver.take(3, "watch", "a")) == 3  # with a gap, since there is no log
    assert [int(wait) for wait in world.waits if wait >= 4] == [4, 4]


@pytest.fixture
def failures() -> Iterator[list[Any]]:
    found: list[Any] = []

    def hear(*, updates: Any, **_: Any) -> None:
        found.extend(updates)

    push.publish_failed.connect(hear)
    yield found
    push.publish_failed.disconnect(hear)


@pytest.mark.usefixtures("_django")
def test_django_publishes_across_a_restart(
    down: Double, world: World, failures: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cornelius.configure(url=down.url, api_key=KEY)
    client = _default.default()
    monkeypatch.setattr(client, "_retry", Retry(clock=world.clock))
    world.inhabit(client)
    world.at(5.0, down.start)
    push.update("a", 1)
    push.update("a", 2)
    assert down.state.published == [("a", 1), ("a", 2)]
    assert failures == []


@pytest.mark.usefixtures("_django")
def test_a_long_outage_holds_up_one_request_of_django(
    down: Double,
    world: World,
    failures: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cornelius.configure(url=down.url, api_key=KEY)
    client = _default.default()
    monkeypatch.setattr(client, "_retry", Retry(clock=world.clock))
    world.inhabit(client)
    with caplog.at_level(logging.ERROR, "cornelius.django"):
        for n in range(3):
            push.update("a", n)
    assert world.now == pytest.approx(8.0)
    assert [each.message for each in failures] == [0, 1, 2]
