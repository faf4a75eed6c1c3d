"""Every exception of this package: one closed tree under `CorneliusError`.

`retryable` says whether the same call may succeed a little later; the clients' retry policy asks
nothing else. All of them can be pickled, since task queues send exceptions between processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class CorneliusError(Exception):
    """The root of everything that this package raises on purpose."""

    retryable: bool = False
    retry_after: float | None = None
    """Seconds that the answer asked to wait before the next try."""


class BadConfiguration(CorneliusError):
    """A setting is missing or wrong: the URL, a key or secret, the timeout, the time for retries.

    Raised before anything is sent, and where a command is registered wrongly.
    """


class BlockingCall(CorneliusError, RuntimeError):
    """A blocking function was called in a thread that runs an event loop. Nothing was sent."""

    def __init__(
        self,
        message: str = "This call would block the event loop of this thread: use "
        "`await cornelius.aio.update(…)` and its siblings, or AsyncDobby, "
        "or run it in a thread with asyncio.to_thread",
    ) -> None:
        super().__init__(message)


class BadPath(CorneliusError, ValueError):
    """A path breaks the grammar. Raised before anything is sent.

    `code` is `bad_path` or `reserved_path`; `field` says where the path stood.
    """

    def __init__(self, path: object, code: str, field: str = "path") -> None:
        super().__init__(path, code, field)
        self.path = path
        self.code = code
        self.field = field

    def __str__(self) -> str:
        if self.code == "reserved_path":
            why = 'what begins with "::" belongs to the server'
        else:
            why = 'a path is 1 to 255 bytes of UTF-8 without control characters, "*", "{" or "}"'
        return f"{self.field} {self.path!r}: {why}"


class BadKey(CorneliusError, ValueError):
    """A key breaks the grammar. Raised before anything is sent.

    `code` is `bad_key`; `field` says where the key stood.
    """

    def __init__(self, key: object, code: str, field: str = "key") -> None:
        super().__init__(key, code, field)
        self.key = key
        self.code = code
        self.field = field

    def __str__(self) -> str:
        return (
            f"{self.field} {self.key!r}: "
            "a key is text of 1 to 255 bytes of UTF-8 without control characters"
        )


class BadMessage(CorneliusError, ValueError):
    """A message cannot be sent as JSON. Raised before anything is sent.

    `field` says where in the message, such as `message.items.3.price`; `reason` says why.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class DobbyUnreachable(CorneliusError):
    """No connection to Dobby could be had, or it broke before the answer was complete."""

    retryable = True


class DobbyTimeout(CorneliusError):
    """Dobby did not answer within the timeout. The request may have taken effect."""

    retryable = True


class BadReply(CorneliusError):
    """What answered does not speak Dobby's protocol: often a proxy, or a wrong URL.

    `status` is the HTTP status, or None in the middle of a stream.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason, status)
        self.reason = reason
        self.status = status
        # A gateway says so while Dobby restarts behind it.
        self.retryable = status in (408, 429, 502, 503, 504)

    def __str__(self) -> str:
        return self.reason if self.status is None else f"{self.reason} (status {self.status})"


class StreamEnded(CorneliusError):
    """Dobby ended a watched stream for good; `code` is a close code from 4200 to 4299."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} (close code {self.code})"


class ApiError(CorneliusError):
    """Dobby refused with a code of its closed table; subclasses stand for the frequent ones.

    `field` is the field at fault as a dotted path, or None. `status` is the HTTP status, 0 for an
    error that came in a frame or for one item of several.
    """

    def __init__(
        self, code: str, message: str, field: str | None, status: int, retryable: bool
    ) -> None:
        super().__init__(code, message, field, status, retryable)
        self.code = code
        self.message = message
        self.field = field
        self.status = status
        self.retryable = retryable

    def __str__(self) -> str:
        at = "" if self.field is None else f" (field {self.field})"
        return f"{self.code}: {self.message}{at}"


class BadRequest(ApiError):
    """The request has a fault: a field, a path, or too many items."""


class BadPattern(BadRequest, ValueError):
    """A path or pattern breaks the grammar of patterns.

    Told by Dobby, or raised before anything is signed; `field` says where it stood.
    """


class TooLarge(ApiError):
    """A message is above 64 KB, or a request above 1 MB."""


class StateFull(ApiError):
    """The path's state has no room for this key and message; nothing was published."""


class Unauthorized(ApiError):
    """The API key is missing or wrong."""


class Forbidden(ApiError):
    """The API key may not use this method, or not for this path."""


class LoginEnded(ApiError):
    """This login was kicked and has ended; nothing of the request took effect.

    Nothing opens a session of it any more: whoever logs in anew needs another tag.
    """


class UnknownSession(ApiError):
    """There is no session of this id, or it has ended."""


class UserMismatch(ApiError):
    """The session is bound to another user; nothing of the request took effect."""


