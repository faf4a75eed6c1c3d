"""One watched path, without any I/O: what to ask for, what each byte means, when to come back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from . import _decode as decode
from ._errors import BadReply, CorneliusError, DobbyUnreachable, StreamEnded, api_error
from ._event_stream import EventReader
from ._paths import checked_path
from ._replies import Reply, failure
from ._retry import Attempts, Retry
from ._types import Gap, Position, Update

SILENCE_SECONDS = 60.0
"""A stream that gives no byte for so long is dead: the server keeps it awake every 25 s."""

_CAP_SECONDS = 30.0

log = logging.getLogger("cornelius")


class Watch:
    """The state of one watched stream across its connections.

    Until the first `subscribed` the retry policy bounds the attempts, so that a wrong URL is told.
    After it the watch comes back for ever, with growing, jittered waits of at most 30 s.
    """

    def __init__(self, path: str, retry: Retry) -> None:
        self.path = checked_path(path)
        self.target = f"/comet?path={quote(path, safe='')}"
        self._first: Attempts | None = retry.start()
        self._retry = replace(retry, cap_seconds=_CAP_SECONDS)
        self._failures = 0
        self._position: Position | None = None
        self._events = EventReader()
        self._wait_at_least = 0.0

    def headers(self) -> dict[str, str]:
        """Begins a connection; gives its headers, with the position that was heard last."""
        self._events = EventReader()
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if self._position is not None:
            headers["last-event-id"] = str(self._position)
        return headers

    def refusal(self, reply: Reply) -> CorneliusError:
        """Gives the error of an answer that is not an event stream."""
        if 200 <= reply.status < 300:
            return BadReply("The answer is not an event stream", reply.status)
        return failure(reply)

    def feed(self, chunk: bytes) -> Iterator[Update | Gap]:
        """Takes the next bytes; yields what they tell, raises when the stream is refused."""
        for event in self._events.feed(chunk):
            yield from self._frame(decode.json_object(event, "a frame"))

    def after(self, error: CorneliusError) -> float:
        """Gives the seconds to wait before the next connection, or raises `error`."""
        if self._first is not None:
            return max(self._first.after(error), self._wait_at_least)
        if not error.retryable:
            raise error
        self._failures += 1
        wait = max(self._retry.delay(self._failures), self._wait_at_least, error.retry_after or 0.0)
        self._wait_at_least = 0.0
        log.warning("watching %s was interrupted, again in %.1f s: %s", self.path, wait, error)
        return wait

    def _frame(self, frame: decode.Object) -> Iterator[Update | Gap]:
        """Reads one frame of docs/protocol.md; those that a watcher needs not are ignored."""
        match decode.text(frame, "type") if "type" in frame else None:
            case None:
                found = decode.update(frame, decode.text(frame, "path"))
                self._position = found.position or self._position
                yield found
            case "gap":
                gap = decode.gap(frame, decode.text(frame, "path"))
                self._position = gap.to
                yield gap
            case "subscribed":
                heard = decode.items(frame, "paths")
                positions = {decode.text(each, "path"): decode.position(each) for each in heard}
                yield from self._subscribed(positions.get(self.path))
            case "refused":
                errors = map(decode.error, decode.items(frame, "paths"))
                raise next(errors, BadReply("refused without a path"))
            case "error":
                raise decode.error(frame)
            case "unsubscribed":
                raise api_error("denied", "The back end took this path from the session.")
            case "closing":
                raise self._closing(frame)

    def _subscribed(self, position: Position | None) -> Iterator[Gap]:
        is_resumed = self._first is None
        self._first = None
        self._failures = 0
        if position is None and is_resumed and self._position is None:
            # A path without a log has no position to resume from, so that the server cannot know
            # that something may be missing.
            yield Gap(self.path, None, None, "no_log")
        self._position = self._position or position

    def _closing(self, frame: decode.Object) -> CorneliusError:
        code, message = decode.integer(frame, "code"), decode.text(frame, "message")
        error = decode.optional_text(frame, "error")
        if 4200 <= code < 4300:
            return StreamEnded(code, message) if error is None else api_error(error, message)
        self._wait_at_least = (decode.optional_integer(frame, "reconnectAfterMs") or 0) / 1000
        return DobbyUnreachable(f"Dobby closed the stream: {message}")
