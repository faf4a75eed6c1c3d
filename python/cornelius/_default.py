"""The default clients behind the module-level functions, and where their configuration comes from.

Each option is looked for, when a client is first needed, in `configure`, then in `DOBBY` of the
Django settings if Django is set up, then in the environment. Nothing is read at import.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypedDict, TypeVar, Unpack

import httpx

from ._async_client import AsyncDobby
from ._client import Dobby
from ._endpoint import DEFAULT_TIMEOUT, DEFAULT_URL
from ._errors import BadConfiguration
from ._outbox import outbox
from ._retry import DEFAULT_SECONDS, Retry, checked_retry_seconds
from ._secrets import checked_secrets as secrets_of_text
from ._secrets import not_configured
from ._signature import function_like

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", Dobby, AsyncDobby)

_MIN_SECRET_CHARACTERS = 16
BACKENDS = ("http", "test")
_configured: dict[str, Any] = {}
# setdefault on a dict is atomic, so that threads need no lock, which a fork could copy while held.
_sync: dict[str, Dobby] = {}
_async: dict[str, AsyncDobby] = {}


class Options(TypedDict, total=False):
    """What `configure` takes; `DOBBY` and the environment have the same names in capitals."""

    backend: str | None
    url: str | None
    api_key: str | None
    api_key_file: str | os.PathLike[str] | None
    timeout: float | None
    retry_seconds: float | None
    webhook_secret: str | Sequence[str] | None
    webhook_secret_file: str | os.PathLike[str] | None
    token_secret: str | None
    token_secret_file: str | os.PathLike[str] | None
    token_key_file: str | os.PathLike[str] | None
    token_algorithm: str | None
    token_key_id: str | None
    token_audience: str | None
    token_issuer: str | None


OPTIONS = frozenset(Options.__annotations__)
VARIABLES = OPTIONS - {"timeout", "retry_seconds"}
"""The options that the environment may have."""


def configure(**options: Unpack[Options]) -> None:
    """Configures the default clients; what is None comes from the settings or the environment.

    `backend` is "http", or "test": then nothing is sent, and `outbox` holds what would have been;
    by default it is "test" under Django's test runner. `timeout` is in seconds for each step of one
    try, 5 by default. `retry_seconds` is how long a call is tried again, 8 by default, so that a
    restart of Dobby loses nothing; 0 for never. `api_key_file` is read when a client is first
    needed, and `api_key` goes before it. Keys and secrets, given or in a file, may be several, one
    in each line: the first is the one to send or sign with, and any of `webhook_secret` may have
    signed the commands that Dobby posts. `webhook_secret_file` is read for each command. What
    begins with `token_` is for `token`, and read for each; see there. A second call replaces the
    first and closes its client, so make it before other threads publish. Raises TypeError for an
    unknown name alone: other mistakes raise `BadConfiguration` at the first call that needs
    a client.
    """
    for name in options.keys() - OPTIONS:
        raise TypeError(f"configure() got an unexpected keyword argument {name!r}")
    _configured.clear()
    _configured.update({name: value for name, value in options.items() if value is not None})
    forget()


def forget() -> None:
    """Drops the default clients, so that the next call reads the configuration again.

    The blocking one is closed. Connections of event loops are closed with their loops.
    """
    for name in list(_sync):
        client = _sync.pop(name, None)
        if client is not None:
            client.close()
    _async.clear()


def default() -> Dobby:
    """Gives the default client. Raises `BadConfiguration`."""
    backend = chosen_backend()
    if backend not in _sync and backend == "http":
        # What is open at the end of a process would be a ResourceWarning.
        atexit.unregister(forget)
        atexit.register(forget)
    return _sync.get(backend) or _sync.setdefault(backend, _made(Dobby, httpx.Client, backend))


def async_default() -> AsyncDobby:
    """Gives the default client for asyncio. Raises `BadConfiguration`."""
    backend = chosen_backend()
    return _async.get(backend) or _async.setdefault(
        backend, _made(AsyncDobby, httpx.AsyncClient, backend)
    )


def chosen_backend() -> str:
    """Gives "http" or "test"; unless configured, "test" under Django's test runner.

    Asked for each call: tests begin and end within a process. Raises `BadConfiguration`.
    """
    given = first(option_sources(), "backend")
    if given is None:
        return "test" if _is_django_test() else "http"
    return checked_backend(given)


def checked_backend(given: object) -> str:
    """Gives the name of a backend, or raises `BadConfiguration`."""
    if given not in BACKENDS:
        raise BadConfiguration(f"the backend {given!r} is none of {', '.join(BACKENDS)}")
    return str(given)


def _is_django_test() -> bool:
    """Says whether Django's test environment is set up, as by its runner and by pytest-django."""
    utils = sys.modules.get("django.test.utils")
    return hasattr(getattr(utils, "_TestState", None), "saved_data")


