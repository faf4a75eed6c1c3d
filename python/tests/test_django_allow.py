"""`@allow`: one function for each pattern of paths, beside `authorize`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings

from cornelius import BadConfiguration
from cornelius.commands import sign
from cornelius.django import allow
from cornelius.django._allow import Rules, rules
from tests.double import KEY, Double
from tests.test_django_session import SECRET, blocking, in_a_loop, opening
from tests.test_patterns import CASES

pytestmark = pytest.mark.usefixtures("database")

REQUEST = RequestFactory().get("/")


@pytest.fixture(autouse=True)
def configured(double: Double, database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rules, "_rules", [])
    options = {"URL": double.url, "API_KEY": KEY, "WEBHOOK_SECRET": SECRET}
    with override_settings(DOBBY=options):
        yield


def decided(found: Rules, path: str) -> Any:
    return found.hook(lambda request, path: "authorize")(REQUEST, path)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("case", CASES["match"], ids=lambda case: ascii(case["pattern"]))
def test_a_rule_fits_the_paths_that_the_golden_file_says(case: Any) -> None:
    found = Rules()

    @found.allow(case["pattern"])
    def rule(_: HttpRequest, /, **captured: str) -> Any:
        return captured

    expected = "authorize" if case["captured"] is None else case["captured"]
    assert decided(found, case["path"]) == expected


@pytest.mark.parametrize("source", [*CASES["bad"], 7, None], ids=lambda s: ascii(s)[:30])
def test_a_pattern_that_breaks_the_grammar_is_refused_at_registration(source: Any) -> None:
    with pytest.raises(BadConfiguration):
        allow(source)


def test_captures_are_converted_and_what_cannot_be_does_not_fit() -> None:
    found = Rules()

    @found.allow("user/{pk}")
    def by_number(request: HttpRequest, pk: int) -> Any:
        return pk

    @found.allow("user/{name}")
    def by_name(request: HttpRequest) -> Any:
        return "name"

    @found.allow("{kind}/{rest*}")
    def of_kind(request: HttpRequest, rest: str, **more: str) -> Any:
        return rest, more

    assert decided(found, "user/7") == 7
    assert decided(found, "user/ada") == "name"
    assert decided(found, "team/a/b") == ("a/b", {"kind": "team"})
    assert decided(found, "contacts") == "authorize"


def two(request: HttpRequest, pk: int, more: int) -> bool:
    return True


def defaulted(request: HttpRequest, pk: int, more: int = 1) -> bool:
    return True


def whole(request: HttpRequest, args: Any) -> bool:
    return True


def without() -> bool:
    return True


def shadowed(pk: HttpRequest) -> bool:
    return True


def listed(request: HttpRequest, pk: list[int]) -> bool:
    return True


@pytest.mark.parametrize("function", [two, defaulted, whole, without, shadowed, listed, 7])
def test_a_function_that_no_path_can_fill_is_refused_at_registration(function: Any) -> None:
    with pytest.raises(BadConfiguration):
        Rules().allow("user/{pk}")(function)


def test_a_pattern_has_one_rule() -> None:
    found = Rules()
    found.allow("user/{pk}")(lambda request: True)
    with pytest.raises(BadConfiguration, match="has a rule already"):
        found.allow("user/{pk}")(lambda request: False)


def own_page() -> None:
    @allow("user/{pk}")
    def own(request: HttpRequest, pk: int) -> bool:
        return bool(request.user.pk == pk)

    @allow("later/{name}")
    async def later(request: HttpRequest, name: str) -> bool:
        return name == "yes"

    @allow("open/closed")
    def closed(request: HttpRequest) -> bool:
        return False


PATHS = ["open/1", "open/closed", "later/yes", "later/no", "user/{}", "user/0", "user/x", "other"]


@pytest.mark.parametrize("url", ["/dobby/connect/", "/async/connect/"])
def test_the_connect_view_asks_the_rules_first(url: str) -> None:
    own_page()
    user = User.objects.create_user("ada", password="x")
    client = Client()
    client.force_login(user)
    paths = [path.format(user.pk) for path in PATHS]
    body = json.dumps({"uid": "s1", "paths": paths})
    answer = client.post(url, body, content_type="application/json")
    refused = ["open/closed", "later/no", "user/0", "user/x", "other"]
    assert answer.json() == {"refused": refused}


@pytest.mark.parametrize("post", [blocking, in_a_loop])
@pytest.mark.parametrize("url", ["/dobby/session", "/async/session"])
def test_so_does_the_session_view(post: Any, url: str) -> None:
    own_page()
    user = User.objects.create_user("ada", password="x")
    browser = Client()
    browser.force_login(user)
    paths = [path.format(user.pk) for path in PATHS]
    data = json.dumps(opening(*paths)).encode()
    answer = post(url, data, {"Dobby-Signature": sign(SECRET, url, data)}, browser.cookies)
    assert answer.json()["grants"] == ["open/1", "later/yes", f"user/{user.pk}"]


def test_without_a_hook_what_no_rule_fits_is_refused() -> None:
    own_page()
    body = json.dumps({"uid": "s1", "paths": ["later/yes", "open/1"]})
    answer = Client().post("/settings/connect/", body, content_type="application/json")
    assert answer.json() == {"refused": ["open/1"]}
