"""The golden frames of protocol/fixtures: every one is read by a watcher, or ignored."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cornelius import (
    UNSET,
    ApiError,
    CorneliusError,
    Gap,
    PartialFailure,
    Position,
    RequestRefused,
    Retry,
    StreamEnded,
    Update,
    _errors,
    _keys,
    _messages,
    _paths,
    path_fault,
)
from cornelius import _calls as calls
from cornelius._commands import router
from cornelius._history import history
from cornelius._replies import Reply
from cornelius._state import complete, state_page
from cornelius._watch import Watch
from cornelius.django import _body, _question

FOLDER = Path(__file__).parents[2] / "protocol" / "fixtures"


def load(name: str) -> list[Any]:
    found: list[Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert found, f"{name} is empty"
    return found


def by_name(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", load(name), ids=lambda case: ascii(case["name"]))


def position(value: Position | None) -> Any:
    return None if value is None else value.to_json()


def described(error: ApiError) -> dict[str, Any]:
    found = {"code": error.code, "message": error.message}
    return found if error.field is None else {**found, "field": error.field}


def as_json(told: Update | Gap) -> dict[str, Any]:
    """Writes what was told as the protocol does, so that nothing of it can have been lost."""
    if isinstance(told, Gap):
        ends = {"from": position(told.from_), "to": position(told.to)}
        return {"type": "gap", "path": told.path, **ends, "reason": told.reason}
    found = {"path": told.path, "message": told.message}
    found |= {} if told.key is None else {"key": told.key}
    return found | ({"position": position(told.position)} if told.position else {})


def watched(case: Any) -> list[Any]:
    """Returns what a watcher gets of one frame, as JSON."""
    watch = Watch("contacts", Retry())
    event = "".join(f"data: {line}\n" for line in case["json"].split("\n"))
    return [as_json(each) for each in watch.feed(f"{event}\n".encode())]


@by_name("down.json")
def test_a_watcher_reads_a_frame_of_the_server(case: Any) -> None:
    frame = case["frame"]
    match frame.get("type"):
        case None | "gap":
            assert watched(case) == [frame]
        case "refused" | "error":
            with pytest.raises(ApiError) as refused:
                watched(case)
            told = frame if frame["type"] == "error" else frame["paths"][0]
            expected = {name: told[name] for name in ("code", "message", "field") if name in told}
            assert described(refused.value) == expected
        case "unsubscribed":
            with pytest.raises(RequestRefused, match="denied"):
                watched(case)
        case "closing":
            with pytest.raises(CorneliusError, match=re.escape(frame["message"])) as closed:
                watched(case)
            is_final = 4200 <= frame["code"] < 4300
            assert isinstance(closed.value, StreamEnded | ApiError) == is_final
        case _:
            assert watched(case) == []


@by_name("later.json")
def test_ignores_what_a_later_server_may_add(case: Any) -> None:
    if case["frame"].get("type") in ("refused", "closing"):
        told = case["frame"].get("paths", [case["frame"]])[0]["message"]
        with pytest.raises(CorneliusError, match=re.escape(told)):
            watched(case)
        return
    for found in watched(case):
        kept = {name: value for name, value in case["frame"].items() if name in found}
        if isinstance(found.get("position"), dict):
            kept["position"] = {name: kept["position"][name] for name in ("epoch", "offset")}
        assert found == kept


@pytest.mark.parametrize("case", load("paths.json"), ids=lambda case: ascii(case["path"])[:40])
def test_judges_a_path_as_the_server_does(case: Any) -> None:
    assert path_fault(case["path"]) == case["fault"]


# Paths that the builders would refuse before sending stand in some requests, so the parsers are
# taken from a call for harmless ones with as many items.
def call_for(case: Any) -> calls.Call[Any]:
    request = case["request"]
    match case["method"]:
        case "update":
            return calls.update("contacts", 1)
        case "updates":
            return calls.updates([("contacts", 1)] * len(request.get("updates", [])))
        case "send":
            return calls.send(1, users=["ada"])
        case "broadcast":
            return calls.broadcast(1)
        case "complete":
            return complete("contacts")
        case "connect":
            return calls.connect("id", [])
        case "disconnect" if "patterns" in request:
            return calls.disconnect_user("ann", [])
        case "disconnect":
            return calls.disconnect("id", [])
        case "kick":
            return calls.kick("id")
        case "info":
            return calls.info()
        case "sessions":
            return calls.sessions().page(None)
        case "paths":
            return calls.paths().page(None)
        case "history":
            return history("contacts")
        case "state":
            return state_page("contacts", None, None, None)
    pytest.fail(f"Cornelius does not know the method {case['method']}")


@by_name("api.json")
def test_parses_an_answer_of_the_api(case: Any) -> None:
    call = call_for(case)
    reply = Reply(case["status"], json.dumps(case["reply"]).encode())
    answer = case["reply"]
    if "error" in answer:
        with pytest.raises(ApiError) as caught:
            call.parse(reply)
        found = caught.value
        assert {**described(found), "retryable": found.retryable} == answer["error"]
        assert found.status == case["status"]
        return
    results = answer.get("results", [])
    if any("error" in item for item in results):
        with pytest.raises(PartialFailure) as partial:
            call.parse(reply)
        failed = [described(error) for error in partial.value.failed.values()]
        assert failed == [item["error"] for item in results if "error" in item]
        assert len(partial.value.results) == len(results)
        return
    found = call.parse(reply)
    match case["method"]:
        case "update" | "broadcast":
            assert position(found) == answer["position"]
        case "send":
            assert asdict(found) == {name: tuple(each) for name, each in answer.items()}
        case "updates":
            assert [position(each) for each in found] == [item["position"] for item in results]
        case "connect":
            assert [{"path": p, "position": position(at)} for p, at in found.items()] == results
        case "disconnect" if "patterns" in case["request"]:
            assert [{"pattern": each, "ended": n} for each, n in found.items()] == results
        case "disconnect":
            assert [{"path": p, "wasSubscribed": was} for p, was in found.items()] == results
        case "complete":
            assert found == answer["completed"]
        case "kick":
            assert found == answer.get("sessions", 1)
        case "history":
            assert found.gap is None
            updates = [{**as_json(each), "path": None} for each in found.updates]
            assert updates == [{**item, "path": None} for item in answer["updates"]]
            assert position(found.head) == answer["head"]
            assert position(found.next) == answer["next"]
        case "state":
            rows = [{**asdict(each), "position": position(each.position)} for each in found.entries]
            assert rows == answer["entries"]
            assert position(found.position) == answer["position"]
            assert found.next == answer["next"]


def built(case: Any) -> calls.Call[Any]:
    request = dict(case["request"])
    key = request.pop("idempotencyKey", None)
    match case["method"]:
        case "update":
            ids = request.pop("except", ())
            return calls.update(**request, except_=ids, idempotency_key=key)
        case "updates":
            given = [
                Update(
                    item["path"],
                    item["message"],
                    key=item.get("key"),
                    except_=item.get("except", ()),
                    version=item.get("version", UNSET),
                )
                for item in request["updates"]
            ]
            return calls.updates(given, idempotency_key=key)
        case "send":
            return calls.send(**request, idempotency_key=key)
        case "broadcast":
            ids = request.pop("except", ())
            return calls.broadcast(**request, except_=ids, idempotency_key=key)
        case "complete":
            return complete(*request["paths"])
        case "connect":
            return calls.connect(**request)
        case "disconnect" if "patterns" in request:
            return calls.disconnect_user(**request)
        case "disconnect":
            return calls.disconnect(**request)
        case "sessions":
            after, size = request.pop("after", None), request.pop("limit", 100)
            return calls.sessions(**request, page_size=size).page(after)
        case "history":
            return history(**request)
        case "state":
            return state_page(request["path"], request.get("keys"), None, None)
        case "kick":
            return calls.kick(**request)
    pytest.fail(f"Cornelius does not know the method {case['method']}")


GOOD = [
    case
    for case in load("api.json")
    if case["status"] == 200 and "error" not in json.dumps(case["reply"])
]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["name"])
def test_builds_the_requests_of_the_fixtures(case: Any) -> None:
    request = built(case).request
    body = json.loads(request.body)
    if "idempotencyKey" not in case["request"]:
        body.pop("idempotencyKey", None)
    if case["method"] == "sessions":
        case["request"].setdefault("limit", 100)
    if case["method"] == "kick":
        case["request"].setdefault("reconnect", True)
    assert request.method == "POST"
    assert request.target == f"/api/{case['method']}"
    assert body == case["request"]


def test_the_tables_are_those_of_the_protocol() -> None:
    tables: dict[str, Any] = json.loads((FOLDER / "tables.json").read_text(encoding="utf-8"))
    retryable = {code for code, entry in tables["errors"].items() if entry["retryable"]}
    assert retryable == _errors._RETRYABLE
    assert set(_errors._CLASSES) <= set(tables["errors"])
    limits = tables["limits"]
    assert limits["itemsPerRequest"] == calls.MAX_ITEMS
    assert limits["apiBodyBytes"] == calls.MAX_BODY_BYTES
    assert limits["messageBytes"] == _messages.MAX_BYTES
    assert limits["pathBytes"] == _paths.MAX_BYTES
    assert limits["keyBytes"] == _keys.MAX_BYTES
    assert limits["itemsPerRequest"] == _body._MAX_PATHS
    assert limits["subscriptionsPerSession"] == _question.MAX_PATHS
    assert limits["nameCharacters"] == _question._MAX_NAME
    assert limits["commandBytes"] == router._MAX_NAME_BYTES
