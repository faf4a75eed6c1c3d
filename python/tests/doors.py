"""Asks a WSGI or an ASGI application for one answer, as a server would."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

from cornelius.commands import Router, asgi_app, wsgi_app


class Wsgi:
    """Asks a WSGI application as a server would."""

    def __init__(self, router: Router, **options: Any) -> None:
        self.app = wsgi_app(router, **options)

    def __call__(
        self, url: str, method: str, headers: dict[str, str], data: bytes, **environ: Any
    ) -> tuple[int, Any]:
        path, _, query = url.partition("?")
        given = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in headers.items()}
        given["CONTENT_TYPE"] = given.pop("HTTP_CONTENT_TYPE", "")
        request = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.input": io.BytesIO(data + b"of the next request"),
            **given,
            **environ,
        }
        started: list[Any] = []
        chunks = self.app(request, lambda status, headers: started.append((status, dict(headers))))
        answer = b"".join(chunks)
        ((status, sent),) = started
        assert sent["content-length"] == str(len(answer))
        return _read(status.split()[0], sent, answer)


class Asgi:
    """Asks an ASGI application as a server would, with a body in pieces."""

    def __init__(self, router: Router, **options: Any) -> None:
        self.app = asgi_app(router, **options)

    def __call__(
        self, url: str, method: str, headers: dict[str, str], data: bytes, **scope: Any
    ) -> tuple[int, Any]:
        path, _, query = url.partition("?")
        given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        request = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": given,
            **scope,
        }
        pieces = [data[at : at + 7] for at in range(0, len(data), 7)] if len(data) < 999 else [data]
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        messages.append({"type": "http.request"})
        sent = asyncio.run(self.exchange(request, messages))
        start, end = sent
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        assert found["content-length"] == str(len(end["body"]))
        return _read(start["status"], found, end["body"])

    async def exchange(self, scope: Any, messages: list[Any]) -> list[Any]:
        sent: list[Any] = []
        coming = iter(messages)

        async def receive() -> Any:
            return next(coming)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return sent


def _read(status: Any, headers: dict[str, str], answer: bytes) -> tuple[int, Any]:
    assert headers["content-type"] == "application/json"
    assert (headers.get("allow") == "POST") is (int(status) == 405)
    return int(status), json.loads(answer)
