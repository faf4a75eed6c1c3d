"""Cornelius against a real Dobby, in a process of its own, as it is built in this repository."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cornelius import (
    AsyncDobby,
    BadRequest,
    Dobby,
    Entry,
    Gap,
    IdempotencyKeyReused,
    PartialFailure,
    Position,
    Unauthorized,
    UnknownSession,
    Update,
    UserMismatch,
)
from tests.dobby import KEY, DobbyProcess


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process = DobbyProcess(tmp_path_factory.mktemp("dobby"))
    yield process.url
    process.stop()


@pytest.fixture
def dobby(url: str) -> Iterator[Dobby]:
    with Dobby(url, KEY) as client:
        yield client


def opened(url: str) -> str:
    """Opens a session by long-poll and gives its id."""
    body = {"type": "open", "protocol": 1}
    answer: dict[str, Any] = httpx.post(f"{url}/comet", json=body).json()
    return str(answer["updates"][0]["id"])


def test_what_is_pushed_is_watched_with_its_position(dobby: Dobby) -> None:
    first = dobby.update("news/1", {"n": 1})
    assert isinstance(first, Position)
    assert dobby.position("news/1") == first
    watching = dobby.watch("news/1")
    # The stream is opened by the first `next`; what is pushed before is not heard, so push on.
    pushed: list[Any] = []

    async def push() -> None:
        async with AsyncDobby(dobby._endpoint.url, KEY) as client:
            for n in range(2, 40):
                pushed.append(await client.update("news/1", {"n": n}, key=str(n)))
                await asyncio.sleep(0.05)

    def watch() -> Update:
        heard = next(watching)
        assert isinstance(heard, Update)
        return heard

    async def both() -> Update:
        pushing = asyncio.create_task(push())
        heard = await asyncio.to_thread(watch)
        pushing.cancel()
        return heard

    heard = asyncio.run(both())
    assert heard.path == "news/1"
    assert heard.position == Position(first.epoch, heard.message["n"])
    assert heard.key == str(heard.message["n"])


def test_a_session_is_connected_bound_disconnected_and_kicked(dobby: Dobby, url: str) -> None:
    id = opened(url)
    assert list(dobby.connect(id, ["private/a", "private/b"], user="ada")) == [
        "private/a",
        "private/b",
    ]
    with pytest.raises(UserMismatch):
        dobby.connect(id, ["private/c"], user="mallory")
    with pytest.raises(UserMismatch):
        dobby.disconnect(id, ["private/a"], user="mallory")
    assert dobby.disconnect(id, ["private/a", "private/x"], user="ada") == {
        "private/a": True,
        "private/x": False,
    }
    assert [(each.id, each.user) for each in dobby.sessions() if each.id == id] == [(id, "ada")]
    dobby.kick(id)
    dobby.kick(id)  # a lost answer may be asked for again
    with pytest.raises(UnknownSession):
        dobby.connect(id, ["private/a"])


def test_what_is_at_fault_is_told_item_by_item(dobby: Dobby, url: str) -> None:
    id = opened(url)
    dobby.connect(id, [f"private/{n}" for n in range(1_000)])
    with pytest.raises(PartialFailure) as caught:
        dobby.connect(id, ["private/0", "private/one/too/many"])
    assert list(caught.value.failed) == ["private/one/too/many"]


def test_a_key_is_used_once_for_one_request(dobby: Dobby) -> None:
    first = dobby.update("news/2", 1, idempotency_key="once")
    assert dobby.update("news/2", 1, idempotency_key="once") == first
    with pytest.raises(IdempotencyKeyReused):
        dobby.update("news/2", 2, idempotency_key="once")


def test_a_wrong_key_is_unauthorized(url: str) -> None:
    with Dobby(url, "another-key-of-the-tests") as stranger, pytest.raises(Unauthorized):
        stranger.update("news/1", 1)


def test_what_travels_is_what_was_meant(dobby: Dobby) -> None:
    message = {"text": "ü 𝄞 \u2028 \x00", "n": -(2**53), "list": [None, True, 1.5]}
    positions = dobby.updates([("news/3", message), Update("news/3", "two")])
    assert [each.offset for each in positions if each] == [1, 2]
    assert json.loads(json.dumps(dobby.info()))["updates"] >= 2


def test_history_gives_what_was_pushed(dobby: Dobby) -> None:
    dobby.updates([Update("log", n, key=str(n) if n % 2 else None) for n in range(7)])
    page = dobby.history("log", limit=3)
    assert [(each.message, each.key) for each in page.updates] == [(0, None), (1, "1"), (2, None)]
    assert page.head == dobby.position("log")
    assert page.next == page.updates[-1].position
    rest = dobby.history("log", page.next)
    assert [each.message for each in rest.updates if isinstance(each, Update)] == [3, 4, 5, 6]
    assert (rest.gap, rest.next) == (None, None)
    forth = list(dobby.iter_history("log", page_size=2))
    back = list(dobby.iter_history("log", reverse=True, page_size=2))
    assert [each.message for each in forth if isinstance(each, Update)] == list(range(7))
    assert back == forth[::-1]


def test_history_tells_what_is_gone(dobby: Dobby) -> None:
    dobby.update("log/gone", 1)
    gap, update = dobby.iter_history("log/gone", Position("before00", 9))
    assert isinstance(gap, Gap)
    assert (gap.from_, gap.reason) == (Position("before00", 9), "restarted")
    assert isinstance(update, Update)
    with pytest.raises(BadRequest, match="bad_position"):
        dobby.history("log/gone", Position(dobby.history("log/gone").head.epoch, 99))


def test_a_state_holds_the_newest_of_each_key(dobby: Dobby) -> None:
    first = dobby.update("contacts", "Ada", key="7")
    dobby.updates([Update("contacts", "Grace", key="3"), Update("contacts", 1)])
    last = dobby.update("contacts", {"name": "Ada"}, key="7")
    assert first != last
    assert last is not None
    found = dobby.state("contacts")
    assert list(found) == ["3", "7"]
    assert found["7"] == Entry("7", {"name": "Ada"}, last)
    assert found.position == last == dobby.position("contacts")
    assert list(dobby.state("contacts", ["7", "8"])) == ["7"]
    dobby.update("contacts", None, key="7")
    assert list(dobby.state("contacts")) == ["3"]
    assert len(dobby.state("contacts/none")) == 0


def test_a_state_of_several_pages_is_read_whole(dobby: Dobby) -> None:
    rows = [Update("contacts/many", n, key=f"ä{n}") for n in range(2_345)]
    for first in range(0, len(rows), 1_000):
        dobby.updates(rows[first : first + 1_000])

    async def read() -> set[int]:
        async with AsyncDobby(dobby._endpoint.url, KEY) as client:
            found = await client.state("contacts/many")
            return {entry.message for entry in found.values()}

    assert asyncio.run(read()) == set(range(2_345))


def test_a_path_without_a_log_or_state_says_so(dobby: Dobby) -> None:
    with pytest.raises(BadRequest, match="no_state"):
        dobby.update("nolog/1", 1, key="7")
    with pytest.raises(PartialFailure, match="no_state"):
        dobby.updates([("nolog/1", 1), Update("nolog/1", 1, key="7")])
    with pytest.raises(BadRequest, match="no_log"):
        dobby.history("nolog/1")
    with pytest.raises(BadRequest, match="no_state"):
        dobby.state("nolog/1")
