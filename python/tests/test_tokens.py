"""Tokens: what they say, who signs them, and what is refused before it is signed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

import cornelius
from cornelius import (
    ApiError,
    BadConfiguration,
    BadMessage,
    BadPattern,
    BadRequest,
    TooLarge,
    _messages,
    _tokens,
    token,
)

SECRET = "a-secret-of-the-tests-0123456789"
OTHER = "another-secret-of-the-tests-01234"


@pytest.fixture(autouse=True)
def configured() -> None:
    cornelius.configure(token_secret=SECRET)


def said(text: str, key: Any = SECRET, algorithm: str = "HS256", **options: Any) -> dict[str, Any]:
    options.setdefault("audience", "dobby")
    found: dict[str, Any] = jwt.decode(text, key, [algorithm], **options)
    return found


def claims(text: str) -> dict[str, Any]:
    found = said(text)
    return {name: found[name] for name in found if name not in ("aud", "iat", "exp")}


def pem(private: Any) -> bytes:
    encoding, format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    found: bytes = private.private_bytes(encoding, format, serialization.NoEncryption())
    return found


def test_a_token_of_a_session_says_who_is_asking_and_what_they_may_hear() -> None:
    text = token("7", grants=["contacts", "room/{name}"], login="tag", info={"name": "Ädä"})
    assert claims(text) == {
        "sub": "7",
        "grants": ["contacts", "room/{name}"],
        "login": "tag",
        "info": {"name": "Ädä"},
    }
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "typ": "JWT"}


def test_a_token_of_nobody_says_nothing_but_when_it_was_made() -> None:
    assert claims(token()) == {}
    assert claims(token(grants=[])) == {"grants": []}


def test_a_token_of_paths_names_them_and_nothing_of_a_session() -> None:
    assert claims(token(paths=["book:3", "book/{id}", "book:3"])) == {
        "paths": ["book:3", "book/{id}"]
    }
    found = claims(token("7", paths=iter(["a"]), login="tag"))
    assert found == {"sub": "7", "paths": ["a"], "login": "tag"}


@pytest.mark.parametrize("more", [{"grants": []}, {"grants": ["b"]}, {"info": 0}])
def test_a_token_is_of_one_kind(more: Any) -> None:
    with pytest.raises(TypeError):
        token(paths=["a"], **more)


def test_a_token_of_no_path_is_not_made_one_of_a_session() -> None:
    with pytest.raises(BadRequest) as caught:
        token("7", paths=[])
    assert caught.value.field == "paths"


def test_times_have_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_790_000_000.9876)
    options = {"verify_exp": False, "verify_iat": False}
    found = said(token(lifetime=60.5), options=options)
    assert (found["iat"], found["exp"]) == (1_790_000_000.987, 1_790_000_061.487)
    assert said(token(), options=options)["exp"] == 1_790_003_600.987


@pytest.mark.parametrize("lifetime", [0, -1, True, "60", None, float("nan"), float("inf")])
def test_a_lifetime_is_a_number_of_seconds(lifetime: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        token(lifetime=lifetime)
    assert caught.value.field == "lifetime"


@pytest.mark.parametrize("bad", ["", "a*", "{", "{a}{b}", "::all", "x" * 1025, "\ud83d", 7, None])
@pytest.mark.parametrize("kind", ["grants", "paths"])
def test_what_is_no_pattern_is_not_signed(kind: str, bad: Any) -> None:
    given: Any = {kind: ["good/{name}", bad]}
    with pytest.raises(BadPattern) as caught:
        token("7", **given)
    assert (caught.value.code, caught.value.field) == ("bad_pattern", f"{kind}.1")
    assert isinstance(caught.value, ValueError)


def test_one_text_is_no_list_of_paths() -> None:
    with pytest.raises(TypeError):
        token(grants="abc")
    with pytest.raises(TypeError):
        token(paths="abc")


@pytest.mark.parametrize("name", ["", "x" * 256, "😀" * 128, "\ud83d", 7, b"ada"])
@pytest.mark.parametrize("field", ["user", "login"])
def test_what_is_no_name_is_not_signed(field: str, name: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        token(**{field: name})
    assert caught.value.field == field


def test_info_is_checked_as_messages_are_and_is_short() -> None:
    for info, field in (({"a": float("nan")}, "info.a"), ([2**60], "info.0"), ("x" * 4095, "info")):
        with pytest.raises(BadMessage) as caught:
            token(info=info)
        assert caught.value.field == field
    assert claims(token(info="😀" * 2047))["info"] == "😀" * 2047
    with pytest.raises(BadMessage):
        token(info="😀" * 2048)


def test_too_much_for_one_token_is_told() -> None:
    with pytest.raises(BadRequest, match="too_many_items"):
        token(grants=[str(n) for n in range(1001)])
    with pytest.raises(TooLarge):
        token(paths=[f"{n:0100d}" for n in range(200)])


@given(st.text() | st.none(), st.lists(st.text(), max_size=3), st.text())
def test_whatever_is_named_is_signed_as_it_is_or_refused(user: Any, grants: Any, info: str) -> None:
    try:
        text = token(user, grants=grants, info=info, secret=SECRET)
    except (ApiError, BadMessage):
        return
    found = claims(text)
    assert found.get("sub") == user
    assert found["grants"] == list(dict.fromkeys(grants))
    assert found["info"] == info


def test_the_nearest_secret_signs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token-secret").write_text(f"{OTHER}\n")
    assert said(token(secret=f" {OTHER}\n"), OTHER)
    cornelius.configure(token_secret_file=tmp_path / "token-secret")
    assert said(token(), OTHER)
    cornelius.configure()
    monkeypatch.setenv("DOBBY_TOKEN_SECRET_FILE", str(tmp_path / "token-secret"))
    assert said(token(), OTHER)
    monkeypatch.setenv("DOBBY_TOKEN_SECRET", SECRET)
    assert said(token(), SECRET)
    with override_settings(DOBBY={"TOKEN_SECRET_FILE": tmp_path / "token-secret"}):
        assert said(token(), OTHER)


@pytest.mark.parametrize(
    "secret", ["", "x" * 31, "x" * 20 + " " + "x" * 20, 7, b"x" * 40, "-----BEGIN-PUBLIC-KEY" * 2]
)
def test_what_is_no_secret_is_told_without_it(secret: Any) -> None:
    with pytest.raises(BadConfiguration) as caught:
        token(secret=secret)
    assert "xxx" not in str(caught.value)


def test_without_a_secret_nothing_is_signed(tmp_path: Path) -> None:
    cornelius.configure()
    with pytest.raises(BadConfiguration, match="DOBBY_TOKEN_SECRET"):
        token()
    cornelius.configure(token_secret_file=tmp_path / "nothing")
    with pytest.raises(BadConfiguration, match="token secret file"):
        token()


def test_audience_issuer_and_key_id_are_named_where_they_are_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert said(token(audience="push"), audience="push")["aud"] == "push"
    monkeypatch.setenv("DOBBY_TOKEN_AUDIENCE", "theirs")
    monkeypatch.setenv("DOBBY_TOKEN_ISSUER", "app")
    monkeypatch.setenv("DOBBY_TOKEN_KEY_ID", "k1")
    text = token()
    assert said(text, audience="theirs")["iss"] == "app"
    assert jwt.get_unverified_header(text)["kid"] == "k1"
    text = token(audience="dobby", issuer="other", key_id="k2")
    assert said(text)["iss"] == "other"
    assert jwt.get_unverified_header(text)["kid"] == "k2"
    for name in ("audience", "issuer", "key_id"):
        with pytest.raises(BadConfiguration, match=name):
            token(**{name: ""})  # type: ignore[arg-type]


KEYS: list[tuple[str, Callable[[], Any]]] = [
    ("RS256", lambda: rsa.generate_private_key(65537, 2048)),
    ("ES256", lambda: ec.generate_private_key(ec.SECP256R1())),
    ("EdDSA", ed25519.Ed25519PrivateKey.generate),
]


@pytest.mark.parametrize(("algorithm", "make"), KEYS, ids=[name for name, _ in KEYS])
def test_a_private_key_signs(algorithm: str, make: Callable[[], Any], tmp_path: Path) -> None:
    private = make()
    (tmp_path / "key.pem").write_bytes(pem(private))
    text = token("7", key=pem(private), algorithm=algorithm)
    assert said(text, private.public_key(), algorithm)["sub"] == "7"
    cornelius.configure(token_key_file=tmp_path / "key.pem", token_algorithm=algorithm)
    text = token("7")
    assert said(text, private.public_key(), algorithm)["sub"] == "7"
    # A secret that is named is for HS256, whatever is configured.
    assert said(token("7", secret=SECRET), SECRET)["sub"] == "7"


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for key, algorithm in (
        (b"", "RS256"),
        ("no key at all", "RS256"),
        (public, "RS256"),
        (pem(private), "ES256"),
        (pem(private), "EdDSA"),
        (pem(private), "HS256"),
        (pem(private), None),
        (pem(private), "none"),
        (None, "RS256"),
        (None, "HS512"),
    ):
        with pytest.raises(BadConfiguration):
            token(key=key, algorithm=algorithm)
    with pytest.raises(BadConfiguration, match="not with a secret"):
        token(secret=SECRET, algorithm="RS256")
    with pytest.raises(TypeError):
        token(secret=SECRET, key=pem(private))
    cornelius.configure(token_algorithm="RS256", token_key_file=tmp_path / "nothing")
    with pytest.raises(BadConfiguration, match="token key file"):
        token()


def test_without_cryptography_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(jwt, "encode", refuse)
    with pytest.raises(BadConfiguration, match=r"cornelius\[keys\]"):
        token(key="k", algorithm="ES256")


def test_importing_does_not_load_the_library() -> None:
    program = "import sys, cornelius; sys.exit('jwt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_the_limits_are_those_of_the_protocol() -> None:
    file = Path(__file__).parents[2] / "protocol" / "fixtures" / "tables.json"
    limits = json.loads(file.read_text(encoding="utf-8"))["limits"]
    assert limits["tokenCharacters"] == _tokens.MAX_CHARACTERS
    assert limits["infoCharacters"] == _messages.MAX_INFO_CHARACTERS
    assert limits["nameCharacters"] == _tokens.MAX_NAME_CHARACTERS
