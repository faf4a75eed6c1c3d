"""The API of Dobby without any I/O: one function per method, each giving a `Call`.

A `Call` holds the request to send and the function that turns the answer into a result or an
exception, made of those in `_replies`. Both clients, the module-level functions and the Django app
are made from these; so are their signatures and documentation.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from . import _decode as decode
from . import _replies as replies
from ._errors import api_error
from ._keys import checked_key
from ._messages import dumps, encode_message
from ._paths import checked_path, checked_paths
from ._replies import Reply
from ._types import UNSET, Page, PathInfo, Position, Sent, SessionInfo, Update, Version

T = TypeVar("T")
N = TypeVar("N")

MAX_ITEMS = 1_000
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, apart from the server's address and the key."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how to read its answer; `parse` raises nothing but `CorneliusError`."""

    request: Request
    parse: Callable[[Reply], T]
    nothing: T | None = None
    """When set, there is nothing to ask: this is the result, without sending."""


@dataclass(frozen=True, slots=True)
class Pages(Generic[T, N]):
    """A list that is asked for page by page, from `after` on; a page says what follows it."""

    page: Callable[[N | None], Call[Page[T, N]]]
    after: N | None = None


def update(
    path: str,
    message: Any,
    *,
    key: str | None = None,
    version: Version = UNSET,
    except_: Iterable[str] = (),
    idempotency_key: str | None = None,
) -> Call[Position | None]:
    """Pushes `message`, any JSON value, to everybody who hears `path`.

    With `key` it is also the new value of that key in the path's state; the message None removes
    the key. With `version`, too, only if the entry is still at that version, None for no entry;
    else `StateConflict`. Returns the update's position, or None when the path has no log. `except_`
    names sessions that do not get it. Without `idempotency_key` one is made for this call, so that
    its retries never push twice. Raises `BadPath`, `BadKey` or `BadMessage` before sending,
    `StateFull` when there is no room for the key, else another `CorneliusError`.
    """
    item = encode_item(Update(path, message, key=key, except_=id_list(except_), version=version))
    request = _once("update", item, idempotency_key)
    return Call(request, lambda reply: decode.position(replies.answer(reply)))


def updates(
    updates: Iterable[Update | tuple[str, Any]], *, idempotency_key: str | None = None
) -> Call[list[Position | None]]:
    """Pushes several updates, each an `Update` or `(path, message)`, in order, in one request.

    Returns their positions in the same order. Raises `BadPath`, `BadKey` or `BadMessage` before
    sending anything; `PartialFailure` when Dobby refused some of them. At most 1,000 updates and
    1 MB.
    """
    given = [each if isinstance(each, Update) else Update(*each) for each in updates]
    items = [encode_item(each, f"updates.{i}.") for i, each in enumerate(given)]
    return updates_of_items(items, idempotency_key)


def send(
    message: Any,
    *,
    sessions: Iterable[str] = (),
    users: Iterable[str] = (),
    idempotency_key: str | None = None,
) -> Call[Sent]:
    """Sends `message` to sessions themselves, by their ids or by the users they are bound to.

    A session gets it whether or not it has a connection just now, a user in all sessions that are
    bound to it. Returns which sessions get it, and which ids and users are unknown. Raises
    `BadMessage` before sending.
    """
    item = encode_sending(message, sessions, users)
    request = _once("send", item or "{}", idempotency_key)
    return Call(request, replies.sent, Sent((), ()) if item is None else None)


def broadcast(
    message: Any, *, except_: Iterable[str] = (), idempotency_key: str | None = None
) -> Call[Position | None]:
    """Sends `message` to every session, except those that `except_` names.

    Returns its position. Raises `BadMessage` before sending.
    """
    request = _once("broadcast", encode_broadcast(message, except_), idempotency_key)
    return Call(request, lambda reply: decode.position(replies.answer(reply)))


def connect(
    id: str,
    paths: Iterable[str],
    user: str | None = None,
    *,
    anonymous: bool = False,
    login: str | None = None,
) -> Call[dict[str, Position | None]]:
    """Grants `paths` to the session `id` and subscribes it, whether or not it asked.

    Returns for each path the position from which it is heard, None for a path without a log. The
    first `user` binds the session; another raises `UserMismatch`, and nothing takes effect; so does
    any bound session with `anonymous`, which says that the visitor is nobody. `login` is a tag of
    the visitor's login, for `kick`; the newest holds. Raises `LoginEnded` when that login was
    kicked, `UnknownSession`, and `PartialFailure` with a dict by path when some paths were refused.
    """
    body = _of_session(id, paths, user, anonymous)
    if login is not None:
        body["login"] = login
    return _of_names("connect", body, "path", body["paths"], decode.position)


