"""Whatever comes in, nothing but a `CorneliusError` comes out."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadReply, CorneliusError, Retry
from cornelius import _calls as calls
from cornelius._calls import Call
from cornelius._event_stream import MAX_EVENT_BYTES, EventReader
from cornelius._history import history, iter_history
from cornelius._replies import Reply
from cornelius._state import state_page
from cornelius._watch import Watch

CALLS: list[Call[Any]] = [
    calls.update("a", 1),
    calls.updates([("a", 1), ("b", 2)]),
    calls.connect("id", ["a"]),
    calls.disconnect("id", ["a"]),
    calls.disconnect_user("ann", ["a"]),
    calls.kick("id"),
    calls.info(),
    calls.sessions().page(None),
    calls.paths().page(None),
    history("a"),
    iter_history("a").page(None),
    state_page("a", None, None, 100),
]

names = st.sampled_from(
    "type path paths message position epoch offset results error code field retryable kicked "
    "sessions next id from to reason received n by key entries first last updates gap head "
    "expiresInMs tokenExpiresInMs pattern ended".split()
)
texts = st.sampled_from(
    "update state opened subscribed refused gap closing error ticket ping renewed a".split()
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.text(max_size=5)
nearly = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
    max_leaves=30,
).map(lambda value: json.dumps(value).encode())
data = st.binary() | nearly
odd = [
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b"9" * 5_000,
    b'{"path":"a","message":NaN}',
    b'{"path":"a"}',
    b'{"path":1,"message":1}',
    b'{"type":["a"]}',
    b'{"path":"a","message":1,"key":7}',
    b'{"type":"subscribed"}',
    b'{"type":"subscribed","paths":[{"path":7,"position":null}]}',
    b'{"type":"subscribed","paths":[{"path":"a","position":"k:1"}]}',
    b'{"type":"gap","path":"a","from":null,"to":null}',
    b'{"type":"refused","paths":[]}',
    b'{"type":"refused","paths":[{"path":"a"}]}',
    b'{"type":"error","code":"internal"}',
    b'{"type":"closing","code":4000}',
    b'{"type":"closing","code":4000,"message":"m","reconnectAfterMs":-1}',
    b'{"path":"a","message":1,"position":{"epoch":"k","offset":-1}}',
    b'{"path":"a","message":1,"position":{"epoch":"k","offset":true}}',
]


@pytest.mark.parametrize("bytes_", odd, ids=lambda value: value[:20])
def test_refuses_frames_that_are_none(bytes_: bytes) -> None:
    with pytest.raises(BadReply):
        list(Watch("a", Retry()).feed(b"data: " + bytes_ + b"\n\n"))


@given(data.filter(lambda bytes_: b"\n" not in bytes_ and b"\r" not in bytes_))
def test_a_frame_is_read_or_refused(bytes_: bytes) -> None:
    with contextlib.suppress(CorneliusError):
        list(Watch("a", Retry()).feed(b"data: " + bytes_ + b"\n\n"))


@given(st.sampled_from(CALLS), st.sampled_from([200, 204, 301, 400, 404, 500, 503]), data)
def test_an_answer_is_parsed_or_refused(call: Call[Any], status: int, body: bytes) -> None:
    try:
        call.parse(Reply(status, body))
    except CorneliusError:
        return
    assert 200 <= status < 300


@given(st.lists(data | nearly.map(lambda text: b"data: " + text + b"\n\n")))
def test_a_watched_stream_is_read_or_refused(chunks: list[bytes]) -> None:
    watch = Watch("a", Retry())
    try:
        for chunk in chunks:
            list(watch.feed(chunk))
    except CorneliusError:
        return


lines = st.lists(st.sampled_from([b"data: a", b"data:b", b":x", b"id: 1:2", b"", b"event: y"]))


@given(lines, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 7))
def test_events_do_not_depend_on_how_their_bytes_are_cut(
    given: list[bytes], end: bytes, size: int
) -> None:
    stream = b"".join(line + end for line in given) + b":end\n"
    whole = EventReader().feed(stream)
    reader = EventReader()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [event for piece in pieces for event in reader.feed(piece)] == whole
    expected = EventReader().feed(b"".join(line + b"\n" for line in given))
    assert whole == expected


def test_an_event_of_several_data_lines_is_joined() -> None:
    assert EventReader().feed(b"data: a\ndata:  b\nid: x\n\ndata: c\n") == [b"a\n b"]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    reader = EventReader()
    reader.feed(b"x" * MAX_EVENT_BYTES)
    with pytest.raises(BadReply):
        reader.feed(b"x")


def test_an_event_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    reader = EventReader()
    reader.feed(b"data: " + b"x" * (MAX_EVENT_BYTES // 2) + b"\n")
    with pytest.raises(BadReply):
        reader.feed(b"data: " + b"x" * (MAX_EVENT_BYTES // 2) + b"\n")
