"""Cornelius against a real Dobby, in a process of its own, as it is built in this repository."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cornelius import (
    AsyncDobby,
    Dobby,
    IdempotencyKeyReused,
    PartialFailure,
    Position,
    Unauthorized,
    UnknownSession,
    Update,
    UserMismatch,
)

KEY = "a-key-of-the-tests-0123456789"
MAIN = Path(__file__).parents[2] / "server/dist/server/src/cli/main.js"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert MAIN.exists(), "the server has not been built: npm run build"
    flags = ["--port", "0", "--public", "news/{name*}", "--state-dir"]
    folder = str(tmp_path_factory.mktemp("dobby") / "state")
    with subprocess.Popen(
        ["node", str(MAIN), *flags, folder],
        env={**os.environ, "DOBBY_API_KEY": KEY},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None, "Dobby did not say where it listens"
        yield found[0]
        server.terminate()
        server.wait(10)


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
                pushed.append(await client.update("news/1", {"n": n}))
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
