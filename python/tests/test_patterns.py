"""Patterns over paths, held to the cases that the server is held to."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadConfiguration
from cornelius._patterns import Pattern

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "protocol" / "fixtures" / "patterns.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", CASES["match"], ids=lambda case: ascii(case["pattern"]))
def test_matches_what_the_server_matches(case: Any) -> None:
    assert Pattern(case["pattern"]).match(case["path"]) == case["captured"]


@pytest.mark.parametrize("source", [*CASES["bad"], 7, None, "\ud800{"], ids=lambda s: ascii(s)[:30])
def test_refuses_what_the_server_refuses(source: Any) -> None:
    with pytest.raises(BadConfiguration):
        Pattern(source)


def test_tells_the_names_of_its_captures_in_order() -> None:
    assert Pattern("chat/{room}/{rest*}").names == ("room", "rest")
    assert Pattern("contacts").names == ()


GOOD = [case["pattern"] for case in CASES["match"]]


@given(st.sampled_from(GOOD), st.text())
def test_never_raises_whatever_the_path_is(source: str, path: str) -> None:
    found = Pattern(source).match(path)
    assert found is None or all(found.values())


@given(st.sampled_from(GOOD), st.lists(st.sampled_from(["/", "a", "-", ".", ":", "aa", "👋"])))
def test_a_match_put_back_into_the_pattern_gives_the_path(source: str, pieces: list[str]) -> None:
    path = "".join(pieces)
    found = Pattern(source).match(path)
    if found is None:
        return
    written = source
    for name, value in found.items():
        written = written.replace(f"{{{name}}}", value).replace(f"{{{name}*}}", value)
    assert written == path


@given(st.text(alphabet="{}*/ab:_1é"))
def test_any_source_is_a_pattern_or_bad_configuration(source: str) -> None:
    with contextlib.suppress(BadConfiguration):
        Pattern(source).match(source)
