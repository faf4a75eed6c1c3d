"""Event loops: nothing blocks one, and each takes its connections with it when it closes."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import unittest
import warnings
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

import cornelius
from cornelius import AsyncDobby, BlockingCall, CorneliusError, Dobby, aio
from cornelius._pool import closing_of
from tests.double import KEY, Double
from tests.test_watch import at, seen, subscribed, update

Work = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture(autouse=True)
def configured(double: Double) -> None:
    cornelius.configure(url=double.url, api_key=KEY)


def by_asyncio_run(work: Work) -> None:
    asyncio.run(work())


def by_a_runner(work: Work) -> None:
    with asyncio.Runner() as runner:
        runner.run(work())
        runner.run(work())


def by_hand(work: Work) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(work())
    loop.close()
    loop.close()


def by_async_to_sync(work: Work) -> None:
    async_to_sync(work)()


def by_two_loops_at_a_time(work: Work) -> None:
    loops = [asyncio.new_event_loop() for _ in range(2)]
    for loop in [*loops, *loops]:
        loop.run_until_complete(work())
    for loop in loops:
        loop.close()


def by_unittest(work: Work) -> None:
    class Case(unittest.IsolatedAsyncioTestCase):
        async def runTest(self) -> None:  # noqa: N802  unittest's
            await work()

    assert Case().run() is not None


WAYS = [by_asyncio_run, by_a_runner, by_hand, by_async_to_sync, by_two_loops_at_a_time, by_unittest]


def complaints(way: Callable[[Work], None], work: Work) -> list[str]:
    """Gives the warnings of two runs, with everything collected that can be."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(2):
            way(work)
            gc.collect()
    return [str(each.message) for each in found]


@pytest.mark.parametrize("way", WAYS)
def test_a_loop_that_ends_leaves_no_transport_open(
    double: Double, way: Callable[[Work], None]
) -> None:
    async def work() -> None:
        await aio.update("a", 1)
        await asyncio.gather(*(aio.update("a", n) for n in range(3)))

    assert complaints(way, work) == []
    assert double.state.published


@pytest.mark.parametrize("way", WAYS)
def test_nor_does_one_whose_client_was_replaced_or_never_closed(
    double: Double, way: Callable[[Work], None]
) -> None:
    clients = []

    async def work() -> None:
        await aio.update("a", 1)
        cornelius.configure(url=double.url, api_key=KEY)
        gc.collect()
        await aio.update("b", 2)
        clients.append(AsyncDobby(double.url, KEY))
        await clients[-1].update("c", 3)

    assert complaints(way, work) == []


def test_nor_does_a_stream_that_is_closed_early(double: Double) -> None:
    async def work() -> None:
        double.state.streams.append([subscribed(at(7)), update("a", 8), update("b", 9)])
        async with aclosing(aio.watch("news")) as news:
            async for each in news:
                assert each == seen("a", 8)
                break

    assert complaints(by_asyncio_run, work) == []


def test_a_client_leaves_no_trace_on_a_loop_that_goes_on(double: Double) -> None:
    async def work() -> None:
        async with AsyncDobby(double.url, KEY) as first:
            await first.info()
        hook = asyncio.get_running_loop().close
        assert closing_of(asyncio.get_running_loop()).pools == {}
        for _ in range(3):
            async with AsyncDobby(double.url, KEY) as client:
                await client.info()
        assert asyncio.get_running_loop().close is hook

    asyncio.run(work())


def test_a_client_that_is_dropped_is_closed_by_its_loop_at_once(double: Double) -> None:
    async def work() -> None:
        closing = closing_of(asyncio.get_running_loop())
        for _ in range(5):
            await AsyncDobby(double.url, KEY).info()
        gc.collect()
        async with asyncio.timeout(10):
            while closing.pools or closing._tasks:  # noqa: ASYNC110  it has no event
                await asyncio.sleep(0)

    assert complaints(by_asyncio_run, work) == []


def test_what_fails_to_close_keeps_no_loop_open(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        client = AsyncDobby(double.url, KEY)
        await client.info()
        clients.append(client)

    clients: list[AsyncDobby] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(work())
    pool = clients[0]._pools._pools[loop]

    async def broken() -> None:
        await type(pool).aclose(pool)
        raise OSError("no")

    monkeypatch.setattr(pool, "aclose", broken)
    loop.close()
    assert loop.is_closed()


BLOCKING: dict[str, Callable[[], Any]] = {
    "update": lambda: cornelius.update("a", 1),
    "updates of nothing": lambda: cornelius.updates([]),
    "position": lambda: cornelius.position("a"),
    "state": lambda: cornelius.state("a"),
    "sessions": lambda: next(cornelius.sessions()),
    "paths": lambda: next(cornelius.paths()),
    "iter_history": lambda: next(cornelius.iter_history("a")),
    "watch": lambda: next(cornelius.watch("news")),
    "history": lambda: cornelius.history("a"),
    "kick": lambda: cornelius.kick("s1"),
}


@pytest.mark.parametrize("call", BLOCKING.values(), ids=BLOCKING)
def test_a_blocking_call_in_an_event_loop_is_refused_at_once(
    double: Double, call: Callable[[], Any]
) -> None:
    async def work() -> None:
        with pytest.raises(BlockingCall, match=r"await cornelius\.aio") as caught:
            call()
        assert isinstance(caught.value, CorneliusError)
        assert not caught.value.retryable

    asyncio.run(work())
    assert double.state.seen == []


def test_so_is_one_of_a_client_of_your_own(double: Double) -> None:
    async def work() -> None:
        with Dobby(double.url, KEY) as client:
            with pytest.raises(BlockingCall, match="AsyncDobby"):
                client.update("a", 1)

    asyncio.run(work())
    assert double.state.seen == []


def test_in_a_thread_beside_the_loop_it_may_block(double: Double) -> None:
    async def work() -> None:
        await asyncio.to_thread(cornelius.update, "a", 1)
        await sync_to_async(cornelius.update)("b", 2)

    asyncio.run(work())
    assert [path for path, _ in double.state.published] == ["a", "b"]


def test_who_allows_blocking_as_in_a_notebook_may_block(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

    async def work() -> None:
        cornelius.update("a", 1)

    asyncio.run(work())
    assert [path for path, _ in double.state.published] == ["a"]


PROJECT = """
import asyncio
import pytest
import cornelius
from cornelius import aio

cornelius.configure(url={url!r}, api_key={key!r})

@pytest.mark.parametrize("n", range(3))
def test_it(n):
    asyncio.run(aio.update("a", n))

def test_blocking():
    cornelius.update("b", 1)
"""


def test_a_project_may_turn_warnings_into_errors(double: Double, tmp_path: Path) -> None:
    file = tmp_path / "test_project.py"
    file.write_text(PROJECT.format(url=double.url, key=KEY))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-W", "error", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Warning" not in run.stderr
