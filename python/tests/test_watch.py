"""Watching a public path: resuming, gaps and ends; without I/O, then with both clients."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from cornelius import (
    BadPath,
    BadReply,
    CorneliusError,
    DobbyTimeout,
    DobbyUnreachable,
    Gap,
    Position,
    RequestRefused,
    Retry,
    StreamEnded,
    Unauthorized,
    Update,
)
from cornelius._watch import Watch
from tests.double import KEY, Double, error
from tests.driver import FAST, AsyncDriver, SyncDriver

at_8 = Position("k3v9x0qa", 8)
LOST = DobbyUnreachable("lost")


def event(**frame: Any) -> bytes:
    return b"data: " + json.dumps(frame).encode() + b"\n\n"


def at(offset: int, epoch: str = "k3v9x0qa") -> dict[str, Any]:
    return {"epoch": epoch, "offset": offset}


def subscribed(position: dict[str, Any] | None) -> bytes:
    return event(type="subscribed", paths=[{"path": "news", "position": position}])


def update(message: Any, offset: int) -> bytes:
    return event(path="news", message=message, position=at(offset))


def seen(message: Any, offset: int) -> Update:
    return Update("news", message, Position("k3v9x0qa", offset))


@pytest.fixture
def watch() -> Watch:
    return Watch("news", Retry(attempts=2, base_seconds=1.0, cap_seconds=2.0, random=lambda: 1.0))


def test_asks_for_the_path_encoded() -> None:
    assert Watch("räume/a b&c=1", FAST).target == "/comet?path=r%C3%A4ume%2Fa%20b%26c%3D1"


def test_resumes_from_the_last_update(watch: Watch) -> None:
    assert "last-event-id" not in watch.headers()
    assert list(watch.feed(subscribed(at(7)) + update("a", 8) + update("b", 12))) == [
        seen("a", 8),
        seen("b", 12),
    ]
    assert watch.headers()["last-event-id"] == "k3v9x0qa:12"


def test_resumes_from_the_subscription_when_nothing_came(watch: Watch) -> None:
    list(watch.feed(subscribed(at(7))))
    assert watch.headers()["last-event-id"] == "k3v9x0qa:7"
    list(watch.feed(subscribed(at(7))))
    assert watch.headers()["last-event-id"] == "k3v9x0qa:7"


def test_yields_a_gap_and_resumes_behind_it(watch: Watch) -> None:
    list(watch.feed(subscribed(at(7))))
    gap = event(**{"type": "gap", "path": "news", "from": at(7), "to": at(9), "reason": "evicted"})
    assert list(watch.feed(gap)) == [
        Gap("news", Position("k3v9x0qa", 7), Position("k3v9x0qa", 9), "evicted")
    ]
    assert watch.headers()["last-event-id"] == "k3v9x0qa:9"


def test_tells_a_gap_itself_when_a_path_without_a_log_was_interrupted(watch: Watch) -> None:
    assert list(watch.feed(subscribed(None) + event(path="news", message=1))) == [Update("news", 1)]
    watch.headers()
    assert list(watch.feed(subscribed(None))) == [Gap("news", None, None, "no_log")]


def test_half_an_event_of_a_lost_connection_is_forgotten(watch: Watch) -> None:
    list(watch.feed(subscribed(at(7)) + b'data: {"path":"ne'))
    watch.headers()
    assert list(watch.feed(update("a", 8))) == [seen("a", 8)]


def test_what_came_before_a_refusal_is_yielded_first(watch: Watch) -> None:
    denied = event(type="refused", paths=[{"path": "news", "code": "not_granted", "message": "no"}])
    events = watch.feed(subscribed(at(0)) + update("a", 1) + denied)
    assert next(events) == seen("a", 1)
    with pytest.raises(RequestRefused):
        next(events)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"type": "unsubscribed", "paths": ["news"], "by": "back_end"}, RequestRefused),
        ({"type": "error", "code": "unauthorized", "message": "m"}, Unauthorized),
        ({"type": "closing", "code": 4201, "message": "m"}, StreamEnded),
        ({"type": "closing", "code": 4202, "message": "m", "error": "not_granted"}, RequestRefused),
        ({"type": "closing", "code": 4000, "message": "m"}, DobbyUnreachable),
        ({"type": "closing", "code": 4100, "message": "m"}, DobbyUnreachable),
        ({"type": "closing", "code": 1006, "message": "m"}, DobbyUnreachable),
    ],
    ids=lambda value: value.get("code", value["type"]) if isinstance(value, dict) else "",
)
def test_the_range_of_a_close_code_says_whether_to_come_back(
    watch: Watch, frame: Any, kind: type[CorneliusError]
) -> None:
    list(watch.feed(subscribed(at(0))))
    with pytest.raises(CorneliusError) as caught:
        list(watch.feed(event(**frame)))
    assert type(caught.value) is kind
    assert caught.value.retryable is (kind is DobbyUnreachable)


def test_frames_of_later_servers_are_ignored(watch: Watch) -> None:
    assert list(watch.feed(b": hello\n\n" + event(type="members", path="news"))) == []


def test_a_key_is_passed_on(watch: Watch) -> None:
    frame = event(path="news", message={"id": 7}, key="7", position=at(8))
    assert list(watch.feed(frame)) == [Update("news", {"id": 7}, at_8, key="7")]


def test_a_first_connection_that_fails_is_told(watch: Watch) -> None:
    watch.after(LOST)
    with pytest.raises(DobbyUnreachable):
        watch.after(LOST)


def test_once_subscribed_it_comes_back_for_ever_with_growing_waits(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    list(watch.feed(subscribed(at(0))))
    with caplog.at_level(logging.WARNING, "cornelius"):
        waits = [watch.after(LOST) for _ in range(2000)]
    assert waits[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert waits[-1] == 30.0
    assert "news" in caplog.text
    list(watch.feed(subscribed(at(0))))
    assert watch.after(DobbyTimeout("lost")) == 1.0


def test_it_waits_as_long_as_the_server_asks(watch: Watch) -> None:
    list(watch.feed(subscribed(at(0))))
    closing = event(type="closing", code=4000, message="m", reconnectAfterMs=1730)
    with pytest.raises(DobbyUnreachable) as caught:
        list(watch.feed(closing))
    assert watch.after(caught.value) == 1.73
    assert watch.after(LOST) == 2.0


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest, double: Double) -> Iterator[SyncDriver | AsyncDriver]:
    made = request.param(double.url, KEY)
    yield made
    made.close()


def test_a_client_resumes_with_last_event_id_and_never_sends_the_key(
    driver: Any, double: Double
) -> None:
    double.state.streams = [
        [subscribed(at(7)), update("a", 8)],
        (503, error("restarting", retryable=True)),
        [subscribed(at(8)), update("b", 9), update("c", 10)],
    ]
    assert driver.take(3, "watch", "news") == [seen("a", 8), seen("b", 9), seen("c", 10)]
    requests = double.state.seen
    assert [each.method for each in requests] == ["/comet?path=news"] * 3
    ids = [each.headers.get("last-event-id") for each in requests]
    assert ids == [None, "k3v9x0qa:8", "k3v9x0qa:8"]
    assert all("authorization" not in each.headers for each in requests)


def test_a_client_raises_what_an_http_answer_refuses(driver: Any, double: Double) -> None:
    double.state.streams = [(403, error("not_granted"))]
    with pytest.raises(RequestRefused):
        driver.take(1, "watch", "news")
    double.state.streams = [(200, b"<html>")]
    with pytest.raises(BadReply):
        driver.take(1, "watch", "news")


def test_a_client_refuses_a_bad_path_at_once(driver: Any) -> None:
    with pytest.raises(BadPath):
        driver.client.watch("a*")


def test_a_first_connection_is_tried_as_the_policy_says(driver: Any, double: Double) -> None:
    double.state.streams = [(502, b"")] * 9
    with pytest.raises(BadReply):
        driver.take(1, "watch", "news")
    assert len(double.state.seen) == FAST.attempts
