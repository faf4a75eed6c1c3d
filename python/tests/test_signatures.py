"""`Dobby-Signature` and the store of nonces."""

from __future__ import annotations

import hashlib
import hmac
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadSignature
from cornelius._nonces import MemoryNonces
from cornelius._webhook import sign, verified_nonce

SECRET = "a secret"
NOW = 1_790_000_000_000
TARGET = "/dobby/command/?v=1"
BODY = b'{"type":"command"}'


def check(header: str | None, **changes: Any) -> str:
    given = {"method": "POST", "target": TARGET, "body": BODY, "now_ms": NOW, **changes}
    return verified_nonce(header, given.pop("secrets", [SECRET]), **given)


def reason(header: str | None, **changes: Any) -> str:
    with pytest.raises(BadSignature) as caught:
        check(header, **changes)
    return caught.value.reason


def good(**changes: Any) -> str:
    options = {"at_ms": NOW, "nonce": "Qb3", **changes}
    return sign(options.pop("secret", SECRET), TARGET, BODY, **options)


def test_the_signature_is_that_of_the_protocol() -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    text = f"POST\n{TARGET}\n{NOW}\nQb3\n{digest}"
    expected = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert good() == f"t={NOW},nonce=Qb3,v1={expected}"


def test_a_good_signature_gives_its_nonce() -> None:
    assert check(good()) == "Qb3"


def test_signatures_of_tests_have_nonces_of_their_own_and_the_time_of_now() -> None:
    headers = {sign(SECRET, TARGET, BODY) for _ in range(20)}
    assert len({header.split(",")[1] for header in headers}) == 20


def test_a_signature_of_another_secret_is_forged() -> None:
    assert reason(good(secret="another")) == "wrong_signature"


@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"target": "/dobby/command/"},
        {"target": "/other/"},
        {"method": "PUT"},
    ],
    ids=str,
)
def test_a_signature_is_good_for_its_request_alone(change: Any) -> None:
    assert reason(good(), **change) == "wrong_signature"


@pytest.mark.parametrize("change", ["t=1790000000001", "nonce=Qb4"])
def test_time_and_nonce_are_signed_too(change: str) -> None:
    name = change.split("=")[0]
    parts = [change if part.startswith(f"{name}=") else part for part in good().split(",")]
    assert reason(",".join(parts)) == "wrong_signature"


@pytest.mark.parametrize("secrets", [["old", SECRET], [SECRET, "new"]])
def test_any_of_several_secrets_may_have_signed(secrets: list[str]) -> None:
    assert check(good(), secrets=secrets) == "Qb3"


def test_no_secret_fits_nothing() -> None:
    assert reason(good(), secrets=[]) == "wrong_signature"


@pytest.mark.parametrize("off", [-60_000, 60_000])
def test_a_minute_of_difference_is_taken(off: int) -> None:
    assert check(good(at_ms=NOW + off))


@pytest.mark.parametrize("off", [-60_001, 60_001, -NOW, NOW])
def test_older_or_later_than_a_minute_is_refused(off: int) -> None:
    assert reason(good(at_ms=NOW + off)) == "too_old"


def test_a_forged_signature_is_not_told_that_it_is_old() -> None:
    assert reason(good(secret="another", at_ms=1)) == "wrong_signature"


@pytest.mark.parametrize("header", [None, ""])
def test_no_header_is_missing(header: str | None) -> None:
    assert reason(header) == "missing"


@pytest.mark.parametrize(
    "header",
    [
        "garbage",
        ",",
        "t=1,nonce=a",
        f"nonce=a,v1={'0' * 64}",
        f"t=1,v1={'0' * 64}",
        f"t=1,nonce=a,v1={'0' * 63}",
        f"t=1,nonce=a,v1={'0' * 65}",
        f"t=1,nonce=a,v1={'g' * 64}",
        f"t=1,nonce=a,v1={'A' * 64}",
        f"t=-1,nonce=a,v1={'0' * 64}",
        f"t=1.5,nonce=a,v1={'0' * 64}",
        f"t=\u0661,nonce=a,v1={'0' * 64}",
        f"t={'9' * 17},nonce=a,v1={'0' * 64}",
        f"t=1,nonce=,v1={'0' * 64}",
        f"t=1,nonce={'a' * 257},v1={'0' * 64}",
        f"t=1,nonce=a\nb,v1={'0' * 64}",
        f"t=1, nonce=a, v1={'0' * 64}",
        f"t=1,t=1,nonce=a,v1={'0' * 64}",
        f"t=1,nonce=a,v1={'0' * 64},v1={'0' * 64}",
        f"t=1,nonce=a,v1={'0' * 64},",
    ],
)
def test_garbage_is_malformed(header: str) -> None:
    assert reason(header) == "malformed"


def test_what_a_later_version_names_too_is_ignored() -> None:
    assert check(f"{good()},v2=abc") == "Qb3"


@given(st.text(), st.binary(), st.text())
def test_nothing_but_a_bad_signature_is_raised(header: str, body: bytes, target: str) -> None:
    with pytest.raises(BadSignature):
        check(header, body=body, target=target)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_nonce_is_known_for_its_time_and_forgotten_then() -> None:
    clock = Clock()
    store = MemoryNonces(clock=clock)
    assert store.add("a", 120)
    assert not store.add("a", 120)
    clock.now = 119.9
    assert not store.add("a", 120)
    clock.now = 120.0
    assert store.add("a", 120)
    assert len(store._known) == len(store._ends) == 1


def test_a_full_store_refuses_instead_of_forgetting() -> None:
    clock = Clock()
    store = MemoryNonces(max_nonces=2, clock=clock)
    assert [store.add(nonce, 120) for nonce in "abc"] == [True, True, False]
    assert not store.add("a", 120)
    clock.now = 120
    assert store.add("c", 120)


def test_of_threads_that_add_the_same_nonce_one_is_first() -> None:
    store = MemoryNonces()
    found: list[bool] = []
    barrier = threading.Barrier(8)

    def add() -> None:
        barrier.wait()
        found.extend(store.add(str(n), 120) for n in range(200))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 200