def disconnect(
    id: str, paths: Iterable[str], user: str | None = None, *, anonymous: bool = False
) -> Call[dict[str, bool]]:
    """Ends the subscriptions and grants of the session `id` to `paths`, until the next `connect`.

    Returns for each path whether it was subscribed. Raises `UnknownSession`, `UserMismatch` when
    `user` is named and the session is bound to another, or `anonymous` is set and it is bound, and
    `PartialFailure` with a dict by path when some paths were refused.
    """
    body = _of_session(id, paths, user, anonymous)
    return _of_names(
        "disconnect",
        body,
        "path",
        body["paths"],
        lambda item: decode.boolean(item, "wasSubscribed"),
    )


def disconnect_user(user: str, patterns: Iterable[str]) -> Call[dict[str, int]]:
    """Takes what `patterns` match, paths or patterns, from all sessions of `user`.

    Also from those that are not back yet after a restart, and from the tokens that were made
    before. What is said of these paths since, such as `connect`, counts again. Returns for each
    pattern how many subscriptions ended. Raises `PartialFailure` with a dict by pattern when some
    are no patterns; the others take effect.
    """
    names = _pattern_list(patterns)
    body = {"user": user, "patterns": names}
    return _of_names(
        "disconnect", body, "pattern", names, lambda item: decode.integer(item, "ended")
    )


def kick(
    id: str | None = None,
    *,
    user: str | None = None,
    login: str | None = None,
    reconnect: bool = True,
) -> Call[int]:
    """Ends the session `id`, or all sessions of `user`, or all of `login`; name one of the three.

    Their ids never return; the clients come back as new sessions and their back end is asked again,
    unless `reconnect` is False. Tokens of the user or the login that were made before are refused.
    A login has ended for good: nothing opens a session of it any more. Returns how many sessions
    ended just now. Raises `UnknownSession` for an `id` that never was; a session that was ended
    within the last five minutes is no error, so that a lost answer may be tried again, nor is a
    user or a login without any session.
    """
    named = {"id": id, "user": user, "login": login}
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) != 1:
        raise TypeError("kick takes one of id, user and login")
    return Call(post("kick", escaped({**given, "reconnect": reconnect})), replies.kicked)


def info() -> Call[dict[str, Any]]:
    """Tells Dobby's version, uptime and counters, under the names of the protocol."""
    return Call(post("info", "{}"), replies.answer)


def sessions(
    user: str | None = None,
    *,
    login: str | None = None,
    transport: str | None = None,
    address: str | None = None,
    page_size: int = 100,
) -> Pages[SessionInfo, str]:
    """Yields all sessions, or those that fit all that is named.

    `transport` is `websocket`, `event-stream` or `long-poll`, `address` the client's; neither is
    known of a session between two connections. Asks for `page_size` (1 to 1,000) at a time.
    """
    named = {"user": user, "login": login, "transport": transport, "address": address}
    return Pages(lambda after: _page("sessions", named, page_size, after, replies.sessions))


def paths(*, prefix: str | None = None, page_size: int = 100) -> Pages[PathInfo, str]:
    """Yields all paths that begin with `prefix`, asking for `page_size` at a time."""
    named = {"prefix": prefix}
    return Pages(lambda after: _page("paths", named, page_size, after, replies.paths))


def position(path: str) -> Call[Position | None]:
    """Tells where `path` stands now, whether or not anybody hears it; None without a log.

    Ask before reading the data that a page is rendered from, and let the page subscribe since this
    position: it then misses nothing of what came between. Raises `BadPath` before sending.
    """
    call = positions([path])
    return Call(call.request, lambda reply: call.parse(reply)[path])


def positions(paths: Iterable[str]) -> Call[dict[str, Position | None]]:
    """Tells where each of `paths` stands, as `position` does, in one request. At most 1,000."""
    names = checked_paths(paths)
    request = post("paths", escaped({"names": names}))
    return Call(request, lambda reply: replies.positions(reply, names), None if names else {})


def encode_item(item: Update, at: str = "") -> str:
    """Gives the JSON of one update, checked. Errors name its fields after the prefix `at`."""
    path = dumps(checked_path(item.path, f"{at}path"))
    text = f'{{"path":{path},"message":{encode_message(item.message, f"{at}message")}'
    if item.key is not None:
        text += f',"key":{dumps(checked_key(item.key, f"{at}key"))}'
    if item.version is not UNSET:
        text += f',"version":{_version(item, f"{at}version")}'
    ids = id_list(item.except_)
    return f'{text},"except":{escaped(ids)}}}' if ids else f"{text}}}"


