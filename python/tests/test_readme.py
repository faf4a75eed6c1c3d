"""The README's examples of commands and rules are run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cornelius import commands
from cornelius.commands import TestClient
from cornelius.django._allow import rules

README = Path(__file__).parents[1] / "README.md"


def example(mark: str) -> str:
    text = README.read_text(encoding="utf-8")
    (found,) = (code for code in re.findall(r"```python\n(.*?)```", text, re.S) if mark in code)
    return str(found)


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.router, "_handlers", [])
    monkeypatch.setattr(rules, "_rules", [])


def test_the_sender_of_the_first_command_hears_it() -> None:
    exec(example("def say("), {})
    answer = TestClient().send("chat/7", "say", {"text": "Hello"}, user="7")
    assert answer.updates[0]["echo"] is True
    exec(example("answer = TestClient()"), {})


def test_what_an_update_of_a_command_takes_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    for name in ("key", "version", "except_", "echo"):
        assert re.search(rf"context\.update\(path, message, \*, [^)]*\b{name}\b", text), name


def test_the_rule_of_the_ten_lines_is_one() -> None:
    code = example("def own_page(")
    names: dict[str, Any] = {}
    exec(code[code.index("from cornelius.django") : code.index("urlpatterns")], names)
    (rule,) = rules._rules
    assert rule.fitting("user/7") == {"pk": 7}
