"""Visits Django under WSGI and ASGI, and records the kicks that came before the answer."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.signals import request_finished
from django.db import connection
from django.test import Client

from tests.double import Double


@dataclass
class Answer:
    status: int
    body: bytes
    cookie: str | None
    told_before: list[Any]
    """The logins that Dobby had been asked to kick when the answer arrived."""


Visit = Callable[[str, Client], Answer]
"""Requests a URL with the cookies of a client."""


@contextmanager
def by_socket(double: Double, gate: threading.Event) -> Iterator[Visit]:
    """Gives visits by socket to a WSGI server; each sets `gate` when its answer has arrived."""
    # The threads share the connection: the database is in memory.
    connection.inc_thread_sharing()
    shared = {"default": connection._connections["default"]}  # type: ignore[attr-defined]
    server = ThreadedWSGIServer(
        ("127.0.0.1", 0), WSGIRequestHandler, connections_override=shared, ipv6=False
    )
    server.set_app(WSGIHandler())
    # With this, `server_close` waits for the threads.
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def visit(url: str, browser: Client) -> Answer:
        finished = threading.Event()

        def finish(**_: Any) -> None:
            finished.set()

        request_finished.connect(finish)
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        try:
            client.request("GET", f"/{url}", headers={"Cookie": sent_by(browser)})
            response = client.getresponse()
            body = response.read(int(response.headers["content-length"]))
            told = list(double.state.kicked)
        finally:
            gate.set()
            client.close()
            # When the request has finished, Cornelius has sent what waited for the answer.
            over = finished.wait(5)
            request_finished.disconnect(finish)
        assert over
        return Answer(response.status, body, cookie_of(response.headers["set-cookie"]), told)

    yield visit
    server.shutdown()
    thread.join()
    server.server_close()
    connection.dec_thread_sharing()


def in_a_loop(double: Double, gate: threading.Event) -> Visit:
    """Returns visits to the ASGI handler; each sets `gate` when its answer has arrived."""

    def visit(url: str, browser: Client) -> Answer:
        sent: list[Any] = []
        told: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                told.extend(double.state.kicked)
                gate.set()

        asyncio.run(served(url, browser, send))
        start, *parts = sent
        headers = {name.lower(): value.decode() for name, value in start["headers"]}
        body = b"".join(part.get("body", b"") for part in parts)
        return Answer(start["status"], body, cookie_of(headers.get(b"set-cookie")), told)

    return visit


async def served(
    url: str, browser: Client, send: Any, leaves: Callable[[], Any] | None = None
) -> None:
    """Calls the ASGI handler; with `leaves` the client disconnects when that function returns."""
    coming = [{"type": "http.request"}]

    async def receive() -> Any:
        if coming:
            return coming.pop()
        if leaves is None:
            await asyncio.Event().wait()
        else:
            await asyncio.to_thread(leaves)
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/{url}",
        "query_string": b"",
        "headers": [(b"cookie", sent_by(browser).encode())],
    }
    await ASGIHandler()(scope, receive, send)


def sent_by(browser: Client) -> str:
    return "; ".join(f"{name}={each.value}" for name, each in browser.cookies.items())


def cookie_of(header: str | None) -> str | None:
    return SimpleCookie(header)["sessionid"].value if header else None
