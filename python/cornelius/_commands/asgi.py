"""The door for ASGI servers (the HTTP and lifespan protocols of ASGI 3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import quote

from .._nonces import NonceStore
from .door import MAX_BODY_BYTES, SAFE_IN_PATH, Answer, Door, Posted
from .router import Router
from .router import router as default_router
from .steps import arun, request_thread

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]


class _Gone(Exception):
    """The client went away before its request had come."""


def asgi_app(
    router: Router | None = None,
    *,
    secret: str | Sequence[str] | None = None,
    nonces: NonceStore | None = None,
) -> AsgiApp:
    """Makes the ASGI application; see `wsgi_app`. Sync functions run in threads."""
    door = Door(secret, nonces)
    door.check()

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            try:
                posted = _posted(scope, await _body(receive))
            except _Gone:
                return
            async with request_thread():
                answer = await arun(door.steps(posted, (router or default_router).steps))
            await _answer(send, answer)
        else:
            await send({"type": "websocket.close", "code": 1000})

    return app


def asgi_target(scope: Mapping[str, Any]) -> str:
    """Gives the URL's path with its query, as it was requested."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe=SAFE_IN_PATH)
    query = scope.get("query_string") or b""
    if isinstance(query, bytes):  # Django's AsyncClient has it as text
        query = query.decode("latin-1")
    # Some servers leave the query in the raw path.
    path = path.partition("?")[0] or "/"
    return f"{path}?{query}" if query else path


def _posted(scope: Message, body: bytes | None) -> Posted:
    headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
    signature = headers.get(b"dobby-signature")
    return Posted(
        scope["method"],
        headers.get(b"content-type", b"").decode("latin-1"),
        asgi_target(scope),
        None if signature is None else signature.decode("latin-1"),
        body,
    )


async def _body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Send, answer: Answer) -> None:
    headers = {
        "content-type": "application/json",
        "content-length": str(len(answer.body)),
        **answer.headers,
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})


async def _live(receive: Receive, send: Send) -> None:
    """Says that there is nothing to start or to stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
