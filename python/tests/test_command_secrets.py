"""The secret of several lines that signs commands: Dobby and this package read the same file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import make_server

import pytest

from cornelius import _default
from cornelius.commands import Context, Router, anyone, wsgi_app
from tests.dobby import DobbyProcess
from tests.test_commands_end_to_end import Page, _Quiet
from tests.test_secret_rotation import FILES, IDS, write_lines

router = Router()


@router.command("news/{name*}", authorize=anyone)
def ask(context: Context) -> str:
    return "answered"


@pytest.fixture(params=FILES, ids=IDS)
def dobby(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DobbyProcess]:
    """A Dobby whose three files have two lines each, and which posts to this process."""
    state = tmp_path / "state"
    write_lines(state, request.param)
    app = wsgi_app(router, secret=_default.read_secret_file(state / "webhook-secret"))
    server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    config = {"commandUrl": f"http://127.0.0.1:{server.server_port}/", "public": ["news/{name*}"]}
    process = DobbyProcess(tmp_path, config, api_key="")
    try:
        yield process
    finally:
        process.stop()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_command_is_signed_by_one_of_the_lines(dobby: DobbyProcess) -> None:
    assert Page(dobby.url, "news/1").give("news/1", "ask") == "answered"
