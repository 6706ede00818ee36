"""Whatever can't be read is refused in our words: where, what is there, and what belongs there."""

from __future__ import annotations

import copy
import enum
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
import pytest

from support.described import EXAMPLES
from valetkey.api.requests import decode
from valetkey.api.v1.request import read_query
from valetkey.catalog.dataloop import wire as dataloop
from valetkey.catalog.dataloop.wire.accounts import RefreshToken, UserCredentials
from valetkey.domain.errors import ValetkeyError
from valetkey.wire import OPERATIONS
from valetkey.wire.credentials import ContainerQuery

#: What msgspec says, and people would have to guess at.
_THEIRS: Final = re.compile(
    r"`|Expected|Object |Invalid |Duration|\$|RFC|regex|enum|malformed|truncated|struct|\bstr\b"
    r"|\bint\b|\bbool\b|\barray\b|\[\.\.\.\]|NoneType|datetime|out of range"
)
_BODIES: Final = {each.id: each.body for each in OPERATIONS if each.has_body}
_QUERIES: Final = sorted({each.query for each in OPERATIONS}, key=lambda each: each.__name__)
_WRONG: Final[tuple[Any, ...]] = (
    *(None, True, 1, 0, -1, 2**70, 1.5, "", "x", "x" * 20_000, "2026-01-31", "2026-01-31T12:00:00"),
    *("9999-99-99T00:00:00Z", [], [[]], [None] * 2000, ["x" * 20_000], [1], {}, {"nosuch": 1}),
    msgspec.Raw(b"1e999"),
    msgspec.Raw(b"[1e999]"),
    {"a": msgspec.Raw(b"-1e999")},
)
_NO_JSON: Final = (
    *(b"", b" ", b"{", b"nul", b"{]", b"{'a': 1}", b"{1: 2}", b'{"a" 1}', b'{"a": 1,}', b"{}{}"),
    *(b"\xff", b'{"a": "\xff"}', b'{"\\ud800": 1}', b'{"a": "\\x"}', b'{"a": 01}', b'{"a": tru}'),
    *(b"[" * 100, b'{"a":' * 100, b"\x00", b"\xef\xbb\xbf{}", b"NaN", b"-"),
)


class Colour(enum.Enum):
    RED = "red"


class Odd(msgspec.Struct, forbid_unknown_fields=True):
    """What no shape of ours has yet."""

    day: date | None = None
    at: time | None = None
    naive: Annotated[datetime, msgspec.Meta(tz=False)] | None = None
    length: timedelta | None = None
    uuid: UUID | None = None
    money: Decimal | None = None
    blob: bytes | None = None
    pair: tuple[int, str] | None = None
    some: set[int] | None = None
    frozen: frozenset[str] | None = None
    colour: Colour | None = None
    number: Literal[1, 2] | None = None
    over: Annotated[int, msgspec.Meta(gt=3, lt=9, multiple_of=2)] | None = None
    part: Annotated[float, msgspec.Meta(gt=0.5, le=2.5)] | None = None
    code: Annotated[str, msgspec.Meta(pattern="^a+$")] | None = None
    few: Annotated[dict[str, int], msgspec.Meta(min_length=1, max_length=2)] | None = None


