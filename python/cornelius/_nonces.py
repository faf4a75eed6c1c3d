"""Which signed requests came before: the nonces of the last two minutes, so that none comes twice.

Only the nonces of good signatures are handed in, so strangers cannot fill a store.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger("cornelius.commands")


class NonceStore(Protocol):
    """Remembers nonces. `add` may block, and may be called by several threads at a time."""

    def add(self, nonce: str, seconds: float) -> bool:
        """Remembers `nonce` for `seconds`; False when it is known already. One step, no race."""


class MemoryNonces:
    """Nonces in this process: a worker knows nothing of what its siblings saw.

    A full store remembers no more and so refuses what is new: forgetting would let old requests in.
    """

    def __init__(
        self, max_nonces: int = 200_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max = max_nonces
        self._clock = clock
        self._known: set[str] = set()
        # In the order of their coming, which is that of their ending: all are kept equally long.
        self._ends: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def add(self, nonce: str, seconds: float) -> bool:
        """Remembers `nonce` for `seconds`; False when it is known already, or there is no room."""
        now = self._clock()
        with self._lock:
            while self._ends and self._ends[0][0] <= now:
                self._known.discard(self._ends.popleft()[1])
            if nonce in self._known:
                return False
            if len(self._known) >= self._max:
                log.error("more than %d signed requests in %g s: refused", self._max, seconds)
                return False
            self._known.add(nonce)
            self._ends.append((now + seconds, nonce))
            return True
