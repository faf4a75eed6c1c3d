"""Reads an event stream (HTML, "Server-sent events") without I/O."""

from __future__ import annotations

import re

from ._errors import BadReply

MAX_EVENT_BYTES = 1024 * 1024
"""The longest line or event that is read; the server's frames are far below it."""

# A "\r" at the end of what has come may be the first half of "\r\n".
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class EventReader:
    """Parts the bytes of an event stream into the data of its events.

    Event names and ids are left out: Dobby's frames say all by themselves.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Takes the next bytes; gives the data of the events that they complete."""
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        if len(self._rest) > MAX_EVENT_BYTES:
            raise BadReply(f"a line of the event stream is above {MAX_EVENT_BYTES} bytes")
        events = []
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name.removeprefix(b"\xef\xbb\xbf") != b"data":
            return
        self._size += len(line)
        if self._size > MAX_EVENT_BYTES:
            raise BadReply(f"an event is above {MAX_EVENT_BYTES} bytes")
        self._data.append(value.removeprefix(b" "))
