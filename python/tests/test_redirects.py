"""Redirects: none is followed, whatever asks, and each is named with where it leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cornelius import BadReply, _calls
from cornelius._replies import Reply, failure
from tests.double import KEY, Double
from tests.driver import AsyncDriver, SyncDriver

CALLS: dict[str, Callable[[Any], Any]] = {
    "update": lambda driver: driver.call("update", "a", 1),
    "kick": lambda driver: driver.call("kick", "s1"),
    "state": lambda driver: driver.call("state", "a"),
    "position": lambda driver: driver.call("position", "a"),
    "watch": lambda driver: driver.take(1, "watch", "news"),
}


def following(kind: type[Any]) -> Any:
    made = httpx.Client if kind is SyncDriver else httpx.AsyncClient
    return lambda: made(follow_redirects=True)


@pytest.mark.parametrize("kind", [SyncDriver, AsyncDriver])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_call_follows_one_and_each_names_it(
    double: Double, kind: type[Any], status: int, call: Callable[[Any], Any]
) -> None:
    answer = (status, b"<h1>Moved</h1>", {"Location": "https://push.example/api/"})
    double.state.faults = [answer, answer]
    double.state.streams = [answer, answer]
    driver = kind(double.url, KEY, http_client=following(kind))
    try:
        with pytest.raises(BadReply) as caught:
            call(driver)
    finally:
        driver.close()
    assert "'https://push.example/api/'" in str(caught.value)
    assert f"status {status}" in str(caught.value)
    assert "set the URL of Dobby" in str(caught.value)
    assert len(double.state.seen) == 1


def test_what_a_redirect_says_is_cut_and_shown_as_it_is() -> None:
    found = failure(Reply(302, b"", location="https://h/\x1b[2J" + "x" * 999))
    assert "\\x1b" in str(found)
    assert len(str(found)) < 500


def test_a_redirect_to_nowhere_is_named_too() -> None:
    with pytest.raises(BadReply, match=r"redirect without a Location.*status 307"):
        _calls.info().parse(Reply(307, b""))


def test_who_logs_in_is_not_told_with_the_password() -> None:
    found = failure(Reply(302, b"", location="https://ada:secret@h/login?next=/api"))
    assert "secret" not in str(found)
    assert "h/login" in str(found)
