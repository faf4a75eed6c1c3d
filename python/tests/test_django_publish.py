"""Publishing from Django: after commit, one request a transaction, never breaking the request."""

from __future__ import annotations

import asyncio
import logging
import unittest
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TestCase, override_settings

import cornelius
from cornelius import (
    BadKey,
    BadMessage,
    BadPath,
    CorneliusError,
    DobbyUnreachable,
    PartialFailure,
    Sending,
    Update,
)
from cornelius import django as push
from tests.double import KEY, Double, error

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def configured(double: Double, database: None) -> Iterator[None]:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY}):
        yield


@pytest.fixture
def failures() -> Iterator[list[tuple[list[Update], CorneliusError]]]:
    found: list[tuple[list[Update], CorneliusError]] = []

    def hear(*, updates: list[Update], error: CorneliusError, **_: Any) -> None:
        found.append((updates, error))

    push.publish_failed.connect(hear)
    yield found
    push.publish_failed.disconnect(hear)


def paths(double: Double) -> list[str]:
    return [path for path, _ in double.state.published]


class Abort(Exception):
    pass


def test_the_settings_configure_and_can_be_overridden(double: Double) -> None:
    assert cornelius.info()
    with override_settings(DOBBY={"URL": double.url, "API_KEY": "wrong"}):
        with pytest.raises(cornelius.Unauthorized):
            cornelius.info()
    assert cornelius.info()


def test_outside_a_transaction_it_is_sent_at_once(double: Double) -> None:
    push.update("a", 1)
    push.updates([("b", 2), Update("c", 3, except_=["id"])])
    assert paths(double) == ["a", "b", "c"]
    assert double.state.seen[1].body["updates"][1]["except"] == ["id"]


def test_a_transaction_is_one_request_in_order_after_commit(double: Double) -> None:
    with transaction.atomic():
        push.update("a", 1)
        push.updates([("b", 2), ("c", 3)])
        push.update("a", 4)
        assert double.state.seen == []
    assert double.state.published == [("a", 1), ("b", 2), ("c", 3), ("a", 4)]
    assert [seen.method for seen in double.state.seen] == ["updates"]


def test_keys_are_sent_after_commit_too(double: Double) -> None:
    with transaction.atomic():
        push.update("a", {"id": 7}, key="7")
        push.update("a", None, key="8")
        push.update("a", 1)
        assert double.state.seen == []
    items = double.state.seen[0].body["updates"]
    assert [item.get("key") for item in items] == ["7", "8", None]
    assert [item["message"] for item in items] == [{"id": 7}, None, 1]


def test_a_version_is_sent_after_commit_and_its_conflict_signalled(
    double: Double, failures: list[Any]
) -> None:
    push.update("a", 1, key="7", version=None)
    push.update("a", 2, key="7", version=None)
    assert double.state.published == [("a", 1)]
    assert isinstance(failures[0][1].failed[0], cornelius.StateConflict)


def test_messages_to_sessions_wait_for_the_commit_in_their_place(double: Double) -> None:
    with transaction.atomic():
        push.update("a", 1)
        push.update("b", 2)
        push.send("hello", users=["7"], sessions=iter(["s1"]))
        push.broadcast("all", except_=["s2"])
        push.update("c", 3)
        push.send("to nobody", users=[])
        savepoint(then=lambda: push.send("rolled back", users=["7"]), fail=True)
        assert double.state.seen == []
    seen = [(each.method, each.body) for each in double.state.seen]
    assert [method for method, _ in seen] == ["updates", "send", "broadcast", "updates"]
    assert double.state.sent == [{"message": "hello", "sessions": ["s1"], "users": ["7"]}]
    assert (seen[2][1]["message"], seen[2][1]["except"]) == ("all", ["s2"])
    assert [len(seen[n][1]["updates"]) for n in (0, 3)] == [2, 1]
    assert all(body["idempotencyKey"] for _, body in seen)


def test_outside_a_transaction_a_message_to_sessions_is_sent_at_once(double: Double) -> None:
    push.send("hello", users=["7"])
    push.broadcast("all")
    assert [seen.method for seen in double.state.seen] == ["send", "broadcast"]