class IdempotencyKeyReused(ApiError):
    """Another request came with this idempotency key within the last 5 minutes."""


class StateConflict(ApiError):
    """The entry is not at the `version` that the update named; nothing was published."""


class RequestRefused(ApiError):
    """A path may not be heard: not granted, denied, or refused by the back end."""


class PartialFailure(CorneliusError):
    """Some items of one request were refused; the others took effect.

    `results` is what the call would have returned, with an `ApiError` in place of each item that
    failed: a list in the order of the request, or a dict by path. `failed` holds the errors alone,
    by index or by path.
    """

    def __init__(self, results: Sequence[Any] | Mapping[str, Any]) -> None:
        super().__init__(results)
        self.results: Any = results
        items = results.items() if isinstance(results, Mapping) else enumerate(results)
        self.failed: dict[int | str, ApiError] = {
            name: result for name, result in items if isinstance(result, ApiError)
        }

    def __str__(self) -> str:
        some = "; ".join(f"{name}: {error}" for name, error in list(self.failed.items())[:3])
        return f"{len(self.failed)} of {len(self.results)} items failed: {some}"


class CommandFailed(CorneliusError):
    """A command was not done: what the client that gave it is told.

    `code` is one of the protocol's table. `field` names the argument at fault, such as `args.text`.
    `reason` is the handler's own code and `data` what it has to say beyond that, any JSON value.
    """

    def __init__(
        self,
        code: str,
        message: str,
        field: str | None = None,
        reason: str | None = None,
        data: Any = None,
    ) -> None:
        super().__init__(code, message, field, reason, data)
        self.code = code
        self.message = message
        self.field = field
        self.reason = reason
        self.data = data

    def __str__(self) -> str:
        at = "" if self.field is None else f" (field {self.field})"
        return f"{self.code}: {self.message}{at}"


class Refused(CommandFailed):
    """Raised by the handler of a command that it does not do; the client is told all of it."""

    def __init__(self, message: str, reason: str | None = None, data: Any = None) -> None:
        super().__init__("refused", message, None, reason, data)
        # What pickling hands to __init__.
        self.args = (message, reason, data)


class NotAllowed(CommandFailed):
    """This session may not give this command. Handlers may raise it too."""

    def __init__(self, message: str = "This session may not give this command.") -> None:
        super().__init__("not_allowed", message)
        self.args = (message,)


class BadArgs(CommandFailed):
    """An argument is not what the command takes. Handlers may raise it for rules of their own.

    `field` is `args.` and the argument's name, or `path.` and that of a capture.
    """

    def __init__(self, message: str, field: str) -> None:
        super().__init__("bad_args", message, field)
        self.args = (message, field)


class BadSignature(CorneliusError):
    """A posted command does not carry a good `Dobby-Signature`.

    `reason` is `missing`, `malformed`, `wrong_signature`, `too_old` or `replayed`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


_CLASSES: dict[str, type[ApiError]] = {
    "too_large": TooLarge,
    "state_full": StateFull,
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "login_ended": LoginEnded,
    "unknown_session": UnknownSession,
    "user_mismatch": UserMismatch,
    "idempotency_key_reused": IdempotencyKeyReused,
    "state_conflict": StateConflict,
    "not_granted": RequestRefused,
    "denied": RequestRefused,
    "connect_refused": RequestRefused,
    "bad_json": BadRequest,
    "bad_field": BadRequest,
    "unknown_field": BadRequest,
    "bad_path": BadRequest,
    "reserved_path": BadRequest,
    "bad_key": BadRequest,
    "bad_pattern": BadPattern,
    "bad_position": BadRequest,
    "no_log": BadRequest,
    "no_state": BadRequest,
    "too_many_items": BadRequest,
}

# Errors of frames and items travel without `retryable`: their code tells.
_RETRYABLE = frozenset(
    {
        "too_many_opens",
        "too_many_probes",
        "too_many_sessions",
        "too_many_connections",
        "too_many_frames",
        "too_many_requests",
        "too_many_tokens",
        "subscriptions_full",
        "address_connections",
        "address_opens",
        "address_sessions",
        "address_subscriptions",
        "connect_failed",
        "request_timeout",
        "bad_request",
        "headers_too_large",
        "too_many_commands",
        "back_end_down",
        "keys_unavailable",
        "not_identified",
        "store_unavailable",
        "restarting",
        "internal",
    }
)


def api_error(
    code: str,
    message: str,
    field: str | None = None,
    status: int = 0,
    retryable: bool | None = None,
) -> ApiError:
    """Makes the `ApiError` of `code`; without `retryable` the table of codes decides."""
    if retryable is None:
        retryable = code in _RETRYABLE
    kind = _CLASSES.get(code) or (BadRequest if status == 400 else ApiError)
    return kind(code, message, field, status, retryable)
