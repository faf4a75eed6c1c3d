"""Both clients against a real HTTP server, by the same tests."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from cornelius import (
    BadConfiguration,
    BadPath,
    BadReply,
    Dobby,
    DobbyTimeout,
    DobbyUnreachable,
    PartialFailure,
    PathInfo,
    Position,
    Sent,
    StateConflict,
    TooLarge,
    Unauthorized,
    UnknownSession,
    Update,
    UserMismatch,
)
from tests.double import KEY, Double, error
from tests.driver import FAST, AsyncDriver, SyncDriver

Driver = SyncDriver | AsyncDriver


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def driver(make: Any, double: Double) -> Iterator[Driver]:
    made = make(double.url, KEY)
    yield made
    made.close()


def test_update_gives_the_position(driver: Driver, double: Double) -> None:
    message = {"name": "Ada", "日本": [1, None]}
    assert driver.call("update", "contacts", message) == Position("k3v9x0qa", 1)
    assert driver.call("update", "nolog", 1) is None
    assert double.state.published == [("contacts", message), ("nolog", 1)]
    assert double.state.seen[0].headers["user-agent"].startswith("cornelius/")


def test_updates_gives_the_positions_in_order(driver: Driver) -> None:
    given = [("a", 1), Update("nolog", 2), Update("b", 3, except_=["id"])]
    found = driver.call("updates", given)
    assert found == [Position("k3v9x0qa", 1), None, Position("k3v9x0qa", 3)]


def test_keys_are_sent(driver: Driver, double: Double) -> None:
    driver.call("update", "a", {"id": 7}, key="7")
    driver.call("updates", [Update("a", None, key="7"), ("a", 1)])
    assert double.state.seen[0].body["key"] == "7"
    assert [item.get("key") for item in double.state.seen[1].body["updates"]] == ["7", None]


def test_send_reaches_sessions_and_users(driver: Driver, double: Double) -> None:
    found = driver.call("send", {"a": 1}, sessions=["s1", "unknown1"], users=["ann", "unknown2"])
    assert found == Sent(("s1", "session of ann"), ("unknown1", "unknown2"))
    driver.call("send", None, users=iter(["ann"]))
    assert double.state.sent == [
        {"message": {"a": 1}, "sessions": ["s1", "unknown1"], "users": ["ann", "unknown2"]},
        {"message": None, "users": ["ann"]},
    ]


def test_broadcast_gives_the_position(driver: Driver, double: Double) -> None:
    assert driver.call("broadcast", "hello") == Position("k3v9x0qa", 1)
    driver.call("broadcast", "hello", except_=["s1"], idempotency_key="k")
    first, second = (seen.body for seen in double.state.seen)
    assert set(first) == {"message", "idempotencyKey"}
    assert second == {"message": "hello", "except": ["s1"], "idempotencyKey": "k"}


def test_a_version_makes_an_update_compare_and_set(driver: Driver, double: Double) -> None:
    at = driver.call("update", "a", 1, key="7", version=None)
    with pytest.raises(StateConflict) as caught:
        driver.call("update", "a", 2, key="7", version=None)
    assert (caught.value.code, caught.value.status) == ("state_conflict", 409)
    assert not caught.value.retryable
    version = driver.call("state", "a")["7"].version
    assert version == at.offset
    driver.call("update", "a", 2, key="7", version=version)
    with pytest.raises(PartialFailure) as partial:
        driver.call("updates", [Update("a", 3, key="7", version=version), ("a", 4)])
    assert isinstance(partial.value.failed[0], StateConflict)
    assert [message for _, message in double.state.published] == [1, 2, 4]


def test_a_session_tells_when_it_gave_its_last_command(driver: Driver) -> None:
    found = [each.last_command_at for each in driver.take(3, "sessions")]
    assert found == [None, 1_790_000_000_000, None]


def test_nothing_is_asked_about_nothing(driver: Driver, double: Double) -> None:
    assert driver.call("updates", []) == []
    assert driver.call("send", 1, users=[]) == Sent((), ())
    assert driver.call("connect", "s1", []) == {}
    assert driver.call("disconnect", "s1", []) == {}
    assert double.state.seen == []


def test_updates_says_which_failed(driver: Driver, double: Double) -> None:
    with pytest.raises(PartialFailure) as caught:
        driver.call("updates", [("a", 1), ("fail", 2), ("b", 3)])
    assert caught.value.results[0] == Position("k3v9x0qa", 1)
    assert isinstance(caught.value.failed[1], TooLarge)
    assert double.state.published == [("a", 1), ("b", 3)]


def test_connect_disconnect_and_kick(driver: Driver, double: Double) -> None:
    at = Position("k3v9x0qa", 0)
    assert driver.call("connect", "s1", ["a", "b"], user="7") == {"a": at, "b": at}
    assert driver.call("disconnect", "s1", ["a", "c"]) == {"a": True, "c": False}
    assert driver.call("kick", "s1") == 1
    assert driver.call("kick", "s2", reconnect=False) == 1
    assert double.state.kicked == [("s1", True), ("s2", False)]
    with pytest.raises(UnknownSession):
        driver.call("kick", "unknown")
    with pytest.raises(UserMismatch):
        driver.call("connect", "s1", ["a"], user="8")
    with pytest.raises(UserMismatch):
        driver.call("disconnect", "s1", ["a"], user="8")
    with pytest.raises(UserMismatch):
        driver.call("connect", "s1", ["a"], anonymous=True)
    with pytest.raises(TypeError):
        driver.call("connect", "s1", ["a"], user="7", anonymous=True)
    with pytest.raises(UnknownSession):
        driver.call("connect", "unknown", ["a"])
    with pytest.raises(PartialFailure) as caught:
        driver.call("connect", "s1", ["a", "too-many"])
    assert caught.value.results["a"] == at
    assert list(caught.value.failed) == ["too-many"]


def test_position_tells_where_a_path_stands(driver: Driver) -> None:
    assert driver.call("position", "contacts") == Position("k3v9x0qa", 7)
    assert driver.call("position", "no-log") is None
    at = Position("k3v9x0qa", 7)
    assert driver.call("positions", ["a", "no-log"]) == {"a": at, "no-log": None}
    assert driver.call("positions", []) == {}
    with pytest.raises(BadPath):
        driver.call("position", "::connect")


def test_lists_are_asked_for_page_by_page(driver: Driver, double: Double) -> None:
    found = driver.take(99, "sessions", page_size=2)
    assert [each.id for each in found] == ["0", "1", "2", "3", "4"]
    assert found[0].details["subscriptions"] == 1
    assert [seen.body for seen in double.state.seen] == [
        {"limit": 2},
        {"limit": 2, "after": "2"},
        {"limit": 2, "after": "4"},
    ]
    assert driver.take(99, "paths", prefix="b/") == [
        PathInfo("b/1", 2, None),
        PathInfo("b/2", 2, None),
    ]


def test_a_list_that_does_not_end_is_told(driver: Driver, double: Double) -> None:
    double.state.faults = [(200, {"sessions": [], "next": "x"})] * 3
    with pytest.raises(BadReply):
        driver.take(99, "sessions")


def test_info(driver: Driver) -> None:
    assert driver.call("info")["version"] == "0.1.0"


def test_a_lost_answer_does_not_publish_twice(driver: Driver, double: Double) -> None:
    double.state.faults = ["drop", "drop"]
    assert driver.call("update", "a", 1) == Position("k3v9x0qa", 1)
    assert double.state.published == [("a", 1)]
    keys = [seen.body["idempotencyKey"] for seen in double.state.seen]
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    "fault",
    ["cut", (503, error("restarting", retryable=True)), (502, b"<h1>Bad gateway</h1>")],
    ids=["cut", "restarting", "gateway"],
)
def test_what_may_pass_is_tried_again(driver: Driver, double: Double, fault: Any) -> None:
    double.state.faults = [fault, fault]
    assert driver.call("updates", [("a", 1)]) == [Position("k3v9x0qa", 1)]
    assert len(double.state.seen) == 3


def test_tries_are_bounded(driver: Driver, double: Double) -> None:
    double.state.faults = ["cut"] * 9
    with pytest.raises(DobbyUnreachable):
        driver.call("update", "a", 1)
    assert len(double.state.seen) == FAST.attempts


def test_what_cannot_pass_is_not_tried_again(driver: Driver, double: Double) -> None:
    with pytest.raises(TooLarge):
        driver.call("update", "fail", 1)
    assert len(double.state.seen) == 1


def test_a_redirect_is_not_followed_with_the_key(driver: Driver, double: Double) -> None:
    double.state.faults = [(302, b"")]
    with pytest.raises(BadReply):
        driver.call("info")
    assert len(double.state.seen) == 1


def test_silence_is_a_timeout(make: Any, double: Double) -> None:
    waits = itertools.count()
    counted = replace(FAST, random=lambda: float(next(waits)))
    driver = make(double.url, KEY, timeout=0.05, retry=counted)
    double.state.faults = ["hang"] * 3
    with pytest.raises(DobbyTimeout):
        driver.call("update", "a", 1)
    # The double may not have come to see a try that its client gave up.
    assert FAST.attempts == next(waits) + 1
    driver.close()


def test_nobody_there_is_unreachable(make: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        driver = make(f"http://127.0.0.1:{unused.getsockname()[1]}", KEY)
        with pytest.raises(DobbyUnreachable):
            driver.call("info")
        driver.close()


def test_a_wrong_key_is_told(make: Any, double: Double) -> None:
    driver = make(double.url, "wrong")
    with pytest.raises(Unauthorized):
        driver.call("info")
    driver.close()


def test_no_key_is_told_before_sending(make: Any, double: Double) -> None:
    driver = make(double.url)
    with pytest.raises(BadConfiguration, match="DOBBY_API_KEY"):
        driver.call("info")
    assert double.state.seen == []
    driver.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("127.0.0.1:4020", KEY),
        ("ftp://h", KEY),
        ("http://", KEY),
        ("http://h:99999", KEY),
        ("http://u:p@h", KEY),
        ("http://h/?q", KEY),
        (None, KEY),
        ("http://h", ""),
        ("http://h", "a\0b"),
        ("http://h", "schlüssel"),
        ("http://h", KEY, 0),
        ("http://h", KEY, -1),
        ("http://h", KEY, float("nan")),
        ("http://h", KEY, "5"),
    ],
    ids=str,
)
def test_a_wrong_configuration_is_told_at_once(make: Any, arguments: Any) -> None:
    with pytest.raises(BadConfiguration) as caught:
        make(*arguments)
    assert "schlüssel" not in str(caught.value)


def test_a_base_path_is_kept(make: Any, double: Double) -> None:
    driver = make(f"{double.url}/push/", KEY)
    double.state.faults = [(404, b"")]
    with pytest.raises(BadReply):
        driver.call("info")
    assert double.state.seen[0].method == "/push/api/info"
    driver.close()


def test_closing_twice_is_fine_and_using_a_closed_client_is_not(make: Any, double: Double) -> None:
    driver = make(double.url, KEY)
    driver.call("info")
    driver.call("close") if isinstance(driver, AsyncDriver) else driver.client.close()
    with pytest.raises(RuntimeError, match="closed"):
        driver.call("info")
    driver.close()


def test_the_key_is_not_shown(make: Any) -> None:
    driver = make("http://h", "very-secret")
    assert "very-secret" not in repr(driver.client) + repr(driver.client._endpoint)
    driver.close()


def test_a_client_leaves_no_connection_behind(double: Double) -> None:
    with Dobby(double.url, KEY) as client:
        client.info()
        pool = client._pools.get()
    assert pool.is_closed


def test_proxies_of_the_environment_never_see_the_key(
    make: Any, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    driver = make(double.url, KEY)
    driver.call("info")
    driver.close()


def test_an_http_client_of_ones_own_is_used(double: Double) -> None:
    client = Dobby(double.url, KEY, http_client=lambda: httpx.Client(headers={"x-mine": "1"}))
    with client:
        client.info()
    assert double.state.seen[0].headers["x-mine"] == "1"


def test_threads_share_one_pool(double: Double) -> None:
    with Dobby(double.url, KEY) as client:
        barrier = threading.Barrier(8)
        pools = []

        def work() -> None:
            barrier.wait()
            client.update("a", 1)
            pools.append(client._pools.get())

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, pools))) == 1
    assert len(double.state.published) == 8


def test_a_forked_worker_has_its_own_connections(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Dobby(double.url, KEY) as client:
        client.info()
        parent = client._pools.get()
        real = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: real + 1)
        client.info()
        child = client._pools.get()
        assert child is not parent
        client._pools.close()
        assert child.is_closed
        assert not parent.is_closed
        monkeypatch.undo()
        assert client._pools._pools == {real: parent}
