"""The one policy that says whether and when a failed call is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ._errors import CorneliusError


@dataclass(frozen=True, slots=True)
class Retry:
    """Bounded retries with full jitter: before try n, wait 0 to min(cap, base * 2^(n-2)) seconds.

    Only errors whose `retryable` is true are tried again: no connection, no answer in time, and
    what Dobby calls retryable. `attempts` counts the first try too; 1 turns retries off. No try
    begins later than `total` seconds after the call.
    """

    attempts: int = 5
    base: float = 0.1
    cap: float = 2.0
    total: float = 10.0
    random: Callable[[], float] = field(default=random.random, repr=False)
    """Gives 0 to 1."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    """Gives seconds."""

    def start(self) -> Attempts:
        """Begins to count the attempts of one call."""
        return Attempts(self)

    def delay(self, failures: int) -> float:
        """Gives the seconds to wait after so many failures, from 1."""
        # The exponent is bounded for streams, which try for ever.
        return self.random() * min(self.cap, self.base * 2.0 ** min(failures - 1, 30))


class Attempts:
    """The attempts of one call so far."""

    def __init__(self, policy: Retry) -> None:
        self._policy = policy
        self._failures = 0
        self._started = policy.clock()

    def after(self, error: CorneliusError) -> float:
        """Gives the seconds to wait before the next try; raises `error` when there is none."""
        self._failures += 1
        if not error.retryable or self._failures >= self._policy.attempts:
            raise error
        wait = self._policy.delay(self._failures)
        if self._policy.clock() + wait - self._started > self._policy.total:
            raise error
        return wait