def test_a_message_to_sessions_that_fails_is_signalled_and_the_others_are_sent(
    double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[tuple[list[Update], list[Sending]]] = []

    def hear(*, updates: list[Update], sendings: list[Sending], **_: Any) -> None:
        found.append((updates, sendings))

    push.publish_failed.connect(hear)
    try:
        double.state.faults = [(400, error("bad_field"))]
        with transaction.atomic():
            push.send(1, users=["7"])
            push.update("a", 1)
            push.broadcast(object())
        cornelius.configure(url="http://127.0.0.1:9", retry_seconds=0)
        with transaction.atomic():
            push.update("b", 1)
            push.broadcast(2)
    finally:
        push.publish_failed.disconnect(hear)
    assert double.state.published == [("a", 1)]
    bad, refused, lost = found
    assert bad[1][0].everybody
    assert refused == ([], [Sending(1, users=("7",))])
    assert lost == ([Update("b", 1)], [Sending(2, everybody=True)])
    assert "to '7'" in caplog.text
    assert "'b', to everybody" in caplog.text


def test_nothing_is_sent_on_rollback(double: Double) -> None:
    with pytest.raises(Abort), transaction.atomic():
        push.update("a", 1)
        raise Abort
    assert double.state.seen == []
    with transaction.atomic():
        push.update("b", 1)
    assert paths(double) == ["b"]


def test_the_time_for_retries_is_a_setting(double: Double) -> None:
    double.state.faults = ["cut"]
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY, "RETRY_SECONDS": 0}):
        with pytest.raises(DobbyUnreachable):
            cornelius.info()
    assert len(double.state.seen) == 1


def test_the_direct_door_sends_inside_the_transaction_and_raises(double: Double) -> None:
    with pytest.raises(Abort), transaction.atomic():
        assert cornelius.update("a", 1)
        raise Abort
    assert paths(double) == ["a"]


def savepoint(*names: str, then: Any = None, fail: bool = False) -> None:
    """Publishes in a savepoint, runs `then` in it, and rolls it back if it shall fail."""
    try:
        with transaction.atomic():
            for name in names:
                push.update(name, 1)
            if then is not None:
                then()
            if fail:
                raise Abort
    except Abort:
        pass


@pytest.mark.parametrize("last", [None, "z"], ids=["last is rolled back", "more follows"])
def test_a_savepoint_that_is_rolled_back_is_not_sent(double: Double, last: str | None) -> None:
    with transaction.atomic():
        push.update("a", 1)
        savepoint("b", then=lambda: savepoint("c"), fail=True)
        savepoint("d", then=lambda: savepoint("e", fail=True))
        savepoint("f", fail=True)
        if last:
            push.update(last, 1)
    assert paths(double) == ["a", "d", *([last] if last else [])]
    assert len(double.state.seen) == 1


def test_the_first_savepoint_may_be_rolled_back(double: Double) -> None:
    with transaction.atomic():
        savepoint("a", fail=True)
        push.update("b", 1)
    assert paths(double) == ["b"]
    assert len(double.state.seen) == 1


def test_when_all_savepoints_are_rolled_back_nothing_is_sent(double: Double) -> None:
    with transaction.atomic():
        savepoint("a", fail=True)
        savepoint("b", fail=True)
    assert double.state.seen == []


def test_a_hook_of_others_may_publish_between(double: Double) -> None:
    def other() -> None:
        with transaction.atomic():
            push.update("inner", 1)

    with transaction.atomic():
        transaction.on_commit(other)
        push.update("a", 1)
        transaction.on_commit(other)
        push.update("b", 1)
    assert [name for name in paths(double) if name != "inner"] == ["a", "b"]
    assert paths(double).count("inner") == 2
    assert len(double.state.seen) == 3


def test_a_failing_hook_of_others_leaves_nothing_for_the_next_transaction(double: Double) -> None:
    def broken() -> None:
        raise Abort

    with pytest.raises(Abort), transaction.atomic():
        push.update("a", 1)
        transaction.on_commit(broken)
        push.update("b", 1)
    with transaction.atomic():
        push.update("c", 1)
    assert paths(double)[-1] == "c"
    assert "b" not in paths(double)


def test_each_database_has_its_own_transaction(double: Double) -> None:
    with transaction.atomic(using="other"):
        push.update("other", 1, using="other")
        push.update("default", 1)
        assert paths(double) == ["default"]
        with pytest.raises(Abort), transaction.atomic():
            push.update("default", 2)
            raise Abort
    assert paths(double) == ["default", "other"]


