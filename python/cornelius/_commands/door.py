"""One HTTP request of Dobby in, one answer out: what all doors share, without I/O.

The order of the checks: method, kind of body, its size, the signature, its nonce. Nothing is
accepted without a secret.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .. import _calls as calls
from .._default import webhook_secrets
from .._errors import ApiError, BadSignature, api_error
from .._nonces import MemoryNonces, NonceStore
from .._webhook import REMEMBER_SECONDS, replayed, verified_nonce
from .steps import Call, Steps

log = logging.getLogger("cornelius.commands")

Handle = Callable[[bytes], Steps[bytes]]
"""Makes the answer of a body that Dobby has signed; may raise `ApiError`."""

MAX_BODY_BYTES = 1024 * 1024
SAFE_IN_PATH = "/:@!$&'()*+,;=~-._"
"""What a URL's path holds as it is (RFC 3986, 3.3): where only the decoded path is at hand."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came, whatever the server's interface."""

    method: str
    content_type: str
    target: str
    """The URL's path with its query, as it was requested."""
    signature: str | None
    body: bytes | None
    """None when it is larger than `MAX_BODY_BYTES`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Door:
    """Answers posted commands with the functions of one router.

    `secret` is one secret or several, of which any may have signed; without it the configuration
    is asked, for each request. Raises `BadConfiguration`.
    """

    def __init__(
        self,
        secret: str | Sequence[str] | None = None,
        nonces: NonceStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret
        self._nonces = nonces or MemoryNonces()
        self._clock = clock

    def check(self) -> None:
        """Raises `BadConfiguration` when there is no good secret."""
        webhook_secrets(self._secret)

    def steps(self, posted: Posted, handle: Handle) -> Steps[Answer]:
        """Answers one request by what `handle` makes of its body; raises nothing."""
        try:
            body = yield from self._admitted(posted)
            answer = yield from handle(body)
        except BadSignature as error:
            log.warning("what was posted as Dobby's was refused: %s", error)
            return _refusal(401, "unauthorized", error.message, reason=error.reason)
        except ApiError as error:
            return _refusal(error.status, error.code, error.message, error.field)
        except Exception as error:
            log.error("what Dobby posted could not be taken: %s", error, exc_info=error)
            return _refusal(500, "internal", "The server failed; its log says why.")
        return Answer(200, answer)

    def _admitted(self, posted: Posted) -> Steps[bytes]:
        if posted.method != "POST":
            raise api_error("method_not_allowed", "Use POST.", status=405)
        if posted.content_type.split(";")[0].strip().lower() != "application/json":
            raise api_error("unsupported_media_type", "Use application/json.", status=415)
        if posted.body is None:
            raise api_error("too_large", "The body is too large.", status=413)
        nonce = verified_nonce(
            posted.signature,
            webhook_secrets(self._secret),
            method=posted.method,
            target=posted.target,
            body=posted.body,
            now_ms=int(self._clock() * 1000),
        )
        if not (yield from self._is_new(nonce)):
            raise replayed()
        return posted.body

    def _is_new(self, nonce: str) -> Steps[bool]:
        if isinstance(self._nonces, MemoryNonces):
            return self._nonces.add(nonce, REMEMBER_SECONDS)
        # Any other store may wait for something, so async doors ask it in a thread.
        outcome = yield Call(self._nonces.add, (nonce, REMEMBER_SECONDS))
        if outcome.error is not None:
            raise outcome.error
        return bool(outcome.value)


def _refusal(
    status: int, code: str, message: str, field: str | None = None, reason: str | None = None
) -> Answer:
    error: dict[str, object] = {"code": code, "message": message, "retryable": False}
    error |= {} if field is None else {"field": field}
    error |= {} if reason is None else {"reason": reason}
    headers = {"allow": "POST"} if status == 405 else {}
    return Answer(status, calls.escaped({"error": error}).encode(), headers)
