"""Secrets and keys of several lines: Dobby and this package read the same files, side by side."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cornelius
from cornelius import BadConfiguration, Dobby, Unauthorized, _default, _secrets, _tokens
from tests.dobby import MAIN, DobbyProcess
from tests.test_commands_end_to_end import Page

ROWS = json.loads(
    (Path(__file__).parents[2] / "protocol/fixtures/secrets.json").read_text(encoding="utf-8")
)
NEW = "the-new-secret-0123456789-0123456789"
OLD = "the-old-secret-0123456789-0123456789"
LINES = [NEW, OLD]
FILES = [
    f"{NEW}\n{OLD}\n",
    f"\ufeff{NEW}\r\n{OLD}",
    f"\n  {NEW}\t\n\n \n{OLD}\n\n",
]
IDS = ["lines", "byte order mark and CR LF", "blank lines"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["name"]))
def test_a_text_holds_the_secrets_that_the_golden_file_says(row: Any, tmp_path: Path) -> None:
    readers: list[Callable[[], Any]] = [
        lambda: _secrets.checked_secrets(row["text"], 16, "secret"),
        lambda: _default.checked_secrets(row["text"]),
    ]
    file = tmp_path / "webhook-secret"
    file.write_bytes(row["text"].encode())
    readers.append(lambda: _default.read_secret_file(file))
    for read in readers:
        if row["secrets"] is None:
            with pytest.raises(BadConfiguration, match="16 characters"):
                read()
        else:
            assert read() == row["secrets"]


def test_a_list_of_texts_holds_the_secrets_of_all() -> None:
    assert _default.checked_secrets([f"{NEW}\n", OLD, NEW]) == LINES


def test_no_message_quotes_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "token-secret"
    file.write_text("not-so-good but secret\n")
    for read in (_default.read_secret_file, _tokens.read_token_secret_file):
        with pytest.raises(BadConfiguration) as caught:
            read(file)
        assert "secret\n" not in str(caught.value)
        assert "not-so-good" not in str(caught.value)


def write_lines(state: Path, lines: str) -> None:
    """Writes the three files of keys and secrets into a new state folder."""
    state.mkdir(mode=0o700)
    for name in ("api-key", "webhook-secret", "token-secret"):
        (state / name).write_bytes(lines.encode())
        (state / name).chmod(0o600)


@pytest.fixture(params=FILES, ids=IDS)
def dobby(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DobbyProcess]:
    """A Dobby whose three files have two lines each."""
    write_lines(tmp_path / "state", request.param)
    process = DobbyProcess(tmp_path, {"public": ["news/{name*}"]}, api_key="")
    yield process
    process.stop()


def test_with_several_lines_the_first_signs_and_all_verify(dobby: DobbyProcess) -> None:
    page = Page(dobby.url, "news/1")
    cornelius.configure(
        url=dobby.url,
        api_key_file=dobby.state / "api-key",
        token_secret_file=dobby.state / "token-secret",
    )
    assert cornelius.update("news/1", "Hello") is not None
    for key in LINES:
        with Dobby(dobby.url, key) as client:
            assert client.info()["version"]
    for shell in ({}, {"DOBBY_API_KEY": f"{OLD}\n{NEW}\n"}):
        flags = ["--url", dobby.url, "--state-dir", str(dobby.state)]
        done = subprocess.run(
            ["node", str(MAIN), "update", "news/1", "Hello", *flags],
            env={**os.environ, **shell},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    with Dobby(dobby.url, "an-unknown-key-0123456789") as client:
        with pytest.raises(Unauthorized):
            client.info()
    opened = {"type": "open", "protocol": 1, "paths": [{"path": "news/1"}]}
    for token in (
        cornelius.token("7"),
        cornelius.token("7", secret=OLD),
        cornelius.token("7", secret=f"{NEW}\n{OLD}\n"),
    ):
        page._post({**opened, "token": token})
    assert len(list(cornelius.sessions(user="7"))) == 3
