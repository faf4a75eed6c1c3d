"""`cornelius.commands.TestClient`, as the tests of a project use it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cornelius import BadArgs, BadMessage, BadPath, CommandFailed, NotAllowed, Refused, commands
from cornelius.commands import Context, Router, TestClient


@pytest.fixture
def router() -> Router:
    router = Router()

    @router.command("chat/{room}")
    def enter(context: Context, room: str, name: str) -> dict[str, Any]:
        if context.session.state.get("room") == room:
            raise Refused("You are here already.", reason="here", data={"room": room})
        context.patch({"room": room, "name": name})
        context.grant(f"members/{room}")
        context.update(context.path, {"entered": name}, echo=True)
        context.send({"hello": name}, users=["owner"])
        return {"user": context.session.user, "again": context.again}

    @router.command("chat/{room}")
    async def leave(context: Context) -> int:
        context.patch({"room": None}, version=context.session.version)
        return context.session.version

    @router.command("chat/{room}")
    def late(context: Context) -> None:
        context.patch({"room": "x"}, version=context.session.version - 1)

    @router.command("chat/{room}")
    def whoami(context: Context) -> Any:
        return context.session.info

    @router.command("chat/{room}")
    def broken(context: Context) -> None:
        raise ZeroDivisionError("a secret of the house")

    return router


@pytest.fixture
def client(router: Router) -> TestClient:
    return TestClient(router)


def test_info_is_what_was_said_of_the_user(client: TestClient) -> None:
    assert client.send("chat/7", "whoami").reply is None
    assert client.send("chat/7", "whoami", info={"name": "Ann"}).reply == {"name": "Ann"}


def test_tells_the_reply_and_what_went_along(client: TestClient) -> None:
    answer = client.send("chat/7", "enter", {"name": "Ann"}, user="ann")
    assert answer.reply == {"user": "ann", "again": False}
    assert answer.updates == [{"path": "chat/7", "message": {"entered": "Ann"}, "echo": True}]
    assert answer.grants == ["members/7"]
    assert answer.sent == [{"users": ["owner"], "message": {"hello": "Ann"}}]
    assert answer.state == {"room": "7", "name": "Ann"}


def test_keeps_the_state_of_each_session(client: TestClient) -> None:
    client.send("chat/7", "enter", {"name": "Ann"})
    assert client.send("chat/7", "enter", {"name": "Bob"}, session_id="s2").state["name"] == "Bob"
    with pytest.raises(Refused) as caught:
        client.send("chat/7", "enter", {"name": "Ann"})
    assert (caught.value.reason, caught.value.data) == ("here", {"room": "7"})
    assert client.send("chat/7", "leave").state == {"name": "Ann"}
    assert client.send("chat/7", "leave").reply == 2


def test_a_given_state_replaces_what_there_was(client: TestClient) -> None:
    client.send("chat/7", "enter", {"name": "Ann"})
    answer = client.send("chat/7", "leave", state={"room": "9", "colour": "red"})
    assert answer.state == {"colour": "red"}


def test_raises_what_callers_see(client: TestClient) -> None:
    with pytest.raises(NotAllowed):
        client.send("chat/7", "leave", may_hear=False)
    with pytest.raises(BadArgs) as bad:
        client.send("chat/7", "enter", {"name": 7})
    assert bad.value.field == "args.name"
    with pytest.raises(CommandFailed) as unknown:
        client.send("chat/7", "sing")
    assert unknown.value.code == "unknown_command"
    with pytest.raises(CommandFailed) as conflict:
        client.send("chat/7", "late")
    assert conflict.value.code == "state_conflict"


def test_raises_what_the_handler_raised_unless_it_shall_not(router: Router) -> None:
    with pytest.raises(ZeroDivisionError):
        TestClient(router).send("chat/7", "broken")
    with pytest.raises(CommandFailed) as caught:
        TestClient(router, raise_handler_errors=False).send("chat/7", "broken")
    assert caught.value.code == "handler_failed"
    assert "secret" not in str(caught.value)


def test_refuses_what_dobby_would_not_take(client: TestClient) -> None:
    with pytest.raises(BadPath):
        client.send("::chat", "enter")
    with pytest.raises(BadMessage, match=r"^args\.name"):
        client.send("chat/7", "enter", {"name": object()})


def test_is_awaited_in_async_tests(client: TestClient) -> None:
    async def work() -> None:
        assert (await client.asend("chat/7", "enter", {"name": "Ann"}, again=True)).reply["again"]
        assert (await client.asend("chat/7", "leave")).reply == 1

    asyncio.run(work())


@pytest.fixture
def empty_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.router, "_handlers", [])


@pytest.mark.usefixtures("empty_default")
def test_without_a_router_it_is_the_default_one() -> None:
    @commands.command("contacts", "count")
    def count(context: Context) -> int:
        return 3

    assert TestClient().send("contacts", "count").reply == 3
    assert len(commands.router) == 1