def test_the_message_is_taken_as_it_was(double: Double) -> None:
    message = {"state": "before"}
    with transaction.atomic():
        push.update("a", message)
        message["state"] = "after"
    assert double.state.published == [("a", {"state": "before"})]


def test_more_than_one_request_can_hold_is_sent_in_several(double: Double) -> None:
    with transaction.atomic():
        push.updates([("a", n) for n in range(1500)])
    assert [len(seen.body["updates"]) for seen in double.state.seen] == [1000, 500]
    assert [message for _, message in double.state.published] == list(range(1500))


def test_an_unreachable_dobby_is_logged_and_signalled_and_breaks_nothing(
    failures: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    cornelius.configure(url="http://127.0.0.1:9", retry_seconds=0)
    with caplog.at_level(logging.ERROR, "cornelius.django"), transaction.atomic():
        push.update("a", 1)
        push.update("b", 2)
    ((updates, failure),) = failures
    assert updates == [Update("a", 1), Update("b", 2)]
    assert isinstance(failure, DobbyUnreachable)
    assert "2 updates ('a', 'b') were not published" in caplog.text


def test_only_the_failed_ones_are_signalled(failures: list[Any]) -> None:
    push.updates([("a", 1), ("fail/1", 2), ("b", 3), ("fail/2", 4)])
    ((updates, failure),) = failures
    assert [each.path for each in updates] == ["fail/1", "fail/2"]
    assert isinstance(failure, PartialFailure)


def test_after_a_lost_chunk_the_rest_is_given_up(double: Double, failures: list[Any]) -> None:
    double.state.faults = [(400, error("bad_field"))]
    push.updates([("a", n) for n in range(1500)])
    ((updates, _),) = failures
    assert len(updates) == 1500
    assert len(double.state.seen) == 1


def test_what_cannot_be_sent_is_signalled_and_the_others_are_sent(
    double: Double, failures: list[Any]
) -> None:
    with transaction.atomic():
        push.updates([("a", float("nan")), ("b", 1), ("c*", 1), Update("d", 1, key="")])
    assert paths(double) == ["b"]
    assert [type(failure) for _, failure in failures] == [BadMessage, BadPath, BadKey]


def test_a_missing_key_breaks_nothing(failures: list[Any]) -> None:
    with override_settings(DOBBY={}):
        push.update("a", 1)
    assert isinstance(failures[0][1], cornelius.BadConfiguration)


def test_a_receiver_that_raises_is_logged_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(**_: Any) -> None:
        raise Abort

    push.publish_failed.connect(broken)
    try:
        push.update("a*", 1)
    finally:
        push.publish_failed.disconnect(broken)
    assert "Abort" in caplog.text


def test_async_code_is_told_instead_of_blocked(double: Double) -> None:
    async def work() -> None:
        with pytest.raises(SynchronousOnlyOperation, match=r"cornelius\.aio"):
            push.update("a", 1)

    asyncio.run(work())
    assert double.state.seen == []


class Captured(TestCase):
    """Django's own way to run hooks in a test that is itself a transaction."""

    databases = "__all__"

    def hooks(self) -> None:
        push.update("never", 1)
        with self.captureOnCommitCallbacks(execute=True):
            push.update("a", 1)
            push.update("b", 1)
        with self.captureOnCommitCallbacks(execute=True):
            push.update("c", 1)


def test_django_test_cases_can_run_the_hooks(double: Double) -> None:
    # Two tests of one class share the class's transaction.
    result = unittest.TestResult()
    unittest.TestSuite([Captured("hooks"), Captured("hooks")]).run(result)
    assert result.testsRun == 2
    assert result.wasSuccessful(), result.errors
    assert paths(double) == ["a", "b", "c"] * 2
    assert [len(seen.body["updates"]) for seen in double.state.seen] == [2, 1] * 2


def test_django_still_has_the_internals_that_the_batch_needs() -> None:
    assert isinstance(connection.savepoint_ids, list)
    with transaction.atomic():
        transaction.on_commit(print)
        wrapper: BaseDatabaseWrapper = transaction.get_connection()
        assert wrapper.run_on_commit[0][1] is print
        transaction.set_rollback(True)
