"""Reading a path's log and state, page by page, with both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import cornelius
from cornelius import (
    BadKey,
    BadPath,
    BadReply,
    BadRequest,
    Entry,
    Gap,
    Position,
    Update,
    aio,
)
from cornelius import _state as states
from cornelius._types import StatePage
from tests.double import KEY, Double
from tests.driver import AsyncDriver, SyncDriver

EPOCH = "k3v9x0qa"


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest, double: Double) -> Iterator[Any]:
    made = request.param(double.url, KEY)
    yield made
    made.close()


def at(offset: int, epoch: str = EPOCH) -> Position:
    return Position(epoch, offset)


def offsets(found: list[Any]) -> list[int]:
    return [each.position.offset for each in found]


def test_a_page_of_history_has_updates_with_position_and_key(driver: Any) -> None:
    driver.call("updates", [("log", 1), Update("log", {"id": 7}, key="7"), ("other", 3)])
    found = driver.call("history", "log")
    assert found.updates == [
        Update("log", 1, at(1)),
        Update("log", {"id": 7}, at(2), key="7"),
    ]
    assert (found.gap, found.head, found.next) == (None, at(3), None)


def test_history_goes_on_from_a_position_either_way(driver: Any, double: Double) -> None:
    driver.call("updates", [("log", n) for n in range(5)])
    first = driver.call("history", "log", limit=2)
    assert (offsets(first.updates), first.next) == ([1, 2], at(2))
    assert offsets(driver.call("history", "log", first.next).updates) == [3, 4, 5]
    newest = driver.call("history", "log", reverse=True, limit=2)
    assert (offsets(newest.updates), newest.next) == ([5, 4], at(4))
    assert double.state.seen[-1].body == {"path": "log", "reverse": True, "limit": 2}
    assert offsets(driver.call("history", "log", at(4), reverse=True).updates) == [3, 2, 1]


def test_history_tells_a_gap(driver: Any) -> None:
    driver.call("update", "log", 1)
    found = driver.call("history", "log", at(9, "before00"))
    assert found.gap == Gap("log", at(9, "before00"), at(0), "restarted")


def test_the_whole_history_is_asked_for_page_by_page(driver: Any, double: Double) -> None:
    driver.call("updates", [("log", n) for n in range(5)])
    double.state.seen.clear()
    assert offsets(driver.take(99, "iter_history", "log", page_size=2)) == [1, 2, 3, 4, 5]
    pages = [seen.body.get("since", {}).get("offset") for seen in double.state.seen]
    assert pages == [None, 2, 4]
    assert offsets(driver.take(99, "iter_history", "log", at(3))) == [4, 5]
    newest_first = driver.take(99, "iter_history", "log", reverse=True, page_size=2)
    assert offsets(newest_first) == [5, 4, 3, 2, 1]


def test_the_whole_history_begins_with_its_gap(driver: Any) -> None:
    driver.call("update", "log", 1)
    assert driver.take(99, "iter_history", "log", at(9, "before00")) == [
        Gap("log", at(9, "before00"), at(0), "restarted"),
        Update("log", 1, at(1)),
    ]


def test_a_position_may_come_as_what_a_page_was_given(driver: Any) -> None:
    driver.call("updates", [("log", n) for n in range(5)])
    since = at(3).to_json()
    assert offsets(driver.call("history", "log", since).updates) == [4, 5]
    assert offsets(driver.take(99, "iter_history", "log", since)) == [4, 5]


@pytest.mark.parametrize(
    "since",
    [
        "k3v9x0qa:3",
        3,
        {},
        {"epoch": EPOCH},
        {"epoch": EPOCH, "offset": "3"},
        {"epoch": EPOCH, "offset": True},
        {"epoch": EPOCH, "offset": -1},
        {"epoch": EPOCH, "offset": 2**53},
        {"epoch": 7, "offset": 3},
        {"epoch": "", "offset": 3},
    ],
)
def test_what_is_no_position_is_a_bad_request(driver: Any, double: Double, since: Any) -> None:
    with pytest.raises(BadRequest, match=r"bad_field: .*\(field since\)") as told:
        driver.call("history", "log", since)
    assert told.value.field == "since"
    with pytest.raises(BadRequest, match="bad_field"):
        driver.client.iter_history("log", since)
    assert double.state.seen == []


def test_a_history_that_does_not_end_is_told(driver: Any, double: Double) -> None:
    here = {"epoch": EPOCH, "offset": 4}
    page: Any = {"updates": [], "gap": None, "head": here, "next": here}
    double.state.faults = [(200, page)] * 3
    with pytest.raises(BadReply):
        driver.take(99, "iter_history", "log")


def test_what_has_no_log_or_state_is_a_bad_request(driver: Any) -> None:
    with pytest.raises(BadRequest, match="no_log"):
        driver.call("history", "nolog")
    with pytest.raises(BadRequest, match="no_state"):
        driver.call("state", "nolog")


def test_what_is_malformed_is_refused_before_it_is_sent(driver: Any, double: Double) -> None:
    with pytest.raises(BadPath):
        driver.call("history", "a*")
    with pytest.raises(BadPath):
        driver.client.iter_history("a*")
    with pytest.raises(BadPath):
        driver.call("state", "::connect")
    with pytest.raises(BadKey, match=r"^keys\.1 "):
        driver.call("state", "a", ["7", 8])
    with pytest.raises(TypeError):
        driver.call("state", "a", "7")
    with pytest.raises(BadRequest, match="too_many_items"):
        driver.call("state", "a", [str(n) for n in range(1001)])
    assert double.state.seen == []


def test_a_state_is_a_mapping_of_keys_to_entries(driver: Any) -> None:
    for key, message in [("7", "Ada"), ("3", "Grace"), ("7", "Ada L."), ("9", "x"), ("9", None)]:
        driver.call("update", "contacts", message, key=key)
    found = driver.call("state", "contacts")
    assert (found.path, found.position) == ("contacts", at(5))
    assert list(found) == ["3", "7"]
    assert found["7"] == Entry("7", "Ada L.", at(3))
    assert "9" not in found
    assert {key: entry.message for key, entry in found.items()} == {"3": "Grace", "7": "Ada L."}


def test_some_keys_of_a_state_can_be_asked_for(driver: Any, double: Double) -> None:
    for key in "abc":
        driver.call("update", "contacts", key, key=key)
    assert list(driver.call("state", "contacts", ["c", "a", "z", "c"])) == ["a", "c"]
    assert double.state.seen[-1].body["keys"] == ["c", "a", "z"]
    assert len(driver.call("state", "contacts", [])) == 0


def test_a_state_of_many_pages_is_read_whole(driver: Any, double: Double) -> None:
    driver.call("updates", [Update("contacts", n, key=f"{n:02}") for n in range(7)])
    double.state.page_size = 3
    found = driver.call("state", "contacts")
    assert [entry.message for entry in found.values()] == list(range(7))
    pages = [seen.body.get("after") for seen in double.state.seen if seen.method == "state"]
    assert pages == [None, "02", "05"]


def page(*keys: str, offset: int, epoch: str = EPOCH, next: str | None = None) -> StatePage:
    entries = [Entry(key, offset, at(offset, epoch)) for key in keys]
    return StatePage(entries, at(offset, epoch), next)


def test_the_position_of_several_pages_is_what_all_have_reached() -> None:
    reading = states.state("contacts")
    next(reading)
    reading.send(page("a", "b", offset=4, next="b"))
    with pytest.raises(StopIteration) as end:
        reading.send(page("c", offset=6))
    assert end.value.value.position == at(4)
    assert list(end.value.value) == ["a", "b", "c"]


def test_a_state_that_was_lost_between_two_pages_is_read_anew() -> None:
    reading = states.state("contacts")
    next(reading)
    reading.send(page("a", "b", offset=4, next="b"))
    again = reading.send(page(offset=0, epoch="p0dd1e8t"))
    assert b"after" not in again.request.body
    with pytest.raises(StopIteration) as end:
        reading.send(page("c", offset=1, epoch="p0dd1e8t"))
    assert list(end.value.value) == ["c"]
    assert end.value.value.position == at(1, "p0dd1e8t")


def test_two_servers_in_turn_are_told_from_one() -> None:
    reading = states.state("contacts")
    next(reading)
    with pytest.raises(BadReply, match="epoch"):
        for n in range(99):
            reading.send(page("a", offset=1, epoch=f"epoch{n:03}", next="a"))


def test_a_state_that_does_not_end_is_told() -> None:
    reading = states.state("contacts")
    next(reading)
    reading.send(page("a", offset=1, next="a"))
    with pytest.raises(BadReply, match="end"):
        reading.send(page("a", offset=1, next="a"))


def test_the_default_client_reads_too(double: Double) -> None:
    cornelius.configure(url=double.url, api_key=KEY)
    cornelius.update("log", 1, key="a")
    assert offsets(cornelius.history("log").updates) == [1]
    assert offsets(list(cornelius.iter_history("log"))) == [1]
    assert cornelius.state("log")["a"].message == 1

    async def work() -> None:
        assert offsets((await aio.history("log")).updates) == [1]
        assert offsets([each async for each in aio.iter_history("log")]) == [1]
        assert (await aio.state("log"))["a"].message == 1
        await cornelius._default.async_default().close()

    asyncio.run(work())
