"""When a call is tried again, with an injected clock and injected chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadPath, DobbyTimeout, DobbyUnreachable, Retry

LOST = DobbyUnreachable("lost")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_up_to_the_cap() -> None:
    attempts = Retry(attempts=7, base=0.5, cap=3.0, total=1e9, random=lambda: 1.0).start()
    assert [attempts.after(LOST) for _ in range(6)] == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_every_wait_lies_between_nothing_and_the_cap(failures: int, chance: float) -> None:
    assert 0 <= Retry(random=lambda: chance).delay(failures) <= Retry().cap


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


def test_no_try_begins_after_the_total_time() -> None:
    clock = Clock()
    policy = Retry(attempts=99, base=1.0, cap=1.0, total=10.0, random=lambda: 1.0, clock=clock)
    attempts = policy.start()
    clock.now += 8.9
    assert attempts.after(LOST) == 1.0
    clock.now += 0.2
    with pytest.raises(DobbyUnreachable):
        attempts.after(LOST)
