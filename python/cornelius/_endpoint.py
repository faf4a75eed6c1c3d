"""Where Dobby is and what opens its door: the checked URL and API key of one client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from ._calls import Request
from ._errors import BadConfiguration, DobbyTimeout, DobbyUnreachable
from ._replies import Reply
from ._secrets import checked_secrets, not_configured
from ._version import __version__
from ._watch import SILENCE_SECONDS, Watch

DEFAULT_URL = "http://127.0.0.1:4020"
DEFAULT_TIMEOUT = 5.0
"""Seconds that each step of a request may take: connecting, sending, waiting for the answer."""


class Endpoint:
    """A checked base URL with an optional API key. Raises `BadConfiguration`."""

    def __init__(self, url: str, api_key: str | None, timeout: float) -> None:
        self.url = checked_url(url)
        self.timeout = checked_timeout(timeout)
        self._api_key = None if api_key is None else checked_api_key(api_key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"  # never the key

    def request(self, request: Request, seconds: float | None) -> dict[str, Any]:
        """Gives what httpx takes for an API request with the key; `seconds` for each step."""
        if self._api_key is None:
            raise not_configured("Dobby's API key", "API_KEY")
        headers = {
            **request.headers,
            "authorization": f"Bearer {self._api_key}",
            "user-agent": f"cornelius/{__version__}",
        }
        return {
            "method": request.method,
            "url": self.url + request.target,
            "headers": headers,
            "content": request.body,
            "timeout": seconds or self.timeout,
            "follow_redirects": False,
        }

    def stream(self, watch: Watch) -> dict[str, Any]:
        """Gives what httpx takes for the next connection of a watched path, without the key."""
        return {
            "method": "GET",
            "url": self.url + watch.target,
            "headers": watch.headers(),
            "timeout": httpx.Timeout(self.timeout, read=SILENCE_SECONDS),
            "follow_redirects": False,
        }

    @contextmanager
    def translated(self, seconds: float | None = None) -> Iterator[None]:
        """Turns what httpx raises into `DobbyTimeout` or `DobbyUnreachable`."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise DobbyTimeout(
                f"no answer from {self.url} within {seconds or self.timeout:g} s"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            why = str(error) or type(error).__name__
            raise DobbyUnreachable(f"{self.url} cannot be reached: {why}") from error


def is_stream(response: httpx.Response) -> bool:
    """Says whether an answer is an event stream."""
    return str(response.headers.get("content-type", "")).split(";")[0] == "text/event-stream"


def reply_of(response: httpx.Response, body: bytes) -> Reply:
    """Gives what the parsers read of an answer."""
    headers = response.headers
    return Reply(response.status_code, body, headers.get("retry-after"), headers.get("location"))


def checked_url(url: object) -> str:
    """Gives `url` without a trailing slash, or raises `BadConfiguration`."""
    if not isinstance(url, str):
        raise BadConfiguration("the URL of Dobby is not text")
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_good = is_good and (parts.port is None or parts.port > 0)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise BadConfiguration(f"the URL of Dobby is malformed: {error}") from error
    if not is_good:
        raise BadConfiguration(f"the URL of Dobby is not of the form http://host:port: {url!r}")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise BadConfiguration("the URL of Dobby has a query, a fragment or a user name")
    return url.rstrip("/")


def checked_api_key(key: object) -> str:
    """Gives the key to send, the first line of `key`, or raises `BadConfiguration`."""
    return checked_secrets(key, 1, "the API key")[0]


def checked_timeout(timeout: object) -> float:
    """Gives `timeout` in seconds, above 0, or raises `BadConfiguration`."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise BadConfiguration("the timeout is not a number of seconds")
    if not 0 < timeout <= 3600:
        raise BadConfiguration("the timeout is not between 0 and 3600 seconds")
    return float(timeout)
