"""A small HTTP server in a thread that speaks the documented API. For unit tests only: what the
real Dobby does is tested elsewhere, against the real Dobby.

`faults` are used up by the next requests, one each: "drop" takes effect and then cuts the
connection, "cut" cuts it before, "hang" answers nothing until `close`, and a `(status, body)` pair,
or a `(status, body, headers)` triple, is answered as it is. `streams` hold what each GET of /comet
gets: a list of chunks, or such an answer.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "test-key"

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Fault = str | Answer


def error(code: str, retryable: bool = False, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": code, "retryable": retryable, **more}}


@dataclass
class Seen:
    method: str
    body: Any
    headers: dict[str, str]


@dataclass
class State:
    faults: list[Fault] = field(default_factory=list)
    streams: list[list[bytes] | Answer] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    published: list[tuple[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    logged: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    epoch: str = "k3v9x0qa"
    page_size: int = 1_000
    answers: dict[str, Any] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    kicked: list[tuple[str, bool]] = field(default_factory=list)
    ended_logins: set[str] = field(default_factory=set)
    connected: list[tuple[str, str]] = field(default_factory=list)


class Double:
    """The running server. `state` is what it saw and what it shall do.

    Without `is_up` its port refuses connections until `start`, as while Dobby restarts.
    """

    def __init__(self, is_up: bool = True) -> None:
        self.state = State()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        double = self

        class Handler(_Handler):
            owner = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.server_bind()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if is_up:
            self.start()

    def start(self) -> None:
        self._server.server_activate()
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def api(self, method: str, body: Any) -> tuple[int, Any]:
        with self._lock:
            key = body.get("idempotencyKey")
            if key is not None and key in self.state.answers:
                return 200, {**self.state.answers[key], "repeated": True}
            handle = getattr(self, f"_{method}", None)
            if handle is None:
                return 404, error("not_found")
            status, answer = handle(body)
            if key is not None and status == 200:
                self.state.answers[key] = answer
            return status, answer

    def _publish(self, item: Any) -> dict[str, Any]:
        if item["path"].startswith("fail"):
            return {"error": {"code": "too_large", "message": "no", "field": "message"}}
        if item.get("version") != self._version(item):
            return {"error": {"code": "state_conflict", "message": "no", "field": "version"}}
        self.state.published.append((item["path"], item["message"]))
        if item["path"].startswith("nolog"):
            return {"position": None}
        at = {"epoch": self.state.epoch, "offset": len(self.state.published)}
        logged = {"position": at, "message": item["message"]}
        logged |= {"key": item["key"]} if "key" in item else {}
        self.state.logged.append((item["path"], logged))
        return {"position": at}

    def _version(self, item: Any) -> int | None:
        """Gives the version of the item's entry, or whatever it names if it names none."""
        if "version" not in item:
            return None
        same = [told for path, told in self.state.logged if path == item["path"]]
        entries = [told for told in same if told.get("key") == item["key"]]
        if not entries or entries[-1]["message"] is None:
            return None
        offset: int = entries[-1]["position"]["offset"]
        return offset

    def _update(self, body: Any) -> tuple[int, Any]:
        answer = self._publish(body)
        if "error" not in answer:
            return 200, answer
        status = 409 if answer["error"]["code"] == "state_conflict" else 413
        return status, {"error": {**answer["error"], "retryable": False}}

    def _send(self, body: Any) -> tuple[int, Any]:
        ids, users = body.get("sessions", []), body.get("users", [])
        self.state.sent.append({name: body[name] for name in body if name != "idempotencyKey"})
        found = [f"session of {user}" for user in users if not user.startswith("unknown")]
        sent = [*[id for id in ids if not id.startswith("unknown")], *found]
        return 200, {"sent": sent, "unknown": [n for n in ids + users if n.startswith("unknown")]}

    def _broadcast(self, body: Any) -> tuple[int, Any]:
        return 200, self._publish({"path": "::all", "message": body["message"]})

    def _updates(self, body: Any) -> tuple[int, Any]:
        return 200, {"results": [self._publish(item) for item in body["updates"]]}

    def _connect(self, body: Any) -> tuple[int, Any]:
        id = body["id"]
        if id.startswith("unknown"):
            return 404, error("unknown_session")
        if body.get("login") in self.state.ended_logins:
            return 403, error("login_ended")
        bound = self.state.users.get(id)
        if "user" in body and bound is not None and bound != body["user"]:
            return 409, error("user_mismatch")
        if body.get("user") is not None:
            self.state.users[id] = body["user"]
        results = []
        for path in body["paths"]:
            if "too-many" in path:
                fault = {"code": "too_many_subscriptions", "message": "no"}
                results.append({"path": path, "error": fault})
                continue
            self.state.connected.append((id, path))
            results.append({"path": path, "position": {"epoch": "k3v9x0qa", "offset": 0}})
        return 200, {"results": results}

    def _disconnect(self, body: Any) -> tuple[int, Any]:
        if "patterns" in body:
            return 200, {"results": [self._ended(each) for each in body["patterns"]]}
        if body["id"].startswith("unknown"):
            return 404, error("unknown_session")
        bound = self.state.users.get(body["id"])
        if "user" in body and bound is not None and bound != body["user"]:
            return 409, error("user_mismatch")
        results = []
        for path in body["paths"]:
            was = (body["id"], path) in self.state.connected
            if was:
                self.state.connected.remove((body["id"], path))
            results.append({"path": path, "wasSubscribed": was})
        return 200, {"results": results}

    def _kick(self, body: Any) -> tuple[int, Any]:
        name = next(name for name in ("id", "user", "login") if name in body)
        if name == "id" and body["id"].startswith("unknown"):
            return 404, error("unknown_session")
        self.state.kicked.append((body[name], body["reconnect"]))
        if name == "login":
            self.state.ended_logins.add(body["login"])
        bound = [id for id, user in self.state.users.items() if user == body.get("user")]
        count = 1 if name == "id" else len(bound)
        return 200, {"kicked": count > 0, "sessions": count}

    def _ended(self, pattern: str) -> dict[str, Any]:
        if "{}" in pattern:
            return {"pattern": pattern, "error": {"code": "bad_pattern", "message": "no"}}
        return {"pattern": pattern, "ended": len(pattern)}

    def _sessions(self, body: Any) -> tuple[int, Any]:
        first = int(body.get("after", "0"))
        ids = [str(n) for n in range(first, 5)][: body["limit"]]
        last = first + len(ids)
        times = {"0": None, "1": 1_790_000_000_000}
        named = {name: body[name] for name in ("user", "login") if name in body}
        info = {"user": None, "subscriptions": 1, "info": {"name": "Ada"}, **named}
        sessions = [{"id": id, **info, "lastCommandAt": times.get(id)} for id in ids]
        return 200, {"sessions": sessions, "next": str(last) if last < 5 else None}

    def _paths(self, body: Any) -> tuple[int, Any]:
        if "names" in body:
            at = {"epoch": "k3v9x0qa", "offset": 7}
            named = [
                {"path": name, "subscriptions": 0, "position": None if name == "no-log" else at}
                for name in body["names"]
            ]
            return 200, {"paths": named, "next": None}
        names = [name for name in ("a", "b/1", "b/2") if name.startswith(body.get("prefix", ""))]
        found = [{"path": name, "subscriptions": 2, "position": None} for name in names]
        return 200, {"paths": found, "next": None}

    def _at(self) -> dict[str, Any]:
        return {"epoch": self.state.epoch, "offset": len(self.state.published)}

    def _history(self, body: Any) -> tuple[int, Any]:
        if body["path"].startswith("nolog"):
            return 400, error("no_log", field="path")
        since = body.get("since")
        lost = since is not None and since["epoch"] != self.state.epoch
        offset = None if since is None or lost else since["offset"]
        log = [item for path, item in self.state.logged if path == body["path"]]
        if body.get("reverse"):
            log.reverse()
            log = [each for each in log if not offset or each["position"]["offset"] < offset]
        else:
            log = [each for each in log if not offset or each["position"]["offset"] > offset]
        page = log[: body.get("limit", 100)]
        to = {"epoch": self.state.epoch, "offset": 0}
        gap = {"from": since, "to": to, "reason": "restarted"} if lost else None
        after = page[-1]["position"] if len(page) < len(log) else None
        return 200, {"updates": page, "gap": gap, "head": self._at(), "next": after}

    def _state(self, body: Any) -> tuple[int, Any]:
        if body["path"].startswith("nolog"):
            return 400, error("no_state", field="path")
        entries = {item["key"]: item for path, item in self.state.logged if path == body["path"]}
        keys = sorted(body.get("keys", entries))
        found = [entries[key] for key in keys if key in entries and key > body.get("after", "")]
        kept = [each for each in found if each["message"] is not None]
        page = kept[: min(self.state.page_size, body["limit"])]
        after = page[-1]["key"] if len(page) < len(kept) else None
        return 200, {"entries": page, "position": self._at(), "next": after}

    def _info(self, body: Any) -> tuple[int, Any]:
        return 200, {"version": "0.1.0", "sessions": 5}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: Double

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        state = self.owner.state
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method = self.path.removeprefix("/api/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        state.seen.append(Seen(method, body, headers))
        fault = state.faults.pop(0) if state.faults else None
        if isinstance(fault, tuple):
            self._answer(*fault)
        elif fault == "hang":
            self.owner.closing.wait(10)
            self.close_connection = True
        elif fault == "cut":
            self.close_connection = True
        elif headers.get("authorization") != f"Bearer {KEY}":
            self._answer(401, error("unauthorized"))
        else:
            status, answer = self.owner.api(method, body)
            if fault == "drop":
                self.close_connection = True
            else:
                self._answer(status, answer)

    def do_GET(self) -> None:
        state = self.owner.state
        headers = {name.lower(): value for name, value in self.headers.items()}
        state.seen.append(Seen(self.path, None, headers))
        stream = state.streams.pop(0) if state.streams else (404, error("not_found"))
        if isinstance(stream, tuple):
            self._answer(*stream)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        for chunk in stream:
            self.wfile.write(chunk)
        self.close_connection = True

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if 300 <= status < 400 and "Location" not in (headers or {}):
            self.send_header("location", "/api/info")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
