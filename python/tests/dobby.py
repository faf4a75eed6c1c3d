"""A real Dobby, as it is built in this repository, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

KEY = "a-key-of-the-tests-0123456789"
MAIN = Path(__file__).parents[2] / "server/dist/server/src/cli/main.js"
CONFIG = {
    "public": ["news/{name*}"],
    "paths": [{"pattern": "nolog/{name*}", "log": False, "state": False}],
}


class DobbyProcess:
    """The process; it can be restarted, with the same port and the same state folder.

    With an `api_key` of "" its state folder has the key.
    """

    def __init__(
        self, folder: Path, config: dict[str, Any] | None = None, api_key: str = KEY
    ) -> None:
        assert MAIN.exists(), "the server has not been built: npm run build"
        self.state = folder / "state"
        self._config = folder / "config.json"
        self._config.write_text(json.dumps(config or CONFIG))
        self._port = "0"
        self._api_key = api_key
        self.url = ""
        self.start()

    def start(self) -> None:
        """Starts it and waits until it listens."""
        flags = ["--port", self._port, "--config", str(self._config), "--state-dir"]
        self._process = subprocess.Popen(
            ["node", str(MAIN), *flags, str(self.state)],
            env={**os.environ, "DOBBY_API_KEY": self._api_key},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        found = re.search(r"http://\S+:(\d+)", self._process.stdout.readline())
        if found is None:
            self.kill()
            raise AssertionError("Dobby did not say where it listens")
        self.url, self._port = found[0], found[1]

    def stop(self) -> None:
        """Stops it in order and waits for its end."""
        self._process.terminate()
        self._ended()

    def kill(self) -> None:
        """Ends it as a crash would."""
        self._process.kill()
        self._ended()

    def _ended(self) -> None:
        assert self._process.stdout is not None
        self._process.wait(10)
        self._process.stdout.close()
