"""A client that was used before a real fork works in parent and child alike."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.double import KEY, Double

PROGRAM = """
import os, sys
from cornelius import Dobby
client = Dobby(sys.argv[1], sys.argv[2])
client.update("parent", 1)
children = []
for n in range(2):
    child = os.fork()
    if child == 0:
        for i in range(20):
            client.update(f"child/{n}", i)
        os._exit(0)
    children.append(child)
for i in range(20):
    client.update("parent", i)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
client.close()
sys.exit(max(codes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_workers_of_gunicorn_may_share_a_client_made_before_the_fork(double: Double) -> None:
    # In a process of its own: forking this one would copy the double's threads.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, double.url, KEY], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    published = [path for path, _ in double.state.published]
    assert sorted(published) == ["child/0"] * 20 + ["child/1"] * 20 + ["parent"] * 21