def encode_sending(
    message: Any, sessions: Iterable[str], users: Iterable[str], at: str = ""
) -> str | None:
    """Gives the JSON of one message to sessions, checked; None when it is for nobody."""
    text = f'{{"message":{encode_message(message, f"{at}message")}'
    named = {"sessions": id_list(sessions, "sessions"), "users": id_list(users, "users")}
    if not any(named.values()):
        return None
    for name, ids in named.items():
        if len(ids) > MAX_ITEMS:
            raise api_error("too_many_items", f"At most {MAX_ITEMS} a call.", f"{at}{name}", 400)
        text += f',"{name}":{escaped(ids)}' if ids else ""
    return f"{text}}}"


def encode_broadcast(message: Any, except_: Iterable[str]) -> str:
    """Gives the JSON of one message to every session, checked."""
    text = f'{{"message":{encode_message(message)}'
    ids = id_list(except_)
    return f'{text},"except":{escaped(ids)}}}' if ids else f"{text}}}"


def of_item(method: str, item: str) -> Call[Any]:
    """Makes the request of one message that `encode_sending` or `encode_broadcast` gave."""
    return Call(_once(method, item, None), replies.answer)


def updates_of_items(
    items: Sequence[str], idempotency_key: str | None = None
) -> Call[list[Position | None]]:
    """Makes one `updates` request of items that `encode_item` gave."""
    if len(items) > MAX_ITEMS:
        raise api_error("too_many_items", f"At most {MAX_ITEMS} updates a call.", "updates", 400)
    once = escaped(_idempotency_key(idempotency_key))
    request = post("updates", f'{{"updates":[{",".join(items)}],"idempotencyKey":{once}}}')
    if len(request.body) > MAX_BODY_BYTES:
        raise api_error("too_large", f"At most {MAX_BODY_BYTES} bytes a call.", "updates", 413)
    return Call(request, lambda reply: replies.in_order(reply, len(items)), None if items else [])


def post(method: str, body: str) -> Request:
    """Gives the request for one method of the API with a body in JSON."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    return Request("POST", f"/api/{method}", headers, body.encode())


def escaped(body: Any) -> str:
    """Gives `body` as JSON in ASCII."""
    # Ids, users and keys are the caller's: a lone surrogate in one is for Dobby to refuse, and
    # could not be sent as it is.
    return json.dumps(body, allow_nan=False, separators=(",", ":"))


def _of_session(id: str, paths: Iterable[str], user: str | None, anonymous: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"id": id, "paths": checked_paths(paths)}
    if user is not None and anonymous:
        raise TypeError("a visitor who has a name is not anonymous")
    if user is not None or anonymous:
        body["user"] = user
    return body


def _of_names(
    method: str,
    body: dict[str, Any],
    field: str,
    names: list[str],
    read: Callable[[decode.Object], T],
) -> Call[dict[str, T]]:
    def parse(reply: Reply) -> dict[str, T]:
        return replies.by_name(reply, field, names, read)

    return Call(post(method, escaped(body)), parse, None if names else {})


def _pattern_list(patterns: Iterable[str]) -> list[str]:
    """Gives each once. Dobby judges their grammar, so that a bad one keeps no other from ending."""
    names = list(dict.fromkeys(id_list(patterns, "patterns")))
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise api_error("bad_pattern", "A pattern is text.", f"patterns.{index}", 400)
    return names


def _page(
    method: str,
    named: dict[str, str | None],
    limit: int,
    after: str | None,
    parse: Callable[[Reply], Page[T, str]],
) -> Call[Page[T, str]]:
    given = {**named, "limit": limit, "after": after}
    body = {name: value for name, value in given.items() if value is not None}
    return Call(post(method, escaped(body)), parse)


def _once(method: str, item: str, idempotency_key: str | None) -> Request:
    once = escaped(_idempotency_key(idempotency_key))
    comma = "" if item == "{}" else ","
    return post(method, f'{item[:-1]}{comma}"idempotencyKey":{once}}}')


def _idempotency_key(given: str | None) -> str:
    if given is None:
        return secrets.token_urlsafe(16)
    if not isinstance(given, str) or not 1 <= len(given) <= 255:
        raise api_error("bad_field", "1 to 255 characters.", "idempotencyKey", 400)
    return given


def id_list(ids: Iterable[str], name: str = "except_") -> list[str]:
    """Gives the list, or raises TypeError for one text."""
    if isinstance(ids, str):
        raise TypeError(f"{name} is a list, not one text")
    return list(ids)


def _version(item: Update, field: str) -> str:
    version = item.version
    if item.key is None:
        raise api_error("bad_field", "A version needs a key.", field, 400)
    if version is None:
        return "null"
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise api_error("bad_field", "A version is an entry's offset, or None.", field, 400)
    return str(version)
