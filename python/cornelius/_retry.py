"""The one policy that says whether and when a failed call is tried again."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ._errors import BadConfiguration, CorneliusError

DEFAULT_SECONDS = 8.0
"""Longer than Dobby takes to restart, which is one to three seconds, five on a slow machine."""

_LOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Retries with full jitter: before try n, wait 0 to min(cap_seconds, base_seconds * 2^(n-2)).

    Only errors whose `retryable` is true are tried again: no connection, no answer in time, and
    what Dobby calls retryable. `Retry-After` is waited for before the jittered wait begins. No try
    begins later than `total_seconds` after the call; when a wait would end later, the last try is
    made then, so that a Dobby that is back within them is reached. An answer that asks for a longer
    wait is raised at once. 0 turns retries off. `attempts` may bound the tries too, the first one
    counted.
    """

    attempts: int | None = None
    base_seconds: float = 0.1
    cap_seconds: float = 1.0
    total_seconds: float = DEFAULT_SECONDS
    random: Callable[[], float] = field(default=random.random, repr=False)
    """Gives 0 to 1."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    """Gives seconds."""

    def start(self, outage: Outage | None = None) -> Attempts:
        """Begins to count the attempts of one call; `outage` is what its client knows."""
        return Attempts(self, outage or Outage())

    def delay(self, failures: int) -> float:
        """Gives the seconds to wait after so many failures, from 1."""
        # The exponent is bounded for streams, which try for ever.
        return self.random() * min(
            self.cap_seconds, self.base_seconds * 2.0 ** min(failures - 1, 30)
        )


class Outage:
    """What one client knows of a server that is away for longer than a call waits.

    After a call that waited in vain the others try once each, until one is answered or none was
    made for 30 s. So a long outage holds up the requests that began with it, and not every request
    of a web app for as long as it lasts.
    """

    def __init__(self) -> None:
        self._until = -math.inf

    def is_on(self, now: float) -> bool:
        """Says whether waiting is known to be in vain."""
        return now < self._until

    def seen(self, now: float) -> None:
        """Takes note of a call that got no answer."""
        self._until = now + _LOST_SECONDS

    def over(self) -> None:
        """Takes note of an answer."""
        self._until = -math.inf


class Attempts:
    """The attempts of one call so far."""

    def __init__(self, policy: Retry, outage: Outage) -> None:
        self._policy = policy
        self._outage = outage
        self._failures = 0
        self._started = policy.clock()

    def answered(self) -> None:
        """Takes note that the call has succeeded."""
        self._outage.over()

    def after(self, error: CorneliusError) -> float:
        """Gives the seconds to wait before the next try; raises `error` when there is none."""
        self._failures += 1
        if not error.retryable:
            self._outage.over()
            raise error
        now = self._policy.clock()
        left = self._started + self._policy.total_seconds - now
        if left <= 0 or (self._failures == 1 and self._outage.is_on(now)):
            self._outage.seen(now)
            raise error
        asked = error.retry_after or 0.0
        if self._failures == self._policy.attempts or asked > left:
            raise error
        return min(asked + self._policy.delay(self._failures), left)


ONCE = Retry(total_seconds=0.0)
"""Tries once."""


def checked_retry_seconds(seconds: object) -> float:
    """Gives `seconds`, at least 0, or raises `BadConfiguration`."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise BadConfiguration("the time for retries is not a number of seconds")
    if not 0 <= seconds <= 3600:
        raise BadConfiguration("the time for retries is not between 0 and 3600 seconds")
    return float(seconds)
