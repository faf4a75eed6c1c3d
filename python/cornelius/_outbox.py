"""The backend "test": what would have gone to Dobby stays in a list, and nothing is sent.

The stand-in answers each request of the API as an empty Dobby without sessions would. It keeps what
was published, so that positions, histories, states and versions fit together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import httpx

from ._errors import BadConfiguration
from ._types import UNSET, Revocation, Sending, Update

Item = Update | Sending | Revocation
Body = dict[str, Any]

EPOCH = "testtest"
_ALL = "::all"


class Outbox(Sequence[Item]):
    """What tests look into: each `Update`, `Sending` and `Revocation`, in order.

    Under Django's test runner it is empty at the beginning of each test, as `mail.outbox` is;
    elsewhere `clear` empties it.
    """

    def __init__(self) -> None:
        self._mark: Callable[[], object] = lambda: None
        self._seen: object = None
        self._items: list[Item] = []
        self._logs: dict[str, list[Body]] = {}

    @property
    def updates(self) -> list[Update]:
        """The updates alone."""
        return [each for each in self._fresh() if isinstance(each, Update)]

    def clear(self) -> None:
        """Empties it; paths stand at their beginning again."""
        self._items.clear()
        self._logs.clear()

    def follow(self, mark: Callable[[], object]) -> None:
        """Empties itself from now on whenever `mark` gives another object than before."""
        self._mark = mark

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Takes a request of the API and answers it."""
        if request.method == "GET":
            raise BadConfiguration('nothing can be watched with the backend "test"')
        self._fresh()
        method = request.url.path.removeprefix("/api/")
        status, answer = getattr(self, f"_{method}")(json.loads(request.content))
        return httpx.Response(status, json=answer)

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        return self._fresh()[index]

    def __len__(self) -> int:
        return len(self._fresh())

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self._fresh()))

    def __eq__(self, other: object) -> bool:
        return self._fresh() == (list(other) if isinstance(other, Sequence) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._fresh())

    def _fresh(self) -> list[Item]:
        mark = self._mark()
        if mark is not self._seen:
            self._seen = mark
            self.clear()
        return self._items

    def _at(self, path: str) -> Body:
        return {"epoch": EPOCH, "offset": len(self._logs.get(path, ()))}

    def _entries(self, path: str) -> dict[str, Body]:
        entries = {each["key"]: each for each in self._logs.get(path, ()) if "key" in each}
        return {key: each for key, each in entries.items() if each["message"] is not None}

    def _published(self, body: Body) -> Body:
        path, key = body["path"], body.get("key")
        if "version" in body:
            entry = self._entries(path).get(str(key))
            if body["version"] != (entry and entry["position"]["offset"]):
                message = "The entry is not at this version."
                return {"error": {"code": "state_conflict", "message": message}}
        log = self._logs.setdefault(path, [])
        at = {"epoch": EPOCH, "offset": len(log) + 1}
        keyed = {} if key is None else {"key": key}
        log.append({"position": at, "message": body["message"], **keyed})
        return {"position": at}

    def _listed(self, body: Body) -> Body:
        answer = self._published(body)
        if "error" not in answer:
            version, except_ = body.get("version", UNSET), tuple(body.get("except", ()))
            path, message, key = body["path"], body["message"], body.get("key")
            self._items.append(Update(path, message, key=key, except_=except_, version=version))
        return answer

    def _update(self, body: Body) -> tuple[int, Body]:
        answer = self._listed(body)
        return (409, answer) if "error" in answer else (200, answer)

    def _updates(self, body: Body) -> tuple[int, Body]:
        return 200, {"results": [self._listed(each) for each in body["updates"]]}

    def _send(self, body: Body) -> tuple[int, Body]:
        sessions, users = tuple(body.get("sessions", ())), tuple(body.get("users", ()))
        self._items.append(Sending(body["message"], sessions, users))
        return 200, {"sent": sessions, "unknown": users}

    def _broadcast(self, body: Body) -> tuple[int, Body]:
        except_ = tuple(body.get("except", ()))
        self._items.append(Sending(body["message"], everybody=True, except_=except_))
        return 200, self._published({"path": _ALL, "message": body["message"]})

    def _connect(self, body: Body) -> tuple[int, Body]:
        paths = body["paths"]
        return 200, {"results": [{"path": path, "position": self._at(path)} for path in paths]}

    def _disconnect(self, body: Body) -> tuple[int, Body]:
        if "patterns" in body:
            patterns = tuple(body["patterns"])
            self._items.append(Revocation(user=body["user"], patterns=patterns))
            return 200, {"results": [{"pattern": each, "ended": 0} for each in patterns]}
        return 200, {"results": [{"path": p, "wasSubscribed": False} for p in body["paths"]]}

    def _kick(self, body: Body) -> tuple[int, Body]:
        self._items.append(Revocation(**body))
        return 200, {"kicked": False, "sessions": 0}

    def _info(self, body: Body) -> tuple[int, Body]:
        return 200, {"version": "test", "sessions": 0, "paths": len(self._logs)}

    def _sessions(self, body: Body) -> tuple[int, Body]:
        return 200, {"sessions": [], "next": None}

    def _paths(self, body: Body) -> tuple[int, Body]:
        names = body.get("names", ())
        found = [{"path": p, "subscriptions": 0, "position": self._at(p)} for p in names]
        return 200, {"paths": found, "next": None}

    def _history(self, body: Body) -> tuple[int, Body]:
        path, limit, since = body["path"], body.get("limit", 100), body.get("since")
        log = list(self._logs.get(path, ()))
        if body.get("reverse"):
            log.reverse()
            log = [e for e in log if since is None or e["position"]["offset"] < since["offset"]]
        else:
            log = [e for e in log if since is None or e["position"]["offset"] > since["offset"]]
        more = log[limit - 1]["position"] if len(log) > limit else None
        return 200, {"updates": log[:limit], "gap": None, "head": self._at(path), "next": more}

    def _state(self, body: Body) -> tuple[int, Body]:
        entries, after = self._entries(body["path"]), body.get("after", "")
        keys = sorted(key for key in body.get("keys", entries) if key in entries and key > after)
        page = keys[: body["limit"]]
        more = page[-1] if len(page) < len(keys) else None
        found = [entries[key] for key in page]
        return 200, {"entries": found, "position": self._at(body["path"]), "next": more}


outbox = Outbox()
"""What was published and taken back with the backend "test"."""