def door(client: Callable[[], C], method: Callable[Concatenate[C, P], T]) -> Callable[P, T]:
    """Makes the module-level function that calls `method` of the default client."""

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return method(client(), *args, **kwargs)

    return function_like(method, call)


def async_door(
    method: Callable[Concatenate[AsyncDobby, P], Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Makes the module-level coroutine function that awaits `method` of the default client."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return await method(async_default(), *args, **kwargs)

    return function_like(method, call)


def _made(client: Callable[..., C], http_client: Callable[..., Any], backend: str) -> C:
    if backend == "test":
        # Every call is encoded and parsed as always, and goes into the outbox.
        outward = httpx.MockTransport(outbox.answer)
        make = functools.partial(http_client, transport=outward, trust_env=False)
        return client(DEFAULT_URL, "test", http_client=make)
    defaults = {
        "url": DEFAULT_URL,
        "timeout": DEFAULT_TIMEOUT,
        "retry_seconds": DEFAULT_SECONDS,
    }
    sources = [*option_sources(), defaults]
    retry = Retry(total_seconds=checked_retry_seconds(first(sources, "retry_seconds")))
    key, timeout = option_or_file("api_key", "API key"), first(sources, "timeout")
    return client(first(sources, "url"), None if key is None else str(key), timeout, retry=retry)


def option_sources() -> list[Mapping[str, Any]]:
    """Gives the options of `configure`, of the Django settings and of the environment, as now."""
    return [_configured, _django_options(), _environment()]


def first(sources: Sequence[Mapping[str, Any]], name: str) -> Any:
    """Gives the option of the nearest source that has it, or None."""
    return next((source[name] for source in sources if source.get(name) is not None), None)


def option_or_file(name: str, what: str) -> Any:
    """Gives an option, or what the file holds that is named in its place; None without both.

    Both are looked for in the same source: a nearer file goes before a farther option. Raises
    `BadConfiguration` for a file that cannot be read.
    """
    for source in option_sources():
        if source.get(name) is not None:
            return source[name]
        if source.get(f"{name}_file") is not None:
            return read_key_file(source[f"{name}_file"], what)
    return None


def read_key_file(name: str | os.PathLike[str], what: str = "API key") -> str:
    """Gives what the file holds. Raises `BadConfiguration` when it cannot be read."""
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError, TypeError) as error:
        raise BadConfiguration(f"the {what} file {name!r} cannot be read: {error}") from error


def webhook_secrets(given: str | Sequence[str] | None = None) -> list[str]:
    """Gives the secrets of which any may have signed a command: `given`, or the configured ones.

    Raises `BadConfiguration` when there are none, or one is not good.
    """
    found = option_or_file("webhook_secret", "webhook secret") if given is None else given
    if found is None:
        raise not_configured("the secret of Dobby's commands", "WEBHOOK_SECRET")
    return checked_secrets(found)


def read_secret_file(name: str | os.PathLike[str]) -> list[str]:
    """Gives the secrets of a file, one in each line. Raises `BadConfiguration`."""
    return checked_secrets(read_key_file(name, "webhook secret"))


def checked_secrets(given: object) -> list[str]:
    """Gives the secrets of one text, in its lines, or of several. Raises `BadConfiguration`."""
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, Sequence) or isinstance(several, bytes) or not several:
        raise BadConfiguration("a webhook secret is text, or a list of texts")
    found = [
        each
        for one in several
        for each in secrets_of_text(one, _MIN_SECRET_CHARACTERS, "the webhook secret")
    ]
    return list(dict.fromkeys(found))


def _django_options() -> dict[str, Any]:
    conf = sys.modules.get("django.conf")
    if conf is None or not conf.settings.configured:
        return {}
    given = getattr(conf.settings, "DOBBY", None)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadConfiguration("DOBBY in the Django settings is not a dict")
    return {str(name).lower(): value for name, value in given.items()}


def _environment() -> dict[str, Any]:
    names = {option: f"DOBBY_{option.upper()}" for option in VARIABLES}
    # An empty variable is what a shell or a compose file makes of one that is not set.
    return {name: os.environ[key] for name, key in names.items() if os.environ.get(key)}
