"""The clients of the backend "test": every call is encoded and parsed as always, and none sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from ._async_client import AsyncDobby
from ._calls import Request
from ._client import Dobby
from ._endpoint import DEFAULT_URL
from ._errors import BadConfiguration
from ._outbox import outbox
from ._replies import Reply
from ._types import Gap, Update
from ._watch import Watch


class StandIn(Dobby):
    """Puts into the outbox what `Dobby` would send."""

    def __init__(self) -> None:
        super().__init__(DEFAULT_URL)

    def _send(self, request: Request, seconds: float | None = None) -> Reply:
        return outbox.reply(request)

    def _connection(self, watch: Watch) -> Iterator[Update | Gap]:
        raise _no_stream()


class AsyncStandIn(AsyncDobby):
    """Puts into the outbox what `AsyncDobby` would send."""

    def __init__(self) -> None:
        super().__init__(DEFAULT_URL)

    async def _send(self, request: Request, seconds: float | None = None) -> Reply:
        return outbox.reply(request)

    async def _connection(self, watch: Watch) -> AsyncGenerator[Update | Gap, None]:
        nothing: list[Update | Gap] = []
        for each in nothing:  # makes it a generator
            yield each
        raise _no_stream()


def _no_stream() -> BadConfiguration:
    return BadConfiguration('nothing can be watched with the backend "test"')
