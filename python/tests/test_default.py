"""The module-level functions, and where their configuration comes from."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import cornelius
import cornelius.commands
from cornelius import BadConfiguration, Position, aio
from cornelius import _default as defaults
from tests.double import KEY, Double


def test_importing_reads_nothing_and_does_not_need_django() -> None:
    modules = "cornelius, cornelius.aio, cornelius.commands"
    program = f"import sys, {modules}; sys.exit('django' in sys.modules)"
    environment = {"DOBBY_URL": "nonsense", "DOBBY_API_KEY_FILE": "/nowhere"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_everything_exported_exists() -> None:
    for module in (cornelius, aio, cornelius.commands):
        assert all(hasattr(module, name) for name in module.__all__)
        assert len(set(module.__all__)) == len(module.__all__)


def test_the_environment_configures(monkeypatch: pytest.MonkeyPatch, double: Double) -> None:
    monkeypatch.setenv("DOBBY_URL", double.url)
    monkeypatch.setenv("DOBBY_API_KEY", KEY)
    assert cornelius.update("a", 1) == Position("k3v9x0qa", 1)
    assert cornelius.updates([("a", 2)]) == [Position("k3v9x0qa", 2)]
    assert cornelius.connect("s", ["a"], user="1") == {"a": Position("k3v9x0qa", 0)}
    assert cornelius.disconnect("s", ["a"]) == {"a": True}
    cornelius.kick("s")
    assert cornelius.info()["sessions"] == 5
    assert len(list(cornelius.sessions())) == 5
    assert len(list(cornelius.paths(prefix="b"))) == 2
    assert cornelius._default.default() is cornelius._default.default()


def test_the_same_for_asyncio(monkeypatch: pytest.MonkeyPatch, double: Double) -> None:
    monkeypatch.setenv("DOBBY_URL", double.url)
    monkeypatch.setenv("DOBBY_API_KEY", KEY)

    async def work() -> None:
        assert await aio.update("a", 1) == Position("k3v9x0qa", len(double.state.published))
        assert await aio.connect("s", ["a"]) == {"a": Position("k3v9x0qa", 0)}
        assert [each.id async for each in aio.sessions()] == ["0", "1", "2", "3", "4"]

    # The same default client in one event loop after another.
    asyncio.run(work())
    asyncio.run(work())
    assert defaults.async_default()._pools._pools == {}


def test_the_key_is_read_from_a_file(
    monkeypatch: pytest.MonkeyPatch, double: Double, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("DOBBY_URL", double.url)
    monkeypatch.setenv("DOBBY_API_KEY_FILE", str(file))
    assert cornelius.info()


def test_a_key_file_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOBBY_API_KEY_FILE", "/nowhere/key")
    with pytest.raises(BadConfiguration, match="/nowhere/key"):
        cornelius.info()


def test_configure_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, double: Double
) -> None:
    monkeypatch.setenv("DOBBY_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DOBBY_API_KEY", "wrong")
    cornelius.configure(url=double.url, api_key=KEY)
    assert cornelius.info()
    cornelius.configure()
    assert "127.0.0.1:9" in repr(defaults.default())


def test_a_configured_key_file_goes_before_a_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, double: Double, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOBBY_API_KEY", "wrong")
    (tmp_path / "key").write_text(KEY)
    cornelius.configure(url=double.url, api_key_file=tmp_path / "key")
    assert cornelius.info()


def test_without_a_key_the_error_says_what_to_set() -> None:
    with pytest.raises(BadConfiguration, match="DOBBY_API_KEY_FILE"):
        cornelius.update("a", 1)


def test_a_timeout_of_nothing_is_refused_instead_of_replaced() -> None:
    cornelius.configure(timeout=0)
    with pytest.raises(BadConfiguration):
        cornelius.info()


def test_the_time_for_retries_is_configured() -> None:
    assert defaults.default()._retry.total_seconds == 8.0
    cornelius.configure(retry_seconds=0)
    assert defaults.default()._retry.total_seconds == 0.0
    cornelius.configure(retry_seconds=2.5)
    assert defaults.async_default()._retry.total_seconds == 2.5
    cornelius.configure(retry_seconds=-1)
    with pytest.raises(BadConfiguration, match="retries"):
        cornelius.info()


def test_the_default_url_is_the_servers() -> None:
    assert repr(defaults.default()) == "Dobby('http://127.0.0.1:4020')"


def test_signatures_tell_the_arguments() -> None:
    expected = ["path", "message", "key", "version", "except_", "idempotency_key"]
    for function in (cornelius.update, aio.update, cornelius.Dobby("http://h").update):
        assert list(inspect.signature(function).parameters) == expected
        assert "BadMessage" in (function.__doc__ or "")
    assert inspect.iscoroutinefunction(aio.update)


def test_configure_refuses_a_name_that_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="api_kye"):
        cornelius.configure(api_kye=KEY)  # type: ignore[call-arg]
