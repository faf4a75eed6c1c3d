"""When a call is tried again, with an injected clock and injected chance."""

from __future__ import annotations

import email.utils
import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import (
    ApiError,
    BadPath,
    DobbyTimeout,
    DobbyUnreachable,
    Retry,
    Unauthorized,
)
from cornelius._errors import api_error
from cornelius._replies import Reply, failure
from cornelius._retry import Outage

LOST = DobbyUnreachable("lost")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_up_to_the_cap() -> None:
    attempts = Retry(
        attempts=7, base_seconds=0.5, cap_seconds=3.0, total_seconds=1e9, random=lambda: 1.0
    ).start()
    assert [attempts.after(LOST) for _ in range(6)] == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_every_wait_lies_between_nothing_and_the_cap(failures: int, chance: float) -> None:
    assert 0 <= Retry(random=lambda: chance).delay(failures) <= Retry().cap_seconds


def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    attempts = Retry(attempts=2).start()
    attempts.after(LOST)
    last = DobbyTimeout("last")
    with pytest.raises(DobbyTimeout) as caught:
        attempts.after(last)
    assert caught.value is last


def test_one_attempt_means_no_retry() -> None:
    with pytest.raises(DobbyUnreachable):
        Retry(attempts=1).start().after(LOST)


def test_what_is_not_retryable_is_raised_at_once() -> None:
    with pytest.raises(BadPath):
        Retry().start().after(BadPath("a*", "bad_path"))


def policy(clock: Clock, **more: Any) -> Retry:
    return Retry(**{"total_seconds": 10.0, "random": lambda: 1.0, "clock": clock, **more})


def test_the_last_try_is_made_when_the_total_time_is_over() -> None:
    clock = Clock()
    attempts = policy(clock, base_seconds=4.0, cap_seconds=4.0).start()
    waits = []
    for _ in range(3):
        waits.append(attempts.after(LOST))
        clock.now += waits[-1]
    assert waits == [4.0, 4.0, 2.0]
    with pytest.raises(DobbyUnreachable):
        attempts.after(LOST)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 7.9))
def test_the_default_outlasts_a_restart_whatever_the_chance(
    chances: list[float], down: float
) -> None:
    clock = Clock()
    chance = itertools.cycle(chances)
    attempts = Retry(random=lambda: max(next(chance), 0.01), clock=clock).start()
    while clock.now < 100.0 + down:
        clock.now += attempts.after(LOST)
    assert clock.now <= 108.0 + 1e-9


def test_what_the_server_asks_is_waited_for_before_the_jitter() -> None:
    clock = Clock()
    busy = api_error("restarting", "m", status=503)
    busy.retry_after = 3.0
    attempts = policy(clock, base_seconds=0.5).start()
    assert attempts.after(busy) == 3.5
    clock.now += 6.5
    assert attempts.after(busy) == 3.5  # all that is left
    clock.now += 1.0
    with pytest.raises(ApiError):
        attempts.after(busy)


def test_no_time_for_retries_means_none() -> None:
    with pytest.raises(DobbyUnreachable):
        Retry(total_seconds=0.0).start().after(LOST)


def given_up(clock: Clock, outage: Outage) -> None:
    """Lets one call wait in vain."""
    attempts = policy(clock).start(outage)
    with pytest.raises(DobbyUnreachable):
        for _ in range(99):
            clock.now += attempts.after(LOST)


def test_after_a_call_that_waited_in_vain_the_others_try_once() -> None:
    clock, outage = Clock(), Outage()
    waiting = policy(clock).start(outage)
    given_up(clock, outage)
    began = clock.now
    for _ in range(3):
        clock.now += 29.0  # each of them shows anew that Dobby is away
        with pytest.raises(DobbyUnreachable):
            policy(clock).start(outage).after(LOST)
    assert clock.now == began + 3 * 29.0
    with pytest.raises(DobbyUnreachable):
        waiting.after(LOST)


def test_a_call_that_waits_already_is_not_cut_short_by_another() -> None:
    clock, outage = Clock(), Outage()
    early = policy(clock, total_seconds=99.0).start(outage)
    early.after(LOST)
    given_up(clock, outage)
    assert early.after(LOST) > 0


def test_calls_wait_again_after_an_answer() -> None:
    clock, outage = Clock(), Outage()
    given_up(clock, outage)
    policy(clock).start(outage).answered()
    assert policy(clock).start(outage).after(LOST) > 0
    given_up(clock, outage)
    with pytest.raises(Unauthorized):  # an answer too
        policy(clock).start(outage).after(api_error("unauthorized", "m"))
    assert policy(clock).start(outage).after(LOST) > 0


def test_calls_wait_again_when_none_was_made_for_a_while() -> None:
    clock, outage = Clock(), Outage()
    given_up(clock, outage)
    clock.now += 30.1
    assert policy(clock).start(outage).after(LOST) > 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("9" * 99, 999_999_999.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_reads_what_an_answer_asks(header: str | None, seconds: float | None) -> None:
    body = json.dumps({"error": {"code": "restarting", "message": "m"}}).encode()
    assert failure(Reply(503, body, header)).retry_after == seconds
    assert failure(Reply(503, b"<h1>Busy</h1>", header)).retry_after == seconds


def test_reads_a_date_as_the_time_until_then() -> None:
    header = email.utils.formatdate(time.time() + 100, usegmt=True)
    asked = failure(Reply(503, b"", header)).retry_after
    assert asked is not None
    assert 90 < asked <= 100
