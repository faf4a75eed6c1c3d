"""The door for WSGI servers (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from .._nonces import NonceStore
from .door import MAX_BODY_BYTES, SAFE_IN_PATH, Door, Posted
from .router import Router
from .router import router as default_router
from .steps import run

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def wsgi_app(
    router: Router | None = None,
    *,
    secret: str | Sequence[str] | None = None,
    nonces: NonceStore | None = None,
) -> WsgiApp:
    """Makes the WSGI application that takes what Dobby posts, for the default router or another.

    `secret` is what Dobby signs with, or several of which any may be it; without it it comes from
    `cornelius.configure`, the Django settings, or the variables DOBBY_WEBHOOK_SECRET and
    DOBBY_WEBHOOK_SECRET_FILE. `nonces` remembers which requests came, by default in this process.
    Raises `BadConfiguration` when there is no secret.
    """
    door = Door(secret, nonces)
    door.check()

    def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = run(door.steps(_posted(environ), (router or default_router).steps))
        headers = {
            "content-type": "application/json",
            "content-length": str(len(answer.body)),
            **answer.headers,
        }
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", [*headers.items()])
        return [answer.body]

    return app


def wsgi_target(environ: Environ) -> str:
    """Gives the URL's path with its query, as it was requested."""
    # gunicorn and others tell what was requested; PEP 3333 itself knows the decoded path only.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if raw.startswith("/"):
        return str(raw)
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    quoted = quote(path.encode("latin-1", "replace"), safe=SAFE_IN_PATH) or "/"
    return f"{quoted}?{query}" if query else quoted


def _posted(environ: Environ) -> Posted:
    return Posted(
        environ["REQUEST_METHOD"],
        environ.get("CONTENT_TYPE", ""),
        wsgi_target(environ),
        environ.get("HTTP_DOBBY_SIGNATURE"),
        _body(environ),
    )


def _body(environ: Environ) -> bytes | None:
    length = environ.get("CONTENT_LENGTH", "")
    if length.isascii() and length.isdigit():
        expected = int(length[:10])
    else:
        # Without a length only a server that ends the stream itself may be read from.
        expected = MAX_BODY_BYTES + 1 if environ.get("wsgi.input_terminated") else 0
        length = ""
    if length and expected > MAX_BODY_BYTES:
        return None
    chunks: list[bytes] = []
    while expected > 0 and (chunk := environ["wsgi.input"].read(min(expected, 65_536))):
        chunks.append(chunk)
        expected -= len(chunk)
    body = b"".join(chunks)
    return None if len(body) > MAX_BODY_BYTES else body
