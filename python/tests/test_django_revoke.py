"""What Django says has ended, Dobby is told: by signals and by the two doors, after the commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import alogin, alogout, logout
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings

import cornelius
from cornelius import (
    BadPattern,
    CorneliusError,
    DobbyUnreachable,
    PartialFailure,
    Retry,
    Revocation,
    Unauthorized,
    _default,
)
from cornelius import django as push
from cornelius.django import login_of
from tests.double import KEY, Double, error
from tests.room.models import Staff

pytestmark = pytest.mark.usefixtures("database")

Failures = list[tuple[list[Revocation], CorneliusError]]


@pytest.fixture(autouse=True)
def configured(double: Double, database: None) -> Iterator[None]:
    with override_settings(DOBBY={"URL": double.url, "API_KEY": KEY}):
        _default.default()._retry = Retry(attempts=1)
        yield


@pytest.fixture
def failures() -> Iterator[Failures]:
    found: Failures = []

    def hear(*, revocations: list[Revocation], error: CorneliusError, **_: Any) -> None:
        found.append((revocations, error))

    push.revoke_failed.connect(hear)
    yield found
    push.revoke_failed.disconnect(hear)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="x")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def staff() -> Group:
    return Group.objects.create(name="staff")


class Abort(Exception):
    pass


def kicked(double: Double) -> list[dict[str, Any]]:
    found = []
    for seen in double.state.seen:
        assert seen.method == "kick"
        assert seen.body.pop("reconnect") is True
        found.append(seen.body)
    double.state.seen.clear()
    return found


def tag_of(client: Client) -> str:
    request = RequestFactory().get("/")
    request.session = client.session
    found = login_of(request)
    assert found is not None
    return found


def test_a_logout_ends_that_login_on_all_pages_of_the_browser(double: Double, ada: User) -> None:
    here, there = Client(), Client()
    for browser in (here, there):
        browser.force_login(ada)
    tag, other = tag_of(here), tag_of(there)
    here.logout()
    assert kicked(double) == [{"login": tag}]
    assert tag != other == tag_of(there)
    here.force_login(ada)
    assert tag_of(here) != tag


def test_a_logout_without_a_session_tells_nothing(double: Double, ada: User) -> None:
    request = RequestFactory().get("/")
    user_logged_out.send(sender=User, request=request, user=None)
    request.session = SessionStore()
    logout(request)
    request.session = SessionStore("of-nobody")
    logout(request)
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"):
        browser = Client()
        browser.force_login(ada)
        browser.logout()
    assert double.state.seen == []


def test_a_logout_in_async_code_is_told_too(double: Double, ada: User) -> None:
    async def work() -> str:
        browser = Client()
        request = RequestFactory().get("/")
        request.session = await asyncio.to_thread(lambda: browser.session)
        await alogin(request, ada)
        tag = await asyncio.to_thread(login_of, request)
        await alogout(request)
        assert tag is not None
        return tag

    tag = asyncio.run(work())
    assert kicked(double) == [{"login": tag}]


def test_a_user_who_is_not_active_any_more_is_kicked(double: Double, ada: User) -> None:
    ada.first_name = "Ada"
    ada.save()
    User.objects.create_user("eve", is_active=False)
    assert kicked(double) == []
    ada.is_active = False
    ada.save()
    assert kicked(double) == [{"user": str(ada.pk)}]
    Staff.objects.get(pk=ada.pk).save()
    assert kicked(double) == [{"user": str(ada.pk)}]


def test_a_user_who_is_deleted_is_kicked(double: Double, ada: User, bob: User) -> None:
    names = {str(ada.pk), str(bob.pk)}
    Staff.objects.get(pk=ada.pk).delete()
    User.objects.all().delete()
    assert {each["user"] for each in kicked(double)} == names


def test_who_gets_or_loses_a_group_is_kicked_from_either_side(
    double: Double, ada: User, bob: User, staff: Group
) -> None:
    hers, both = [{"user": str(ada.pk)}], [{"user": str(ada.pk)}, {"user": str(bob.pk)}]
    ada.groups.add(staff)
    assert kicked(double) == hers
    ada.groups.add(staff)
    assert kicked(double) == []
    ada.groups.remove(staff)
    assert kicked(double) == hers
    staff.user_set.add(ada, bob)
    assert sorted(kicked(double), key=str) == both
    staff.user_set.remove(ada)
    assert kicked(double) == hers
    staff.user_set.set([ada, bob])
    assert kicked(double) == hers
    staff.user_set.clear()
    assert sorted(kicked(double), key=str) == both
    staff.user_set.clear()
    assert kicked(double) == []
    ada.groups.set([staff])
    ada.groups.clear()
    assert kicked(double) == hers * 2


def test_who_was_in_a_group_that_is_deleted_is_kicked(
    double: Double, ada: User, bob: User, staff: Group
) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=True)
    staff.user_set.add(ada)
    kicked(double)
    staff.delete()
    assert kicked(double) == [{"user": str(ada.pk)}]
    Group.objects.create(name="empty").delete()
    assert kicked(double) == []


def test_a_transaction_kicks_each_user_once_and_after_the_commit(
    double: Double, ada: User, bob: User, staff: Group
) -> None:
    with transaction.atomic():
        ada.groups.add(staff)
        staff.user_set.add(bob)
        ada.groups.clear()
        ada.is_active = False
        ada.save()
        push.kick(user=str(bob.pk))
        assert double.state.seen == []
    assert kicked(double) == [{"user": str(ada.pk)}, {"user": str(bob.pk)}]


def test_what_is_rolled_back_kicks_nobody(
    double: Double, ada: User, bob: User, staff: Group
) -> None:
    with pytest.raises(Abort):
        with transaction.atomic():
            ada.groups.add(staff)
            raise Abort
    with transaction.atomic():
        with pytest.raises(Abort):
            with transaction.atomic():
                ada.groups.add(staff)
                raise Abort
        bob.groups.add(staff)
    assert kicked(double) == [{"user": str(bob.pk)}]


def test_the_transaction_is_that_of_the_database_of_the_user(double: Double) -> None:
    eve = User.objects.using("other").create(username="eve")
    with transaction.atomic("other"):
        eve.delete()
        assert double.state.seen == []
    assert len(kicked(double)) == 1


def test_signals_can_be_switched_off(double: Double, ada: User, staff: Group) -> None:
    given = {"URL": double.url, "API_KEY": KEY, "REVOKE_ON_SIGNALS": False}
    with override_settings(DOBBY=given):
        browser = Client()
        browser.force_login(ada)
        browser.logout()
        staff.user_set.add(ada)
        staff.delete()
        ada.is_active = False
        ada.save()
        push.kick(user="7")
        ada.delete()
    assert kicked(double) == [{"user": "7"}]


def test_a_dobby_that_is_away_breaks_no_logout(
    double: Double, ada: User, failures: Failures, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Client()
    browser.force_login(ada)
    tag = tag_of(browser)
    double.state.faults = ["cut"]
    with caplog.at_level(logging.ERROR, "cornelius.django"):
        browser.logout()
    ((revocations, error),) = failures
    assert revocations == [Revocation(login=tag)]
    assert isinstance(error, DobbyUnreachable)
    assert "were not made" in caplog.text


def test_whatever_goes_wrong_in_a_receiver_is_logged(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def get(self, name: str) -> Any:
            raise ZeroDivisionError("the sessions are away")

    request = HttpRequest()
    request.session = Broken()  # type: ignore[assignment]
    user_logged_out.send(sender=User, request=request, user=ada)
    assert "the sessions are away" in caplog.text
    # Managed by hand there is no "after the commit".
    connection.set_autocommit(False)
    try:
        ada.is_active = False
        ada.save()
    finally:
        connection.rollback()
        connection.set_autocommit(True)
    assert "on_commit() cannot be used" in caplog.text


def test_without_a_key_a_logout_is_a_failure_that_is_told(
    double: Double, ada: User, failures: Failures
) -> None:
    with override_settings(DOBBY={"URL": double.url}):
        browser = Client()
        browser.force_login(ada)
        browser.logout()
    assert [type(error).__name__ for _, error in failures] == ["BadConfiguration"]


def test_the_doors_wait_for_the_commit_in_their_order(double: Double) -> None:
    with transaction.atomic():
        push.kick("s1", reconnect=False)
        push.disconnect_user("7", ["room/{name}", "a"])
        push.kick(login="tag")
        push.disconnect_user("7", [])
        assert double.state.seen == []
    assert [(seen.method, seen.body) for seen in double.state.seen] == [
        ("kick", {"id": "s1", "reconnect": False}),
        ("disconnect", {"user": "7", "patterns": ["room/{name}", "a"]}),
        ("kick", {"login": "tag", "reconnect": True}),
    ]


def test_a_session_that_is_unknown_has_ended(double: Double, failures: Failures) -> None:
    push.kick("unknown")
    assert len(double.state.seen) == 1
    assert failures == []
    with pytest.raises(cornelius.UnknownSession):
        cornelius.kick("unknown")


def test_what_is_no_argument_is_raised_at_once(double: Double) -> None:
    for named in ({}, {"id": "s1", "user": "7"}):
        with pytest.raises(TypeError):
            push.kick(**named)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        push.disconnect_user("7", "a")
    with pytest.raises(TypeError):
        push.disconnect_user("7", [["a"]])  # type: ignore[list-item]
    assert double.state.seen == []


def test_a_faulty_one_keeps_no_other_from_being_told(double: Double, failures: Failures) -> None:
    double.state.faults = [(400, error("bad_field", field="user"))]
    with transaction.atomic():
        push.kick(user="x" * 300)
        push.disconnect_user("7", ["a", "{}"])
        push.disconnect_user("7", [7])  # type: ignore[list-item]
        push.kick(user="8")
    assert [seen.body.get("user") for seen in double.state.seen] == ["x" * 300, "7", "8"]
    (_, first), (_, second), (_, third) = failures
    assert isinstance(first, BadPattern)
    assert (second.code, type(third)) == ("bad_field", PartialFailure)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("cut", DobbyUnreachable), ((401, error("unauthorized")), Unauthorized)],
    ids=["cut", "unauthorized"],
)
def test_when_dobby_is_away_the_others_do_not_wait_for_it(
    double: Double, failures: Failures, fault: Any, kind: type[CorneliusError]
) -> None:
    double.state.faults = [fault]
    with transaction.atomic():
        push.kick(user="7")
        push.kick(user="8")
    assert len(double.state.seen) == 1
    ((revocations, found),) = failures
    assert [each.user for each in revocations] == ["7", "8"]
    assert isinstance(found, kind)


def test_a_receiver_that_raises_goes_no_further(
    double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError("in the receiver")

    push.revoke_failed.connect(fail)
    try:
        double.state.faults = ["cut"]
        push.kick(user="7")
    finally:
        push.revoke_failed.disconnect(fail)
    assert "in the receiver" in caplog.text


def test_in_async_code_the_doors_say_what_to_use() -> None:
    async def work() -> None:
        push.kick(user="7")

    with pytest.raises(SynchronousOnlyOperation, match=r"aio\.kick"):
        asyncio.run(work())
