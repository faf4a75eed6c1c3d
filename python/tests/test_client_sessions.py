"""Both clients: sessions by what they have in common, and how they end, by user and by login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cornelius import BadPattern, LoginEnded, PartialFailure
from tests.double import KEY, Double
from tests.driver import AsyncDriver, SyncDriver

Driver = SyncDriver | AsyncDriver


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest, double: Double) -> Iterator[Driver]:
    made = request.param(double.url, KEY)
    yield made
    made.close()


def test_a_user_or_a_login_is_kicked_in_all_its_sessions(driver: Driver, double: Double) -> None:
    driver.call("connect", "s1", ["a"], user="7", login="tag")
    driver.call("connect", "s2", ["a"], user="7")
    assert double.state.seen[0].body["login"] == "tag"
    assert "login" not in double.state.seen[1].body
    assert driver.call("kick", user="7") == 2
    assert driver.call("kick", user="8", reconnect=False) == 0
    assert driver.call("kick", login="tag") == 0
    assert [seen.body for seen in double.state.seen[2:]] == [
        {"user": "7", "reconnect": True},
        {"user": "8", "reconnect": False},
        {"login": "tag", "reconnect": True},
    ]
    with pytest.raises(LoginEnded):
        driver.call("connect", "s3", ["a"], login="tag")


def test_a_kick_names_exactly_one(driver: Driver, double: Double) -> None:
    for named in ({}, {"id": "s1", "user": "7"}, {"user": "7", "login": "tag"}):
        with pytest.raises(TypeError):
            driver.call("kick", **named)
    assert double.state.seen == []


def test_what_patterns_match_is_taken_from_a_user(driver: Driver, double: Double) -> None:
    found = driver.call("disconnect_user", "7", ["a", "room/{name}", "a"])
    assert found == {"a": 1, "room/{name}": 11}
    assert double.state.seen[0].body == {"user": "7", "patterns": ["a", "room/{name}"]}
    with pytest.raises(PartialFailure) as caught:
        driver.call("disconnect_user", "7", ["a", "{}"])
    assert caught.value.results["a"] == 1
    assert isinstance(caught.value.failed["{}"], BadPattern)
    assert driver.call("disconnect_user", "7", []) == {}
    with pytest.raises(TypeError):
        driver.call("disconnect_user", "7", "a")
    with pytest.raises(BadPattern):
        driver.call("disconnect_user", "7", ["a", 7])


def test_sessions_are_asked_for_by_what_they_have_in_common(driver: Driver, double: Double) -> None:
    (found, *_) = driver.take(1, "sessions", "7", login="tag")
    assert (found.user, found.login, found.info) == ("7", "tag", {"name": "Ada"})
    driver.take(99, "sessions", transport="websocket", address="::1", page_size=3)
    named = {"transport": "websocket", "address": "::1", "limit": 3}
    assert [seen.body for seen in double.state.seen] == [
        {"user": "7", "login": "tag", "limit": 100},
        named,
        {**named, "after": "3"},
    ]