def _places(body: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    inner = enumerate(body[:1]) if isinstance(body, list) else ()
    for name, value in body.items() if isinstance(body, dict) else inner:
        yield from _places(value, (*above, name))


def _changed(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(body)
    within = changed
    for step in place[:-1]:
        within = within[step]
    if value is ...:
        del within[place[-1]]
    else:
        within[place[-1]] = value
    return changed


def _held(text: bytes, shape: Any) -> ValetkeyError | None:
    """Return the refusal of a body, if it is refused, once it was found to be in our words."""
    return _in_our_words(lambda: decode(text, shape))


def _in_our_words(read: Callable[[], Any]) -> ValetkeyError | None:
    try:
        read()
    except ValetkeyError as error:
        refused = error
    else:
        return None
    told = f"{refused.message} {refused.hint}"
    assert not _THEIRS.search(told.replace("x" * 80, "")), told
    assert refused.hint, told
    assert len(told) < 900, told
    return refused


def _all_fields(shape: Any) -> dict[str, Any]:
    return {field.encode_name: "x" for field in msgspec.structs.fields(shape)}


def _bodies_refused(shape: Any, example: Any, *, is_right: bool = True) -> list[ValetkeyError]:
    refused = []
    for place in _places(example):
        for wrong in (*_WRONG, *((...,) if place and isinstance(place[-1], str) else ())):
            told = _held(msgspec.json.encode(_changed(example, place, wrong)), shape)
            if told is not None:
                refused.append(told)
                name = next((step for step in place if isinstance(step, str)), None)
                if name is not None and is_right:
                    assert name in told.message, told.message
    return refused


@pytest.mark.parametrize("operation", sorted(_BODIES))
def test_a_body_is_refused_in_our_words(operation: str) -> None:
    shape = _BODIES[operation]
    example = _all_fields(shape) | EXAMPLES[operation]
    refused = _bodies_refused(shape, EXAMPLES[operation]) + _bodies_refused(
        shape, example, is_right=False
    )
    assert refused
    assert all("can't be read" not in each.message for each in refused)
    for text in _NO_JSON:
        assert _held(text, shape) is not None, text


@pytest.mark.parametrize("shape", _QUERIES, ids=lambda each: each.__name__)
def test_an_address_is_refused_in_our_words(shape: Any) -> None:
    for name in (*shape.__struct_encode_fields__, "nosuch"):
        for value in ("x", "x" * 9001, "", "0", "-1", "99999999", "1e999", "null", "%20", "tru"):
            query = f"{name}={value}".encode()
            refused = _in_our_words(partial(read_query, query, shape))
            if refused is not None:
                told = refused.message
                assert refused.details["field"], told
                assert name in told or "is missing" in told, told
                assert "can't be read" not in told, told


def _dataloops() -> list[Any]:
    modules = [each for each in vars(dataloop).values() if inspect.ismodule(each)]
    found = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
    }
    return sorted(found, key=lambda each: each.__qualname__)


@pytest.mark.parametrize("shape", [Odd, *_dataloops()], ids=lambda each: each.__name__)
def test_a_body_of_dataloop_s_api_or_of_shapes_to_come_is_refused_in_our_words(shape: Any) -> None:
    assert _bodies_refused(shape, _all_fields(shape), is_right=False)
    for name in shape.__struct_encode_fields__:
        for wrong in _WRONG:
            _held(msgspec.json.encode({name: wrong}), shape)


@pytest.mark.parametrize(
    ("operation", "body", "message", "hint", "field"),
    [
        (
            "createCredentialsByName",
            b'{"location": "a", "ttlSeconds": 5}',
            "ttlSeconds is less than 900.",
            "Send a whole number from 900 to 43200, such as 3600, or null.",
            "ttlSeconds",
        ),
        (
            "createCredentialsByName",
            b'{"location": 5}',
            "location is a whole number, and not a text.",
            'Send a text of 1 to 255 letters, such as "training-data".',
            "location",
        ),
        (
            "createCredentialsByName",
            b'{"location": "a", "access": ["list", "rid"]}',
            "access[1] is 'rid', which is none of its values.",
            "Send one of delete, list, read and write.",
            "access[1]",
        ),
        (
            "createCredentialsByName",
            b'{"location": "a", "ttl": 5}',
            "The body has no property 'ttl'.",
            "",
            "ttl",
        ),
        ("createCredentialsByName", b"[]", "The body is a list, and not an object.", "", ""),
        (
            "createCredentialsByName",
            b'{"prefixes": [], "access": []}',
            "location is missing.",
            'Send a text of 1 to 255 letters, such as "training-data".',
            "location",
        ),
        (
            "createCredentialsByName",
            b'{"location": "a",}',
            "The body is not JSON: it can't be read from byte 17 on.",
            "",
            "",
        ),
    ],
)
def test_a_refusal_says_where_what_and_what_to_send(
    operation: str, body: bytes, message: str, hint: str, field: str
) -> None:
    refused = _held(body, _BODIES.get(operation, _BODIES["createCredentialsByName"]))
    assert refused is not None
    assert refused.message == message
    assert refused.hint == hint or not hint
    assert refused.details.get("field", "") == field


def test_a_parameter_is_asked_for_as_an_address_has_it() -> None:
    refused = _in_our_words(partial(read_query, b"", ContainerQuery))
    assert refused is not None
    assert (refused.message, refused.hint) == (
        "prefix is missing.",
        "Send a text, such as train/.",
    )


def test_of_objects_of_several_kinds_the_kinds_are_named() -> None:
    either = UserCredentials | RefreshToken
    refused = _held(b'{"username": "a"}', either)
    assert refused is not None
    assert (refused.message, refused.hint) == (
        "type is missing.",
        "Send one of user_credentials and refresh_token.",
    )
    other = _held(b'{"type": "nosuch"}', either)
    assert other is not None
    assert other.message == "type is 'nosuch', which is none of its values."
