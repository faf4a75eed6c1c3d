"""What a handler's parameters take, and what callers are told of anything else."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, Optional, Required, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornelius import BadArgs, BadConfiguration
from cornelius._commands.arguments import Arguments
from cornelius._commands.kinds import kind_of


@dataclass
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.x == 13:
            raise ValueError("a secret of the house")


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)


class Entry(TypedDict):
    id: int
    note: NotRequired[str | None]


class Loose(TypedDict, total=False):
    id: Required[Annotated[int, "a comment"]]
    note: str


def check(annotation: Any, value: Any) -> Any:
    return kind_of(annotation).check(value, "args.it")


HUGE = 10**400

GOOD: list[tuple[Any, Any]] = [
    (str, ""),
    (str, "日本"),
    (int, 0),
    (int, -(2**53)),
    (float, 1.5),
    (float, 2),
    (bool, True),
    (None, None),
    (list, [1, "a"]),
    (dict, {"a": 1}),
    (list[int], []),
    (list[int], [1, 2]),
    (Sequence[str], ["a"]),
    (dict[str, int], {"a": 1}),
    (Mapping[str, list[int]], {"a": [1]}),
    (int | None, None),
    (Optional[str], "a"),  # noqa: UP045
    (int | str, "a"),
    (list[int] | str, [1]),
    (Literal["a", 1, None], "a"),
    (Literal["a", 1, None], 1),
    (Literal["a", 1, None], None),
    (Any, {"a": [None]}),
    (object, 1),
    (Entry, {"id": 1}),
    (Entry, {"id": 1, "note": None}),
    (Loose, {"id": 1}),
]


@pytest.mark.parametrize(("annotation", "value"), GOOD, ids=str)
def test_takes_what_the_annotation_says(annotation: Any, value: Any) -> None:
    assert check(annotation, value) == value


BAD: list[tuple[Any, Any, str, str]] = [
    (str, 1, "", "Text is expected here."),
    (str, None, "", "Text is expected here."),
    (str, "half \ud83d", "", "Text without lone surrogates is expected here."),
    (int, "1", "", "A whole number is expected here."),
    (int, True, "", "A whole number is expected here."),
    (int, 1.0, "", "A whole number is expected here."),
    (int, 2**53 + 1, "", "A whole number is expected here."),
    (float, True, "", "A number is expected here."),
    (float, "1", "", "A number is expected here."),
    (float, math.inf, "", "A number is expected here."),
    (float, HUGE, "", "A number is expected here."),
    (bool, 1, "", "True or false is expected here."),
    (None, 0, "", "Null is expected here."),
    (list, {}, "", "A list is expected here."),
    (dict, [], "", "An object is expected here."),
    (list[int], [1, "2"], ".1", "A whole number is expected here."),
    (dict[str, list[int]], {"a": [None]}, ".a.0", "A whole number is expected here."),
    (int | None, "a", "", "A whole number or null is expected here."),
    (list[int] | None, ["a"], ".0", "A whole number is expected here."),
    (int | str, [], "", "A whole number or text is expected here."),
    (Literal["a", "b"], "c", "", "One of 'a', 'b' is expected here."),
    (Literal[1], True, "", "1 is expected here."),
    (Literal[True], 1, "", "True is expected here."),
    (Point, [], "", "An object is expected here."),
    (Point, {}, ".x", "This is missing: a whole number."),
    (Point, {"x": 1, "z": 2}, ".z", "Nothing of this name is expected here."),
    (Point, {"x": 1, "tags": [1]}, ".tags.0", "Text is expected here."),
    (Point, {"x": 13}, "", "This is not valid."),
    (Entry, {"note": "a"}, ".id", "This is missing: a whole number."),
    (Loose, {"note": "a"}, ".id", "This is missing: a whole number."),
    (Node, {"name": "a", "children": [{"name": 1}]}, ".children.0.name", "Text is expected here."),
]


@pytest.mark.parametrize(("annotation", "value", "at", "message"), BAD, ids=lambda v: ascii(v)[:40])
def test_tells_where_something_else_is_expected(
    annotation: Any, value: Any, at: str, message: str
) -> None:
    with pytest.raises(BadArgs) as caught:
        check(annotation, value)
    assert (caught.value.field, caught.value.message) == (f"args.it{at}", message)


def test_a_number_is_a_float_and_true_stays_true() -> None:
    assert type(check(float, 2)) is float
    assert check(Literal[1, True], True) is True


def test_a_dataclass_is_made_with_its_defaults() -> None:
    assert check(Point, {"x": 1}) == Point(1, 0, [])
    found = check(Node, {"name": "a", "children": [{"name": "b"}]})
    assert found == Node("a", [Node("b")])


@pytest.mark.parametrize(
    "annotation",
    [Decimal, bytes, set, tuple[int, ...], dict[int, str], Callable[[], None], Literal[b"x"], "x"],
    ids=str,
)
def test_what_json_has_not_is_refused_at_registration(annotation: Any) -> None:
    with pytest.raises(BadConfiguration):
        kind_of(annotation)


Unknown = Any


def plain(context: Any, room: str, text: str, times: int = 1) -> None: ...
def rest(context: Any, text: str, **args: int) -> None: ...
def everything(context: Any, room: int, args: list[int]) -> None: ...
def numbered(
    context: Any, room: int, share: float, kind: Literal["a", 7], last: str | None
) -> Any: ...
def untyped(context, text, *, loud=False): ...  # type: ignore[no-untyped-def]
def only(context: Any, /, **args: Any) -> None: ...
def strange(context: Unresolved, text: str) -> Unresolved: ...  # type: ignore[name-defined]  # noqa: F821


def bound(function: Any, args: Any, **captured: str) -> dict[str, Any]:
    return Arguments(function, tuple(captured)).bound(captured, args)


def refused(function: Any, args: Any, **captured: str) -> tuple[str | None, str]:
    with pytest.raises(BadArgs) as caught:
        bound(function, args, **captured)
    return caught.value.field, caught.value.message


def test_captures_and_members_fill_parameters_by_name() -> None:
    assert bound(plain, {"text": "a"}, room="7") == {"room": "7", "text": "a"}
    assert bound(plain, {"text": "a", "times": 2}, room="7")["times"] == 2


def test_a_missing_an_unknown_and_a_wrong_member_are_told_by_name() -> None:
    assert refused(plain, {}, room="7") == ("args.text", "This is missing: text.")
    unknown = ("args.tex", "Nothing of this name is expected here.")
    assert refused(plain, {"tex": "a", "text": "a"}, room="7") == unknown
    wrong = ("args.times", "A whole number is expected here.")
    assert refused(plain, {"text": "a", "times": "2"}, room="7") == wrong


def test_a_member_cannot_stand_for_a_capture_or_the_context() -> None:
    assert refused(plain, {"text": "a", "room": "8"}, room="7")[0] == "args.room"
    assert refused(rest, {"text": "a", "context": 1})[0] == "args.context"
    assert bound(only, {"context": 1}) == {"context": 1}


def test_an_unknown_name_comes_back_cut_short() -> None:
    assert len(refused(plain, {"x" * 60_000: 1}, room="7")[0] or "") == len("args.") + 100


@pytest.mark.parametrize("args", [None, 1, "a", [], True])
def test_arguments_that_are_no_object_are_told(args: Any) -> None:
    expected = ("args", "An object is expected here.")
    assert refused(plain, args, room="7") == expected
    assert refused(rest, args) == expected


def test_the_rest_is_taken_by_two_stars_and_checked() -> None:
    assert bound(rest, {"text": "a", "b": 1, "c": 2}) == {"text": "a", "b": 1, "c": 2}
    assert refused(rest, {"text": "a", "b": "1"})[0] == "args.b"


def test_a_parameter_named_args_takes_all_of_it() -> None:
    assert bound(everything, [1, 2], room="7") == {"room": 7, "args": [1, 2]}
    assert refused(everything, [1, "2"], room="7")[0] == "args.1"
    assert refused(everything, {"args": [1]}, room="7")[0] == "args"


def test_captures_are_converted() -> None:
    found = bound(numbered, {}, room="-7", share="1.5", kind="7", last="x")
    assert found == {"room": -7, "share": 1.5, "kind": 7, "last": "x"}


@pytest.mark.parametrize(
    "change",
    [
        {"room": "x"},
        {"room": "1.0"},
        {"room": "\u0667"},
        {"room": "9" * 17},
        {"room": str(2**53 + 1)},
        {"room": "1_000"},
        {"share": "nan"},
        {"share": "1e5"},
        {"share": "1" * 65},
        {"kind": "b"},
    ],
    ids=ascii,
)
def test_a_capture_that_cannot_be_converted_is_told(change: Any) -> None:
    captured = {"room": "1", "share": "1", "kind": "a", "last": "x", **change}
    assert refused(numbered, {}, **captured)[0] == f"path.{next(iter(change))}"


def test_without_annotations_anything_is_taken() -> None:
    assert bound(untyped, {"text": [1]}) == {"text": [1]}


def test_the_types_of_context_and_result_need_not_resolve() -> None:
    assert bound(strange, {"text": "a"}) == {"text": "a"}


def test_a_partial_and_an_object_with_call_are_functions() -> None:
    class Talker:
        def __call__(self, context: Any, text: str) -> None: ...

    for function in (functools.partial(plain, times=3), Talker()):
        assert refused(function, {"text": 1}, room="7")[0] == "args.text"


def positional(context: Any, text: str, /) -> None: ...
def starred(context: Any, *texts: str) -> None: ...
def unresolved(context: Any, text: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def doubled(context: Any, args: Any, text: str) -> None: ...
def doubly_starred(context: Any, args: Any, **more: Any) -> None: ...
def listed(context: Any, room: list[str]) -> None: ...
def nothing() -> None: ...
def keyword(*, context: Any) -> None: ...


@pytest.mark.parametrize(
    "function",
    [positional, starred, unresolved, doubled, doubly_starred, listed, nothing, keyword, 7],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_a_function_that_cannot_be_called_is_refused_at_registration(function: Any) -> None:
    with pytest.raises(BadConfiguration):
        Arguments(function, ("room",))


def test_what_is_nested_too_deep_is_told() -> None:
    tree: dict[str, Any] = {"name": "a"}
    for _ in range(900):
        tree = {"name": "a", "children": [tree]}

    def grow(context: Any, tree: Node) -> None: ...

    grow.__annotations__["tree"] = Node
    assert refused(grow, {"tree": tree}) == ("args", "This is nested too deep.")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
kinds: list[Any] = [annotation for annotation, *_ in [*GOOD, *BAD]]


@given(st.sampled_from(kinds), json)
def test_checking_raises_nothing_but_the_coded_error(annotation: Any, value: Any) -> None:
    with contextlib.suppress(BadArgs):
        check(annotation, value)


@given(st.sampled_from([plain, rest, everything, untyped]), json, st.text(min_size=1))
def test_binding_raises_nothing_but_the_coded_error(function: Any, args: Any, room: str) -> None:
    with contextlib.suppress(BadArgs):
        bound(function, args, room=room)
